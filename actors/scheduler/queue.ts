/** Tasks that wait for offers, by the jobs that they were added as. */
import type { TaskId } from '../../protocol/ids.ts'
import type { Resources } from '../../protocol/resources.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import type { Preferences } from './preferences.ts'

export interface WaitingTask {
  readonly taskId: TaskId
  readonly task: TaskInfo
  /** Undefined: any. */
  readonly role: string | undefined
  /** One and the same for all that want the same. */
  readonly resources: Resources
  /** On the wire. */
  readonly bytes: number
  readonly preferences: Preferences
  readonly job: Job
}

/** Tasks that wait together. */
export interface Job {
  readonly tasks: Map<TaskId, WaitingTask>
  /**
   * Since when (monotonic) places are passed over; undefined: since the last good place none was.
   */
  passedOverAtMs: number | undefined
}

export interface QueueState {
  /** In order; none is empty. */
  jobs: Job[]
  /** All that wait. */
  readonly waiting: Map<TaskId, WaitingTask>
  /** Those that were put on an offer, until it is known whether they were started. */
  readonly starting: Map<TaskId, WaitingTask>
}

export const newQueue = (): QueueState => ({ jobs: [], waiting: new Map(), starting: new Map() })

export type NewTask = Omit<WaitingTask, 'job'>

/** None of the ids is there already. */
export function addJob(state: QueueState, tasks: readonly NewTask[]): void {
  const job: Job = { tasks: new Map(), passedOverAtMs: undefined }
  for (const task of tasks) {
    const waiting = { ...task, job }
    job.tasks.set(task.taskId, waiting)
    state.waiting.set(task.taskId, waiting)
  }
  if (tasks.length > 0) state.jobs.push(job)
}

/** False: it does not wait. */
export function removeTask(state: QueueState, taskId: TaskId): boolean {
  const task = state.waiting.get(taskId)
  if (task === undefined) return false
  take(state, task)
  dropEmpty(state)
  return true
}

function take({ waiting }: QueueState, { taskId, job }: WaitingTask): void {
  waiting.delete(taskId)
  job.tasks.delete(taskId)
}

/** They are put on an offer: see `settle`. */
export function beginStart(state: QueueState, tasks: readonly WaitingTask[]): void {
  for (const task of tasks) {
    take(state, task)
    state.starting.set(task.taskId, task)
  }
  dropEmpty(state)
}

function dropEmpty(state: QueueState): void {
  state.jobs = state.jobs.filter(({ tasks }) => tasks.size > 0)
}

/** It is known what became of tasks that were put on an offer: without a start they wait again. */
export function settle(state: QueueState, tasks: readonly WaitingTask[], isStarted: boolean): void {
  for (const { taskId } of tasks) state.starting.delete(taskId)
  if (isStarted) return
  for (const job of new Set(tasks.map((task) => task.job))) {
    const later = [...job.tasks]
    job.tasks.clear()
    for (const task of tasks) if (task.job === job) job.tasks.set(task.taskId, task)
    for (const [taskId, task] of later) job.tasks.set(taskId, task)
    if (later.length === 0) state.jobs.unshift(job)
  }
  for (const task of tasks) state.waiting.set(task.taskId, task)
}
