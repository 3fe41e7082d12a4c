/** A task sees its own processes and no others. */
import { namespaceIsolator, ONE_WAY, OWN_PROCESSES } from './namespaces/namespaces.ts'

export const pidNamespaceIsolator = namespaceIsolator({
  namespace: 'pid',
  lacks: 'no task can have processes of its own',
  unshare: [...OWN_PROCESSES, ONE_WAY],
  probe: ':',
})
