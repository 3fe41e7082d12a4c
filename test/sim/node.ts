/** What is struck, and lives again. */

import type { Chance } from './chance.ts'
import type { Machine } from './machine.ts'
import type { ClockFaults, Process } from './process.ts'
import type { Victim } from './strikes.ts'
import type { FrameworkDisk, Workload } from './workload.ts'

/** An actor over all of its lives. */
export interface Node extends Victim {
  process: Process | undefined
  lives: number
  /** Begins the next life. */
  begin(process: Process): Promise<unknown>
  /** Ends its present process as planned. */
  stop?: (() => Promise<void>) | undefined
  readonly machine?: Machine
  readonly chance: Chance
  /** How wrong its machine's clocks are. */
  clock: ClockFaults
  /** Until then it may be cut off, or its disk takes nothing. */
  heldUpUntilMs: number
  /** What it had written is gone. */
  readonly loseDisk?: () => void
  /** Nothing more can be written, or it can again. */
  readonly fillDisk?: (isFull: boolean) => void
  readonly silenceDisk?: (isSilent: boolean) => void
  /** What its present process runs, if it is an instance of a framework. */
  workload?: Workload
  readonly team?: Team
}

/** The instances of one framework have their disk in common. */
export interface Team {
  /** Another one's, once the framework was torn down. */
  disk: FrameworkDisk
}
