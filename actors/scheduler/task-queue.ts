/** Tasks that wait for offers, in the hands of a framework's author. */
import type { Clock, Timer } from '../../bus/clock.ts'
import { type Refusal, refusal } from '../../protocol/errors.ts'
import type { OfferId, TaskId } from '../../protocol/ids.ts'
import { DECLINE_FILTER_MS, DECLINE_PAUSE_MS, TASK_BYTES_MAX } from '../../protocol/limits.ts'
import { resourcesOf } from '../../protocol/resources.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import type { Offered, Outcome, TaskWish } from './contract-offers.ts'
import type { Answered, Placement, Queued, QueuedTask, TaskQueue } from './contract-queue.ts'
import { offersProblem } from './offered.ts'
import { type Placing, placeOn } from './placing.ts'
import { preferenceProblems, preferencesOf } from './preferences.ts'
import { addJob, type NewTask, newQueue, removeTask, settle, type WaitingTask } from './queue.ts'
import { problemsOf, ROLE } from './rules.ts'
import { listProblem, taskOf, wishProblem } from './wishes.ts'

export interface QueueDeps {
  readonly clock: Clock
  newTaskId(wish: TaskWish): string
  /** A task of that id was started, and has not ended. */
  readonly holds: (taskId: TaskId) => boolean
  launch(offer: OfferId, tasks: readonly TaskInfo[], refuseMs: number): Promise<Outcome>
  decline(offer: OfferId, reason: string, refuseMs: number): Promise<Outcome>
  /** Asks anew for what was declined, if offers for that role are wanted at all. */
  renew(role: string): void
}

export class WaitingQueue implements TaskQueue {
  readonly #deps: QueueDeps
  readonly #state = newQueue()
  /** Until when (monotonic) something of a role stays away, because it was declined here. */
  readonly #awayUntilMs = new Map<string, number>()
  /** When (monotonic) it is asked anew. */
  #look: { readonly atMs: number; readonly timer: Timer } | undefined

  constructor(deps: QueueDeps) {
    this.#deps = deps
  }

  get length(): number {
    return this.#state.waiting.size
  }

