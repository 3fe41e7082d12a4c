/** What runs of checks have come to: statuses, and kills. */

import type { Launch } from '../../../protocol/ids.ts'
import { HEALTH_FAILURES, KILL_GRACE_MS } from '../../../protocol/limits.ts'
import type { Now } from '../../../protocol/now.ts'
import type { CheckEnded, CheckSeen } from '../inputs.ts'
import { killTask } from '../kills.ts'
import { type AgentState, stateOf, type Task } from '../state.ts'
import { report } from '../streams.ts'
import type { Checks } from './asked.ts'
import { isSameResult, judge, outcomeOf, resultOf, wordsOf } from './rules.ts'
import { completeAfter, ranFor, runAgain } from './watching.ts'

/** A task that runs, and that nobody has killed. */
function watched(state: AgentState, launch: Launch): (Task & { checks: Checks }) | undefined {
  const task = state.tasks.get(launch)
  if (task?.checks === undefined || task.killedWithMs !== undefined) return undefined
  const isRunning = stateOf(task) === 'TASK_RUNNING' && !task.framework.isOver
  return isRunning ? (task as Task & { checks: Checks }) : undefined
}

export function heardCheck(state: AgentState, ended: CheckEnded, now: Now): void {
  const { containerId, which, seen } = ended
  const task = watched(state, containerId as Launch)
  if (task === undefined) return
  // What cannot be remembered is neither told nor counted: it is seen again.
  if (state.cannotRecord === undefined) {
    if (which === 'health-check') judgeHealth(state, task, { seen, now })
    else tellResult(state, task, { seen, now })
  }
  if (task.killedWithMs === undefined) runAgain(state, task, which, now)
}

interface Seen {
  readonly seen: CheckSeen
  readonly now: Now
}

function judgeHealth(
  state: AgentState,
  task: Task & { checks: Checks },
  { seen, now }: Seen,
): void {
  const { checks } = task
  const { healthCheck = {} } = checks.asked
  const run = { outcome: outcomeOf(seen), ranMs: ranFor(checks, now) }
  const { isTold, isDeadly, ...health } = judge(healthCheck, checks.health, run)
  checks.health = health
  if (!isTold) return
  const message = sentenceOf(health.failures, seen)
  const news = { state: 'TASK_RUNNING', reason: 'HEALTH_CHECK_STATUS_UPDATED', message } as const
  report(state, task, { news, now })
  if (!isDeadly) return
  const { consecutiveFailures = HEALTH_FAILURES } = healthCheck
  const times =
    consecutiveFailures === 1 ? 'its health check' : `${consecutiveFailures} health checks in a row`
  task.killCause = { reason: 'UNHEALTHY', message: `${times} failed, at last: ${wordsOf(seen)}` }
  killTask(state, task, { graceMs: task.killGraceMs ?? KILL_GRACE_MS, now })
}

function sentenceOf(failures: number, seen: CheckSeen): string {
  if ('unmade' in seen) return `its health check could not be made: ${seen.unmade}`
  return failures === 0
    ? `its health check succeeded: ${wordsOf(seen)}`
    : `its health check failed (${failures} in a row): ${wordsOf(seen)}`
}

function tellResult(state: AgentState, task: Task & { checks: Checks }, { seen, now }: Seen): void {
  const { checks } = task
  const result = resultOf(seen)
  const isSame = isSameResult(checks.result, result)
  checks.result = result
  if (isSame) return
  const message = `its check says: ${wordsOf(seen)}`
  const news = { state: 'TASK_RUNNING', reason: 'CHECK_STATUS_UPDATED', message } as const
  report(state, task, { news, now })
}

/** So long after a kill that could not be written down it is looked again whether it can be. */
const RECORDED_MS = 1_000

/** It was to be done by now. It has no grace: it has had all the time that it asked for. */
export function endOverdue(state: AgentState, launch: Launch, now: Now): void {
  const task = watched(state, launch)
  if (task === undefined) return
  // Were the agent to end now, nobody would know why it was killed.
  if (state.cannotRecord !== undefined) return completeAfter(state, task, RECORDED_MS, now)
  const message = `it was not done within ${task.checks.asked.maxCompletionMs} ms`
  task.killCause = { reason: 'MAX_COMPLETION_TIME_REACHED', message }
  killTask(state, task, { graceMs: 0, now })
}
