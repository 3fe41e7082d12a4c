/**
 * Sessions that agents open: the register, its pages, and what the two sides find in each other.
 */
import type { AgentId, SessionId } from '../../../protocol/ids.ts'
import { frameworkKey } from '../../../protocol/ids.ts'
import { AGENT_TASKS_MAX } from '../../../protocol/limits.ts'
import { NO_RESOURCES, resourcesOf } from '../../../protocol/resources.ts'
import type { TaskRef } from '../../../protocol/schema/agent.ts'
import type { Fence } from '../../../protocol/schema/common.ts'
import type { AgentReport, AgentReports } from '../../../protocol/schema/master.ts'
import { isTerminal } from '../../../protocol/task-state.ts'
import { PROTOCOL_VERSION } from '../../../protocol/version.ts'
import { hear, newSession } from '../../parts/session.ts'
import { countFree, frameworkOf, touchAgent } from '../books.ts'
import type { Agent, Framework, Opening } from '../entities.ts'
import { agentIsBack, confirmTornDown } from '../frameworks/end.ts'
import { agentClaims } from '../lead/claims.ts'
import { endOffer } from '../offers/offers.ts'
import { tellWorld } from '../public-events.ts'
import { record } from '../registry.ts'
import { count } from '../state.ts'
import { settleTask } from '../tasks.ts'
import { type LeaderTurn, warn } from '../turn.ts'
import {
  agentOf,
  closeSession,
  invite,
  loseSession,
  order,
  orderNow,
  schedulePing,
  stepAgent,
} from './agents.ts'
import { goneRefusal } from './gone.ts'
import { noteBack, noteOpening } from './inviting.ts'
import { agentLeaves, agentStops } from './leaving.ts'
import { type Admission, admission, isAsAdmitted } from './membership.ts'
import { isParting } from './parting.ts'
import {
  hasChanged,
  isInOther,
  isTaken,
  laterOrdersOf,
  malformed,
  partingRefusal,
  type Refused,
  type Register,
  refusalOf,
  takenBy,
} from './registration.ts'
import { compare, countHeld } from './snapshot.ts'
import { agentWaits } from './waiting.ts'

/** Named in the confirmation; whatever more there is follows it. */
const SUBSCRIPTIONS_MAX = 256
/** Named in one order: with the longest ids it still fits into a message. */
const MISSING_MAX = 512

/** Held in memory until the snapshot is whole. */
const SNAPSHOT_ITEMS_MAX = 2 * AGENT_TASKS_MAX

/** A list of reports. Numbers are judged first; what does not belong to the session is dropped. */
export function agentReports(turn: LeaderTurn, agentId: AgentId, body: AgentReports): void {
  const first = body.reports[0]
  if (first?.kind === 'complaint') {
    count(turn.state, 'complaints')
    return considerHigher(turn, agentId, first.highest)
  }
  if (first?.kind === 'waiting' && body.session === undefined) {
    return agentWaits(turn, agentId, first.why)
  }
  if (body.session === undefined || body.n === undefined) {
    return count(turn.state, 'reports-without-session')
  }
  const agent = agentOf(turn, agentId)
  if (first?.kind === 'register' && body.n === 1 && agent.session?.id !== body.session) {
    if (first.highest !== undefined) considerHigher(turn, agentId, first.highest)
    if (turn.state.leader !== turn.leader) return
    if (obeysOlder(turn, first)) return count(turn.state, 'registrations-for-older-leaders')
    return open(turn, agent, body.session, first)
  }
  if (!hearAgent(turn, agent, body.session, body.n)) return
  for (const report of body.reports) {
    // One of them may have been the last word.
    if (agent.session?.id === body.session) handleReport(turn, agent, report)
  }
}

/** True if a message of the agent is the next of its session. */
export function hearAgent(turn: LeaderTurn, agent: Agent, session: SessionId, n: number): boolean {
  const { agentId } = agent
  if (agent.session?.id !== session) {
    count(turn.state, 'agent-messages-foreign')
    // It may think that its session lives: one that is not opening is asked for a new one.
    if (agent.session === undefined && !isParting(turn.leader, agentId)) invite(turn, agent)
    return false
  }
  const heard = hear(agent.session, n)
  if (heard === 'next') {
    agent.missed = 0
    return true
  }
  if (heard === 'repeated') count(turn.state, 'agent-messages-repeated')
  else loseSession(turn, agent)
  return false
}

/**
 * It has not heard this leader yet, and may run what the older one says: whoever thought it had
 * come would call tasks gone that it has just begun. It comes when it hears a beat.
 */
function obeysOlder({ leader }: LeaderTurn, { highest }: Register): boolean {
  return highest !== undefined && highest.epoch < leader.epoch
}

