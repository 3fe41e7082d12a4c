/** What is drawn from a seed. */
import { chance } from '../lab/chance.ts'

export class Dice {
  readonly #next: () => number

  constructor(seed: number) {
    this.#next = chance(seed)
  }

  fraction(): number {
    return this.#next()
  }

  /** In `[from, to)`. */
  between(from: number, to: number): number {
    return from + this.#next() * (to - from)
  }

  /** Small ones as often as large ones: as many below 1 s as from 1 to 10. */
  span(fromMs: number, toMs: number): number {
    return Math.round(fromMs * (toMs / fromMs) ** this.#next())
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.#next() * items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  weighted<Item extends { readonly weight: number }>(items: readonly Item[]): Item {
    const sum = items.reduce((total, { weight }) => total + weight, 0)
    let at = this.#next() * sum
    for (const item of items) {
      at -= item.weight
      if (at < 0) return item
    }
    return this.pick(items)
  }
}
