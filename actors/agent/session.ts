/**
 * The agent's side of sessions with the leader: opened here, confirmed there, ended by any doubt.
 */
import type { SessionId } from '../../protocol/ids.ts'
import { LATER_ORDERS } from '../../protocol/later-orders.ts'
import type { Now } from '../../protocol/now.ts'
import { listResources } from '../../protocol/resources.ts'
import type { AgentOrder } from '../../protocol/schema/agent.ts'
import type { AgentReport } from '../../protocol/schema/master.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { PROTOCOL_VERSIONS } from '../../protocol/version.ts'
import { nextFraction, nextHex } from '../parts/random.ts'
import { newSession, nextNumber } from '../parts/session.ts'
import type { Effect } from './effects.ts'
import { forgetFramework, forgetTask, holdFramework, noteSubscription } from './held.ts'
import { snapshotPages } from './snapshot.ts'
import { type AgentState, refOf, stateOf, type Task } from './state.ts'
import { isSettled, sendHead, tellSettled } from './streams.ts'
import { tearDown } from './tear-down.ts'

type Registered = Extract<AgentOrder, { kind: 'registered' }>
type Ping = Extract<AgentOrder, { kind: 'ping' }>
type NotRegistered = Extract<AgentOrder, { kind: 'not-registered' }>

/** An open that is not confirmed is repeated after this, doubling up to the maximum. */
const REPEAT_MS = 1_000
const REPEAT_MS_MAX = 30_000
/** Up to this part is added by chance, so that many agents do not repeat at once. */
const JITTER = 0.25

/** Nothing of an earlier session is obeyed from here on; only then the snapshot is taken. */
export function openSession(state: AgentState, now: Now): void {
  if (state.link.kind === 'given-up' || state.cannotRecord !== undefined) return
  closeSession(state)
  dropEmptyFrameworks(state)
  state.opens += 1
  const session = newSession(nextHex(state.random, 64) as SessionId)
  const pages = snapshotPages(state)
  const reports = [registerReport(state, pages.length), ...pages]
  const messages = reports.map((report) => ({
    session: session.id,
    n: nextNumber(session),
    reports: [report],
  }))
  const settled = []
  for (const task of state.tasks.values()) {
    task.isEndTold = isTerminal(stateOf(task))
    if (isSettled(task)) settled.push(refOf(task))
  }
  if (settled.length > 0) state.awaited = [{ n: session.said, tasks: settled }]
  state.link = {
    kind: 'opening',
    session,
    messages,
    statuses: state.statuses,
    isDue: true,
    sentAtMs: now.monotonicMs,
    retryMs: REPEAT_MS,
  }
}

function registerReport(state: AgentState, pages: number): AgentReport {
  const { profile, highest } = state
  return {
    kind: 'register',
    version: PROTOCOL_VERSIONS,
    incarnation: state.incarnation,
    opens: state.opens,
    directory: state.directory,
    info: {
      hostname: profile.hostname,
      resources: listResources(state.total),
      resourcesVersion: state.resourcesVersion,
      attributes: [...profile.attributes],
    },
    ...(highest === undefined ? {} : { highest }),
    understands: [...LATER_ORDERS],
    pages,
  }
}

/** What was to be said in the session is in the next snapshot, but for the ends of frameworks. */
export function closeSession(state: AgentState): void {
  if (state.link.kind === 'given-up') return
  state.link = { kind: 'closed' }
  for (const kind of ['open', 'repeat', 'silence']) state.deadlines.clear(kind)
  state.outbox.reports = state.outbox.reports.filter(({ kind }) => kind === 'torn-down')
  state.outbox.settled = []
  state.awaited = []
}

/** Those that nobody needs to remember: no task of them is here. */
function dropEmptyFrameworks(state: AgentState): void {
  for (const framework of state.frameworks.values()) {
    if (framework.tasks.size === 0) forgetFramework(state, framework)
  }
}

export function openAfter(state: AgentState, delayMs: number, now: Now): void {
  state.deadlines.set('open', now.monotonicMs + delayMs, { kind: 'open' })
}

