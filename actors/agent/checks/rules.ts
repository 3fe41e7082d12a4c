/** What one run of a check means: whether it is told, whether it counts, whether it kills. */
import { HEALTH_FAILURES, HEALTH_GRACE_MS } from '../../../protocol/limits.ts'
import type { CheckResult, HealthCheck } from '../../../protocol/schema/task-checks.ts'
import type { CheckSeen, ExitSeen } from '../inputs.ts'
import type { Health } from './asked.ts'

export interface Judgement extends Health {
  readonly isTold: boolean
  readonly isDeadly: boolean
}

export type Outcome = 'good' | 'bad' | 'unmade'

/**
 * `ranMs`: since the start of the task. A failure within the grace period is as if it had not been,
 * until one run has succeeded. Any other failure is told; a success, when it is news. A run that
 * could not be made leaves the task as it was; the first in a row is told.
 */
export function judge(
  rules: Pick<HealthCheck, 'consecutiveFailures' | 'graceMs'>,
  { healthy, failures, isUnmade }: Health,
  { outcome, ranMs }: { readonly outcome: Outcome; readonly ranMs: number },
): Judgement {
  const asBefore = { healthy, failures, isUnmade: false, isTold: false, isDeadly: false }
  if (outcome === 'unmade') return { ...asBefore, isUnmade: true, isTold: !isUnmade }
  if (outcome === 'good')
    return { ...asBefore, healthy: true, failures: 0, isTold: healthy !== true || isUnmade }
  const { graceMs = HEALTH_GRACE_MS, consecutiveFailures = HEALTH_FAILURES } = rules
  if (healthy === undefined && ranMs < graceMs) return asBefore
  const isDeadly = failures + 1 >= consecutiveFailures
  return { ...asBefore, healthy: false, failures: failures + 1, isTold: true, isDeadly }
}

export function outcomeOf(seen: CheckSeen): Outcome {
  if ('unmade' in seen) return 'unmade'
  return isGood(seen) ? 'good' : 'bad'
}

function isGood(seen: CheckSeen): boolean {
  if ('exit' in seen) return 'code' in seen.exit && seen.exit.code === 0
  if ('statusCode' in seen) return seen.statusCode >= 200 && seen.statusCode <= 399
  return 'connected' in seen && seen.connected
}

/** As a status tells it. Nothing stands in it when there was no answer. */
export function resultOf(seen: CheckSeen): CheckResult {
  if ('statusCode' in seen) return { statusCode: seen.statusCode }
  if ('connected' in seen) return { connected: seen.connected }
  if (!('exit' in seen) || 'unknown' in seen.exit) return {}
  return { exitCode: 'code' in seen.exit ? seen.exit.code : 128 + seen.exit.signal }
}

/** None yet, and one that nothing stands in, are the same: nothing is known. */
export function isSameResult(a: CheckResult = {}, b: CheckResult = {}): boolean {
  return a.exitCode === b.exitCode && a.statusCode === b.statusCode && a.connected === b.connected
}

/** For people, without an end: `answered 503`. */
export function wordsOf(seen: CheckSeen): string {
  if ('failed' in seen) return seen.failed
  if ('unmade' in seen) return `it could not be made: ${seen.unmade}`
  if ('statusCode' in seen) return `it answered ${seen.statusCode}`
  if ('connected' in seen) return seen.connected ? 'it took the connection' : seen.why
  const { exit, said = '' } = seen
  return `${exitWords(exit)}${said && `: ${said}`}`
}

function exitWords(exit: ExitSeen): string {
  if ('unknown' in exit) return `nobody saw how the command ended: ${exit.unknown}`
  return 'code' in exit
    ? `the command exited with status ${exit.code}`
    : `the command was ended by ${exit.name}`
}
