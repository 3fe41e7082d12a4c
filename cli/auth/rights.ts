/** All that a user may do on a NATS server: messages and stores. */
import {
  bucketRights,
  keepHistoryRights,
  logRights,
  readHistoryRights,
} from '../../bus/nats/store-rights.ts'
import { type Permissions, permissionsOf, type User } from '../../protocol/permissions.ts'
import { eventStream, LEASE_KEY, leaseBucket, registryLog } from '../../protocol/subjects.ts'

export function rightsOf(cluster: string, user: User): Permissions {
  const { publish, subscribe } = permissionsOf(cluster, user)
  return { publish: [...publish, ...storeRights(cluster, user)], subscribe }
}

function storeRights(cluster: string, { kind }: User): readonly string[] {
  if (kind === 'observer') return readHistoryRights(eventStream(cluster))
  if (kind !== 'master') return []
  return [
    ...bucketRights(leaseBucket(cluster), LEASE_KEY),
    ...logRights(registryLog(cluster)),
    ...keepHistoryRights(eventStream(cluster)),
  ]
}
