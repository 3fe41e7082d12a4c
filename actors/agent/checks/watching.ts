/** Which checks of a task are due, and when: from its start to its kill or its end. */
import {
  CHECK_DELAY_MS,
  CHECK_INTERVAL_MS,
  CHECK_INTERVAL_MS_MIN,
  CHECK_TIMEOUT_MS,
} from '../../../protocol/limits.ts'
import type { Now } from '../../../protocol/now.ts'
import { nextFraction } from '../../parts/random.ts'
import type { Effect, Probe } from '../effects.ts'
import { record } from '../held.ts'
import type { AgentState, Task } from '../state.ts'
import { type AskedChecks, type CheckKind, type Checks, newHealth } from './asked.ts'
import { KINDS, keyOf } from './checks.ts'

const probeOf = ({ healthCheck, check }: AskedChecks, which: CheckKind): AskedChecks['check'] =>
  which === 'check' ? check : healthCheck

/** Of a task from before there was such a minimum, too. */
const intervalOf = ({
  intervalMs = CHECK_INTERVAL_MS,
}: NonNullable<AskedChecks['check']>): number => Math.max(intervalMs, CHECK_INTERVAL_MS_MIN)

/** Its process is there. */
export function beginChecks(state: AgentState, task: Task, now: Now): void {
  const { checks, launch } = task
  if (checks === undefined) return
  checks.startedAtMs = now.wallMs
  checks.startedMs = now.monotonicMs
  record(state, { kind: 'watched', launch, atMs: now.wallMs })
  for (const which of KINDS) {
    const check = probeOf(checks.asked, which)
    if (check !== undefined)
      runAfter(state, task, { which, delayMs: check.delayMs ?? CHECK_DELAY_MS, now })
  }
  completeAfter(state, task, checks.asked.maxCompletionMs, now)
}

/**
 * After a restart of the agent the task is as it was last told to be; failures are counted anew.
 * Its checks begin again within an interval of theirs: those of all tasks do not come at once.
 */
export function resumeChecks(state: AgentState, task: Task, now: Now): void {
  const { checks, last } = task
  if (checks === undefined) return
  if (checks.startedAtMs === undefined) return beginChecks(state, task, now)
  checks.health = newHealth(last?.healthy)
  checks.result = last?.checkResult
  // To a clock that went back it has only just started.
  const ranMs = Math.max(0, now.wallMs - checks.startedAtMs)
  checks.startedMs = now.monotonicMs - ranMs
  for (const which of KINDS) {
    const check = probeOf(checks.asked, which)
    if (check === undefined) continue
    const spreadMs = nextFraction(state.random) * intervalOf(check)
    const leftMs = (check.delayMs ?? CHECK_DELAY_MS) - ranMs
    runAfter(state, task, { which, delayMs: Math.max(leftMs, spreadMs), now })
  }
  const { maxCompletionMs } = checks.asked
  if (maxCompletionMs === undefined) return
  completeAfter(state, task, Math.max(0, maxCompletionMs - ranMs), now)
}

export const ranFor = ({ startedMs }: Checks, { monotonicMs }: Now): number =>
  startedMs === undefined ? 0 : monotonicMs - startedMs

interface Due {
  readonly which: CheckKind
  readonly delayMs: number
  readonly now: Now
}

function runAfter(state: AgentState, task: Task, { which, delayMs, now }: Due): void {
  const { launch } = task
  const deadline = { kind: 'check', launch, which } as const
  state.deadlines.set(keyOf(which, task), now.monotonicMs + delayMs, deadline)
}

/** The last run has ended. */
export function runAgain(state: AgentState, task: Task, which: CheckKind, now: Now): void {
  const check = task.checks && probeOf(task.checks.asked, which)
  if (check === undefined) return
  runAfter(state, task, { which, delayMs: intervalOf(check), now })
}

export function completeAfter(
  state: AgentState,
  task: Task,
  delayMs: number | undefined,
  now: Now,
): void {
  if (delayMs === undefined) return
  const deadline = { kind: 'completion', launch: task.launch } as const
  state.deadlines.set(keyOf('completion', task), now.monotonicMs + delayMs, deadline)
}

/** A run that is due. Its task is watched, or its deadline would not stand. */
export function runCheck(
  state: AgentState,
  { launch, which }: Pick<CheckDue, 'launch' | 'which'>,
): readonly Effect[] {
  const check = probeOf(state.tasks.get(launch)?.checks?.asked ?? {}, which)
  const probe = check && whatToProbe(check)
  if (check === undefined || probe === undefined) return []
  const { timeoutMs = CHECK_TIMEOUT_MS } = check
  return [{ do: 'run-check', containerId: launch, which, probe, timeoutMs }]
}

type CheckDue = { readonly launch: Task['launch']; readonly which: CheckKind }

/** Undefined: the leader has let something pass that is no check. */
function whatToProbe({ command, http, tcp }: NonNullable<AskedChecks['check']>): Probe | undefined {
  if (http !== undefined) return { http }
  if (tcp !== undefined) return { tcp }
  if (command?.argv !== undefined) return { command: { argv: command.argv } }
  return command?.shell === undefined ? undefined : { command: { shell: command.shell } }
}
