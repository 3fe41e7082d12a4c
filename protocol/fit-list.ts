/**
 * Lists of resources that every receiver takes. Arithmetic can make more of them than a stranger
 * may send: taking every other port leaves ranges without end. Then a part of them is listed.
 */
import { AGENT_BYTES_MAX, RESOURCE_ENTRIES_MAX, RESOURCE_PARTS_MAX, SCALAR_MAX } from './limits.ts'
import type { ResourceEntry, ResourceList } from './schema/common.ts'
import { wireBytes } from './wire-size.ts'

/** At most RESOURCE_ENTRIES_MAX entries and AGENT_BYTES_MAX; scalars go first when not all fit. */
export function fitList(list: ResourceList): ResourceList {
  if (isSurelyFit(list)) return list
  const fitting = list.map(fitEntry)
  if (fitting.length <= RESOURCE_ENTRIES_MAX && wireBytes(fitting) <= AGENT_BYTES_MAX)
    return fitting
  const scalars = fitting.filter(({ scalar }) => scalar !== undefined)
  const others = fitting.filter(({ scalar }) => scalar === undefined)
  let bytes = wireBytes([])
  return [...scalars, ...others].slice(0, RESOURCE_ENTRIES_MAX).filter((entry) => {
    const more = wireBytes(entry)
    if (bytes + more > AGENT_BYTES_MAX) return false
    bytes += more
    return true
  })
}

/** What an entry of no role and no disk takes at most, beside its ranges; and what a range does. */
const PLAIN_BYTES_MAX = 128
const RANGE_BYTES_MAX = 19

/** Almost all lists are so small that nobody need count their bytes. */
function isSurelyFit(list: ResourceList): boolean {
  let bytesMax = 0
  for (const { role, reservations, disk, scalar, ranges } of list) {
    if (role !== undefined || reservations !== undefined || disk !== undefined) return false
    if (scalar === undefined ? ranges === undefined : scalar > SCALAR_MAX) return false
    const count = ranges?.length ?? 0
    if (count > RESOURCE_PARTS_MAX) return false
    bytesMax += PLAIN_BYTES_MAX + RANGE_BYTES_MAX * count
  }
  return list.length <= RESOURCE_ENTRIES_MAX && bytesMax <= AGENT_BYTES_MAX
}

function fitEntry(entry: ResourceEntry): ResourceEntry {
  const { scalar, ranges, set } = entry
  if (scalar !== undefined && scalar > SCALAR_MAX) return { ...entry, scalar: SCALAR_MAX }
  if (ranges !== undefined && ranges.length > RESOURCE_PARTS_MAX) {
    return { ...entry, ranges: widest(ranges) }
  }
  if (set === undefined || set.length <= RESOURCE_PARTS_MAX) return entry
  return { ...entry, set: set.slice(0, RESOURCE_PARTS_MAX) }
}

type ListedRanges = NonNullable<ResourceEntry['ranges']>

/** The widest, in their order. */
function widest(ranges: ListedRanges): ListedRanges {
  return [...ranges]
    .sort(([a, b], [c, d]) => d - c - (b - a))
    .slice(0, RESOURCE_PARTS_MAX)
    .sort(([a], [c]) => a - c)
}
