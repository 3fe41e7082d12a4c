/** Where something is missing in what is read of the events. */
import type { HistoryItem, Unreached } from '../bus/history.ts'
import type { PublicEvents } from '../protocol/schema/event.ts'

export type Gap =
  /** Sequences of the stream, both ends included. Of a pattern only some of these were. */
  | { readonly why: 'expired'; readonly from: number; readonly to: number }
  /** Numbers of a leader's messages: never stored, or lost with an older stream. */
  | {
      readonly why: 'unstored'
      readonly epoch: number
      readonly run: string
      readonly from: number
      readonly to: number
    }
  /** Epochs, both ends included: somebody held them, and of what was said nothing is here. */
  | { readonly why: 'epochs'; readonly from: number; readonly to: number }
  /** With fields where nobody knows whether the stream ever was further. */
  | ({ readonly why: 'began-anew' } & Partial<Unreached>)

export class GapFinder {
  readonly #isWhole: boolean
  /** The last number of each leader. */
  readonly #numbers = new Map<string, number>()
  /** The highest that was read; 0: none yet. */
  #epoch = 0
  /** Where reading begins, or goes on behind a gap. */
  #isFresh = true

  /** `isWhole`: all events are read. Else a leader's numbers say nothing. */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole
  }

  ofStore(item: Exclude<HistoryItem, { readonly kind: 'message' }>): readonly Gap[] {
    this.#numbers.clear()
    this.#epoch = 0
    this.#isFresh = true
    if (item.kind === 'began-anew') return [{ why: 'began-anew', ...item.unreached }]
    return [{ why: 'expired', from: item.from, to: item.to }]
  }

  ofNumbers({ epoch, run, n }: PublicEvents, sequence: number): readonly Gap[] {
    if (!this.#isWhole) return []
    const key = `${epoch} ${run}`
    if (this.#isFresh && sequence > 1) {
      // Others stood before it, which nobody looks at: it is as good as any.
      this.#epoch = epoch
      this.#numbers.set(key, n - 1)
    }
    this.#isFresh = false
    const epochs = this.#ofEpochs(epoch)
    const last = this.#numbers.get(key) ?? 0
    this.#numbers.set(key, Math.max(last, n))
    if (n <= last + 1) return epochs
    return [...epochs, { why: 'unstored', epoch, run, from: last + 1, to: n - 1 }]
  }

  /** Each leader's epoch is one more than that of the last. */
  #ofEpochs(epoch: number): readonly Gap[] {
    const before = this.#epoch
    this.#epoch = Math.max(before, epoch)
    if (epoch <= before + 1) return []
    return [{ why: 'epochs', from: before + 1, to: epoch - 1 }]
  }
}
