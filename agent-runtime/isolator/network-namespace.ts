/** A task has a network of its own, or its group has: a loopback and nothing else. */
import { namespaceIsolator } from './namespaces/namespaces.ts'
import { LOOPBACK_UP } from './namespaces/private-network.ts'

export const networkNamespaceIsolator = namespaceIsolator({
  namespace: 'network',
  lacks: 'no task can have a network of its own',
  unshare: ['--net'],
  probe: LOOPBACK_UP,
  enter: ({ network }) => (network === undefined ? undefined : ['nsenter', `--net=${network}`]),
  lines: () => [`${LOOPBACK_UP} || return`],
})
