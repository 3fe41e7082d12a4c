/** Commands of the author that wait for their outcome. */
import type { Outcome } from './contract-offers.ts'
import type { Ask } from './inputs.ts'

export class Asks {
  readonly #waiting = new Map<Ask, (outcome: Outcome) => void>()
  #count = 0
  #isOver = false

  /** `give` hands the command over. When all is over nothing is said, so nothing is known. */
  make(give: (ask: Ask) => void): Promise<Outcome> {
    if (this.#isOver) return Promise.resolve({ outcome: 'unknown' })
    this.#count += 1
    const ask = this.#count
    return new Promise((resolve) => {
      this.#waiting.set(ask, resolve)
      give(ask)
    })
  }

  settle(ask: Ask, outcome: Outcome): void {
    this.#waiting.get(ask)?.(outcome)
    this.#waiting.delete(ask)
  }

  end(): void {
    this.#isOver = true
    for (const settle of this.#waiting.values()) settle({ outcome: 'unknown' })
    this.#waiting.clear()
  }
}
