/** Buckets, logs and histories of a simulated server. */
import { ClusterError } from '../../protocol/errors.ts'
import type {
  BusMessage,
  History,
  HistorySettings,
  KeyValueEntry,
  KeyValueStore,
  LogEntry,
  LogPart,
  LogStore,
} from '../bus.ts'
import type { SimulatedClock } from './clock.ts'
import type { SimulatedConnection } from './connection.ts'
import type { Faults } from './faults.ts'
import { KeptMessages } from './kept-messages.ts'

const TIMEOUT_MS = 1_000

interface Bucket {
  readonly entries: ReadonlyMap<string, KeyValueEntry>
  readonly lastRevision: number
}

interface Log {
  entries: LogEntry[]
  lastSequence: number
}

/** All that a server stores, at one time. */
export interface StoreData {
  readonly buckets: ReadonlyMap<string, Bucket>
  readonly logs: ReadonlyMap<string, Readonly<Log>>
  readonly histories: ReadonlyMap<string, KeptMessages>
}

export const NO_STORES: StoreData = { buckets: new Map(), logs: new Map(), histories: new Map() }
const NO_BUCKET: Bucket = { entries: new Map(), lastRevision: 0 }

export interface StoresDeps {
  readonly clock: SimulatedClock
  readonly faults: Faults
  /** How often the server has crashed: what it had not done by then it never does. */
  readonly crashes: () => number
  /** What leaves one island arrives on another; the stores are on island 0. */
  readonly reaches: (from: number, to: number) => boolean
}

export class SimulatedStores {
  readonly #deps: StoresDeps
  readonly #buckets = new Map<string, Bucket>()
  readonly #logs = new Map<string, Log>()
  readonly #histories = new Map<string, KeptMessages>()

  constructor(deps: StoresDeps) {
    this.#deps = deps
  }

