/** What a run of chaos has shown. */
import type { Figures } from '../lab/observer.ts'

/** Of one kind of fault. */
export interface KindFigures {
  times: number
  worstMs: number
  /** Stated. */
  withinMs: number
}

export interface ChaosOutcome {
  readonly seed: number
  readonly minutes: number
  readonly servers: number
  readonly rounds: number
  readonly faults: number
  readonly kinds: Readonly<Record<string, KindFigures>>
  /** From the end of all faults until all tasks had ended and all books agreed. */
  readonly calmMs: number
  readonly figures: Figures
  /** Processes that ended without being killed, and were started again: where, and how often. */
  readonly ownEnds: Readonly<Record<string, number>>
  readonly violations: readonly string[]
  readonly leftBehind: readonly string[]
  /** What this machine does not allow. */
  readonly skipped: readonly string[]
  /** Where the logs are; only of a run that went wrong. */
  readonly folder?: string
}

export const isGood = ({ violations, leftBehind }: ChaosOutcome): boolean =>
  violations.length === 0 && leftBehind.length === 0
