/** All that happened: a hash of it, for comparing runs; and the steps themselves, for people. */

interface Step {
  readonly atMs: number
  readonly who: string
  readonly input: { readonly kind: string }
  readonly effects: readonly { readonly do: string }[]
}

const LINE_LENGTH_MAX = 400

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
    this.step({ name: 'fault', number: 0 }, { atMs, input: { kind: what }, effects: [] })
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, '0')).join('')
  }

  /** The last `count` steps that name one of `words`, or any if there is no word, and faults. */
  last(count: number, words: readonly string[]): readonly string[] {
    const steps = this.#kept ?? []
    const lines: string[] = []
    for (let i = steps.length - 1; i >= 0 && lines.length < count; i--) {
      const step = steps[i] as Step
      const isFault = step.who === 'fault'
      if (isFault || words.length === 0 || words.some((word) => mentions(step, word)))
        lines.push(lineOf(step, words))
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

const mentions = ({ input, effects }: Step, word: string): boolean =>
  JSON.stringify(input).includes(word) || JSON.stringify(effects).includes(word)

function lineOf({ atMs, who, input, effects }: Step, words: readonly string[]): string {
  const { kind, ...rest } = input
  const body = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`
  const shown = effects
    .map((effect) => ({ effect, text: JSON.stringify(effect) }))
    .map(({ effect, text }) =>
      words.some((word) => text.includes(word)) ? around(text, words) : effect.do,
    )
  const done = shown.length === 0 ? '' : ` → ${shown.join(', ')}`
  return `${(atMs / 1_000).toFixed(4)} ${who} ${kind}${around(body, words)}${done}`
}

/** The piece of a long text that is about one of `words`. */
function around(text: string, words: readonly string[]): string {
  if (text.length <= LINE_LENGTH_MAX) return text
  const at = Math.max(0, ...words.map((word) => text.indexOf(word)))
  const from = Math.max(0, at - LINE_LENGTH_MAX / 2)
  return `${from > 0 ? ' …' : ''}${text.slice(from, from + LINE_LENGTH_MAX)}…`
}
