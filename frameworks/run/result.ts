/** What became of a run. */
import type { AgentId, TaskId } from '../../protocol/ids.ts'
import type { Exit } from '../../protocol/schema/common.ts'
import type { TaskState } from '../../protocol/task-state.ts'

/** One instance, as it is or as it ended. Fields that nobody has told are absent. */
export interface InstanceView {
  /** From 0. */
  readonly index: number
  /** `waiting`: for an offer that it fits on. */
  readonly state: 'waiting' | TaskState
  readonly taskId?: TaskId
  readonly agentId?: AgentId
  readonly exit?: Exit
  readonly reason?: string
  readonly message?: string
}

export interface RunResult {
  readonly instances: readonly InstanceView[]
  /** Why some could not be placed in time, in sentences; empty: they were, or it was interrupted. */
  readonly couldNotPlace: readonly string[]
  readonly isInterrupted: boolean
}

/** 0: all have finished. 1: some have not. 2: some could not be placed in time. */
export function exitCodeOf({ instances, couldNotPlace }: RunResult): 0 | 1 | 2 {
  if (couldNotPlace.length > 0) return 2
  return instances.every(({ state }) => state === 'TASK_FINISHED') ? 0 : 1
}
