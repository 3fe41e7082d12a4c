/** How frameworks come to be known without subscribing, go away, and end. */
import type { AgentId, FrameworkKey } from '../../../protocol/ids.ts'
import { frameworkKey } from '../../../protocol/ids.ts'
import { FRAMEWORK_FAILOVER_MS } from '../../../protocol/limits.ts'
import { Recent } from '../../parts/recent.ts'
import { order } from '../agents/agents.ts'
import { frameworkOf, touchMember } from '../books.ts'
import type { Agent, Framework, FrameworkEnd, Task } from '../entities.ts'
import { type FrameworkEvent, frameworkStep } from '../framework-machine.ts'
import { clearFilters } from '../offers/filters.ts'
import { endOffer } from '../offers/offers.ts'
import { tellWorld } from '../public-events.ts'
import { awaitsMore } from '../reconcile.ts'
import { record } from '../registry.ts'
import { count } from '../state.ts'
import { endTask, forgetTask, tellEnd } from '../tasks.ts'
import { answer, type LeaderTurn, log } from '../turn.ts'
import { HeardAhead } from './heard-ahead.ts'
import { letGo, pingMsOf } from './instances.ts'
import { RememberedKills } from './remembered-kills.ts'
import { cutOff } from './session.ts'
import { TaskTable } from './task-table.ts'

/** Calls whose answers are kept for a repeat. */
const ANSWERS_MAX = 4_096

export function newFramework(
  { principal, frameworkId }: FrameworkKey,
  began: Framework['began'],
): Framework {
  return {
    principal,
    frameworkId,
    key: frameworkKey({ principal, frameworkId }),
    began,
    state: 'unknown',
    name: frameworkId,
    secretHash: undefined,
    failoverMs: FRAMEWORK_FAILOVER_MS,
    terms: {},
    session: undefined,
    holder: undefined,
    heardAtMs: undefined,
    heardAhead: new HeardAhead(),
    subscription: undefined,
    answers: new Recent(ANSWERS_MAX),
    updates: [],
    roles: new Map(),
    tasks: new TaskTable(),
    kills: new RememberedKills(),
    offers: new Set(),
    missed: 0,
    subscribedAtMs: undefined,
    changedAtMs: undefined,
    taskSubjects: new Map(),
    unconfirmed: new Set(),
  }
}

/** The framework of a task that an agent has shown: it may be one that this leader never met. */
export function frameworkFromAgent(turn: LeaderTurn, key: FrameworkKey): Framework {
  const known = frameworkOf(turn, key)
  if (known !== undefined) return known
  const framework = newFramework(key, 'before')
  turn.leader.frameworks.set(framework.key, framework)
  stepFramework(turn, framework, 'agent.reported')
  schedulePing(turn, framework)
  return framework
}

/** Takes a step of the framework's lifecycle and does what it asks for. False: illegal here. */
export function stepFramework(
  turn: LeaderTurn,
  framework: Framework,
  event: FrameworkEvent,
): boolean {
  const step = frameworkStep(framework.state, event)
  if (step === undefined) {
    count(turn.state, 'framework-events-illegal')
    return false
  }
  if (framework.state !== step.state) framework.changedAtMs = turn.now.wallMs
  framework.state = step.state
  if (step.state === 'ended') turn.leader.endedFrameworks.add(framework)
  for (const action of step.actions) {
    if (action === 'withdraw') withdraw(turn, framework)
    else if (action === 'startFailover') awaitReturn(turn, framework)
    else end(turn, framework)
  }
  return true
}

/** Its offers are free again; nobody is told, for whoever held them is not there any more. */
function withdraw(turn: LeaderTurn, framework: Framework): void {
  for (const offerId of framework.offers) endOffer(turn, offerId, 'framework.gone')
  for (const name of framework.roles.keys()) {
    clearFilters(turn, framework, name)
    touchMember(turn, framework, name)
  }
}

function awaitReturn(turn: LeaderTurn, framework: Framework): void {
  const { key, failoverMs } = framework
  framework.session = undefined
  turn.leader.events.drop(key)
  scheduleFailover(turn, framework, failoverMs)
  log(turn, 'a framework is away', { framework: key, failoverMs })
  tellWorld(turn, { kind: 'framework', what: 'away', framework }, { name: framework.name })
}

export function scheduleFailover(turn: LeaderTurn, { key }: Framework, afterMs: number): void {
  const atMs = turn.now.monotonicMs + afterMs
  turn.leader.deadlines.set(`failover ${key}`, atMs, { due: 'framework-failover', key })
}

export function schedulePing(turn: LeaderTurn, framework: Framework): void {
  const { key } = framework
  const atMs = turn.now.monotonicMs + pingMsOf(turn, framework)
  turn.leader.deadlines.set(`framework-ping ${key}`, atMs, { due: 'framework-ping', key })
}

