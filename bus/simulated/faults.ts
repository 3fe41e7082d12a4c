/** What goes wrong on a simulated bus by chance, and how often it did. */

/** Chances are in `[0, 1]`, a range is `[from, to]` in milliseconds. */
export interface FaultRates {
  /** From a connection to its server or back. */
  readonly delayMs: readonly [number, number]
  /**
   * A message takes much longer than that on its way to one subscriber, and so do those behind it.
   */
  readonly late: number
  readonly lateMs: readonly [number, number]
  /** A message does not reach one subscriber. */
  readonly lost: number
  /** A message reaches nobody. */
  readonly lostForAll: number
  /** A message reaches one subscriber a second time, later. */
  readonly duplicated: number
  /** From the question to a store to its answer. */
  readonly storeDelayMs: readonly [number, number]
  /** A store never hears of a question. */
  readonly storeQuestionLost: number
  /** A store has done what it was asked, but nobody learns of it. */
  readonly storeAnswerLost: number
}

export const NO_FAULTS: FaultRates = {
  delayMs: [0.1, 0.3],
  late: 0,
  lateMs: [0, 0],
  lost: 0,
  lostForAll: 0,
  duplicated: 0,
  storeDelayMs: [0.5, 2],
  storeQuestionLost: 0,
  storeAnswerLost: 0,
}

/** By chance, or done by the simulation's plan. */
export const FAULT_KINDS = [
  'late',
  'lost',
  'lostForAll',
  'duplicated',
  'storeQuestionLost',
  'storeAnswerLost',
  /** A message was dropped between two islands. */
  'cut',
  /** A message to or from a connection that went away meanwhile was dropped. */
  'dropped',
  'disconnected',
  'paused',
  /** What a connection said waited in its machine. */
  'stalled',
  'killed',
  'serverCrashed',
  'storesLost',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export class Faults {
  /** May be changed at any time. */
  rates: FaultRates
  readonly counts: Record<FaultKind, number>
  readonly #chance: () => number

  /** `chance`: seeded, in `[0, 1)`. Default: the middle of every range, nothing goes wrong. */
  constructor(rates: FaultRates = NO_FAULTS, chance: () => number = () => 0.5) {
    this.rates = rates
    this.#chance = chance
    this.counts = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as typeof this.counts
  }

  count(kind: FaultKind): void {
    this.counts[kind]++
  }

  /** True with the rate of `kind`, counted. */
  strikes(kind: FaultKind & keyof FaultRates): boolean {
    const rate = this.rates[kind] as number
    if (rate === 0 || this.#chance() >= rate) return false
    this.counts[kind]++
    return true
  }

  delayMs(): number {
    return this.#within(this.rates.delayMs)
  }

  /** Nothing, or how much later than usual. */
  lateMs(): number {
    return this.strikes('late') ? this.#within(this.rates.lateMs) : 0
  }

  storeDelayMs(): number {
    return this.#within(this.rates.storeDelayMs)
  }

  #within([from, to]: readonly [number, number]): number {
    return from + this.#chance() * (to - from)
  }
}
