/** Chance of one simulation: everything that is not decided comes from its seed. */
import { createHash } from 'node:crypto'
import { nextFraction, nextUint32, type Random, seededRandom } from '../../actors/parts/random.ts'

export class Chance {
  readonly #random: Random

  /** `what` keeps the streams of one seed apart: more draws of one do not change another. */
  constructor(seed: number, what: string) {
    this.#random = seededRandom(createHash('sha256').update(`${seed} ${what}`).digest('hex'))
  }

  /** In `[0, 1)`. */
  readonly fraction = (): number => nextFraction(this.#random)

  /** So many bits, a multiple of 8, as hexadecimal digits. */
  readonly token = (bits: number): string => {
    let hex = ''
    while (hex.length < bits / 4) hex += nextUint32(this.#random).toString(16).padStart(8, '0')
    return hex.slice(0, bits / 4)
  }

  happens(probability: number): boolean {
    return this.fraction() < probability
  }

  /** In `[from, to)`. */
  between(from: number, to: number): number {
    return from + this.fraction() * (to - from)
  }

  /** An integer in `[from, to]`. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.fraction() * (to - from + 1))
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.fraction() * items.length)] as T
  }

  /** A key of `weights`, as likely as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][]
    let left = this.fraction() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [key, weight] of entries) {
      left -= weight
      if (left < 0) return key
    }
    return entries.at(-1)?.[0] as K
  }

  /** How long until the next of things that happen every `meanMs` on average. */
  waitMs(meanMs: number): number {
    return -Math.log(1 - this.fraction()) * meanMs
  }
}
