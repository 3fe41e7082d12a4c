/** A framework that asks for an offer, launches one task on it, waits for its end, and again. */
import { randomUUID } from 'node:crypto'
import {
  isTerminal,
  type Offered,
  openScheduler,
  type Scheduler,
} from '../../actors/scheduler/scheduler.ts'

/** What one task took. */
export interface Taken {
  /** From asking for an offer until it came. */
  readonly askToOfferMs: number
  readonly acceptToRunningMs: number
  /** From asking until its end was heard, less what it ran. */
  readonly overheadMs: number
}

export interface OneAtATimeOptions {
  readonly nats: string
  readonly resources: Readonly<Record<string, number>>
  /** How long each task pretends to run. */
  readonly runMs: number
}

export class OneAtATime {
  readonly #scheduler: Scheduler
  readonly #options: OneAtATimeOptions
  #onOffer: ((offer: Offered) => void) | undefined

  private constructor(scheduler: Scheduler, options: OneAtATimeOptions) {
    this.#scheduler = scheduler
    this.#options = options
    void this.#answerOffers()
  }

  static async open(options: OneAtATimeOptions): Promise<OneAtATime> {
    const name = 'one-at-a-time'
    const { nats } = options
    const scheduler = await openScheduler({ name, frameworkId: name, nats, suppressed: true })
    return new OneAtATime(scheduler, options)
  }

  /** Begins no task after so long. */
  async run(seconds: number): Promise<Taken[]> {
    const untilMs = performance.now() + seconds * 1_000
    const taken: Taken[] = []
    while (performance.now() < untilMs) taken.push(await this.#runOne())
    return taken
  }

  close(): Promise<void> {
    return this.#scheduler.close()
  }

  /** What comes while none is asked for is given back. */
  async #answerOffers(): Promise<void> {
    for await (const offer of this.#scheduler.offers()) {
      const isUsed = this.#onOffer !== undefined && offer.roomFor(this.#options.resources) > 0
      if (!isUsed) void offer.decline('nothing to launch', { refuseMs: 0 })
      else this.#onOffer?.(offer)
    }
  }

  #ask(): Promise<Offered> {
    return new Promise((resolve) => {
      this.#onOffer = (offer) => {
        this.#onOffer = undefined
        this.#scheduler.suppress()
        resolve(offer)
      }
      this.#scheduler.revive()
    })
  }

  async #runOne(): Promise<Taken> {
    const { resources, runMs } = this.#options
    const askedAtMs = performance.now()
    const offer = await this.#ask()
    const offeredAtMs = performance.now()
    const taskId = randomUUID()
    const ended = this.#timesOf(taskId)
    const env = { PRETEND_MS: String(runMs) }
    const wish = { taskId, command: ['true'], env, resources }
    const { outcome } = await offer.accept([wish], { refuseMs: 0 })
    if (outcome !== 'done') throw new Error(`a task was not launched: ${outcome}`)
    const { runningAtMs, endedAtMs } = await ended
    return {
      askToOfferMs: offeredAtMs - askedAtMs,
      acceptToRunningMs: runningAtMs - offeredAtMs,
      overheadMs: endedAtMs - askedAtMs - runMs,
    }
  }

  #timesOf(taskId: string): Promise<{ readonly runningAtMs: number; readonly endedAtMs: number }> {
    return new Promise((resolve, reject) => {
      let runningAtMs = Number.NaN
      const listening = this.#scheduler.onStatus((status) => {
        if (status.taskId !== taskId) return
        if (status.state === 'TASK_RUNNING') runningAtMs = performance.now()
        if (!isTerminal(status.state)) return
        listening.close()
        if (status.state === 'TASK_FINISHED') resolve({ runningAtMs, endedAtMs: performance.now() })
        else reject(new Error(`a task has ended as ${status.state}: ${status.message}`))
      })
    })
  }
}
