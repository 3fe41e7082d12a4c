/** What the leader is told to offer, cut into messages while it is put together. */
import { LIST_BYTES_MAX } from '../../../protocol/limits.ts'
import type { ResourceEntry, ResourceList } from '../../../protocol/schema/common.ts'
import type { Allocation } from '../../../protocol/schema/master.ts'
import { wireBytesAtMost } from '../../../protocol/wire-size.ts'

/** Schemas allow a little more. */
const ALLOCATIONS_MAX = 4_000
/** Field names and numbers of an allocation, and what tells strings how long they are. */
const FRAME_BYTES = 160
/** An entry that is a name and a number. */
const SCALAR_BYTES = 32

export interface AllocationList {
  /** Each fits into one message. */
  lists: Allocation[][]
  /** Of the last one, at most. */
  bytes: number
}

export const newAllocationList = (): AllocationList => ({ lists: [], bytes: 0 })

/** `bytes`: of its resources. */
export function addAllocation(all: AllocationList, said: Allocation, bytes: number): void {
  const { agentId, principal, frameworkId, role } = said
  // A role is the only one of them that need not be ASCII.
  const ids = agentId.length + principal.length + frameworkId.length + 3 * role.length
  const more = FRAME_BYTES + ids + bytes
  const last = all.lists.at(-1)
  const isRoom = all.bytes + more <= LIST_BYTES_MAX && (last?.length ?? 0) < ALLOCATIONS_MAX
  if (last !== undefined && isRoom) {
    last.push(said)
    all.bytes += more
  } else {
    all.lists.push([said])
    all.bytes = more
  }
}

/** More goes along with one that was added a moment ago. */
export function changeAllocation(
  all: AllocationList,
  { allocation, resources }: Pick<Allocation, 'allocation' | 'resources'>,
  bytes: number,
): void {
  // It is among the last few: to look from the front would be to look at all.
  const isIt = (one: Allocation): boolean => one.allocation === allocation
  const list = all.lists.findLast((some) => some.findLast(isIt) !== undefined)
  const at = list?.findLastIndex(isIt) ?? -1
  const said = list?.splice(at, 1)[0]
  if (said !== undefined) addAllocation(all, { ...said, resources }, bytes)
}

export function takeAllocations(all: AllocationList): Allocation[][] {
  const { lists } = all
  all.lists = []
  all.bytes = 0
  return lists.filter((list) => list.length > 0)
}

/**
 * An upper bound. To measure whatever it may be made of would cost as much as to decide about it;
 * almost all of it are a few names and numbers.
 */
export function bytesOfList(resources: ResourceList): number {
  let bytes = 0
  for (let i = 0; i < resources.length; i++) bytes += bytesOf(resources[i] as ResourceEntry)
  return bytes
}

function bytesOf(entry: ResourceEntry): number {
  const { name, scalar, role, reservations, disk } = entry
  const isSmall = (role ?? reservations ?? disk) === undefined
  return isSmall && scalar !== undefined ? SCALAR_BYTES + name.length : wireBytesAtMost(entry)
}
