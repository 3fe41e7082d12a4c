/**
 * Who is asked before whom among those that compete with each other: lines that are always in
 * order. A change moves one of a line; to sort it anew for each would cost all of them.
 */

/** What an order rests on. The name tells siblings apart: no two of them are equal. */
export interface Sibling {
  readonly name: string
  rank: number
  given: number
}

/** A shorter way is gone step by step. */
const STEPS_MAX = 64

/** The smaller rank first, then the fewer allocations ever, then the name. */
export function compareSiblings(a: Sibling, b: Sibling): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1
  if (a.given !== b.given) return a.given - b.given
  if (a.name === b.name) return 0
  return a.name < b.name ? -1 : 1
}

/** Where it stands in the line, or would stand. */
export function placeIn(line: readonly Sibling[], one: Sibling): number {
  // Whoever has just been given something stands first, mostly.
  if (line[0] === one) return 0
  let low = 0
  let high = line.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareSiblings(line[middle] as Sibling, one) < 0) low = middle + 1
    else high = middle
  }
  return low
}

export function enter<T extends Sibling>(line: T[], one: T): void {
  const place = placeIn(line, one)
  if (place === line.length) line.push(one)
  else line.splice(place, 0, one)
}

export function leave<T extends Sibling>(line: T[], one: T): void {
  if (line[0] === one) line.shift()
  else line.splice(placeIn(line, one), 1)
}

/** Moves the one at `from`, of which alone something has changed, to where it belongs now. */
export function settle<T extends Sibling>(line: T[], from: number): void {
  const one = line[from] as T
  let to = from
  let high = line.length
  if (high - from > 1 && compareSiblings(line[from + 1] as T, one) < 0) {
    // Who comes first and gets something mostly comes last then.
    if (compareSiblings(line[high - 1] as T, one) < 0)
      return move(line, { one, from, to: high - 1 })
    to = from + 1
    while (to < high) {
      const middle = (to + high) >> 1
      if (compareSiblings(line[middle] as T, one) < 0) to = middle + 1
      else high = middle
    }
    to -= 1
  } else {
    let low = 0
    while (low < to) {
      const middle = (low + to) >> 1
      if (compareSiblings(line[middle] as T, one) < 0) low = middle + 1
      else to = middle
    }
  }
  if (to !== from) move(line, { one, from, to })
}

interface Move<T> {
  readonly one: T
  readonly from: number
  readonly to: number
}

function move<T extends Sibling>(line: T[], { one, from, to }: Move<T>): void {
  if (from === 0 && to === line.length - 1) {
    // Who comes first gets something and is last then: to shift costs nothing in a long line.
    line.shift()
    line.push(one)
  } else if (Math.abs(to - from) > STEPS_MAX) {
    line.splice(from, 1)
    line.splice(to, 0, one)
  } else {
    const step = to > from ? 1 : -1
    for (let i = from; i !== to; i += step) line[i] = line[i + step] as T
    line[to] = one
  }
}
