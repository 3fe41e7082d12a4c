/** I2: epochs never go down, and each has one leader. */
import type { PublicEvents } from '../../../protocol/schema/event.ts'
import type { LeaderBeat } from '../../../protocol/schema/master.ts'
import type { EventIds } from '../../../protocol/subjects.ts'

export interface Leader {
  readonly epoch: number
  readonly run: string
  readonly master: string
}

/**
 * A leader that was frozen or cut off may say a last word after it was followed; who goes on for
 * longer than this does not know that it was deposed.
 */
const LAST_WORD_MS = 20_000

/**
 * Who took the lease before another one, and lost it to damage of the store, may begin just after
 * that other: its disk was slower, and it has not heard yet.
 */
const FIRST_WORD_MS = 1_000

export class Leaders {
  leader: Leader | undefined
  /** When the leader was first heard. */
  #sinceMs = 0
  readonly #runs = new Map<number, string>()
  /** The last number of each epoch's events. */
  readonly #numbers = new Map<number, number>()
  /** When each epoch was followed by a higher one. */
  readonly #followedAtMs = new Map<number, number>()
  readonly #broken: (sentence: string) => void
  /** Messages that were not heard, by the numbers of events. */
  missed = 0

  constructor(broken: (sentence: string) => void) {
    this.#broken = broken
  }

  beat({ epoch, run, master }: LeaderBeat, nowMs: number): void {
    this.#speaks(epoch, run, nowMs)
    if (this.leader === undefined || epoch > this.leader.epoch) {
      for (const known of this.#runs.keys())
        if (known < epoch && !this.#followedAtMs.has(known)) this.#followedAtMs.set(known, nowMs)
      this.leader = { epoch, run, master }
      this.#sinceMs = nowMs
    }
  }

  events({ kind, what }: EventIds, { epoch, run, n }: PublicEvents, nowMs: number): void {
    this.#speaks(epoch, run, nowMs)
    const isBeginning = kind === 'master' && what === 'leads'
    if (isBeginning && epoch < (this.leader?.epoch ?? 0)) this.#begins(epoch, nowMs)
    const last = this.#numbers.get(epoch) ?? n - 1
    // A repeat (a duplicated message) changes nothing.
    if (n <= last) return
    this.missed += n - last - 1
    this.#numbers.set(epoch, n)
  }

  /** Below the epoch that leads. */
  #begins(epoch: number, nowMs: number): void {
    if (nowMs - this.#sinceMs > FIRST_WORD_MS)
      this.#broken(`I2: epoch ${epoch} began after ${this.leader?.epoch}`)
    this.#followedAtMs.set(epoch, this.#sinceMs)
  }

  #speaks(epoch: number, run: string, nowMs: number): void {
    const known = this.#runs.get(epoch)
    if (known === undefined) this.#runs.set(epoch, run)
    else if (known !== run) this.#broken(`I2: epoch ${epoch} has two leaders, ${known} and ${run}`)
    const followedAtMs = this.#followedAtMs.get(epoch)
    if (followedAtMs !== undefined && nowMs - followedAtMs > LAST_WORD_MS) {
      const late = Math.round((nowMs - followedAtMs) / 1000)
      this.#broken(`I2: epoch ${epoch} still speaks ${late} s after it was followed`)
      this.#followedAtMs.set(epoch, nowMs)
    }
  }
}
