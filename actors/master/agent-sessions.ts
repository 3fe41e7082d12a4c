/** Sessions that agents open: the register, its pages, and what the two sides find in each other. */
import type { AgentId, SessionId } from '../../protocol/ids.ts'
import { frameworkKey } from '../../protocol/ids.ts'
import { PAGE_WAIT_MS, PAGES_MAX } from '../../protocol/limits.ts'
import { parseResources, resourcesOf, subtractResources } from '../../protocol/resources.ts'
import type { TaskRef } from '../../protocol/schema/agent.ts'
import type { AgentReport, AgentReports, HeldTask } from '../../protocol/schema/master.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { commonVersion, PROTOCOL_VERSION } from '../../protocol/version.ts'
import { hear, newSession } from '../parts/session.ts'
import {
  agentOf,
  heldAt,
  invite,
  loseSession,
  order,
  orderNow,
  schedulePing,
  stepAgent,
} from './agents.ts'
import { frameworkOf, touchAgent } from './books.ts'
import { confirmTornDown, frameworkFromAgent } from './framework-end.ts'
import { complained } from './lease.ts'
import { tellWorld } from './public-events.ts'
import { record } from './registry.ts'
import { type Agent, count, type Framework, type Opening, type Task } from './state.ts'
import { compareNumbers, forgetTask, moveTask, sendKnown } from './tasks.ts'
import { type LeaderTurn, log } from './turn.ts'

type Register = Extract<AgentReport, { kind: 'register' }>

/** A list of reports. Numbers are judged first; what does not belong to the session is dropped. */
export function agentReports(turn: LeaderTurn, agentId: AgentId, body: AgentReports): void {
  const first = body.reports[0]
  if (first?.kind === 'complaint') return complaint(turn, agentId, first.highest.epoch)
  if (body.session === undefined || body.n === undefined) {
    return count(turn.state, 'reports-without-session')
  }
  const agent = agentOf(turn, agentId)
  if (first?.kind === 'register' && body.n === 1 && agent.session?.id !== body.session) {
    open(turn, agent, body.session, first)
    return
  }
  if (!hearAgent(turn, agent, body.session, body.n)) return
  for (const report of body.reports) handleReport(turn, agent, report)
}

