/** How a task is watched: what its framework asked for, and what has come of it so far. */
import type { TaskInfo } from '../../../protocol/schema/common.ts'
import type { CheckResult } from '../../../protocol/schema/task-checks.ts'

/** What a framework asked for; at least one stands. */
export type AskedChecks = Pick<TaskInfo, 'healthCheck' | 'check' | 'maxCompletionMs'>
export type CheckKind = 'health-check' | 'check'

/**
 * Its failures in a row, and what the last run that counted came to. `isUnmade`: the last one could
 * not be made.
 */
export interface Health {
  readonly healthy: boolean | undefined
  readonly failures: number
  readonly isUnmade: boolean
}

/** How a task is watched. */
export interface Checks {
  readonly asked: AskedChecks
  /** When it started, in wall time: a restart of the agent prolongs nothing. */
  startedAtMs: number | undefined
  /** The same on the monotonic clock of this agent: a step of the wall's ends nothing. */
  startedMs: number | undefined
  health: Health
  /** What its check said last. */
  result: CheckResult | undefined
}

/** Undefined: there is nothing to see to. */
export function askedOf({
  healthCheck,
  check,
  maxCompletionMs,
}: AskedChecks): AskedChecks | undefined {
  if ((healthCheck ?? check ?? maxCompletionMs) === undefined) return undefined
  return {
    ...(healthCheck && { healthCheck }),
    ...(check && { check }),
    ...(maxCompletionMs !== undefined && { maxCompletionMs }),
  }
}

export const newHealth = (healthy: boolean | undefined): Health => ({
  healthy,
  failures: 0,
  isUnmade: false,
})

export const newChecks = (asked: AskedChecks, startedAtMs?: number): Checks => ({
  asked,
  startedAtMs,
  startedMs: undefined,
  health: newHealth(undefined),
  result: undefined,
})
