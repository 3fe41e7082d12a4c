/** One hostile task: what it does to the machine, and how it must end. */
import type { TaskWish } from '../../actors/scheduler/scheduler.ts'
import type { Reason } from '../../protocol/schema/common.ts'
import type { TaskState } from '../../protocol/task-state.ts'

export interface HostileTask {
  /** One word for the command line: `fork-bomb`. */
  readonly name: string
  /** What it does, for the table. */
  readonly does: string
  readonly wish: Omit<TaskWish, 'taskId' | 'name'>
  /** Its framework kills it so long after it runs. Absent: the cluster is to end it. */
  readonly killedAfterMs?: number
  /** Isolators without which it would harm the machine: it does not run where they are missing. */
  readonly needs: readonly string[]
  readonly ends: Expected
}

/** How it must end. */
export interface Expected {
  readonly state: TaskState
  /** One of these. Absent: none is told. */
  readonly reasons?: readonly Reason[]
  /** The sentence must name the cause. Absent: there is nothing to be said. */
  readonly says?: RegExp
}
