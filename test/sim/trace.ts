/** All that happened: a hash of it, for comparing runs; and the steps themselves, for people. */

import { About, type Told, tellStep } from './telling.ts'

interface Step extends Told {
  readonly input: { readonly kind: string }
  readonly effects: readonly { readonly do: string }[]
}

const FAULT = 'fault'

export class Trace {
  steps = 0
  /** Undefined: steps are only hashed, which leaves less to collect. */
  readonly #kept: Step[] | undefined
  readonly #words = new Map<string, number>()
  #low = 0x811c9dc5
  #high = 0x1234567

  constructor(isKept: boolean) {
    this.#kept = isKept ? [] : undefined
  }

  /** One input of one core, and what of its effects was performed. */
  step(who: { readonly name: string; readonly number: number }, step: Omit<Step, 'who'>): void {
    this.#kept?.push({ ...step, who: who.name })
    this.steps += 1
    this.#mix(step.atMs * 1_000)
    this.#mix(who.number)
    this.#mix(this.#word(step.input.kind))
    for (const effect of step.effects) this.#mix(this.#word(effect.do))
  }

  /** Something that was done to the world. */
  fault(atMs: number, what: string): void {
    this.step({ name: FAULT, number: 0 }, { atMs, input: { kind: what }, effects: [] })
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, '0')).join('')
  }

  /** The last `count` steps that concern one of `words`, or any if there is no word, and faults. */
  last(count: number, words: readonly string[]): readonly string[] {
    const steps = this.#kept ?? []
    const about = new About(words)
    const lines: string[] = []
    for (let i = steps.length - 1; i >= 0 && lines.length < count; i--) {
      const step = steps[i] as Step
      if (step.who === FAULT) lines.push(`${(step.atMs / 1_000).toFixed(4)} ${step.input.kind}`)
      else if (about.step(step)) lines.push(tellStep(step, about))
    }
    return lines.reverse()
  }

  #word(word: string): number {
    const known = this.#words.get(word)
    if (known !== undefined) return known
    this.#words.set(word, this.#words.size + 1)
    return this.#words.size
  }

  /** Two of the 32-bit FNV-1a kind, with different primes. */
  #mix(value: number): void {
    const word = value | 0
    this.#low = Math.imul(this.#low ^ word, 0x01000193) >>> 0
    this.#high = Math.imul(this.#high ^ (word + (this.#low >>> 7)), 0x85ebca6b) >>> 0
  }
}
