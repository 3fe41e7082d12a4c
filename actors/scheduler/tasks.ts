/** Tasks as their statuses tell: what counts, what is handed over, what is acknowledged. */
import {
  type AgentId,
  isLaterLaunch,
  type Launch,
  madeIn,
  type SessionId,
  type TaskId,
} from '../../protocol/ids.ts'
import type { StatusNumber, Subscription, TaskStatus } from '../../protocol/schema/common.ts'
import type { StatusUpdates } from '../../protocol/schema/scheduler.ts'
import { taskEventOf, taskStep } from '../../protocol/task-machine.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { compareSubscription } from '../parts/fence.ts'
import { killAgain, killOutliving, killTask, NOT_KILLED } from './kills.ts'
import { repeatReadingsOf } from './output.ts'
import type { Ack, Count, EndedTask, HeldTask, SchedulerState } from './state.ts'
import { count, type Turn } from './turn.ts'
import { onUnknown, takeKill } from './unknown.ts'

interface NewTask {
  readonly taskId: TaskId
  readonly agentId?: AgentId | undefined
  readonly accept?: SessionId
}

/** A task that the framework has just launched, or of which it is heard for the first time. */
export function holdTask(state: SchedulerState, { taskId, agentId, accept }: NewTask): HeldTask {
  const before = state.ended.get(taskId)
  const task: HeldTask = {
    taskId,
    agentId,
    launch: undefined,
    after: before?.launch,
    since: accept === undefined ? undefined : state.lastLaunch,
    subscription: state.subscription,
    state: accept === undefined ? 'TASK_UNKNOWN' : 'TASK_STAGING',
    number: undefined,
    uuid: undefined,
    accept,
    kill: undefined,
    isAsked: false,
    isHeard: false,
    isDoubtful: false,
    unknownAtMs: undefined,
    isToldUnknown: false,
  }
  if (before !== undefined) state.ended.delete(taskId)
  if (accept !== undefined) state.kills.delete(taskId)
  state.tasks.set(taskId, task)
  return task
}

/** Another task of that id is there already, wherever it may be: its statuses are this one's. */
export function forgetLaunch(state: SchedulerState, { taskId, kill }: HeldTask): HeldTask {
  const task = holdTask(state, { taskId })
  task.kill = kill
  return task
}

/**
 * `from`: the agent that published them. The framework is told of news; the rest is acknowledged.
 */
export function onAgentStatuses(
  turn: Turn,
  from: AgentId,
  { subscription, statuses }: Pick<StatusUpdates, 'subscription' | 'statuses'>,
): void {
  // They are for the instance that leads; agents repeat them to each new one.
  const { link, settings } = turn.state
  if (settings.holder !== undefined && link.phase !== 'open') return
  const news: TaskStatus[] = []
  for (const status of statuses) {
    if (!isForUs(turn.state, status, subscription)) count(turn, 'earlierStatus')
    else if (takeFrom(turn, from, status)) news.push(status)
  }
  if (news.length > 0) turn.effects.push({ do: 'tell-statuses', statuses: news })
}

/**
 * What was said to an earlier process may come to this one late, when its task has long ended, and
 * another may have its id. Of whom an agent that knows an older subscription has spoken, its launch
 * tells; else it can be no task that began in a later one. Who has the task says it again when it
 * hears of our subscription. `given`: the highest that the agent knew.
 */
function isForUs(
  { subscription: own, tasks, ended }: SchedulerState,
  { taskId, launch }: TaskStatus,
  given: Subscription | undefined,
): boolean {
  if (given === undefined || isNotBefore(given, own)) return true
  const known = tasks.get(taskId) ?? ended.get(taskId)
  if (known === undefined) return false
  if (known.launch === undefined) return isNotBefore(given, known.subscription)
  // One before it is no news, and is acknowledged: its agent may hear of no other subscription.
  return known.launch === launch || (launch !== undefined && isLaterLaunch(known.launch, launch))
}

function isNotBefore(given: Subscription, own: Subscription | undefined): boolean {
  return own !== undefined && compareSubscription(given, own) >= 0
}