/**
 * Only agents that the registry knows can raise an epoch; and any, while one leads that awaited
 * none: all masters and the store were lost, and who outlived them would obey nobody lower.
 */
function considerHigher(turn: LeaderTurn, agentId: AgentId, highest: Fence): void {
  const { agents, gone, recovery } = turn.leader
  const agent = agents.get(agentId)
  const isKnown = agent?.isAdmitted || agent?.state === 'unreachable'
  const isBelieved = recovery.known === 0 && !gone.has(agentId)
  if (isKnown || isBelieved) agentClaims(turn, highest, agentId)
}

function handleReport(turn: LeaderTurn, agent: Agent, report: AgentReport): void {
  if (report.kind === 'snapshot-page') page(turn, agent, report)
  else if (report.kind === 'settled') settle(turn, agent, report.tasks)
  else if (report.kind === 'torn-down') confirmTornDown(turn, agent.agentId, frameworkKey(report))
  else if (report.kind === 'stopping') agentStops(turn, agent)
  else if (report.kind === 'leaving') agentLeaves(turn, agent)
}

function settle(turn: LeaderTurn, agent: Agent, refs: readonly TaskRef[]): void {
  let framework: Framework | undefined
  for (const ref of refs) {
    // They come in rows of one framework.
    if (framework === undefined || !isOf(framework, ref)) framework = frameworkOf(turn, ref)
    const task = framework?.tasks.at(agent.agentId, ref.taskId)
    if (task?.launch !== ref.launch) continue
    if (isTerminal(task.state)) settleTask(turn, task)
    else count(turn.state, 'settled-before-the-end')
  }
}

const isOf = ({ principal, frameworkId }: Framework, ref: TaskRef): boolean =>
  frameworkId === ref.frameworkId && principal === ref.principal

function open(turn: LeaderTurn, agent: Agent, session: SessionId, register: Register): void {
  if (turn.leader.gone.has(agent.agentId)) {
    return refuseAgent(turn, agent, session, goneRefusal(agent.agentId))
  }
  if (isParting(turn.leader, agent.agentId)) {
    return refuseAgent(turn, agent, session, partingRefusal(agent.agentId))
  }
  if (isTaken(turn, agent, register)) return refuseDouble(turn, agent, session, register)
  const refused = refusalOf(register)
  if (refused !== undefined) return refuseAgent(turn, agent, session, refused)
  if (hasChanged(agent, register.info)) takeBack(turn, agent)
  if (!stepAgent(turn, agent, 'agent.opened')) return
  turn.leader.orders.drop(agent.agentId)
  agent.incarnation = register.incarnation
  agent.opens = register.opens
  agent.directory = register.directory
  agent.understands = laterOrdersOf(register)
  agent.session = newSession(session)
  agent.session.heard = 1
  agent.missed = 0
  agent.opening = {
    info: register.info,
    isFirst: agent.registeredAtMs === undefined,
    pages: register.pages,
    pagesHeard: 0,
    tasks: [],
    frameworks: [],
    held: NO_RESOURCES,
    heardAtMs: turn.now.monotonicMs,
    isAdmitting: false,
  }
  schedulePing(turn, agent)
  noteOpening(turn, agent)
  considerComplete(turn, agent, agent.opening)
}

/** What was offered is not there any more, or was not what it is. */
function takeBack(turn: LeaderTurn, agent: Agent): void {
  for (const offerId of agent.offers) endOffer(turn, offerId, 'agent.changed')
}

/**
 * Another agent of that id, or a copy of an earlier open that comes late: nobody is in that session
 * any more. Whoever has the id keeps its own.
 */
function refuseDouble(
  turn: LeaderTurn,
  agent: Agent,
  session: SessionId,
  { info, incarnation, directory }: Register,
): void {
  const { agentId } = agent
  count(turn.state, 'registrations-late')
  const isOther = isInOther(agent, directory)
  const message = takenBy(agent, isOther)
  const retryMs = turn.state.rules.agentPingMs
  const refused = { kind: 'not-registered', reason: 'taken', message, retryMs } as const
  orderNow(turn, { ...agent, session: newSession(session) }, refused)
  // Of one that is awaited nobody knows that it is there.
  if (agent.isDoubled || agent.info === undefined) return
  if (agent.incarnation === incarnation && !isOther) return
  agent.isDoubled = true
  const hosts = { hostname: agent.info.hostname, other: info.hostname }
  warn(turn, 'two agents have one id: the one that is heard keeps it', { agentId, ...hosts })
}

/** Says no to the open of `session`, in it. An earlier session is over: the agent has left it. */
function refuseAgent(turn: LeaderTurn, agent: Agent, session: SessionId, refused: Refused): void {
  count(turn.state, 'registrations-refused')
  orderNow(turn, { ...agent, session: newSession(session) }, refused)
  if (agent.session === undefined) return
  closeSession(turn, agent)
  stepAgent(turn, agent, 'session.lost')
}

