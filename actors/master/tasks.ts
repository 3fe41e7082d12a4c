/** Tasks at the leader: statuses that arrive, statuses that it makes, and how tasks leave. */
import { taskWordOf } from '../../protocol/event-words.ts'
import type { AgentId, Launch } from '../../protocol/ids.ts'
import { listResources } from '../../protocol/resources.ts'
import type {
  Reason,
  StatusNumber,
  Subscription,
  TaskStatus,
} from '../../protocol/schema/common.ts'
import type { TaskItem } from '../../protocol/schema/operator.ts'
import { taskEventOf, taskStep } from '../../protocol/task-machine.ts'
import { isTerminal, type TaskState } from '../../protocol/task-state.ts'
import { compareSubscription } from '../parts/fence.ts'
import type { AgentState } from './agent-machine.ts'
import type { TaskEnd } from './agents/membership.ts'
import { holdTask, releaseTask } from './books.ts'
import type { Agent, Framework, Health, Said, Task } from './entities.ts'
import { healthOf, isHealthNews, noteHealthTold } from './health.ts'
import { tellWorldOfTask } from './public-events.ts'
import { count } from './state.ts'
import type { LeaderTurn } from './turn.ts'

/** By incarnation, then count; nothing is below everything. */
export function compareNumbers(a: StatusNumber | undefined, b: StatusNumber | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  return a.incarnation - b.incarnation || a.count - b.count
}

/** Who says a status, and of whose task. */
export interface StatusSource {
  readonly agent: Agent
  readonly framework: Framework
  /** The highest that the agent knew when it said so. */
  readonly subscription: Subscription | undefined
}

/** A status from the task's own agent. Whether the framework hears it is not our business. */
export function applyStatus(turn: LeaderTurn, source: StatusSource, status: TaskStatus): void {
  const { agent, framework } = source
  const task = framework.tasks.at(agent.agentId, status.taskId)
  if (task === undefined || task.launch !== status.launch)
    return count(turn.state, 'statuses-of-unknown-tasks')
  const age = compareNumbers(status.number, task.number)
  if (age < 0) return count(turn.state, 'statuses-old')
  const newest = status.latest ?? status.state
  // Whether an agent is lost is not the agent's to say.
  if (!isReportable(newest)) return count(turn.state, 'statuses-illegal')
  const before = task.state
  // What a status has said ahead comes again with all that belongs to it.
  const isFollowing = isTerminal(task.state) && status.state === task.state
  const isNow = status.state === newest
  if (!isFollowing && !moveTask(turn, task, newest, isNow ? status.atMs : undefined)) return
  if (isFollowing) task.changedAtMs = status.atMs
  const told = task.said?.state ?? (isFollowing ? undefined : before)
  const { healthy } = status
  // That it takes others' ports is said once by its agent, and may come twice.
  const isAboutPorts = age > 0 && status.reason === 'CONTAINER_LIMITATION_PORTS'
  const isNews = status.state !== told || isAboutPorts || isHealthNews(turn, task, healthy)
  if (isNews) noteHealthTold(turn, task, healthy)
  task.number = status.number
  task.said = saidOf(status)
  task.isEndSaidEarlier = isTerminal(status.state) && isForEarlier(source)
  task.health = healthOf(status)
  if (!isNews) return
  // Its message was decoded for us alone: it goes on as it is, and is not copied.
  status.agentId = agent.agentId
  status.source = 'agent'
  tellOfTask(turn, framework, status)
}

function isForEarlier({ framework, subscription: known }: StatusSource): boolean {
  const { subscription } = framework
  if (known === undefined || subscription === undefined) return false
  return compareSubscription(known, subscription) < 0
}

/** Of a status nothing else is asked for again: it is not kept whole. */
const saidOf = ({ state, reason, message, exit }: TaskStatus): Said => ({
  state,
  reason,
  message,
  exit,
})