/** True: it is news for the framework. What is not is acknowledged, at the latest with what is. */
function takeFrom(turn: Turn, from: AgentId, status: TaskStatus): boolean {
  const { uuid, taskId, launch } = status
  const { unseen } = turn.state
  // The framework is still busy with it: the acknowledgement follows.
  if (uuid !== undefined && unseen.has(uuid)) {
    repeatReadingsOf(turn, taskId)
    count(turn, 'repeatedStatus')
    return false
  }
  // What the subject says counts. The message is ours: a copy of each status would cost more than
  // all that is done with it.
  status.agentId = from
  const problem = take(turn, status, from)
  const isNews = problem === undefined
  if (uuid === undefined) return isNews
  const ack = ackOf(status, uuid)
  if (isNews) unseen.set(uuid, { agentId: from, ack })
  // Until the framework is done with the end that the leader said, its agent keeps what it has.
  else if (launch !== undefined && unseen.has(launch)) unseen.set(launch, { agentId: from, ack })
  else if (!isHeldBack(turn.state, taskId, problem)) acknowledge(turn, from, ack)
  return isNews
}

/**
 * Until its launch is known, where a task is has only been wished for: its id may be in use on
 * another agent, or by a task of an earlier process. Agents repeat what they have to say until that
 * is found out; and of a task that is to die, until it is dead.
 */
function isHeldBack(
  { tasks }: SchedulerState,
  taskId: TaskId,
  problem: Count | undefined,
): boolean {
  if (problem === 'earlierLaunch' || problem === 'outlivingLaunch') return true
  return problem === 'foreignAgent' && tasks.get(taskId)?.launch === undefined
}

function ackOf({ taskId, launch }: TaskStatus, uuid: string): Ack {
  return launch === undefined ? { taskId, uuid } : { taskId, uuid, launch }
}

/** By which the framework says that it has handled a status; undefined: nobody waits for that. */
export function seenKey({ uuid, state, launch }: TaskStatus): string | undefined {
  return uuid ?? (isTerminal(state) ? launch : undefined)
}

/** A status that the leader made: it is not acknowledged. */
export function onLeaderStatus(turn: Turn, status: TaskStatus): void {
  const { taskId, state, launch } = status
  const isToDie = turn.state.tasks.get(taskId)?.kill !== undefined
  const isNews = take(turn, status, undefined) === undefined
  const held = turn.state.tasks.get(taskId)
  if (isToDie && held !== undefined && isOfLaunch(held, launch)) killAgain(turn, held, state)
  if (!isNews) return
  const key = seenKey(status)
  if (key !== undefined) turn.state.unseen.set(key, undefined)
  turn.effects.push({ do: 'tell-statuses', statuses: [status] })
  if (state === 'TASK_UNKNOWN') onUnknown(turn, taskId)
  if (isTerminal(state)) repeatReadingsOf(turn, taskId)
}

/** The framework has handled these statuses. */
export function onSeen(turn: Turn, keys: readonly string[]): void {
  const { unseen } = turn.state
  for (const key of keys) {
    const seen = unseen.get(key)
    unseen.delete(key)
    if (seen !== undefined) acknowledge(turn, seen.agentId, seen.ack)
  }
}

function acknowledge({ state }: Turn, agentId: AgentId, ack: Ack): void {
  state.acks.add(agentId, agentId, ack)
}

/** Acknowledgements need a subscription: without one, agents would not obey them. */
export function hasAcks({ acks, subscription }: SchedulerState): boolean {
  return subscription !== undefined && !acks.isEmpty
}

export function flushAcks({ state, effects }: Turn): void {
  const { subscription } = state
  if (subscription === undefined) return
  for (const { to: agentId, lists } of state.acks.takeAll())
    for (const acks of lists)
      effects.push({ do: 'acknowledge', agentId, body: { subscription, acks: [...acks] } })
}