  add(tasks: readonly QueuedTask[]): Queued {
    const made = this.#newTasks(tasks)
    if ('code' in made) return { outcome: 'refused', refusal: made, taskIds: [] }
    addJob(this.#state, made)
    if (made.length > 0) this.#renew()
    return { outcome: 'done', taskIds: made.map(({ taskId }) => taskId) }
  }

  remove(taskId: string): boolean {
    return removeTask(this.#state, taskId as TaskId)
  }

  async answer(offer: Offered): Promise<Answered> {
    const wrong = offersProblem([offer])
    if (wrong !== undefined)
      return { outcome: 'refused', refusal: refusal('invalid', wrong), placed: [] }
    const { offerId, role, resources } = offer
    const { clock, holds } = this.#deps
    const { monotonicMs: nowMs } = clock.now()
    const placing = placeOn(this.#state, { place: offer, role, resources }, { nowMs, holds })
    const { placed, inUse, refuseMs, reason } = placing
    this.#noteAway(role, nowMs + refuseMs)
    if (refuseMs > 0 && refuseMs < DECLINE_PAUSE_MS) this.#lookAt(nowMs + refuseMs)
    const answered =
      placed.length > 0
        ? await this.#launch(offer, placing)
        : { ...(await this.#deps.decline(offerId, reason, refuseMs)), placed: [] }
    return this.#passOver(inUse, answered)
  }

  /** Whose id is in use is given back, as a leader would; where that cannot be told it waits on. */
  #passOver(inUse: readonly WaitingTask[], answered: Answered): Answered {
    const isDone = answered.outcome === 'done'
    settle(this.#state, inUse, isDone)
    if (!isDone || inUse.length === 0) return answered
    const passedOver = inUse.map(({ taskId }) => ({ taskId, message: describeInUse(taskId) }))
    return { ...answered, notLaunched: [...passedOver, ...(answered.notLaunched ?? [])] }
  }

  async #launch(offer: Offered, { placed, refuseMs }: Placing): Promise<Answered> {
    const { offerId, agentId } = offer
    const waiting = placed.map(({ task }) => task)
    const infos = waiting.map(({ task }) => task)
    const outcome = await this.#deps.launch(offerId, infos, refuseMs)
    const isRefused = outcome.outcome === 'refused'
    settle(this.#state, waiting, !isRefused)
    if (isRefused) this.#onRefused(offer, outcome.refusal)
    const passed = outcome.outcome === 'done' ? (outcome.notLaunched ?? []) : []
    const placements = placed
      .filter(({ task: { taskId } }) => !passed.some((one) => one.taskId === taskId))
      .map(({ task: { taskId }, choice }): Placement => ({ taskId, agentId, choice }))
    return { ...outcome, placed: isRefused ? [] : placements }
  }

  /** Without a fault of the offer's it is a task's: it is not tried again at once. */
  #onRefused({ offerId, isLive }: Offered, { message }: Refusal): void {
    if (isLive) void this.#deps.decline(offerId, message, DECLINE_FILTER_MS)
    else this.#renew()
  }

  #noteAway(role: string, untilMs: number): void {
    this.#awayUntilMs.set(role, Math.max(untilMs, this.#awayUntilMs.get(role) ?? 0))
  }

  /** What was declined for less than the leader keeps anything away is asked for in time. */
  #lookAt(atMs: number): void {
    if (this.#look !== undefined && this.#look.atMs <= atMs) return
    this.#look?.timer.cancel()
    const { clock } = this.#deps
    const timer = clock.after(atMs - clock.now().monotonicMs, () => {
      this.#look = undefined
      if (this.length > 0) this.#renew()
    })
    this.#look = { atMs, timer }
  }

  #renew(): void {
    const { monotonicMs } = this.#deps.clock.now()
    for (const [role, untilMs] of this.#awayUntilMs)
      if (monotonicMs < untilMs + DECLINE_PAUSE_MS) this.#deps.renew(role)
    this.#awayUntilMs.clear()
  }

  #newTasks(tasks: readonly QueuedTask[]): readonly NewTask[] | Refusal {
    const wrong = listProblem(tasks) ?? wishProblem(tasks) ?? preferProblem(tasks)
    if (wrong !== undefined) return refusal('invalid', wrong)
    const made = new Map<string, NewTask>()
    for (const wish of tasks) {
      const one = this.#newTask(wish)
      const { taskId, bytes } = one
      if (bytes > TASK_BYTES_MAX) {
        const what = `task ${taskId} of ${bytes} bytes is more than ${TASK_BYTES_MAX}`
        return refusal('too-large', what)
      }
      const { waiting, starting } = this.#state
      if (made.has(taskId) || waiting.has(taskId) || starting.has(taskId))
        return refusal('invalid', `task ${taskId} waits already`)
      if (this.#deps.holds(taskId)) return refusal('invalid', describeInUse(taskId))
      made.set(taskId, one)
    }
    return [...made.values()]
  }

  #newTask(wish: QueuedTask): NewTask {
    const task = taskOf(wish, () => this.#deps.newTaskId(wish))
    const { taskId } = task
    return {
      taskId,
      task,
      resources: resourcesOf(task.resources),
      role: wish.role,
      bytes: wireBytes(task),
      ...preferencesOf(wish.prefer),
    }
  }
}

const describeInUse = (taskId: TaskId): string =>
  `task ${taskId} is there already and has not ended`

const ROLE_RULE = { role: ROLE }

/** They are tasks: that was looked at before. */
function preferProblem(tasks: readonly QueuedTask[]): string | undefined {
  for (const [index, wish] of tasks.entries()) {
    const [problem] = [...preferenceProblems(wish.prefer), ...problemsOf({ ...wish }, ROLE_RULE)]
    if (problem !== undefined) return `task ${index + 1}: ${problem}`
  }
  return undefined
}
