/** Numbers of 0 to 1 that follow from a seed. */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // Mulberry32, by Tommy Ettinger: one multiplication further for each number.
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