/** Applies a status. Why not, if it is nothing new. */
function take(turn: Turn, status: TaskStatus, from: AgentId | undefined): Count | undefined {
  const { state } = turn
  const held = state.tasks.get(status.taskId)
  const task = held && isStartedAnew(held, status) ? followNext(state, held, status) : held
  const problem =
    task === undefined ? problemOfUnheld(state, status, from) : problemOf(task, status, from)
  if (problem === undefined) apply(turn, task, status)
  else count(turn, problem)
  if (problem === 'outlivingLaunch') killOutliving(turn, status)
  return problem
}

/** It was asked for the launch that was there, or the accept has made: not for one since. */
function followNext(state: SchedulerState, held: HeldTask, { launch }: TaskStatus): HeldTask {
  const next = forgetLaunch(state, held)
  const before = held.launch ?? held.since
  const isSince = before !== undefined && launch !== undefined && isLaterLaunch(launch, before)
  if (isSince) next.kill = undefined
  return next
}

/** The task that is held is over, and nobody could tell this instance so. */
function isStartedAnew({ isDoubtful, launch, agentId }: HeldTask, status: TaskStatus): boolean {
  if (!isDoubtful || status.launch === undefined) return false
  return launch === undefined ? agentId !== status.agentId : isLaterLaunch(status.launch, launch)
}

/** Why a status of a task that is held changes nothing; undefined: it does. */
function problemOf(
  task: HeldTask,
  status: TaskStatus,
  from: AgentId | undefined,
): Count | undefined {
  const foreign = problemOfForeign(task, status, from)
  if (foreign !== undefined) return foreign
  task.isHeard = true
  if (from === undefined) place(task, status)
  if (status.state !== 'TASK_UNKNOWN') task.unknownAtMs = undefined
  if (status.launch !== undefined) task.isDoubtful = false
  if (status.uuid !== undefined && status.uuid === task.uuid) return 'repeatedStatus'
  const order = compareNumber(status.number, task.number)
  if (order < 0 && !isEndOf(task, status, from)) return 'oldStatus'
  const event = taskEventOf(status.state)
  // An answer that nobody knows the task is passed on and stored nowhere.
  if (event === undefined) return from === undefined ? undefined : 'illegalState'
  if (from === undefined && order === 0 && isAsTold(task, status)) return 'repeatedStatus'
  return taskStep(task.state, event) === undefined ? 'illegalState' : undefined
}

/**
 * The leader says that this very launch has ended. Its agent may have lost what it told last, so
 * that the leader knows an older number, and nobody will ever say the end with a higher one.
 */
const isEndOf = (
  task: HeldTask,
  { state, launch }: TaskStatus,
  from: AgentId | undefined,
): boolean =>
  from === undefined && isTerminal(state) && launch !== undefined && launch === task.launch

/** Why it is about another task of that id; undefined: it is about this one. */
function problemOfForeign(
  task: HeldTask,
  status: TaskStatus,
  from: AgentId | undefined,
): Count | undefined {
  const { agentId, isAsked } = task
  if (from !== undefined && agentId !== undefined && agentId !== from) return 'foreignAgent'
  // When the leader was asked, and nothing of its own was heard, that one has the id.
  if (!isAsked && isOfEarlier(task, status.launch)) return 'earlierLaunch'
  if (!isOfLaunch(task, status.launch)) return 'foreignLaunch'
  if (from === undefined && !isAsked && isAnswerByName(status)) return 'foreignLaunch'
  return undefined
}

/** The framework was told nothing else since. */
const isAsTold = (task: HeldTask, { state }: TaskStatus): boolean =>
  state === task.state && !task.isToldUnknown

/** The leader knows the launch, and so where it is. */
function place(task: HeldTask, { launch, agentId }: TaskStatus): void {
  if (task.launch !== undefined || launch === undefined) return
  task.launch = launch
  task.agentId = agentId ?? task.agentId
}

function problemOfUnheld(
  state: SchedulerState,
  status: TaskStatus,
  from: AgentId | undefined,
): Count | undefined {
  // It was asked about while it was held, and has ended since.
  if (from === undefined && isAnswerByName(status)) return 'oldStatus'
  const before = state.ended.get(status.taskId)
  if (before === undefined) return undefined
  if (status.uuid !== undefined && status.uuid === before.uuid) return 'repeatedStatus'
  if (isLater(state, status, before)) return undefined
  return isBackAlive(status, before) ? 'outlivingLaunch' : 'oldStatus'
}