  copy(): StoreData {
    const histories = copyHistories(this.#histories)
    return { buckets: new Map(this.#buckets), logs: copyLogs(this.#logs), histories }
  }

  replace({ buckets, logs, histories }: StoreData): void {
    this.#buckets.clear()
    this.#logs.clear()
    this.#histories.clear()
    for (const [name, kept] of copyHistories(histories)) this.#histories.set(name, kept)
    for (const [name, bucket] of buckets) this.#buckets.set(name, bucket)
    for (const [name, log] of copyLogs(logs)) this.#logs.set(name, log)
  }

  keyValue(connection: SimulatedConnection, name: string): Promise<KeyValueStore> {
    const bucket = (): Bucket => this.#buckets.get(name) ?? NO_BUCKET
    const store: KeyValueStore = {
      read: (key) => this.#ask(connection, () => bucket().entries.get(key)),
      write: (key, value, revision) =>
        this.#ask(connection, () => {
          const { entries, lastRevision } = bucket()
          if ((entries.get(key)?.revision ?? 0) !== revision) return { done: false }
          const entry = { value, revision: lastRevision + 1 }
          this.#buckets.set(name, {
            entries: new Map(entries).set(key, entry),
            lastRevision: entry.revision,
          })
          return { done: true, revision: entry.revision }
        }),
    }
    return this.#ask(connection, () => store)
  }

  log(connection: SimulatedConnection, name: string): Promise<LogStore> {
    const log = (): Log => {
      const known = this.#logs.get(name) ?? { entries: [], lastSequence: 0 }
      this.#logs.set(name, known)
      return known
    }
    const store: LogStore = {
      append: (payload, expected) =>
        this.#ask(connection, () => {
          const { entries, lastSequence } = log()
          if (lastSequence !== expected) return { done: false }
          const sequence = ++log().lastSequence
          entries.push({ sequence, payload })
          return { done: true, sequence }
        }),
      readFrom: (sequence, entriesMax) =>
        this.#ask(connection, () => partOf(log(), sequence, entriesMax)),
      removeBelow: (sequence) =>
        this.#ask(connection, () => {
          log().entries = log().entries.filter((entry) => entry.sequence >= sequence)
        }),
    }
    return this.#ask(connection, () => store)
  }

  /** Something was published, and has reached the server. */
  keep(message: BusMessage): void {
    const { wallMs } = this.#deps.clock.now()
    for (const kept of this.#histories.values()) kept.take(message, wallMs)
  }

  keepHistory(connection: SimulatedConnection, settings: HistorySettings): Promise<void> {
    const { name, pattern, chosen } = settings
    return this.#ask(connection, () => {
      const there = this.#histories.get(name)
      if (there === undefined) this.#histories.set(name, new KeptMessages(settings))
      else if (there.pattern === pattern) there.limit({ ...chosen })
      else return new ClusterError('bus/store-settings', 'never', `${name} keeps ${there.pattern}`)
      return undefined
    }).then(throwFault)
  }

  history(connection: SimulatedConnection, name: string): History {
    const ask = <T>(answer: (kept: KeptMessages) => T): Promise<T> =>
      this.#ask(connection, () => {
        const kept = this.#histories.get(name)
        kept?.expire(this.#deps.clock.now().wallMs)
        if (kept !== undefined) return { found: answer(kept) }
        return new ClusterError('bus/store-unavailable', 'later', `there is no history ${name}`)
      }).then((answered) => throwFault(answered).found)
    return {
      next: (filter, sequence) => ask((kept) => kept.next(filter, sequence)),
      last: () => ask((kept) => kept.last()),
    }
  }

  /** `answer` is found when the question reaches the server, if it does. */
  #ask<T>(connection: SimulatedConnection, answer: () => T): Promise<T> {
    const { clock, faults, crashes, reaches } = this.#deps
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        clock.settles()
        reject(new ClusterError('bus/store-unavailable', 'later', `the store: ${why}`))
      }
      if (connection.state !== 'connected') return fail(`the connection is ${connection.state}`)
      const timer = clock.after(TIMEOUT_MS, () =>
        connection.receive(() => fail(`no answer within ${TIMEOUT_MS} ms`)),
      )
      connection.leave(() => {
        const { life } = connection
        const [before, reachedAtMs] = [crashes(), connection.reach()]
        const isSame = (): boolean => crashes() === before
        if (faults.strikes('storeQuestionLost')) return
        clock.at(reachedAtMs + faults.storeDelayMs() / 2, () => {
          // Whoever asked may be gone by now: that is no reason not to do it.
          const isThere = isSame() && connection.hasReached(life, reachedAtMs)
          if (!isThere || !reaches(connection.island, 0)) return
          const answered = answer()
          if (faults.strikes('storeAnswerLost')) return
          clock.after(faults.storeDelayMs() / 2, () => {
            if (!isSame() || connection.life !== life || !reaches(0, connection.island)) return
            connection.receive(() => {
              timer.cancel()
              clock.settles()
              resolve(answered)
            })
          })
        })
      })
    })
  }
}

function partOf({ entries, lastSequence }: Log, sequence: number, entriesMax: number): LogPart {
  const first = entries[0]?.sequence ?? lastSequence + 1
  const begin = Math.max(first, sequence)
  const next = Math.max(begin, Math.min(lastSequence, begin + entriesMax - 1) + 1)
  const part = entries.filter((entry) => entry.sequence >= begin && entry.sequence < next)
  return { entries: part, next, lastSequence }
}

const copyLog = ({ entries, lastSequence }: Readonly<Log>): Log => ({
  entries: [...entries],
  lastSequence,
})

const copyLogs = (logs: StoreData['logs']): Map<string, Log> =>
  new Map([...logs].map(([name, log]) => [name, copyLog(log)]))

const copyHistories = (histories: StoreData['histories']): Map<string, KeptMessages> =>
  new Map([...histories].map(([name, kept]) => [name, kept.copy()]))

function throwFault<T>(answered: T | ClusterError): T {
  if (answered instanceof ClusterError) throw answered
  return answered
}
