/** Tasks that wait for offers. */
import type { TaskId } from '../../protocol/ids.ts'
import type { Resources } from '../../protocol/resources.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import type { Preferences } from './preferences.ts'

export interface NewTask extends Preferences {
  readonly taskId: TaskId
  readonly task: TaskInfo
  readonly resources: Resources
  /** Undefined: any. */
  readonly role: string | undefined
  /** On the wire. */
  readonly bytes: number
}

/** What was added together. */
export interface Job {
  /**
   * Since when (monotonic) it waits for better places: since one was passed over first, or since
   * one of its tasks was last started where it prefers. Undefined: none was passed over yet.
   */
  waitsSinceMs: number | undefined
}

export interface WaitingTask extends NewTask {
  readonly job: Job
  /** By the order of the adds. */
  readonly number: number
}

export interface QueueState {
  /** All that wait, in order. */
  waiting: Map<TaskId, WaitingTask>
  /** Those that were put on an offer, until it is known whether they were started. */
  readonly starting: Set<TaskId>
  /** So many were ever added. */
  added: number
}

export const newQueue = (): QueueState => ({ waiting: new Map(), starting: new Set(), added: 0 })

/** None of the ids is there already. */
export function addJob(state: QueueState, tasks: readonly NewTask[]): void {
  const job: Job = { waitsSinceMs: undefined }
  for (const task of tasks) {
    state.added += 1
    state.waiting.set(task.taskId, { ...task, job, number: state.added })
  }
}

/** False: it does not wait. One that is about to be started does not wait again. */
export function removeTask({ waiting, starting }: QueueState, taskId: TaskId): boolean {
  starting.delete(taskId)
  return waiting.delete(taskId)
}

/** It is put on an offer: see `settle`. */
export function beginStart({ waiting, starting }: QueueState, { taskId }: WaitingTask): void {
  waiting.delete(taskId)
  starting.add(taskId)
}

/**
 * It is known what became of tasks that were put on an offer: without a start they wait again, in
 * their old places.
 */
export function settle(state: QueueState, tasks: readonly WaitingTask[], isStarted: boolean): void {
  const left = tasks.filter(({ taskId }) => state.starting.delete(taskId))
  if (isStarted || left.length === 0) return
  const inOrder = [...left, ...state.waiting.values()].sort((a, b) => a.number - b.number)
  state.waiting = new Map(inOrder.map((task) => [task.taskId, task]))
}
