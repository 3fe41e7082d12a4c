/** Follows instances by what is said of their tasks, and decides which are started again. */
import type { TaskStatus } from '../../actors/scheduler/scheduler.ts'
import { isTerminal, type TaskState } from '../../protocol/task-state.ts'
import { beHeard, freeSpots, unplace } from './placing.ts'
import { couldNotStart, hasFailed, nextPauseMs } from './restarts.ts'
import type { InstanceView } from './result.ts'
import { breakSilence, fallSilent, mayBeReplaced, SILENCE_MS_MAX } from './silence.ts'
import type { Effect, Input, Instance, RunState } from './state.ts'

/** An instance that was dropped so often in a row is not placed again. */
const DROPS_MAX = 10
/**
 * Nobody knows a task for so long: nobody will. Agents of a leader that lost sight come by 10 s.
 */
const UNKNOWN_MS = 60_000

export function onStatus(state: RunState, status: TaskStatus, effects: Effect[]): void {
  const instance = state.byTask.get(status.taskId)
  if (instance === undefined) return
  const { index } = instance
  if (isNeverStarted(instance, status)) {
    instance.drops += 1
    breakSilence(state, instance)
    return unplace(state, instance, effects)
  }
  if (mayStillReturn(instance, status)) return
  const isNew = !instance.isHeard && status.source === 'agent'
  instance.view = viewOf(instance, status)
  if (status.state === 'TASK_UNREACHABLE')
    fallSilent(state, instance, { atMs: status.atMs, effects })
  else breakSilence(state, instance)
  const isOver = isTerminal(stateOf(status))
  if (!instance.isHeard && (isNew || isOver)) beHeard(state, instance)
  if (status.state === 'TASK_RUNNING') instance.runsSinceMs ??= status.atMs
  if (isNew) readOutput(state, instance, status, effects)
  if (isOver) endAttempt(state, instance, { status, effects })
  effects.push({ do: 'tell-changed', index })
}

/** Nobody has heard of it for too long: another takes its place. */
export function onSilenceOver(
  state: RunState,
  { index, silence }: Extract<Input, { kind: 'silence-over' }>,
  effects: Effect[],
): void {
  const instance = state.instances[index]
  if (instance === undefined || instance.silences !== silence) return
  const { silentAtMs, view } = instance
  const { taskId, agentId = 'of it' } = view
  if (silentAtMs === undefined || taskId === undefined || !mayBeReplaced(state, instance)) return
  const minutes = SILENCE_MS_MAX / 60_000
  const message = `agent ${agentId} has not answered for ${minutes} minutes`
  const atMs = silentAtMs + SILENCE_MS_MAX
  const lost = { taskId, state: 'TASK_LOST', source: 'master', message, atMs } as const
  onStatus(state, lost, effects)
}

function readOutput(
  { plan, readings }: RunState,
  { index }: Instance,
  { taskId, agentId, reason }: TaskStatus,
  effects: Effect[],
): void {
  if (!plan.readsOutput || agentId === undefined || reason === 'LAUNCH_FAILED') return
  readings.set(taskId, 2)
  effects.push({ do: 'read-output', taskId, agentId, index })
}

interface End {
  readonly status: TaskStatus
  readonly effects: Effect[]
}

function endAttempt(state: RunState, instance: Instance, { status, effects }: End): void {
  const { view, index, runsSinceMs = status.atMs } = instance
  freeSpots(state, instance, effects)
  // Its agent may never answer, and would be asked for ever.
  if (view.state === 'TASK_LOST') state.readings.delete(status.taskId)
  if (!isStartedAgain(state, instance, status)) return
  state.byTask.delete(status.taskId)
  // Nobody said that it has ended: it may come back, and is not to run beside the next one then.
  if (view.state === 'TASK_LOST') {
    effects.push({ do: 'kill', taskId: status.taskId })
    instance.ids += 1
  }
  const delayMs = nextPauseMs(instance.pauseMs, status.atMs - runsSinceMs)
  instance.failed = view
  instance.restarts += 1
  instance.pauseMs = delayMs
  instance.view = { ...view, state: 'restarting', restarts: instance.restarts }
  effects.push({ do: 'restart-after', index, delayMs, failed: view })
}

function isStartedAgain(state: RunState, instance: Instance, status: TaskStatus): boolean {
  if (!mayBeReplaced(state, instance)) return false
  // What cannot be started at all is a slip of the pen, unless it could before.
  if (instance.restarts === 0 && couldNotStart(status)) return false
  return hasFailed(stateOf(status), status)
}

/** Nothing has run under that id: placing the instance again does not run it twice. */
function isNeverStarted({ isHeard, drops }: Instance, { state, source }: TaskStatus): boolean {
  if (drops >= DROPS_MAX - 1 || isHeard) return false
  return state === 'TASK_DROPPED' || (state === 'TASK_GONE' && source === 'master')
}

/**
 * Nobody knows it now; but its agent may not be back yet under a leader that has lost sight of all.
 */
function mayStillReturn(instance: Instance, { state, atMs }: TaskStatus): boolean {
  if (state !== 'TASK_UNKNOWN') {
    instance.unknownAtMs = undefined
    return false
  }
  instance.unknownAtMs ??= atMs
  return atMs - instance.unknownAtMs < UNKNOWN_MS
}

/** Nobody knows it any more, and nobody will. */
const stateOf = ({ state }: TaskStatus): TaskState =>
  state === 'TASK_UNKNOWN' ? 'TASK_LOST' : state

function viewOf({ view, restarts }: Instance, status: TaskStatus): InstanceView {
  const { taskId, agentId = view.agentId, exit, reason, message } = status
  const { ports } = view
  return {
    index: view.index,
    state: stateOf(status),
    taskId,
    ...(agentId !== undefined && { agentId }),
    ...(ports !== undefined && { ports }),
    ...(exit !== undefined && { exit }),
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
    ...(restarts > 0 && { restarts }),
  }
}