/** The open has left: it is repeated if no confirmation comes. */
export function noteOpenSent(state: AgentState, now: Now): void {
  const { link } = state
  if (link.kind !== 'opening') return
  link.isDue = false
  link.sentAtMs = now.monotonicMs
  const delayMs = link.retryMs * (1 + JITTER * nextFraction(state.random))
  state.deadlines.set('repeat', now.monotonicMs + delayMs, { kind: 'repeat' })
  link.retryMs = Math.min(link.retryMs * 2, REPEAT_MS_MAX)
}

/**
 * The leader asks for a session. One that is being opened only hurries, or invitations would
 * circle.
 */
export function invited(state: AgentState, now: Now): void {
  const { link } = state
  if (link.kind !== 'opening') {
    openSession(state, now)
    return
  }
  link.retryMs = REPEAT_MS
  const atMs = Math.max(link.sentAtMs + REPEAT_MS, now.monotonicMs)
  if (!link.isDue) state.deadlines.set('repeat', atMs, { kind: 'repeat' })
}

/** The leader has the whole snapshot: from here on both sides speak. */
export function confirm(state: AgentState, order: Registered, now: Now): void {
  const { link } = state
  if (link.kind !== 'opening') return
  const { session, statuses } = link
  const { pingMs, pingsMissedMax } = order
  const silenceMs = pingMs * pingsMissedMax
  const heardAtMs = now.monotonicMs
  state.refusal = undefined
  state.link = { kind: 'open', session, pingMs, pingsMissedMax, silenceMs, heardAtMs }
  state.deadlines.clear('repeat')
  if (silenceMs > 0) listenUntil(state, now.monotonicMs + silenceMs)
  for (const { subscription, ...key } of order.frameworks) {
    noteSubscription(state, holdFramework(state, key), subscription)
  }
  forgetHeard(state, session.said)
  for (const task of state.tasks.values()) {
    if (task.stream.length > 0) sendHead(state, task)
    else if (isSettled(task)) tellSettled(state, task)
    else if (isSince(state, task, statuses)) state.outbox.heads.add(task)
  }
}

/** Its newest status was made after so many: the snapshot that they stand in does not know it. */
function isSince({ incarnation }: AgentState, { last }: Task, statuses: number): boolean {
  return last?.number.incarnation === incarnation && last.number.count > statuses
}

/** Answers a ping. The leader may leave more time until the next one. */
export function answerPing({ link, outbox }: AgentState, { nextMs }: Ping): void {
  if (link.kind !== 'open') return
  const { pingMs, pingsMissedMax } = link
  if (pingMs > 0) link.silenceMs = (nextMs ?? pingMs) + pingMs * (pingsMissedMax - 1)
  outbox.reports.push({ kind: 'pong' })
}

function listenUntil(state: AgentState, atMs: number): void {
  state.deadlines.set('silence', atMs, { kind: 'silence' })
}

/** A deadline of silence has come; the leader may have been heard since it was set. */
export function checkSilence(state: AgentState, now: Now): void {
  const { link } = state
  if (link.kind !== 'open') return
  const untilMs = link.heardAtMs + link.silenceMs
  if (untilMs <= now.monotonicMs) openSession(state, now)
  else listenUntil(state, untilMs)
}

/** The leader has heard all messages of this session up to `n`. */
export function forgetHeard(state: AgentState, n: number): void {
  while (state.awaited[0] !== undefined && state.awaited[0].n <= n) {
    for (const { launch } of state.awaited.shift()?.tasks ?? []) {
      const task = state.tasks.get(launch)
      if (task !== undefined && isSettled(task)) forgetTask(state, task)
    }
  }
}

/**
 * The leader does not take this agent: not now, or never. To one that was given up nobody listens
 * any more, and its frameworks may have started its tasks elsewhere: it ends them first.
 */
export function refused(state: AgentState, order: NotRegistered, now: Now): readonly Effect[] {
  closeSession(state)
  if (order.retryMs !== undefined) {
    state.refusal = `${order.reason}: ${order.message}`
    openAfter(state, order.retryMs, now)
    return []
  }
  state.link = { kind: 'given-up' }
  const message = `the leader refuses (${order.reason}): ${order.message}`
  if (order.reason !== 'gone') return [{ do: 'give-up', message }]
  for (const framework of state.frameworks.values()) tearDown(state, framework, now)
  state.endsWith = message
  return []
}