/** True if a message of the agent is the next of its session. */
export function hearAgent(turn: LeaderTurn, agent: Agent, session: SessionId, n: number): boolean {
  if (agent.session?.id !== session) {
    count(turn.state, 'agent-messages-foreign')
    // It may think that its session lives: one that is not opening is asked for a new one.
    if (agent.session === undefined) invite(turn, agent)
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

/** Only admitted agents can raise an epoch. */
function complaint(turn: LeaderTurn, agentId: AgentId, epoch: number): void {
  const agent = turn.leader.agents.get(agentId)
  count(turn.state, 'complaints')
  if (agent !== undefined && agent.state !== 'unknown') complained(turn, epoch)
}

function handleReport(turn: LeaderTurn, agent: Agent, report: AgentReport): void {
  if (report.kind === 'snapshot-page') page(turn, agent, report)
  else if (report.kind === 'settled') for (const ref of report.tasks) settle(turn, ref)
  else if (report.kind === 'torn-down') confirmTornDown(turn, agent.agentId, frameworkKey(report))
}

function settle(turn: LeaderTurn, ref: TaskRef): void {
  const task = frameworkOf(turn, ref)?.tasks.get(ref.taskId)
  if (task?.launch !== ref.launch) return
  if (isTerminal(task.state)) forgetTask(turn, task)
  else count(turn.state, 'settled-before-the-end')
}

function open(turn: LeaderTurn, agent: Agent, session: SessionId, register: Register): void {
  const refused = refusalOf(register)
  if (refused !== undefined) {
    count(turn.state, 'registrations-refused')
    agent.session = newSession(session)
    orderNow(turn, agent, refused)
    agent.session = undefined
    return
  }
  if (!stepAgent(turn, agent, 'agent.opened')) return
  turn.leader.orders.drop(agent.agentId)
  agent.session = newSession(session)
  agent.session.heard = 1
  agent.missed = 0
  agent.opening = {
    info: register.info,
    incarnation: register.incarnation,
    pages: register.pages,
    pagesHeard: 0,
    tasks: [],
    frameworks: [],
    isAdmitting: false,
  }
  schedulePing(turn, agent)
  considerComplete(turn, agent, agent.opening)
}

function refusalOf({ version, info, pages }: Register) {
  const kind = 'not-registered' as const
  if (commonVersion(version) === undefined) {
    const message = `this master speaks version ${PROTOCOL_VERSION}, not ${version.min}-${version.max}`
    return { kind, reason: 'no-common-version' as const, message }
  }
  const parsed = parseResources(info.resources)
  const problem = 'code' in parsed ? parsed.message : undefined
  if (problem === undefined && pages <= PAGES_MAX) return undefined
  const message = problem ?? `more than ${PAGES_MAX} pages`
  return { kind, reason: 'malformed-snapshot' as const, message, retryMs: PAGE_WAIT_MS }
}

type Page = Extract<AgentReport, { kind: 'snapshot-page' }>

function page(turn: LeaderTurn, agent: Agent, { page, tasks, frameworks }: Page): void {
  const { opening } = agent
  if (opening === undefined || page !== opening.pagesHeard + 1) {
    return count(turn.state, 'pages-out-of-place')
  }
  opening.pagesHeard = page
  opening.tasks.push(...tasks)
  opening.frameworks.push(...frameworks)
  considerComplete(turn, agent, opening)
}

/** All pages are here: the registry must know the agent before anybody else does. */
function considerComplete(turn: LeaderTurn, agent: Agent, opening: Opening): void {
  const { session, agentId } = agent
  if (session === undefined || opening.pagesHeard < opening.pages || opening.isAdmitting) return
  if (agent.isAdmitted) return confirm(turn, agent)
  opening.isAdmitting = true
  const after = { after: 'admit', agentId, session: session.id } as const
  record(turn, { kind: 'agent-admitted', agentId }, after)
}

/** The registry has it; a session that was replaced meanwhile is confirmed by its own record. */
export function admitted(turn: LeaderTurn, agentId: AgentId, session: SessionId): void {
  const agent = agentOf(turn, agentId)
  agent.isAdmitted = true
  if (agent.session?.id === session && agent.opening?.isAdmitting) confirm(turn, agent)
}

function confirm(turn: LeaderTurn, agent: Agent): void {
  const { opening, session, agentId } = agent
  if (opening === undefined || session === undefined) return
  const { leader, state, now } = turn
  stepAgent(turn, agent, 'snapshot.confirmed')
  agent.opening = undefined
  agent.info = opening.info
  agent.registeredAtMs ??= now.wallMs
  agent.unreachableAtMs = undefined
  agent.total = resourcesOf(opening.info.resources)
  leader.deadlines.clear(`agent-return ${agentId}`)
  orderNow(turn, agent, {
    kind: 'registered',
    version: PROTOCOL_VERSION,
    pingMs: state.rules.agentPingMs,
    pingsMissedMax: state.rules.agentPingsMissedMax,
    frameworks: subscriptionsOf(turn, opening),
  })
  const missing = compare(turn, agent, opening)
  for (let from = 0; from < missing.length; from += 1024) {
    order(turn, agent, { kind: 'missing', tasks: missing.slice(from, from + 1024) })
  }
  const free = subtractResources(agent.total, heldAt(agent))
  // More runs there than it says it has: nothing is offered until enough has ended.
  agent.free = free ?? new Map()
  touchAgent(turn, agent)
  log(turn, 'an agent has registered', { agentId, tasks: opening.tasks.length })
  tellWorld(turn, { kind: 'agent', what: 'registered' }, { agentId })
}

function subscriptionsOf(turn: LeaderTurn, opening: Opening) {
  return opening.frameworks.flatMap(({ principal, frameworkId }) => {
    const subscription = frameworkOf(turn, { principal, frameworkId })?.subscription
    return subscription === undefined ? [] : [{ principal, frameworkId, subscription }]
  })
}

/** Takes over what the agent holds; returns what it should hold and does not. */
function compare(turn: LeaderTurn, agent: Agent, opening: Opening): TaskRef[] {
  const held = new Set<Task>()
  for (const shown of opening.tasks) {
    const task = adopt(turn, agent, shown)
    if (task !== undefined) held.add(task)
  }
  const missing: TaskRef[] = []
  for (const task of agent.tasks) {
    if (held.has(task)) continue
    if (isTerminal(task.state)) forgetTask(turn, task)
    else missing.push({ ...task.framework, taskId: task.taskId, launch: task.launch })
  }
  return missing
}

function adopt(turn: LeaderTurn, agent: Agent, shown: HeldTask): Task | undefined {
  const framework = frameworkFromAgent(turn, shown)
  if (framework.state === 'ended') {
    framework.unconfirmed.add(agent.agentId)
    const { principal, frameworkId } = framework
    order(turn, agent, { kind: 'tear-down', principal, frameworkId })
    return undefined
  }
  const known = framework.tasks.get(shown.taskId)
  if (known !== undefined && known.launch !== shown.launch) {
    count(turn.state, 'launches-foreign')
    return undefined
  }
  const task = known ?? newTaskFrom(turn, framework, agent, shown)
  update(turn, framework, task, shown)
  if (shown.settled && isTerminal(task.state)) forgetTask(turn, task)
  else if (task.kill !== undefined && !isTerminal(task.state)) {
    const { principal, frameworkId } = framework
    const { graceMs } = task.kill
    const kill = { kind: 'kill', principal, frameworkId, taskId: task.taskId } as const
    order(turn, agent, { ...kill, ...(graceMs !== undefined && { graceMs }) })
  }
  return task
}

function newTaskFrom(turn: LeaderTurn, framework: Framework, agent: Agent, shown: HeldTask): Task {
  const { principal, frameworkId } = framework
  const task: Task = {
    framework: { principal, frameworkId },
    taskId: shown.taskId,
    launch: shown.launch,
    agentId: agent.agentId,
    role: shown.role,
    name: shown.name,
    resources: resourcesOf(shown.resources),
    state: 'TASK_UNKNOWN',
    number: undefined,
    status: undefined,
    kill: undefined,
    isHeld: false,
    changedAtMs: turn.now.wallMs,
  }
  framework.tasks.set(task.taskId, task)
  agent.tasks.add(task)
  return task
}

/** The snapshot is the agent's newest word: a task that was thought lost is told of. */
function update(turn: LeaderTurn, framework: Framework, task: Task, shown: HeldTask): void {
  if (compareNumbers(shown.number, task.number) < 0) return
  const before = task.state
  if (before === shown.latest || !moveTask(turn, task, shown.latest)) return
  task.number = shown.number
  if (before === 'TASK_UNREACHABLE') sendKnown(turn, framework, task, 'AGENT_RETURNED')
}
