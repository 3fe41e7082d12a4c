/** A task sees its own processes and no others. */
import { namespaceIsolator, ONE_WAY, PID } from './namespaces/namespaces.ts'

export const pidNamespaceIsolator = namespaceIsolator({
  namespace: 'pid',
  lacks: 'no task can have processes of its own',
  unshare: [PID, ONE_WAY],
  probe: ':',
})