/** True if an agent can say this of a task: what became of the agent is not its to say. */
export function isReportable(state: TaskState): boolean {
  return taskEventOf(state)?.startsWith('status.') === true
}

/**
 * Takes the machine's step to `to`. False: illegal, nothing has changed. `atMs`: when it came to
 * be so, as its agent says; a leader may hear of it long after.
 */
export function moveTask(
  turn: LeaderTurn,
  task: Task,
  to: TaskState,
  atMs = turn.now.wallMs,
): boolean {
  const event = taskEventOf(to)
  const step = event === undefined ? undefined : taskStep(task.state, event)
  if (step === undefined) {
    count(turn.state, isTerminal(task.state) ? 'statuses-after-the-end' : 'statuses-illegal')
    return false
  }
  // One that runs, and says how it is, has run since before.
  if (step.state !== task.state) task.changedAtMs = atMs
  task.state = step.state
  for (const action of step.actions) {
    if (action === 'release') releaseTask(turn, task)
    else holdTask(turn, task)
  }
  return true
}

/** The world hears what became of a task, if its state is one that is told. */
function tellOfTask(turn: LeaderTurn, framework: Framework, status: TaskStatus): void {
  const what = taskWordOf(status.state)
  if (what !== undefined) tellWorldOfTask(turn, framework, what, { status })
}

/** It is on its way to its agent. */
export function tellLaunched(turn: LeaderTurn, framework: Framework, task: Task): void {
  const { taskId, state, agentId, launch, name } = task
  const atMs = turn.now.wallMs
  const status: TaskStatus = { taskId, state, launch, source: 'master', atMs, agentId }
  tellWorldOfTask(turn, framework, 'staging', { status, name })
}

/** What a status made by the leader says beside the task. */
export interface MadeStatus {
  readonly framework: Framework
  readonly taskId: Task['taskId']
  readonly state: TaskState
  /** What is known beyond it. */
  readonly latest?: TaskState
  readonly reason?: TaskStatus['reason'] | undefined
  readonly message?: string | undefined
  readonly agentId?: AgentId | undefined
  readonly launch?: Launch | undefined
  readonly number?: StatusNumber | undefined
  readonly exit?: TaskStatus['exit'] | undefined
  readonly health?: Health | undefined
  readonly unreachableAtMs?: number | undefined
}

/** Tells the framework, once. It rests on the number of what is known, and is not acknowledged. */
export function sendStatus(turn: LeaderTurn, made: MadeStatus): void {
  const { framework } = made
  if (framework.state !== 'subscribed') return
  const status = statusOf(turn, made)
  turn.leader.events.add(framework.key, framework, { kind: 'status', status })
}

/** One of a hundred thousand, when an agent is lost or a framework asks: nothing is spread. */
function statusOf(turn: LeaderTurn, made: MadeStatus): TaskStatus {
  const { taskId, state, reason, message, agentId, launch, number, exit, unreachableAtMs } = made
  const status: TaskStatus = { taskId, state, source: 'master', atMs: turn.now.wallMs }
  if (made.latest !== undefined) status.latest = made.latest
  if (reason !== undefined) status.reason = reason
  if (message !== undefined) status.message = message
  if (agentId !== undefined) status.agentId = agentId
  if (launch !== undefined) status.launch = launch
  if (number !== undefined) status.number = number
  if (exit !== undefined) status.exit = exit
  if (made.health?.healthy !== undefined) status.healthy = made.health.healthy
  if (made.health?.checkResult !== undefined) status.checkResult = made.health.checkResult
  if (unreachableAtMs !== undefined) status.unreachableAtMs = unreachableAtMs
  return status
}

const NOT_THERE: ReadonlySet<AgentState> = new Set(['unreachable', 'leaving', 'gone'])

/**
 * Answers a question about a task. An end of which its agent may yet say how it came is not told:
 * nobody would take the agent's own word after that. What it said before is told, if anything, or
 * that the agent is lost. There is but one way to finish: that is told as it is.
 */
