/** Chance without chance: a small generator in a core's state, seeded from outside. */

/** Four 32-bit words; changed in place by every draw. */
export interface Random {
  a: number
  b: number
  c: number
  d: number
}

/**
 * The sfc32 generator of PractRand, seeded by 32 hexadecimal digits. Not for secrets: ids made from
 * it must only differ from each other.
 */
export function seededRandom(seed: string): Random {
  const word = (i: number): number => Number.parseInt(seed.slice(i * 8, i * 8 + 8), 16) | 0
  const random = { a: word(0), b: word(1), c: word(2), d: word(3) | 1 }
  for (let i = 0; i < 12; i++) nextUint32(random)
  return random
}

export function nextUint32(random: Random): number {
  const sum = (random.a + random.b + random.d) | 0
  random.d = (random.d + 1) | 0
  random.a = random.b ^ (random.b >>> 9)
  random.b = (random.c + (random.c << 3)) | 0
  random.c = ((random.c << 21) | (random.c >>> 11)) + sum
  return sum >>> 0
}

/** In `[0, 1)`. */
export function nextFraction(random: Random): number {
  return nextUint32(random) / 2 ** 32
}

/** An integer in `[from, to)`. */
export function nextInteger(random: Random, from: number, to: number): number {
  return from + Math.floor(nextFraction(random) * (to - from))
}

/** Filled anew by each call of `nextHex`: digits out of bytes are cheaper than out of numbers. */
const words = Buffer.alloc(128 / 8)

/** So many bits as hexadecimal digits. */
export function nextHex(random: Random, bits: 64 | 128): string {
  for (let at = 0; at < bits / 8; at += 4) words.writeUInt32BE(nextUint32(random), at)
  return words.toString('hex', 0, bits / 8)
}

/** In place, every order equally likely. */
export function shuffle<T>(random: Random, items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = nextInteger(random, 0, i + 1)
    const held = items[i] as T
    items[i] = items[j] as T
    items[j] = held
  }
  return items
}