/** Its agent was away when the framework launched the id once more, and that one is over. */
function isBackAlive({ state, latest = state, launch }: TaskStatus, before: EndedTask): boolean {
  if (launch === undefined || before.launch === undefined || !NOT_KILLED.has(latest)) return false
  return isLaterLaunch(before.launch, launch)
}

/** Of an end whose launch nobody said: it may be another instance's that was started since. */
function isLater(state: SchedulerState, status: TaskStatus, before: EndedTask): boolean {
  const { launch, agentId } = status
  if (launch === undefined) return false
  if (before.launch !== undefined) return isLaterLaunch(launch, before.launch)
  if (state.settings.holder === undefined) return false
  const isElsewhere = before.agentId !== undefined && before.agentId !== agentId
  return isElsewhere || mayBeSince(state, launch, before)
}

/** An agent that did not have the task may bring it nonetheless: its disk can go back. */
function mayBeSince({ handovers }: SchedulerState, launch: Launch, before: EndedTask): boolean {
  // No other instance has led since.
  if (before.handovers === handovers) return false
  const { epoch = 0 } = madeIn(launch) ?? {}
  return epoch >= (before.subscription?.epoch ?? 0)
}

/** Of a task that was accepted here, it can be no launch that was made before. */
function isOfEarlier({ launch: known, since }: HeldTask, launch: Launch | undefined): boolean {
  if (known !== undefined || since === undefined || launch === undefined) return false
  return !isLaterLaunch(launch, since)
}

function isOfLaunch(task: HeldTask, launch: Launch | undefined): boolean {
  if (launch === undefined) return true
  if (task.launch !== undefined) return task.launch === launch
  return task.after === undefined || isLaterLaunch(launch, task.after)
}

/**
 * The leader knows no task of that id. It may have read the question, which was about an earlier
 * one, before the accept that stands behind it.
 */
const isAnswerByName = ({ launch, reason }: TaskStatus): boolean =>
  launch === undefined && reason === 'RECONCILIATION'

function apply(turn: Turn, held: HeldTask | undefined, status: TaskStatus): void {
  const { state } = turn
  const { taskId, agentId, launch, number, uuid } = status
  const event = taskEventOf(status.state)
  if (event === undefined) return
  const task = held ?? holdTask(state, { taskId, agentId })
  task.state = taskStep(task.state, event)?.state ?? task.state
  task.isHeard = true
  task.isToldUnknown = false
  task.agentId ??= agentId
  task.launch ??= launch
  task.number = number ?? task.number
  task.uuid = uuid ?? task.uuid
  const kill = held === undefined ? takeKill(state, status) : undefined
  if (!isTerminal(task.state)) {
    if (kill !== undefined) killTask(turn, task, kill)
    return
  }
  state.tasks.delete(taskId)
  const { subscription, handovers } = state
  const { agentId: where, launch: which, uuid: newest } = task
  const ended = { agentId: where, launch: which, uuid: newest, subscription, handovers }
  state.ended.set(taskId, ended)
}

/** Negative: `given` is older. One that stands on no number is not older than any. */
function compareNumber(given: StatusNumber | undefined, held: StatusNumber | undefined): number {
  if (given === undefined || held === undefined) return 0
  return given.incarnation - held.incarnation || given.count - held.count
}

/** A task that is not known here may run all the same: the leader is asked to kill it. */
export function onKill(turn: Turn, taskId: TaskId, graceMs: number | undefined): void {
  const { state } = turn
  // Until it leads, the one that does may have started another under that id. It asks again now and
  // then, and stands by meanwhile.
  const standsBy = state.link.phase === 'standing-by' || state.standing === 'stands-by'
  if (standsBy) return count(turn, 'killAside')
  if (state.ended.has(taskId)) return
  const task = state.tasks.get(taskId) ?? holdTask(state, { taskId })
  killTask(turn, task, { graceMs })
}
