/** What became of a run. */
import type { AgentId, TaskId } from '../../protocol/ids.ts'
import type { Exit } from '../../protocol/schema/common.ts'
import type { TaskState } from '../../protocol/task-state.ts'

/** One instance, as it is or as its last attempt ended. Fields that nobody has told are absent. */
export interface InstanceView {
  /** From 0. */
  readonly index: number
  /** `waiting`: for an offer that it fits on. `restarting`: it failed, and waits to wait again. */
  readonly state: 'waiting' | 'restarting' | TaskState
  /** Of its latest attempt. */
  readonly taskId?: TaskId
  readonly agentId?: AgentId
  /** Those that it was given, PORT0 first. */
  readonly ports?: readonly number[]
  readonly exit?: Exit
  readonly reason?: string
  readonly message?: string
  /** How often it was started again; absent: never. */
  readonly restarts?: number
}

export interface RunResult {
  readonly frameworkId: string
  readonly instances: readonly InstanceView[]
  /**
   * Why some could not be placed in time, in sentences; empty: they were, or it was interrupted.
   */
  readonly couldNotPlace: readonly string[]
  readonly isInterrupted: boolean
  /**
   * The leader did not hear that this is over: it ends what still runs when it has not heard of us
   * for so long. Absent: it did.
   */
  readonly unheardEndMs?: number
}

/** 0: all have finished. 1: some have not. 2: some could not be placed in time. */
export function exitCodeOf({
  instances,
  couldNotPlace,
}: Pick<RunResult, 'instances' | 'couldNotPlace'>): 0 | 1 | 2 {
  if (couldNotPlace.length > 0) return 2
  return instances.every(({ state }) => state === 'TASK_FINISHED') ? 0 : 1
}
