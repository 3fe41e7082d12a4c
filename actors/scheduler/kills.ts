/** Kills as they are said: until the task has ended, to whoever may not have heard them. */
import type { TaskStatus } from '../../protocol/schema/common.ts'
import type { TaskState } from '../../protocol/task-state.ts'
import { startCall } from './calls.ts'
import type { HeldTask, Kill } from './state.ts'
import type { Turn } from './turn.ts'

/** How a task is told of whose agent was not told to kill it. */
export const NOT_KILLED: ReadonlySet<TaskState> = new Set([
  'TASK_STAGING',
  'TASK_STARTING',
  'TASK_RUNNING',
])

export function killTask(turn: Turn, task: HeldTask, kill: Kill): void {
  task.kill = kill
  // A kill that overtakes a lost accept would be answered that nobody has the task.
  const mayBeUnheard = task.accept !== undefined && task.launch === undefined
  if (turn.state.link.phase === 'open' && !mayBeUnheard) sayKill(turn, task, kill)
}

/** After a new session, or when their accept was heard: who was to be killed still is. */
export function sayKills(turn: Turn, tasks: Iterable<HeldTask>): void {
  for (const task of tasks) if (task.kill !== undefined) sayKill(turn, task, task.kill)
}

/**
 * The leader says how the task is. It remembers only so many kills of tasks that agents may still
 * bring: while the task lives on as if nobody had said it, it is said again.
 */
export function killAgain(turn: Turn, task: HeldTask, told: TaskState): void {
  const { kill, state } = task
  if (kill !== undefined && told === state && NOT_KILLED.has(told)) killTask(turn, task, kill)
}

/**
 * An agent has brought back a launch before one of the same id that has ended: nobody waits for it.
 * What the agent says is not acknowledged while it lives, so this is said to the next leader, too.
 */
export function killOutliving(turn: Turn, { taskId, agentId, launch }: TaskStatus): void {
  if (turn.state.link.phase !== 'open') return
  const where = agentId === undefined ? {} : { agentId }
  startCall(turn, { verb: 'kill', body: { taskId, ...where, ...(launch && { launch }) } })
}

function sayKill(turn: Turn, task: HeldTask, { graceMs }: Kill): void {
  const { taskId, agentId, launch } = task
  task.isAsked = true
  const where = agentId === undefined ? {} : { agentId }
  // Another instance may have started one since: that is not meant.
  const which = launch === undefined ? {} : { launch }
  const how = graceMs === undefined ? {} : { graceMs }
  startCall(turn, { verb: 'kill', body: { taskId, ...where, ...which, ...how } })
}
