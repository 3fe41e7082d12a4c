/** Tasks that wait for offers, by the jobs that they were added as. */
import type { TaskId } from '../../protocol/ids.ts'
import { Job, type NewTask, type WaitingTask } from './job.ts'

export interface QueueState {
  /** In order; none is empty. */
  jobs: Job[]
  /** All that wait. */
  readonly waiting: Map<TaskId, WaitingTask>
  /** Those that were put on an offer, until it is known whether they were started. */
  readonly starting: Map<TaskId, WaitingTask>
}

export const newQueue = (): QueueState => ({ jobs: [], waiting: new Map(), starting: new Map() })

/** None of the ids is there already. */
export function addJob(state: QueueState, tasks: readonly NewTask[]): void {
  const job = new Job()
  for (const task of tasks) {
    const waiting = { ...task, job }
    job.add(waiting)
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

function take({ waiting }: QueueState, task: WaitingTask): void {
  waiting.delete(task.taskId)
  task.job.remove(task)
}

/** It is put on an offer: see `settle`. */
export function beginStart(state: QueueState, task: WaitingTask): void {
  take(state, task)
  state.starting.set(task.taskId, task)
}

/** Jobs of which all was taken are over. */
export function dropEmpty(state: QueueState): void {
  if (state.jobs.some(({ size }) => size === 0))
    state.jobs = state.jobs.filter(({ size }) => size > 0)
}

/** It is known what became of tasks that were put on an offer: without a start they wait again. */
export function settle(state: QueueState, tasks: readonly WaitingTask[], isStarted: boolean): void {
  for (const { taskId } of tasks) state.starting.delete(taskId)
  if (isStarted) return
  for (const job of new Set(tasks.map((task) => task.job))) {
    if (job.size === 0) state.jobs.unshift(job)
    job.addFirst(tasks.filter((task) => task.job === job))
  }
  for (const task of tasks) state.waiting.set(task.taskId, task)
}
