/** Status streams: one for each task, first in first out, one unacknowledged status in flight. */
import type { FrameworkKey } from '../../protocol/ids.ts'
import { CHECK_STATUSES_MAX, UPDATE_RETRY_MS, UPDATE_RETRY_MS_MAX } from '../../protocol/limits.ts'
import type { Now } from '../../protocol/now.ts'
import type { Acknowledgements } from '../../protocol/schema/agent.ts'
import type { Exit, Reason, StatusNumber } from '../../protocol/schema/common.ts'
import { type MachineState, taskEventOf, taskStep } from '../../protocol/task-machine.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { compareSubscription } from '../parts/fence.ts'
import { nextHex } from '../parts/random.ts'
import type { Checks } from './checks/asked.ts'
import { findFramework, record, release } from './held.ts'
import type { StatusBody } from './records.ts'
import { type AgentState, type Framework, refOf, stateOf, type Task } from './state.ts'

export interface News {
  readonly state: MachineState
  readonly reason?: Reason
  readonly message?: string
  readonly exit?: Exit
}

/** What is to be told of a task, and when it happened. */
export interface Told {
  readonly news: News
  readonly now: Now
}

/** An acknowledgement that is not here by then may not come for long: its framework may be away. */
const END_RETRY_MS = 1_000
/** What people read of a status; the rest is cut off. */
const SENTENCE_LENGTH_MAX = 1_000

/** The next number among all statuses of this agent. */
export function nextStatusNumber(state: AgentState): StatusNumber {
  state.statuses += 1
  return { incarnation: state.incarnation, count: state.statuses }
}

/**
 * Appends a status to the task's stream; false if the task's state does not allow it. An end frees
 * what the task holds.
 */
export function report(state: AgentState, task: Task, { news, now }: Told): boolean {
  const event = taskEventOf(news.state)
  const from = stateOf(task) as MachineState
  if (event === undefined || taskStep(from, event) === undefined) {
    state.counts.illegalState += 1
    return false
  }
  const { reason, message, exit } = news
  const status: StatusBody = {
    state: news.state,
    number: nextStatusNumber(state),
    uuid: nextHex(state.random, 128),
    atMs: now.wallMs,
  }
  if (reason !== undefined) status.reason = reason
  if (message !== undefined) status.message = message.slice(0, SENTENCE_LENGTH_MAX)
  if (exit !== undefined) status.exit = exit
  if (task.checks !== undefined) addHealth(status, task.checks)
  append(state, task, status)
  if (task.stream.length === 1) sendHead(state, task)
  if (isTerminal(news.state)) {
    release(state, task)
    if (task.stream.length > 1) hurryHead(state, task, now)
  }
  return true
}

/** Whoever hears of the task hears how it is. */
function addHealth(status: StatusBody, { health, result }: Checks): void {
  if (health.healthy !== undefined) status.healthy = health.healthy
  if (result !== undefined) status.checkResult = result
}

/** What is said in passing takes the place of what was so said, if too much waits already. */
function append(state: AgentState, task: Task, status: StatusBody): void {
  const { launch, stream } = task
  const isFull = stream.length >= CHECK_STATUSES_MAX && isPassing(status)
  task.last = status
  if (isFull && isPassing(stream.at(-1))) {
    record(state, { kind: 'status', launch, status, replaces: true })
    stream[stream.length - 1] = status
    return
  }
  record(state, { kind: 'status', launch, status })
  stream.push(status)
}

/** Said of one that goes on. */
const PASSING: ReadonlySet<string | undefined> = new Set<Reason>([
  'HEALTH_CHECK_STATUS_UPDATED',
  'CHECK_STATUS_UPDATED',
  'CONTAINER_LIMITATION_PORTS',
])
const isPassing = (status: StatusBody | undefined): boolean => PASSING.has(status?.reason)

/** The head in flight names the newest state: its repeat frees what the task held at the leader. */
function hurryHead(state: AgentState, task: Task, now: Now): void {
  if (!state.inFlight.has(task)) return
  task.retryMs = 0
  task.retryAtMs = Math.min(task.retryAtMs, now.monotonicMs + END_RETRY_MS)
  state.retryAtMs = Math.min(state.retryAtMs, task.retryAtMs)
}

/** Sends the head at the end of the turn, as if for the first time. */
export function sendHead(state: AgentState, task: Task): void {
  task.retryMs = 0
  state.outbox.heads.add(task)
}

/** The framework, or its newest self, hears all heads again. */
export function sendHeadsAgain(state: AgentState, framework: Framework): void {
  for (const task of framework.tasks.values()) if (task.stream.length > 0) sendHead(state, task)
}

/** Acknowledged to its end: only the leader's word is missing to forget it. */
export function isSettled(task: Task): boolean {
  return task.stream.length === 0 && isTerminal(stateOf(task))
}

/** Tells the leader that the task is settled, and of its end if it may not have heard of it. */
export function tellSettled(state: AgentState, task: Task): void {
  if (!task.isEndTold) state.outbox.heads.add(task)
  state.outbox.settled.push(refOf(task))
}

export function acknowledge(state: AgentState, from: FrameworkKey, acks: Acknowledgements): void {
  // It could not be remembered: the status comes again, and so does its acknowledgement.
  if (state.cannotRecord !== undefined) return
  const framework = findFramework(state, from)
  if (framework === undefined || framework.isOver) {
    state.counts.unknownFramework += 1
    return
  }
  const { subscription } = acks
  const known = framework.subscription
  if (
    subscription !== undefined &&
    known !== undefined &&
    compareSubscription(subscription, known) < 0
  ) {
    state.counts.staleAck += 1
    return
  }
  for (const ack of acks.acks) {
    const task = framework.launches
      .get(ack.taskId)
      ?.find(({ stream }) => stream[0]?.uuid === ack.uuid)
    if (task === undefined || (ack.launch !== undefined && ack.launch !== task.launch)) {
      state.counts.strayAck += 1
    } else {
      acknowledgeHead(state, task)
    }
  }
}

function acknowledgeHead(state: AgentState, task: Task): void {
  record(state, { kind: 'ack', launch: task.launch })
  task.stream.shift()
  state.inFlight.delete(task)
  state.outbox.heads.delete(task)
  if (task.stream.length > 0) sendHead(state, task)
  else if (isSettled(task) && state.link.kind === 'open') tellSettled(state, task)
}

/** Takes note that the head leaves now; it comes again after a while, each time after longer. */
export function noteSent(state: AgentState, task: Task, now: Now): void {
  const doubled = task.retryMs === 0 ? UPDATE_RETRY_MS : task.retryMs * 2
  task.retryMs = Math.min(doubled, UPDATE_RETRY_MS_MAX)
  task.retryAtMs = now.monotonicMs + task.retryMs
  state.inFlight.add(task)
  state.retryAtMs = Math.min(state.retryAtMs, task.retryAtMs)
}

/** Sends again what is due, when some may be. */
export function retryStreams(state: AgentState, now: Now): void {
  if (now.monotonicMs < state.retryAtMs) return
  let nextMs = Number.POSITIVE_INFINITY
  for (const task of state.inFlight) {
    if (task.retryAtMs <= now.monotonicMs) state.outbox.heads.add(task)
    else nextMs = Math.min(nextMs, task.retryAtMs)
  }
  state.retryAtMs = nextMs
}