export function answerAbout(turn: LeaderTurn, task: Task): void {
  const { said, agentId } = task
  const agent = turn.leader.agents.get(agentId)
  const isUntold = isAhead(task.state, said)
  const isLost = agent?.state === 'unreachable' && task.state !== 'TASK_FINISHED'
  const mayBeTold = isLost || (agent !== undefined && !NOT_THERE.has(agent.state))
  if (!isUntold || !mayBeTold) return sendKnown(turn, task)
  const known = knownOf(turn, task, 'RECONCILIATION')
  if (isLost) {
    const { unreachableAtMs } = agent
    const latest = task.state
    const message = `${lostMessage(agentId)}; it had said ${latest}, and not how that came`
    return sendStatus(turn, {
      ...known,
      state: 'TASK_UNREACHABLE',
      latest,
      message,
      unreachableAtMs,
    })
  }
  if (said !== undefined)
    sendStatus(turn, { ...known, state: said.state, message: said.message ?? '' })
}

/** The newest known state of a task; `message` instead of its own. */
export function sendKnown(turn: LeaderTurn, task: Task, message?: string): void {
  // Why it ended may decide whether it is started again, whoever says so.
  const reason = (isTerminal(task.state) ? newestOf(task)?.reason : undefined) ?? 'RECONCILIATION'
  const known = knownOf(turn, task, reason)
  sendStatus(turn, message === undefined ? known : { ...known, message })
}

function knownOf({ leader }: LeaderTurn, task: Task, reason: TaskStatus['reason']): MadeStatus {
  const agent = leader.agents.get(task.agentId)
  const isLost = task.state === 'TASK_UNREACHABLE'
  return {
    framework: task.framework,
    taskId: task.taskId,
    state: task.state,
    reason,
    message: messageOf(task),
    agentId: task.agentId,
    launch: task.launch,
    number: task.number,
    exit: newestOf(task)?.exit,
    health: task.health,
    unreachableAtMs: isLost ? agent?.unreachableAtMs : undefined,
  }
}

/** Why it is as it is, if that was said. */
function messageOf(task: Task): string | undefined {
  if (task.state === 'TASK_UNREACHABLE') return lostMessage(task.agentId)
  const newest = newestOf(task)
  if (newest !== undefined || task.said === undefined) return newest?.message
  return `how it ended is told when its framework acknowledges ${task.said.state}`
}

/** The newest word of its state: a status's, or a snapshot's of an end that none has said yet. */
const newestOf = ({ state, said, shownEnd }: Task): Said | undefined =>
  isAhead(state, said) ? shownEnd : said

/** It is known to have ended, and the status that says how has not come yet. */
export const isAhead = (state: Task['state'], said: Said | undefined): boolean =>
  isTerminal(state) && said?.state !== state

/** Nobody will acknowledge what comes before its end: the world hears of it now or never. */
export function tellEnd(turn: LeaderTurn, task: Task, reason: Reason): void {
  if (!isAhead(task.state, task.said)) return
  const what = task.said === undefined ? 'what its agent had to say' : task.said.state
  tellUntold(turn, task, {
    reason,
    message: `how it ended was not told: nobody acknowledged ${what}`,
  })
}

/**
 * Its framework has acknowledged its end. Perhaps that was a process before the one that there is,
 * which has believed what the leader said of the task before it heard of the end.
 */
export function settleTask(turn: LeaderTurn, task: Task): void {
  const isUntold = isAhead(task.state, task.said)
  const message = 'how it ended was told to its framework alone'
  if (isUntold) tellUntold(turn, task, { reason: 'RECONCILIATION', message })
  if (isUntold || task.isEndSaidEarlier) sendKnown(turn, task)
  forgetTask(turn, task)
}

/** It has ended, and its agent has lost what it knew of it: nobody repeats its end. */
export function forgetEnd(turn: LeaderTurn, task: Task): void {
  const message = 'its agent does not know any more how it ended'
  if (isAhead(task.state, task.said)) tellUntold(turn, task, { reason: 'RECONCILIATION', message })
  sendKnown(turn, task)
  forgetTask(turn, task)
}

