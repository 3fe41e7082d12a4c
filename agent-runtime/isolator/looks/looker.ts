/** Questions to the thread that looks at tasks. It is started by the first, and holds nobody up. */
import { Worker } from 'node:worker_threads'
import type { Place } from '../kill/kill.ts'
import type { DiskUse } from './disk-use.ts'

export type LookQuestion =
  | {
      readonly id: number
      readonly kind: 'disk'
      readonly path: string
      /** Absent: nobody knows its processes. */
      readonly place?: Place
      readonly stopBytes: number
      readonly stopFiles: number
    }
  | {
      readonly id: number
      readonly kind: 'ports'
      /** Of each container. */
      readonly places: readonly (readonly [containerId: string, place: Place])[]
    }

export interface ListeningPort {
  readonly containerId: string
  readonly port: number
}

export type LookAnswer =
  | ({ readonly id: number; readonly kind: 'disk' } & DiskUse)
  | { readonly id: number; readonly kind: 'ports'; readonly found: readonly ListeningPort[] }

type Asked<Kind> = Omit<Extract<LookQuestion, { kind: Kind }>, 'id' | 'kind'>

/** What the thread may have for what it keeps in mind. */
const HEAP_MIB_MAX = 128

export class Looker {
  readonly #waiting = new Map<number, (answer: LookAnswer | undefined) => void>()
  #thread: Worker | undefined
  #asked = 0
  #isClosed = false

  /** Undefined: the thread has died of it, cannot be started now, or is closed. */
  async disk(question: Asked<'disk'>): Promise<DiskUse | undefined> {
    const answer = await this.#ask({ ...question, kind: 'disk', id: ++this.#asked })
    return answer?.kind === 'disk' ? answer : undefined
  }

  async ports(question: Asked<'ports'>): Promise<readonly ListeningPort[] | undefined> {
    const answer = await this.#ask({ ...question, kind: 'ports', id: ++this.#asked })
    return answer?.kind === 'ports' ? answer.found : undefined
  }

  close(): void {
    this.#isClosed = true
    this.#end()
  }

  #ask(question: LookQuestion): Promise<LookAnswer | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined)
    try {
      this.#thread ??= this.#start()
    } catch {
      // Tasks may have taken all threads that there are: the next question tries again.
      return Promise.resolve(undefined)
    }
    this.#thread.postMessage(question)
    return new Promise((resolve) => this.#waiting.set(question.id, resolve))
  }

  #start(): Worker {
    const thread = new Worker(new URL('./looker-thread.js', import.meta.url), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    })
    // Nobody stays for it.
    thread.unref()
    thread.on('message', (answer: LookAnswer) => {
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
    thread.on('error', () => this.#end())
    return thread
  }

  /** The next question starts another. */
  #end(): void {
    void this.#thread?.terminate()
    this.#thread = undefined
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const resolve of waiting) resolve(undefined)
  }
}
