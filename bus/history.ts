/** Reads a history in order: what there is, then what comes, and where something is missing. */
import { ClusterError } from '../protocol/errors.ts'
import type { Bus, History, StoredMessage } from './bus.ts'
import type { Clock } from './clock.ts'

/** So many questions are on their way at once. Each answer may be as large as a message. */
const READS_MAX = 64
/** Who follows looks by itself so often: a hint may get lost. */
const POLL_MS = 1_000
/** After so long every server that answers knows a message. */
const SETTLED_MS = 1_000

export type HistoryItem =
  | { readonly kind: 'message'; readonly message: StoredMessage }
  /**
   * These are gone: they were too old, or too many. Whether the filter stood for them, nobody
   * knows.
   */
  | { readonly kind: 'lost'; readonly from: number; readonly to: number }
  /** The store was lost: what follows is counted from 1 again. */
  | { readonly kind: 'began-anew'; readonly unreached?: Unreached }

/** Where reading was to begin, and the last there is: an older store had it, or none ever did. */
export interface Unreached {
  readonly after: number
  readonly last: number
}

/**
 * Where a reader stands: it has seen this and all below. `atMs`: when that was stored, if known.
 */
interface Position {
  readonly sequence: number
  readonly atMs?: number
}

export interface HistoryReaderOptions {
  readonly history: History
  /** All that the history keeps. */
  readonly pattern: string
  /** What is wanted of it. */
  readonly filter: string
  /** The sequence that was read last; 0: none. */
  readonly after: number
  readonly clock: Clock
}

export class HistoryReader {
  readonly #options: HistoryReaderOptions
  #at: Position
  /**
   * The newest message at some time: below it is nothing that the filter stands for and is not
   * read.
   */
  #horizon: (Position & { readonly seenMs: number }) | undefined

  constructor(options: HistoryReaderOptions) {
    this.#options = options
    this.#at = { sequence: options.after }
  }

