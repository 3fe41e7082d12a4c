/** Sets of integers as sorted, disjoint, non-adjacent ranges; both ends are included. */

export type Range = readonly [begin: number, end: number]
export type Ranges = readonly Range[]

/** Any list of ranges, in canonical form. A range with begin > end counts as empty. */
export function normalizeRanges(ranges: Ranges): Ranges {
  const sorted = ranges.filter(([begin, end]) => begin <= end).sort((a, b) => a[0] - b[0])
  const result: [number, number][] = []
  for (const [begin, end] of sorted) {
    const last = result.at(-1)
    if (last !== undefined && begin <= last[1] + 1) last[1] = Math.max(last[1], end)
    else result.push([begin, end])
  }
  return result
}

export function addRanges(a: Ranges, b: Ranges): Ranges {
  return normalizeRanges([...a, ...b])
}

/** What of `a` is not in `b`. */
export function subtractRanges(a: Ranges, b: Ranges): Ranges {
  let left: Ranges = a
  for (const [begin, end] of b) {
    left = left.flatMap(([from, to]): Ranges => {
      if (end < from || to < begin) return [[from, to]]
      const rest: Range[] = [
        [from, begin - 1],
        [end + 1, to],
      ]
      return rest.filter(([f, t]) => f <= t)
    })
  }
  return left
}

export function containsRanges(whole: Ranges, part: Ranges): boolean {
  return part.every(([begin, end]) => whole.some(([from, to]) => from <= begin && end <= to))
}

export function overlapRanges(a: Ranges, b: Ranges): boolean {
  return a.some(([begin, end]) => b.some(([from, to]) => begin <= to && from <= end))
}

/** How many integers. */
export function countRanges(ranges: Ranges): number {
  return ranges.reduce((sum, [begin, end]) => sum + end - begin + 1, 0)
}
