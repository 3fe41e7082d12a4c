/**
 * What has become of unfinished tasks? Asked after each subscription and from time to time; tasks
 * of which nothing was heard since are asked about more often. So lost accepts and statuses are
 * found. So many at a time, the next when those are answered: all tasks at once would be more than
 * a leader reads before its server cuts it off. One that still invites its agents knows few tasks,
 * and has no time: it is asked when its beats say that it has invited all.
 */
import type { AgentId } from '../../protocol/ids.ts'
import { RECONCILE_MS, RECONCILE_TASKS_MAX } from '../../protocol/limits.ts'
import type { Reconcile } from '../../protocol/schema/calls.ts'
import { cut } from '../parts/outbox.ts'
import { startCall } from './calls.ts'
import type { HeldTask, SchedulerState } from './state.ts'
import type { Turn } from './turn.ts'

/** The first repeat of a question that brought no status; doubles up to RECONCILE_MS. */
const SILENT_TASK_MS = 5_000

/** A new subscription: nothing is taken for granted. */
export function onSubscribed(turn: Turn): void {
  const { state, now } = turn
  for (const task of state.tasks.values()) {
    task.isHeard = false
    task.unknownAtMs = undefined
    task.isDoubtful = state.settings.holder !== undefined
  }
  state.reconcileMs = SILENT_TASK_MS
  if (!state.isInviting) return askAboutAll(turn)
  state.reconciledAtMs = now.monotonicMs
  arrange(turn)
}

/** What a beat of the leader says of it. */
export function noteInviting(turn: Turn, isInviting: boolean): void {
  const { state } = turn
  const hasInvitedAll = state.isInviting && !isInviting
  state.isInviting = isInviting
  if (hasInvitedAll && state.link.phase === 'open') askAboutAll(turn)
}

export function onReconcileDue(turn: Turn): void {
  const { state, now } = turn
  // It is repeated until it is answered: a leader that refuses it for long is not asked ever more.
  if (isAsking(state)) {
    state.deadlines.set('reconcile', now.monotonicMs + SILENT_TASK_MS, { due: 'reconcile' })
    return
  }
  if (now.monotonicMs >= state.reconciledAtMs + RECONCILE_MS) return askAboutAll(turn)
  if (state.isInviting) return arrange(turn)
  // Agents come back one after the other: what they bring is known to nobody before.
  if (knowsNotAll(state)) askForAll(turn)
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
  if (knowsNotAll(state)) askForAll(turn)
  askAbout(turn, [...state.tasks.values()])
  arrange(turn)
}

function isAsking({ calls }: SchedulerState): boolean {
  for (const { said } of calls.values()) if (said.verb === 'reconcile') return true
  return false
}

/** The leader may know tasks that this process does not, or no more. */
function knowsNotAll({ settings, hasLetGo }: SchedulerState): boolean {
  return settings.isReturning || hasLetGo
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

export function askAbout(turn: Turn, tasks: readonly HeldTask[]): void {
  for (const task of tasks) turn.state.questions.add(task)
  askMore(turn)
}

/** What the leader knew of their tasks it has said; a new one may have known none of them. */
export function askAboutLost(turn: Turn, lost: ReadonlySet<AgentId>): void {
  const isInDoubt = ({ agentId, state }: HeldTask): boolean =>
    agentId !== undefined && lost.has(agentId) && state !== 'TASK_UNREACHABLE'
  askAbout(turn, [...turn.state.tasks.values()].filter(isInDoubt))
}

/** The next of those that are to be asked about, unless earlier questions are not answered yet. */
export function askMore(turn: Turn): void {
  const { state } = turn
  if (state.questions.size === 0 || isAsking(state)) return
  const items: TaskItem[] = []
  for (const task of state.questions) {
    state.questions.delete(task)
    if (isToAsk(state, task)) items.push(ask(task))
    if (items.length === RECONCILE_TASKS_MAX) break
  }
  if (items.length === 0) return
  for (const tasks of cut(items)) {
    startCall(turn, { verb: 'reconcile', body: { tasks: [...tasks] } })
  }
}

/** A task whose accept is on its way is passed over: the leader could not know it yet. */
function isToAsk({ tasks }: SchedulerState, task: HeldTask): boolean {
  return task.accept === undefined && tasks.get(task.taskId) === task
}

type TaskItem = Reconcile['tasks'][number]

function ask(task: HeldTask): TaskItem {
  const { taskId, agentId, launch } = task
  task.isAsked = true
  return {
    taskId,
    ...(agentId !== undefined && { agentId }),
    ...(launch !== undefined && { launch }),
  }
}