/** It leaves: whoever of its instances stands by hears that, for it is said in no session. */
export function handOver(turn: LeaderTurn, framework: Framework): void {
  if (!stepFramework(turn, framework, 'framework.silent')) return
  letGo(framework)
  turn.leader.events.add(framework.key, framework, { kind: 'handed-over' })
}

/** Asks for the end of a framework. */
export function requestEnd(turn: LeaderTurn, framework: Framework, end: FrameworkEnd): void {
  const { principal, frameworkId, key } = framework
  const fact = { kind: 'framework-ended', principal, frameworkId } as const
  record(turn, fact, { after: 'end-framework', key, ...end })
}

/** The registry has it. */
export function frameworkIsEnded(
  turn: LeaderTurn,
  key: string,
  { reply, why }: FrameworkEnd,
): void {
  const framework = turn.leader.frameworks.get(key)
  if (framework !== undefined && framework.state !== 'ended') {
    const { name } = framework
    const message = why === undefined ? {} : { message: why }
    tellWorld(turn, { kind: 'framework', what: 'ended', framework }, { name, ...message })
    stepFramework(turn, framework, 'framework.ended')
  }
  answer(turn, reply, {})
}

/** Its tasks are killed wherever they are; what they hold is held until their agent confirms. */
function end(turn: LeaderTurn, framework: Framework): void {
  const { leader } = turn
  const { principal, frameworkId, key } = framework
  leader.deadlines.clear(`failover ${key}`)
  leader.deadlines.clear(`framework-ping ${key}`)
  cutOff(turn, framework, { name: 'torn-down', message: 'the framework was torn down' })
  framework.session = undefined
  for (const task of framework.tasks.values()) framework.unconfirmed.add(task.agentId)
  for (const agentId of framework.unconfirmed) {
    const agent = leader.agents.get(agentId)
    if (agent !== undefined) order(turn, agent, { kind: 'tear-down', principal, frameworkId })
  }
  for (const name of framework.roles.keys()) touchMember(turn, framework, name)
  log(turn, 'a framework has ended', { framework: key, tasks: framework.tasks.size })
  considerForgotten(turn, framework)
}

/** An agent has registered: it is told what has ended without it, and may have been the last. */
export function agentIsBack(turn: LeaderTurn, agent: Agent): void {
  for (const framework of turn.leader.endedFrameworks) {
    const { principal, frameworkId, unconfirmed } = framework
    if (!unconfirmed.has(agent.agentId)) considerForgotten(turn, framework)
    else order(turn, agent, { kind: 'tear-down', principal, frameworkId })
  }
}

/** The agent will confirm nothing any more, and nothing of it counts. */
export function agentIsOver(turn: LeaderTurn, agentId: AgentId): void {
  for (const { key, unconfirmed } of turn.leader.endedFrameworks) {
    if (unconfirmed.has(agentId)) confirmTornDown(turn, agentId, key)
  }
}

/** Nothing of it is left on that agent. */
export function confirmTornDown(turn: LeaderTurn, agentId: AgentId, key: string): void {
  const framework = turn.leader.frameworks.get(key)
  if (framework?.state !== 'ended') return count(turn.state, 'torn-down-unexpected')
  // Of an agent's tasks, not of a framework's: there may be a million, and as many who confirm.
  for (const task of turn.leader.agents.get(agentId)?.tasks ?? []) {
    if (task.framework !== framework) continue
    endWithFramework(turn, task)
    forgetTask(turn, task)
  }
  framework.unconfirmed.delete(agentId)
  considerForgotten(turn, framework)
}

/** Nobody hears its own statuses any more: what is known of its end is this. */
export function endWithFramework(turn: LeaderTurn, task: Task): void {
  const reason = 'FRAMEWORK_REMOVED'
  tellEnd(turn, task, reason)
  endTask(turn, task, { state: 'TASK_KILLED', reason, message: 'its framework ended' })
}

/**
 * Agents that were awaited may have been forgotten: nobody else would say that all is confirmed.
 */
export function forgetEnded(turn: LeaderTurn): void {
  const { absent, endedFrameworks } = turn.leader
  if (absent.size > 0) return
  for (const framework of endedFrameworks) considerForgotten(turn, framework)
}

/**
 * The id is burnt until nobody can hold anything of it. Who is not back yet is awaited only where
 * it may know more than this leader: one agent that never comes back must not burn every id from
 * then on.
 */
function considerForgotten(turn: LeaderTurn, framework: Framework): void {
  const { leader } = turn
  if (framework.state !== 'ended' || framework.unconfirmed.size > 0) return
  if (awaitsMore(turn, framework)) return
  const { principal, frameworkId, key } = framework
  leader.endedFrameworks.delete(framework)
  if (!leader.frameworks.delete(key)) return
  for (const name of framework.roles.keys()) touchMember(turn, framework, name)
  record(turn, { kind: 'framework-forgotten', principal, frameworkId }, { after: 'nothing' })
}
