/** Decides what `bourse run` does: places instances on offers, follows them, reads them to the end. */

import type { Accepted, TaskWish } from '../../actors/scheduler/scheduler.ts'
import type { OfferId, TaskId } from '../../protocol/ids.ts'
import { ACCEPT_BYTES_MAX, ACCEPT_TASKS_MAX, ENVELOPE_BYTES_MAX } from '../../protocol/limits.ts'
import { listResources, type Resources } from '../../protocol/resources.ts'
import type { TaskStatus } from '../../protocol/schema/common.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import { explain, noteMisfit, noteOffer } from './shortage.ts'
import type { Effect, Input, Instance, RunState } from './state.ts'
import { takeOne } from './wanted.ts'

/** What does not fit now comes back when more of it is free: the leader sees to that. */
const MISFIT_MS = 60_000
/** An instance that was dropped so often is not placed again. */
const ATTEMPTS_MAX = 10
/** Nobody knows a task for so long: nobody will. Agents of a leader that lost sight come by 10 s. */
const UNKNOWN_MS = 60_000
/** Refusals of an accept that say nothing about the tasks. */
const PASSING_CODES: ReadonlySet<number> = new Set([403, 409, 410, 503])

export function handleRun(state: RunState, input: Input): readonly Effect[] {
  const effects: Effect[] = []
  if (state.isDone) return effects
  switch (input.kind) {
    case 'offer':
      onOffer(state, input.offerId, input.resources, effects)
      break
    case 'answered':
      onAnswered(state, input.accepted, effects)
      break
    case 'status':
      onStatus(state, input.status, effects)
      break
    case 'read':
      onRead(state, input.taskId)
      break
    case 'timed-out':
      onTimedOut(state, effects)
      break
    case 'interrupted':
      state.isInterrupted = true
      stopAll(state, effects)
      break
    case 'give-up':
      state.isDone = true
      effects.push({ do: 'done' })
      return effects
  }
  settleDemand(state, effects)
  if (areAllOver(state)) {
    state.isDone = true
    effects.push({ do: 'done' })
  }
  return effects
}

/** No more is placed: time is up, or somebody interrupts. */
const isStopping = ({ couldNotPlace, isInterrupted }: RunState): boolean =>
  isInterrupted || couldNotPlace.length > 0

const isWaiting = ({ view }: Instance): boolean => view.state === 'waiting'

function isOver(state: RunState, { view, reading }: Instance): boolean {
  if (view.state === 'waiting') return isStopping(state)
  return isTerminal(view.state) && reading === 0
}

/** Looks no further than the first that is not over: all are looked at only in the end. */
function areAllOver(state: RunState): boolean {
  const { instances } = state
  const isOverAt = (index: number): boolean => isOver(state, instances[index] as Instance)
  while (state.overBefore < instances.length && isOverAt(state.overBefore)) state.overBefore += 1
  if (state.overBefore < instances.length) return false
  const first = instances.findIndex((instance) => !isOver(state, instance))
  if (first >= 0) state.overBefore = first
  return first < 0
}

function isAnyWaiting(state: RunState): boolean {
  const { instances } = state
  const isPlaced = (index: number): boolean => !isWaiting(instances[index] as Instance)
  while (state.placedBefore < instances.length && isPlaced(state.placedBefore))
    state.placedBefore += 1
  return state.placedBefore < instances.length
}

function settleDemand(state: RunState, effects: Effect[]): void {
  const isWanted = !isStopping(state) && isAnyWaiting(state)
  if (isWanted !== state.isSuppressed) return
  state.isSuppressed = !isWanted
  effects.push({ do: isWanted ? 'revive' : 'suppress' })
}

function onOffer(state: RunState, offerId: OfferId, offered: Resources, effects: Effect[]): void {
  const { plan, shortage } = state
  const waiting = isStopping(state) ? [] : state.instances.filter(isWaiting)
  if (waiting.length === 0) {
    const reason = 'all instances are placed'
    effects.push({ do: 'decline', offerId, reason, refuseMs: MISFIT_MS })
    return
  }
  noteOffer(shortage, offered, plan.wanted)
  const { tasks, left, isFull } = place(state, waiting, offered)
  const why = tasks.length < waiting.length ? noteMisfit(shortage, left, plan.wanted) : ''
  if (tasks.length === 0) {
    effects.push({ do: 'decline', offerId, reason: why, refuseMs: MISFIT_MS })
    effects.push({ do: 'tell-waiting', why })
    return
  }
  // More would fit, but not into one message: the rest comes back.
  effects.push({ do: 'accept', offerId, tasks, ...(isFull && { refuseMs: 0 }) })
  for (const { index } of waiting.slice(0, tasks.length))
    effects.push({ do: 'tell-changed', index })
}

