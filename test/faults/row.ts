/**
 * One row of the fault matrix: a fault on a cluster of real processes, what must be seen, and the
 * time in which all is well again.
 */
import type { Need } from '../support/needs.ts'
import type { Stage } from './stage.ts'

/**
 * I1 nothing is offered or used twice. I2 of each epoch one master is obeyed, and epochs never go
 * down. I3 every launched task ends exactly once at its framework, none is invented. I4 no task
 * starts twice, and none that is unknown goes on. I5 tasks run on through faults of the control
 * plane. I6 nothing is left behind. I7 memory and queues are bounded. I8 others keep 90 % of their
 * throughput. I9 recovery within the stated time.
 */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9'

export interface Row {
  /** As the matrix counts. */
  readonly number: number
  /** One word for the command line: `leader-killed`. */
  readonly name: string
  /** What is done, for the table. */
  readonly fault: string
  /** What must be seen, for the table. */
  readonly expected: string
  readonly invariants: readonly Invariant[]
  /** Stated: from the fault, or from its end where it lasts, until what the row calls recovered. */
  readonly withinMs: number
  /** What the machine must have. Asked before `run`. */
  readonly needs?: () => readonly Need[] | Promise<readonly Need[]>
  /**
   * Once, from an empty cluster to its end.
   * @throws {Error} what was expected did not come.
   */
  run(stage: Stage): Promise<RowOutcome>
}

export interface RowOutcome {
  readonly recoveryMs: number
  /** Launched tasks that their framework heard no true end of. */
  readonly lost: number
  /** Tasks that started twice, or had two ends. */
  readonly doubled: number
  /** Statuses of tasks that nobody launched, and ends of tasks that never started. */
  readonly phantom: number
  /** What was seen, in a sentence. */
  readonly note: string
  /** What was expected and is not so, one sentence each. Absent: nothing. */
  readonly problems?: readonly string[]
  /**
   * What the row needs and did not get while it ran, named as a `Need`: without problems it has
   * shown nothing then, and does not count as survived. Absent: it had all.
   */
  readonly missing?: string
}
