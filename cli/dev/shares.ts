/** One machine as several agents. */
import type { Ranges } from '../../protocol/ranges.ts'
import type { ResourceEntry, ResourceList } from '../../protocol/schema/common.ts'

/** Of these, nobody wants a fraction. */
const WHOLE: ReadonlySet<string> = new Set(['mem', 'disk'])

/**
 * `all` in `count` equal parts, of which nothing stands in two; what does not divide is left over.
 */
export function equalShares(all: ResourceList, count: number): readonly ResourceList[] {
  return Array.from({ length: count }, (_, i) => all.map((entry) => shareOf(entry, i, count)))
}

function shareOf(entry: ResourceEntry, index: number, count: number): ResourceEntry {
  const { scalar, ranges, set, ...traits } = entry
  if (scalar !== undefined) {
    const step = WHOLE.has(entry.name) ? 1 : 1000
    return { ...traits, scalar: Math.floor((scalar * step) / count) / step }
  }
  if (ranges !== undefined) return { ...traits, ranges: slice(ranges, index, count) }
  return { ...traits, set: (set ?? []).filter((_, i) => i % count === index) }
}

/** The part of that index of all integers of `ranges`. */
function slice(ranges: Ranges, index: number, count: number): [number, number][] {
  const total = ranges.reduce((sum, [begin, end]) => sum + end - begin + 1, 0)
  const size = Math.floor(total / count)
  const parts: [number, number][] = []
  let skip = size * index
  let wanted = size
  for (const [begin, end] of ranges) {
    const from = begin + skip
    skip = Math.max(0, from - end - 1)
    if (from > end || wanted === 0) continue
    const to = Math.min(end, from + wanted - 1)
    parts.push([from, to])
    wanted -= to - from + 1
    skip = 0
  }
  return parts
}
