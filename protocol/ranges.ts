/** Sets of integers as sorted, disjoint, non-adjacent ranges; both ends are included. */

export type Range = readonly [begin: number, end: number]
export type Ranges = readonly Range[]

/** Any list of ranges, in canonical form. A range with begin > end counts as empty. */
export function normalizeRanges(ranges: Ranges): Ranges {
  if (isCanonical(ranges)) return ranges
  const sorted = ranges.filter(([begin, end]) => begin <= end).sort((a, b) => a[0] - b[0])
  const result: [number, number][] = []
  for (const [begin, end] of sorted) {
    const last = result.at(-1)
    if (last !== undefined && begin <= last[1] + 1) last[1] = Math.max(last[1], end)
    else result.push([begin, end])
  }
  return result
}

function isCanonical(ranges: Ranges): boolean {
  let next = Number.NEGATIVE_INFINITY
  for (const [begin, end] of ranges) {
    if (begin < next || begin > end) return false
    next = end + 2
  }
  return true
}

export function addRanges(a: Ranges, b: Ranges): Ranges {
  return normalizeRanges([...a, ...b])
}

/** What of `a` is not in `b`; both canonical, each is gone through once. */
export function subtractRanges(a: Ranges, b: Ranges): Ranges {
  const left: Range[] = []
  let at = 0
  for (const [begin, end] of a) {
    let from = begin
    while (at < b.length && (b[at] as Range)[1] < from) at++
    for (let i = at; i < b.length && (b[i] as Range)[0] <= end; i++) {
      const [taken, last] = b[i] as Range
      if (from < taken) left.push([from, taken - 1])
      from = last + 1
      at = i
    }
    if (from <= end) left.push([from, end])
  }
  return left
}

/** True if all of `part` is in `whole`; both canonical, each is gone through once. */
export function containsRanges(whole: Ranges, part: Ranges): boolean {
  let at = 0
  return part.every(([begin, end]) => {
    while (at < whole.length && (whole[at] as Range)[1] < begin) at++
    const around = whole[at]
    return around !== undefined && around[0] <= begin && end <= around[1]
  })
}

/** How many integers. */
export function countRanges(ranges: Ranges): number {
  return ranges.reduce((sum, [begin, end]) => sum + end - begin + 1, 0)
}
