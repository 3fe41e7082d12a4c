/** How many bytes an allocation takes on the wire. */
import type { ResourceEntry } from '../../protocol/schema/common.ts'
import type { Allocation } from '../../protocol/schema/master.ts'
import { wireBytesAtMost } from '../../protocol/wire-size.ts'

/** Its field names, numbers, and what tells strings how long they are. */
const FRAME_BYTES = 160
/** An entry that is a name and a number. */
const SCALAR_BYTES = 32

/**
 * An upper bound. To measure whatever it may be made of would cost as much as to decide about it;
 * almost all of it are a few names and numbers.
 */
export function bytesAtMost(allocation: Allocation): number {
  const { agentId, principal, frameworkId, role, resources } = allocation
  let bytes = FRAME_BYTES + agentId.length + principal.length + frameworkId.length
  // A role is the only one of them that need not be ASCII.
  bytes += 3 * role.length
  for (let i = 0; i < resources.length; i++) bytes += bytesOf(resources[i] as ResourceEntry)
  return bytes
}

function bytesOf(entry: ResourceEntry): number {
  const { name, scalar, role, reservations, disk } = entry
  const isSmall = (role ?? reservations ?? disk) === undefined
  return isSmall && scalar !== undefined ? SCALAR_BYTES + name.length : wireBytesAtMost(entry)
}
