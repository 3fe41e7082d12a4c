/** Lists of resources that say the same again: what was made of the first counts for the next. */
import type { ResourceEntry, ResourceList } from './schema/common.ts'

/**
 * True if `a` and `b` are the same entries in the same order, each nothing but a name and a scalar
 * or ranges. False proves nothing.
 */
export function isSameList(a: ResourceList, b: ResourceList): boolean {
  return a.length === b.length && a.every((entry, i) => isSameEntry(entry, b[i]))
}

function isSameEntry(a: ResourceEntry, b: ResourceEntry | undefined): boolean {
  if (b === undefined || a.name !== b.name || a.scalar !== b.scalar) return false
  return isPlain(a) && isPlain(b) && isSameRanges(a.ranges, b.ranges)
}

function isPlain({ set, role, reservations, disk, shared, revocable }: ResourceEntry): boolean {
  const isBare = (set ?? role ?? reservations ?? disk) === undefined
  return isBare && !shared && !revocable
}

function isSameRanges(a: ResourceEntry['ranges'], b: ResourceEntry['ranges']): boolean {
  if (a === undefined || b === undefined) return a === b
  return (
    a.length === b.length && a.every(([begin, end], i) => begin === b[i]?.[0] && end === b[i]?.[1])
  )
}
