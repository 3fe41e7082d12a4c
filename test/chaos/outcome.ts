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

/** Of all that were launched: faults keep a few from beginning, and no fault keeps more. */
const NEVER_BEGUN_PART_MAX = 0.05
/** Of fewer one fault may hit many. */
const LAUNCHED_MIN = 500

/** Too many tasks have never begun: a cluster that launches nothing loses nothing. */
export function tooFewBegan({ launched, neverBegun }: Figures): string | undefined {
  const count = Object.values(neverBegun).reduce((sum, one) => sum + one, 0)
  if (launched < LAUNCHED_MIN || count <= launched * NEVER_BEGUN_PART_MAX) return undefined
  return `${count} of ${launched} tasks never began: ${neverBegunText(neverBegun)}`
}

/** `12 TASK_DROPPED RECONCILIATION, 3 known to nobody`, the most first. */
export const neverBegunText = (neverBegun: Figures['neverBegun']): string =>
  Object.entries(neverBegun)
    .toSorted(([, a], [, b]) => b - a)
    .map(([why, count]) => `${count} ${why}`)
    .join(', ')

export const isGood = ({ violations, leftBehind }: ChaosOutcome): boolean =>
  violations.length === 0 && leftBehind.length === 0
