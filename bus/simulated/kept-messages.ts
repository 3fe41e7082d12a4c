/** What a simulated server keeps of what is published. */
import type { BusMessage, HistoryLimits, HistorySettings, StoredMessage } from '../bus.ts'
import { matches } from './interest.ts'

export class KeptMessages {
  readonly pattern: string
  readonly #tokens: readonly string[]
  /** What every subject begins with that is kept. */
  readonly #literal: string
  #limits: HistoryLimits
  /** Oldest first, without holes. */
  #messages: StoredMessage[] = []
  #lastSequence = 0
  #bytes = 0

  constructor({ pattern, limits, chosen }: Omit<HistorySettings, 'name'>) {
    this.pattern = pattern
    this.#tokens = pattern.split('.')
    this.#literal = pattern.slice(0, (/[*>]/.exec(pattern) ?? { index: pattern.length }).index)
    this.#limits = { ...limits, ...chosen }
  }

  copy(): KeptMessages {
    const copy = new KeptMessages({ pattern: this.pattern, limits: this.#limits })
    copy.#messages = [...this.#messages]
    copy.#lastSequence = this.#lastSequence
    copy.#bytes = this.#bytes
    return copy
  }

  limit(chosen: Partial<HistoryLimits>): void {
    this.#limits = { ...this.#limits, ...chosen }
  }

  take({ subject, payload }: BusMessage, atMs: number): void {
    // Nearly everything is about something else, and begins otherwise.
    if (!subject.startsWith(this.#literal)) return
    if (!matches(this.#tokens, subject.split('.'))) return
    this.#messages.push({ sequence: ++this.#lastSequence, atMs, subject, payload })
    this.#bytes += payload.length
    this.expire(atMs)
  }

  /** Forgets what is too old or too much. */
  expire(nowMs: number): void {
    const { ageMsMax, bytesMax } = this.#limits
    let count = 0
    for (const { atMs, payload } of this.#messages) {
      if (atMs >= nowMs - ageMsMax && this.#bytes <= bytesMax) break
      this.#bytes -= payload.length
      count += 1
    }
    if (count > 0) this.#messages.splice(0, count)
  }

  next(filter: string, sequence: number): StoredMessage | undefined {
    const wanted = filter.split('.')
    const from = Math.max(0, sequence - (this.#messages[0]?.sequence ?? 0))
    for (let i = from; i < this.#messages.length; i++) {
      const message = this.#messages[i] as StoredMessage
      if (matches(wanted, message.subject.split('.'))) return message
    }
    return undefined
  }

  last(): StoredMessage | undefined {
    return this.#messages.at(-1)
  }
}
