/** Numbers of a session that were heard ahead of a gap. */

/** Each is a gap: a few for one that loses calls now and then. */
const RANGES_MAX = 4_096

interface Range {
  from: number
  to: number
}

/** Kept as ranges: a number that is never heard costs no more room with each that follows. */
export class HeardAhead {
  /** In order; none touches the next. */
  #ranges: Range[] = []

  /** False: there is no room for one more range. */
  add(n: number): boolean {
    const at = this.#endingFrom(n - 1)
    const range = this.#ranges[at]
    if (range === undefined || range.from > n + 1) {
      if (this.#ranges.length >= RANGES_MAX) return false
      this.#ranges.splice(at, 0, { from: n, to: n })
      return true
    }
    range.from = Math.min(range.from, n)
    range.to = Math.max(range.to, n)
    const next = this.#ranges[at + 1]
    if (next?.from === range.to + 1) {
      range.to = next.to
      this.#ranges.splice(at + 1, 1)
    }
    return true
  }

  /** All up to `heard` were heard: up to where that makes it. */
  closeGap(heard: number): number {
    if (this.#ranges[0]?.from !== heard + 1) return heard
    return this.#ranges.shift()?.to ?? heard
  }

  clear(): void {
    this.#ranges = []
  }

  /** The first range that ends there or later. */
  #endingFrom(n: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#ranges[middle] as Range).to < n) low = middle + 1
      else high = middle
    }
    return low
  }
}