interface Told {
  readonly reason: Reason
  readonly message: string
}

/** Of one whose end no status has told: what its snapshot has shown, or that it is `unknown`. */
function tellUntold(turn: LeaderTurn, task: Task, unknown: Told): void {
  const { framework, state, shownEnd } = task
  const { reason, message, exit } = shownEnd ?? { ...unknown, exit: undefined }
  task.said = { state, reason, message, exit }
  tellOfTask(turn, framework, statusOf(turn, knownOf(turn, task, reason)))
}

/** Its agent was lost or came back: the framework and the world hear what that makes of it. */
export function tellAll(turn: LeaderTurn, task: Task, reason: Reason): void {
  sayStatus(turn, knownOf(turn, task, reason))
}

/** The framework and the world hear it. */
export function sayStatus(turn: LeaderTurn, made: MadeStatus): void {
  sendStatus(turn, made)
  tellOfTask(turn, made.framework, statusOf(turn, made))
}

/** The leader says itself how it ended, unless it is known. */
export function endTask(turn: LeaderTurn, task: Task, end: TaskEnd): void {
  if (isTerminal(task.state) || !moveTask(turn, task, end.state)) return
  const { state, reason, message } = end
  task.said = { state, reason, message, exit: undefined }
  tellAll(turn, task, reason)
}

/**
 * Its agent is no more: nobody repeats its statuses. Its framework hears how it ended, also if it
 * had ended before.
 */
export function endWithAgent(turn: LeaderTurn, task: Task, end: TaskEnd): void {
  if (isTerminal(task.state)) sendKnown(turn, task)
  tellEnd(turn, task, end.reason)
  endTask(turn, task, end)
}

/** Its agent was lost: nobody knows how it is. */
export function loseTask(turn: LeaderTurn, task: Task): void {
  if (isTerminal(task.state) || task.state === 'TASK_UNREACHABLE') return
  if (!moveTask(turn, task, 'TASK_UNREACHABLE')) return
  tellAll(turn, task, 'AGENT_UNREACHABLE')
}

/**
 * What is about to be said of a task: its agent is not there any more, and it is one of many.
 * Undefined: it is what it is.
 */
export function fateOf(
  { leader }: Pick<LeaderTurn, 'leader'>,
  { agentId, state, framework }: Task,
): Pick<TaskEnd, 'state' | 'message'> | undefined {
  const parting = leader.partings.get(agentId)
  if (parting === undefined || isTerminal(state)) return undefined
  if (parting.how !== 'unreachable') return framework.state === 'ended' ? undefined : parting.end
  if (state === 'TASK_UNREACHABLE') return undefined
  return { state: 'TASK_UNREACHABLE', message: lostMessage(agentId) }
}

const lostMessage = (agentId: AgentId): string => `agent ${agentId} does not answer`

/** The task is over and settled: only listings remember it. */
export function forgetTask(turn: LeaderTurn, task: Task): void {
  const { leader } = turn
  releaseTask(turn, task)
  leader.agents.get(task.agentId)?.tasks.delete(task)
  task.framework.tasks.delete(task)
  leader.ended.set(task.launch, task)
}

export function taskItem(turn: Pick<LeaderTurn, 'leader'>, task: Task): TaskItem {
  const { principal, frameworkId } = task.framework
  const { state, message } = fateOf(turn, task) ?? { state: task.state, message: messageOf(task) }
  const exit = newestOf(task)?.exit
  return {
    principal,
    frameworkId,
    taskId: task.taskId,
    ...(task.name !== undefined && { name: task.name }),
    agentId: task.agentId,
    launch: task.launch,
    role: task.role,
    state,
    resources: listResources(task.resources),
    ...(message !== undefined && { message }),
    ...(exit !== undefined && { exit }),
    ...task.health,
    changedAtMs: task.changedAtMs,
  }
}