  /**
   * All above the last one read, up to now. May be called again when it has ended or thrown.
   * @throws {ClusterError} as `History`.
   */
  async *read(): AsyncGenerator<HistoryItem> {
    const { history, clock } = this.#options
    const newest = await history.last()
    if (newest === undefined) return
    if (isAnother(newest, this.#at)) yield this.#beginAnew(newest)
    const horizon = { ...newest, seenMs: clock.now().monotonicMs }
    for (let width = 1; this.#at.sequence < newest.sequence; ) {
      const before = this.#at.sequence
      const { items, isEnd } = await this.#some(width)
      yield* items
      if (isEnd || this.#at.sequence === before) break
      width = Math.min(READS_MAX, 2 * items.length)
    }
    this.#skipTo(horizon)
  }

  /** The next few, and whether there are no more. */
  async #some(width: number): Promise<{ items: readonly HistoryItem[]; isEnd: boolean }> {
    const { history, pattern, filter } = this.#options
    const { sequence } = this.#at
    const [anchor, ...found] = await Promise.all([
      history.next(pattern, Math.max(1, sequence)),
      ...Array.from({ length: width }, (_, i) => history.next(filter, sequence + 1 + i)),
    ])
    if (anchor === undefined) return { items: [], isEnd: true }
    if (isAnother(anchor, this.#at)) return { items: [this.#beginAnew(anchor)], isEnd: false }
    const items: HistoryItem[] = []
    if (anchor.sequence > sequence + 1) {
      items.push({ kind: 'lost', from: sequence + 1, to: anchor.sequence - 1 })
      this.#at = { sequence: anchor.sequence - 1 }
    }
    for (const message of found) {
      if (message === undefined) return { items, isEnd: true }
      if (message.sequence <= this.#at.sequence) continue
      items.push({ kind: 'message', message })
      this.#at = message
    }
    return { items, isEnd: false }
  }

  #beginAnew(newest: StoredMessage): HistoryItem {
    const { sequence: after, atMs } = this.#at
    this.#at = { sequence: 0 }
    this.#horizon = undefined
    const isSure = atMs !== undefined
    if (isSure) return { kind: 'began-anew' }
    return { kind: 'began-anew', unreached: { after, last: newest.sequence } }
  }

  /** What was not found is not there, once all servers must have known it. */
  #skipTo(horizon: Position & { readonly seenMs: number }): void {
    const old = this.#horizon
    if (old !== undefined && horizon.seenMs - old.seenMs < SETTLED_MS) return
    if (old !== undefined && old.sequence > this.#at.sequence) this.#at = old
    this.#horizon = horizon
  }
}

/** True if the store of `found` is not the one that the reader knows: it counts from 1 again. */
function isAnother({ sequence, atMs }: StoredMessage, at: Position): boolean {
  if (at.atMs === undefined) return sequence < at.sequence
  // One that is higher proves nothing, one that is lower may come from a server that lags behind.
  return sequence === at.sequence ? atMs !== at.atMs : sequence < at.sequence && atMs > at.atMs
}

/**
 * The sequence after which all was stored at `atMs` or later.
 * @throws {ClusterError} as `History`.
 */
export async function sequenceBefore(
  { history, pattern }: Pick<HistoryReaderOptions, 'history' | 'pattern'>,
  atMs: number,
): Promise<number> {
  const [first, last] = await Promise.all([history.next(pattern, 1), history.last()])
  if (first === undefined || last === undefined) return 0
  if (last.atMs < atMs) return last.sequence
  let [low, high] = [first.sequence, last.sequence]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const found = await history.next(pattern, middle)
    if (found === undefined || found.atMs >= atMs) high = middle
    else low = found.sequence + 1
  }
  return low - 1
}

export interface Following {
  readonly reader: HistoryReader
  readonly bus: Bus
  readonly clock: Clock
  /** What says that there may be more. */
  readonly filter: string
  /** Ends it. */
  readonly signal: AbortSignal
  /** The history cannot be read for now; told once until it can be read again. */
  readonly onFault: (fault: ClusterError) => void
}

/** Reads on as more comes, over lost servers and lost stores, until it is told to end. */
export async function* followHistory(following: Following): AsyncGenerator<HistoryItem> {
  const { bus, clock, filter, signal } = following
  const bell = new Bell()
  const ring = (): void => bell.ring()
  let isHealthy = true
  // What comes while nothing can be read is no reason to hurry.
  const hint = (): void => {
    if (isHealthy) ring()
  }
  const subscriptions = [bus.subscribe(filter, hint), bus.onState(ring)]
  signal.addEventListener('abort', ring)
  try {
    while (!signal.aborted) {
      bell.still()
      isHealthy = yield* readOnce(following, isHealthy)
      const timer = clock.after(POLL_MS, ring)
      await bell.rung
      timer.cancel()
    }
  } finally {
    signal.removeEventListener('abort', ring)
    for (const subscription of subscriptions) subscription.close()
  }
}

/** Gives what can be read now, and whether nothing went wrong. */
async function* readOnce(
  { reader, signal, onFault }: Following,
  wasHealthy: boolean,
): AsyncGenerator<HistoryItem, boolean> {
  try {
    for await (const item of reader.read()) {
      if (signal.aborted) return true
      yield item
    }
    return true
  } catch (error) {
    if (!(error instanceof ClusterError) || error.retry === 'never') throw error
    if (wasHealthy) onFault(error)
    return false
  }
}

/** A promise for the next ring. */
class Bell {
  #rung: Promise<void> = Promise.resolve()
  #ring: () => void = () => undefined

  get rung(): Promise<void> {
    return this.#rung
  }

  ring(): void {
    this.#ring()
  }

  /** From now on it waits again. */
  still(): void {
    this.#rung = new Promise((resolve) => {
      this.#ring = resolve
    })
  }
}