/** Puts as many as fit on the offer. */
function place(
  state: RunState,
  waiting: readonly Instance[],
  offered: Resources,
): { readonly tasks: TaskWish[]; readonly left: Resources; readonly isFull: boolean } {
  const tasks: TaskWish[] = []
  let left = offered
  let bytes = 2 * ENVELOPE_BYTES_MAX
  for (const instance of waiting) {
    const fits = takeOne(left, state.plan.wanted)
    if (fits === undefined) break
    const task = {
      ...state.plan.task,
      taskId: nextTaskId(state, instance),
      resources: listResources(fits.taken),
    }
    bytes += wireBytes(task)
    if (tasks.length > 0 && (bytes > ACCEPT_BYTES_MAX || tasks.length === ACCEPT_TASKS_MAX))
      return { tasks, left, isFull: true }
    begin(state, instance, task.taskId)
    tasks.push(task)
    left = fits.left
  }
  return { tasks, left, isFull: false }
}

function nextTaskId({ plan }: RunState, { index, attempts }: Instance): TaskId {
  const again = attempts === 0 ? '' : `-${attempts + 1}`
  return `${plan.prefix}-${index}${again}` as TaskId
}

function begin(state: RunState, instance: Instance, taskId: TaskId): void {
  instance.attempts += 1
  instance.view = { index: instance.index, state: 'TASK_STAGING', taskId }
  state.byTask.set(taskId, instance)
}

/** Its task never ran: it waits for another offer. */
function unplace(state: RunState, instance: Instance): void {
  if (instance.view.taskId !== undefined) state.byTask.delete(instance.view.taskId)
  instance.view = { index: instance.index, state: 'waiting' }
  state.placedBefore = Math.min(state.placedBefore, instance.index)
}

function onAnswered(state: RunState, accepted: Accepted, effects: Effect[]): void {
  // Unknown: statuses tell.
  if (accepted.outcome !== 'refused') return
  const { code, message } = accepted.refusal
  for (const taskId of accepted.taskIds) {
    const instance = state.byTask.get(taskId)
    if (instance === undefined || instance.isHeard) continue
    if (PASSING_CODES.has(code)) unplace(state, instance)
    else instance.view = { ...instance.view, state: 'TASK_ERROR', message }
    effects.push({ do: 'tell-changed', index: instance.index })
  }
}

function onStatus(state: RunState, status: TaskStatus, effects: Effect[]): void {
  const { taskId, agentId } = status
  const instance = state.byTask.get(taskId)
  if (instance === undefined) return
  const { index } = instance
  if (isNeverStarted(instance, status)) {
    unplace(state, instance)
    effects.push({ do: 'tell-changed', index })
    return
  }
  if (mayStillReturn(instance, status)) return
  const isNew = !instance.isHeard && status.source === 'agent'
  instance.isHeard ||= isNew
  instance.view = viewOf(instance, status)
  effects.push({ do: 'tell-changed', index })
  if (!isNew || agentId === undefined || status.reason === 'LAUNCH_FAILED') return
  instance.reading = 2
  effects.push({ do: 'read-output', taskId, agentId, index })
}

/** Nothing has run under that id: placing the instance again does not run it twice. */
function isNeverStarted({ isHeard, attempts }: Instance, { state, source }: TaskStatus): boolean {
  if (attempts >= ATTEMPTS_MAX || isHeard) return false
  return state === 'TASK_DROPPED' || (state === 'TASK_GONE' && source === 'master')
}

/** Nobody knows it now; but its agent may not be back yet under a leader that has lost sight of all. */
function mayStillReturn(instance: Instance, { state, atMs }: TaskStatus): boolean {
  if (state !== 'TASK_UNKNOWN') {
    instance.unknownAtMs = undefined
    return false
  }
  instance.unknownAtMs ??= atMs
  return atMs - instance.unknownAtMs < UNKNOWN_MS
}

function viewOf({ view }: Instance, status: TaskStatus): Instance['view'] {
  const { taskId, agentId = view.agentId, exit, reason, message } = status
  return {
    index: view.index,
    // Nobody knows it any more, and nobody will.
    state: status.state === 'TASK_UNKNOWN' ? 'TASK_LOST' : status.state,
    taskId,
    ...(agentId !== undefined && { agentId }),
    ...(exit !== undefined && { exit }),
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
  }
}

function onRead(state: RunState, taskId: TaskId): void {
  const instance = state.byTask.get(taskId)
  if (instance !== undefined) instance.reading -= 1
}

function onTimedOut(state: RunState, effects: Effect[]): void {
  const { plan, shortage, instances } = state
  const waiting = instances.filter(isWaiting).length
  if (waiting === 0 || state.isInterrupted) return
  const within = plan.timeoutMs === undefined ? '' : ` within ${plan.timeoutMs / 1000} s`
  const what = waiting === 1 ? '1 instance' : `${waiting} instances`
  state.couldNotPlace = [
    `${what} of ${plan.instances} could not be placed${within}`,
    ...explain(shortage),
  ]
  stopAll(state, effects)
}

function stopAll({ instances }: RunState, effects: Effect[]): void {
  for (const { view } of instances) {
    if (view.state === 'waiting' || isTerminal(view.state) || view.taskId === undefined) continue
    effects.push({ do: 'kill', taskId: view.taskId })
  }
}