type Page = Extract<AgentReport, { kind: 'snapshot-page' }>

function page(turn: LeaderTurn, agent: Agent, { page, tasks, frameworks }: Page): void {
  const { opening, session } = agent
  if (session === undefined || opening === undefined || page !== opening.pagesHeard + 1) {
    return count(turn.state, 'pages-out-of-place')
  }
  const before = opening.tasks.length + opening.frameworks.length
  if (before + tasks.length + frameworks.length > SNAPSHOT_ITEMS_MAX) {
    return refuseAgent(turn, agent, session.id, malformed('the snapshot is too long'))
  }
  for (const task of tasks) {
    const problem = countHeld(opening, task)
    if (problem === undefined) continue
    return refuseAgent(turn, agent, session.id, malformed(`task ${task.taskId}: ${problem}`))
  }
  opening.pagesHeard = page
  opening.heardAtMs = turn.now.monotonicMs
  opening.tasks.push(...tasks)
  opening.frameworks.push(...frameworks)
  noteOpening(turn, agent)
  considerComplete(turn, agent, opening)
}

/** All pages are here: the registry must know the agent before anybody else does. */
function considerComplete(turn: LeaderTurn, agent: Agent, opening: Opening): void {
  if (agent.session === undefined || opening.pagesHeard < opening.pages || opening.isAdmitting)
    return
  if (isAsAdmitted(agent)) return confirm(turn, agent)
  opening.isAdmitting = true
  admit(turn, agent)
}

/** Once, however often it opens another session while the registry is away. */
function admit(turn: LeaderTurn, agent: Agent): void {
  const { admitting } = turn.leader
  if (admitting.has(agent.agentId)) return
  admitting.add(agent.agentId)
  const fact = admission(agent)
  record(turn, fact, { after: 'admit', fact })
}

/** The registry has it: the session in which it is now is confirmed, if its snapshot is whole. */
export function admitted(turn: LeaderTurn, { agentId, directory }: Admission): void {
  const agent = agentOf(turn, agentId)
  turn.leader.admitting.delete(agentId)
  agent.isAdmitted = true
  agent.admittedAs = directory
  if (!agent.opening?.isAdmitting) return
  // Another one has opened a session meanwhile, for the first was silent.
  if (isAsAdmitted(agent)) confirm(turn, agent)
  else admit(turn, agent)
}

function confirm(turn: LeaderTurn, agent: Agent): void {
  const { opening, session, agentId } = agent
  if (opening === undefined || session === undefined) return
  const { leader, state, now } = turn
  stepAgent(turn, agent, 'snapshot.confirmed')
  agent.opening = undefined
  agent.missed = 0
  if (agent.info !== undefined) {
    leader.refiltered.set(agentId, hasChanged(agent, opening.info) ? 'void' : 'again')
  }
  agent.info = opening.info
  agent.registeredAtMs ??= now.wallMs
  agent.waitsSinceMs = undefined
  agent.unreachableAtMs = undefined
  agent.total = resourcesOf(opening.info.resources)
  countFree(turn, agent)
  leader.deadlines.clear(`agent-return ${agentId}`)
  noteBack(turn, agent, opening)
  const subscriptions = subscriptionsOf(turn, opening)
  orderNow(turn, agent, {
    kind: 'registered',
    version: PROTOCOL_VERSION,
    pingMs: state.rules.agentPingMs,
    pingsMissedMax: state.rules.agentPingsMissedMax,
    frameworks: subscriptions.slice(0, SUBSCRIPTIONS_MAX),
  })
  const missing = compare(turn, agent, opening)
  for (let from = 0; from < missing.length; from += MISSING_MAX) {
    order(turn, agent, { kind: 'missing', tasks: missing.slice(from, from + MISSING_MAX) })
  }
  for (const subscription of subscriptions.slice(SUBSCRIPTIONS_MAX)) {
    order(turn, agent, { kind: 'framework-subscribed', ...subscription })
  }
  leader.dirtyAgentInfos.add(agentId)
  touchAgent(turn, agent)
  agentIsBack(turn, agent)
  leader.registrations.push({ agentId, tasks: opening.tasks.length })
  const { hostname: name } = opening.info
  tellWorld(turn, { kind: 'agent', what: 'registered' }, { agentId, name })
}

/** Of each framework that the agent knows, once. */
function subscriptionsOf(turn: LeaderTurn, opening: Opening) {
  const known = new Set(opening.frameworks.map((key) => frameworkOf(turn, key)))
  return [...known].flatMap((framework) => {
    if (framework?.subscription === undefined) return []
    const { principal, frameworkId, subscription } = framework
    return [{ principal, frameworkId, subscription }]
  })
}
