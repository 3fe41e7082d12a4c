/** The states of a task, by their names on the wire. */

/**
 * All states. TASK_UNKNOWN is an answer and never stored; TASK_LOST exists for adapters of older
 * systems only.
 */
export const TASK_STATES = [
  'TASK_STAGING',
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_KILLING',
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_DROPPED',
  'TASK_UNREACHABLE',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_UNKNOWN',
  'TASK_LOST',
] as const

export type TaskState = (typeof TASK_STATES)[number]

/** States that a task never leaves. */
export const TERMINAL_STATES = [
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
  'TASK_LOST',
] as const satisfies readonly TaskState[]

const terminal: ReadonlySet<TaskState> = new Set(TERMINAL_STATES)

export function isTerminal(state: TaskState): boolean {
  return terminal.has(state)
}
