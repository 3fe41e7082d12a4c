/**
 * What has become of unfinished tasks? Asked after each subscription and from time to time; tasks
 * of which nothing was heard since are asked about more often. So lost accepts and statuses are
 * found.
 */
import { RECONCILE_MS, RECONCILE_TASKS_MAX } from '../../protocol/limits.ts'
import { cut } from '../parts/outbox.ts'
import { startCall } from './calls.ts'
import type { HeldTask, SchedulerState } from './state.ts'
import type { Turn } from './turn.ts'

/** The first repeat of a question that brought no status; doubles up to RECONCILE_MS. */
const SILENT_TASK_MS = 5_000

/** A new subscription: nothing is taken for granted. */
export function onSubscribed(turn: Turn): void {
  const { state } = turn
  for (const task of state.tasks.values()) {
    task.isHeard = false
    task.isDoubtful = state.settings.holder !== undefined
  }
    task.unknownAtMs = undefined
  state.reconcileMs = SILENT_TASK_MS
  askAboutAll(turn)
}

export function onReconcileDue(turn: Turn): void {
  const { state, now } = turn
  // It is repeated until it is answered: a leader that refuses it for long is not asked ever more.
  if (isAsking(state)) {
    state.deadlines.set('reconcile', now.monotonicMs + SILENT_TASK_MS, { due: 'reconcile' })
    return
  }
  if (now.monotonicMs >= state.reconciledAtMs + RECONCILE_MS) return askAboutAll(turn)
  // Agents come back one after the other: what they bring is known to nobody before.
  if (state.settings.isReturning) askForAll(turn)
  askAbout(
    turn,
    [...state.tasks.values()].filter((task) => !task.isHeard),
  )
  state.reconcileMs = Math.min(state.reconcileMs * 2, RECONCILE_MS)
  arrange(turn)
}

export function askAboutAll(turn: Turn): void {
  const { state, now } = turn
  state.reconciledAtMs = now.monotonicMs
  if (state.settings.isReturning) askForAll(turn)
  askAbout(turn, [...state.tasks.values()])
  arrange(turn)
}

function isAsking({ calls }: SchedulerState): boolean {
  for (const { said } of calls.values()) if (said.verb === 'reconcile') return true
  return false
}

/**
 * None named: all that the leader knows, so of an earlier process too. Not only once: an agent may
 * bring such a task long after.
 */
function askForAll(turn: Turn): void {
  startCall(turn, { verb: 'reconcile', body: { tasks: [] } })
}

function arrange({ state, now }: Turn): void {
  const atMs = Math.min(now.monotonicMs + state.reconcileMs, state.reconciledAtMs + RECONCILE_MS)
  state.deadlines.set('reconcile', atMs, { due: 'reconcile' })
}

/** A task whose accept is on its way is passed over: the leader could not know it yet. */
export function askAbout(turn: Turn, tasks: readonly HeldTask[]): void {
  const items = tasks
    .filter((task) => task.accept === undefined)
    .map(({ taskId, agentId }) => ({ taskId, ...(agentId !== undefined && { agentId }) }))
  for (let i = 0; i < items.length; i += RECONCILE_TASKS_MAX)
    for (const tasks of cut(items.slice(i, i + RECONCILE_TASKS_MAX)))
      startCall(turn, { verb: 'reconcile', body: { tasks: [...tasks] } })
}
