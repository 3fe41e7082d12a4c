/**
 * Frameworks that launch tasks as fast as they are offered room, written on the library as anybody
 * would. What they do for themselves counts as the scheduler's: it is little.
 */
import { randomUUID } from 'node:crypto'
import {
  isTerminal,
  type Offered,
  openScheduler,
  type Scheduler,
  type TaskStatus,
} from '../../actors/scheduler/scheduler.ts'
import { sleep } from '../../bus/clock.ts'
import type { TaskContainer } from '../../protocol/schema/task-container.ts'
import type { TaskLinux } from '../../protocol/schema/task-linux.ts'
import { serveParent } from './child.ts'

export interface LoadStart {
  readonly nats: string
  readonly frameworks: number
  /** What their ids begin with. Default: `bench`. */
  readonly prefix?: string
  /** What each task takes. */
  readonly resources: Readonly<Record<string, number>>
  readonly command: readonly string[]
  /** Default: a process on the machine's own files. */
  readonly container?: TaskContainer
  readonly linux?: TaskLinux
  /** How long a pretended task runs. */
  readonly pretendMs: number
  /** Tasks of one framework that have not ended. Default: no limit. */
  readonly inFlightMax?: number
}

/** Of all frameworks together. */
export interface LoadAsk {
  readonly tasks: number
  /**
   * How long each offer is held before it is used, so that the cluster has come to rest. Default 0.
   */
  readonly restMs?: number
}

export interface LoadAnswer {
  /** From the start until the last end was handled. */
  readonly elapsedMs: number
  /** Those that were refused are not among them: their tasks were tried again. */
  readonly accepts: number
  readonly refusedAccepts: number
  readonly finished: number
  /** Of each task that ran, in the order in which they began to. */
  readonly acceptToRunningMs: readonly number[]
  /** When they did, by the clock that all processes of a machine share (`process.hrtime`). */
  readonly runningAtMs: readonly number[]
}

const NS_PER_MS = 1e6
const nowMs = (): number => Number(process.hrtime.bigint()) / NS_PER_MS

const start = JSON.parse(process.argv[2] ?? '{}') as LoadStart
const inFlightMax = start.inFlightMax ?? Number.POSITIVE_INFINITY

/** One framework's share of one run. */
class Share {
  readonly tasks: number
  readonly restMs: number
  readonly done: Promise<void>
  readonly acceptToRunningMs: number[] = []
  readonly runningAtMs: number[] = []
  left: number
  accepts = 0
  refusedAccepts = 0
  finished = 0
  #ended = 0
  #onDone: () => void = () => undefined

  constructor({ tasks, restMs = 0 }: LoadAsk) {
    this.tasks = tasks
    this.restMs = restMs
    this.left = tasks
    this.done = new Promise((resolve) => {
      this.#onDone = resolve
      if (tasks === 0) resolve()
    })
  }

  hearEnd(isFinished: boolean): void {
    if (isFinished) this.finished += 1
    this.#ended += 1
    if (this.#ended === this.tasks) this.#onDone()
  }
}

class Framework {
  readonly #scheduler: Scheduler
  /** Of tasks that have not ended. */
  readonly #acceptedAtMs = new Map<string, number>()
  #share = new Share({ tasks: 0 })
  #unneeded: Offered[] = []
  #onRoom: () => void = () => undefined

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
    scheduler.onStatus((status) => this.#hear(status))
    void this.#answerOffers()
  }

  async run(ask: LoadAsk): Promise<Share> {
    const share = new Share(ask)
    this.#share = share
    this.#scheduler.revive()
    await share.done
    return share
  }

  close(): Promise<void> {
    return this.#scheduler.close()
  }

  async #answerOffers(): Promise<void> {
    for await (const offer of this.#scheduler.offers()) {
      const room = Math.min(offer.roomFor(start.resources), inFlightMax)
      // An offer is filled: half of one now and half of it later would be two.
      while (this.#free < Math.min(room, this.#share.left)) await this.#room()
      if (this.#share.restMs > 0) await sleep(this.#share.restMs)
      const tasks = Math.min(room, this.#share.left)
      if (tasks > 0) void this.#accept(offer, tasks)
      else this.#giveBack(offer)
    }
  }

  /** With what else is not needed in this turn. */
  #giveBack(offer: Offered): void {
    this.#unneeded.push(offer)
    if (this.#unneeded.length > 1) return
    setImmediate(() => {
      void this.#scheduler.decline(this.#unneeded, { refuseMs: 0, reason: 'nothing to launch' })
      this.#unneeded = []
    })
  }

  get #free(): number {
    return inFlightMax - this.#acceptedAtMs.size
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRoom = resolve
    })
  }

  async #accept(offer: Offered, count: number): Promise<void> {
    const share = this.#share
    const wishes = Array.from({ length: count }, () => ({
      taskId: randomUUID(),
      name: 'bench',
      command: start.command,
      env: { PRETEND_MS: String(start.pretendMs) },
      resources: start.resources,
      ...(start.container && { container: start.container }),
      ...(start.linux && { linux: start.linux }),
    }))
    const atMs = nowMs()
    for (const { taskId } of wishes) this.#acceptedAtMs.set(taskId, atMs)
    share.left -= count
    if (share.left === 0) this.#scheduler.suppress()
    const accepted = await offer.accept(wishes)
    if (accepted.outcome !== 'refused') {
      share.accepts += 1
      return
    }
    // The offer was gone: its tasks go onto another one.
    share.refusedAccepts += 1
    for (const { taskId } of wishes) this.#acceptedAtMs.delete(taskId)
    if (share.left === 0) this.#scheduler.revive()
    share.left += count
    this.#onRoom()
  }

  #hear({ taskId, state }: TaskStatus): void {
    const acceptedAtMs = this.#acceptedAtMs.get(taskId)
    if (acceptedAtMs === undefined) return
    if (state === 'TASK_RUNNING') {
      const atMs = nowMs()
      this.#share.acceptToRunningMs.push(atMs - acceptedAtMs)
      this.#share.runningAtMs.push(atMs)
    } else if (isTerminal(state)) {
      this.#acceptedAtMs.delete(taskId)
      this.#onRoom()
      this.#share.hearEnd(state === 'TASK_FINISHED')
    }
  }
}

const frameworks = await Promise.all(
  Array.from({ length: start.frameworks }, async (_, i) => {
    const name = `${start.prefix ?? 'bench'}-${i + 1}`
    const options = { name, frameworkId: name, nats: start.nats, suppressed: true }
    return new Framework(await openScheduler(options))
  }),
)

async function run({ tasks, restMs = 0 }: LoadAsk): Promise<LoadAnswer> {
  const startedAtMs = nowMs()
  const each = Math.floor(tasks / frameworks.length)
  const more = tasks % frameworks.length
  const shares = await Promise.all(
    frameworks.map((framework, i) => framework.run({ tasks: i < more ? each + 1 : each, restMs })),
  )
  const elapsedMs = nowMs() - startedAtMs
  const sum = (count: (share: Share) => number): number =>
    shares.reduce((all, share) => all + count(share), 0)
  return {
    elapsedMs,
    accepts: sum(({ accepts }) => accepts),
    refusedAccepts: sum(({ refusedAccepts }) => refusedAccepts),
    finished: sum(({ finished }) => finished),
    acceptToRunningMs: shares.flatMap(({ acceptToRunningMs }) => acceptToRunningMs),
    runningAtMs: shares.flatMap(({ runningAtMs }) => runningAtMs),
  }
}

serveParent<LoadAsk, LoadAnswer>(run, async () => {
  for (const framework of frameworks) await framework.close()
})
