/** Frameworks that launch tasks as fast as they are offered room, written on the library. */
import { randomUUID } from 'node:crypto'
import {
  isTerminal,
  type Offered,
  openScheduler,
  type Scheduler,
  type TaskStatus,
} from '../../actors/scheduler/scheduler.ts'
import { serveParent } from './child.ts'

export interface LoadStart {
  readonly nats: string
  readonly frameworks: number
  /** What each task takes. */
  readonly resources: Readonly<Record<string, number>>
  readonly command: readonly string[]
  /** How long a pretended task runs. */
  readonly pretendMs: number
  /** Tasks of one framework that have not ended. Default: no limit. */
  readonly inFlightMax?: number
}

/** Of all frameworks together. */
export interface LoadAsk {
  readonly tasks: number
}

export interface LoadAnswer {
  /** From the start until the last end was handled. */
  readonly elapsedMs: number
  readonly accepts: number
  readonly finished: number
  /** From accept to RUNNING, of each task. */
  readonly acceptToRunningMs: readonly number[]
}

const start = JSON.parse(process.argv[2] ?? '{}') as LoadStart

/** One framework and its share of the tasks. */
class Load {
  readonly #scheduler: Scheduler
  readonly #acceptedAtMs = new Map<string, number>()
  #left = 0
  #ended = 0
  #wanted = 0
  #accepts = 0
  #finished = 0
  #latencies: number[] = []
  #done: () => void = () => undefined
  #room: () => void = () => undefined

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
    scheduler.onStatus((status) => this.#hear(status))
  }

  async run(tasks: number): Promise<Omit<LoadAnswer, 'elapsedMs'>> {
    Object.assign(this, {})
    this.#left = tasks
    this.#wanted = tasks
    this.#ended = 0
    this.#accepts = 0
    this.#finished = 0
    this.#latencies = []
    const done = new Promise<void>((resolve) => {
      this.#done = resolve
    })
    this.#scheduler.revive()
    void this.#place()
    await done
    this.#scheduler.suppress()
    return {
      accepts: this.#accepts,
      finished: this.#finished,
      acceptToRunningMs: this.#latencies,
    }
  }

  close(): Promise<void> {
    return this.#scheduler.close()
  }

  async #place(): Promise<void> {
    for await (const offer of this.#scheduler.offers()) {
      await this.#mayLaunch()
      const tasks = Math.min(this.#left, offer.roomFor(start.resources), this.#free)
      if (tasks > 0) this.#accept(offer, tasks)
      else void offer.decline('no task fits')
      if (this.#left === 0) return
    }
  }

  get #free(): number {
    return (start.inFlightMax ?? Number.POSITIVE_INFINITY) - this.#acceptedAtMs.size
  }

  #mayLaunch(): Promise<void> | undefined {
    if (this.#free > 0) return undefined
    return new Promise((resolve) => {
      this.#room = resolve
    })
  }

  #accept(offer: Offered, count: number): void {
    const wishes = Array.from({ length: count }, () => ({
      taskId: randomUUID(),
      name: 'bench',
      command: start.command,
      env: { PRETEND_MS: String(start.pretendMs) },
      resources: start.resources,
    }))
    this.#left -= count
    this.#accepts += 1
    const nowMs = performance.now()
    for (const { taskId } of wishes) this.#acceptedAtMs.set(taskId, nowMs)
    void offer.accept(wishes).then((accepted) => {
      if (accepted.outcome !== 'refused') return
      this.#left += count
      this.#accepts -= 1
      for (const { taskId } of wishes) this.#acceptedAtMs.delete(taskId)
      void this.#place()
    })
  }

  #hear({ taskId, state }: TaskStatus): void {
    const atMs = this.#acceptedAtMs.get(taskId)
    if (atMs === undefined) return
    if (state === 'TASK_RUNNING') this.#latencies.push(performance.now() - atMs)
    if (!isTerminal(state)) return
    this.#acceptedAtMs.delete(taskId)
    this.#room()
    if (state === 'TASK_FINISHED') this.#finished += 1
    this.#ended += 1
    if (this.#ended === this.#wanted) this.#done()
  }
}

const loads = await Promise.all(
  Array.from({ length: start.frameworks }, async (_, i) => {
    const name = `bench-${i + 1}`
    return new Load(
      await openScheduler({ name, frameworkId: name, nats: start.nats, suppressed: true }),
    )
  }),
)

async function run({ tasks }: LoadAsk): Promise<LoadAnswer> {
  const startedAtMs = performance.now()
  const each = Math.floor(tasks / loads.length)
  const rest = tasks - each * loads.length
  const shares = await Promise.all(loads.map((load, i) => load.run(each + (i < rest ? 1 : 0))))
  return {
    elapsedMs: performance.now() - startedAtMs,
    accepts: shares.reduce((sum, { accepts }) => sum + accepts, 0),
    finished: shares.reduce((sum, { finished }) => sum + finished, 0),
    acceptToRunningMs: shares.flatMap(({ acceptToRunningMs }) => [...acceptToRunningMs]),
  }
}

serveParent<LoadAsk, LoadAnswer>(run, async () => {
  for (const load of loads) await load.close()
})
