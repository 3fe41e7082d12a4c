/** Agents: whether they are there, and what follows when they are not. */
import type { AgentId } from '../../../protocol/ids.ts'
import { AGENT_PINGS_PER_S_MAX, LEADER_BEAT_MS, PAGE_WAIT_MS } from '../../../protocol/limits.ts'
import type { AgentOrder } from '../../../protocol/schema/agent.ts'
import { nextNumber } from '../../parts/session.ts'
import { type AgentEvent, agentStep } from '../agent-machine.ts'
import { type Agent, newAgent } from '../entities.ts'
import { endOffer } from '../offers/offers.ts'
import { tellWorld } from '../public-events.ts'
import { record } from '../registry.ts'
import { count } from '../state.ts'
import { loseTasks } from '../tasks.ts'
import { fenceOf, type LeaderTurn, log } from '../turn.ts'

/**
 * Pings that are due in one such part of the time between pings leave together, at its end: a
 * wake-up and a packet for each would cost more.
 */
const TICKS_PER_PING = 12

/** One's own beats come back within this, or one's own connection is at fault. */
const ECHO_MS_MAX = 2.5 * LEADER_BEAT_MS

/** True while what this master hears on a connection counts: its own beats come back there. */
export function isEchoing({ leader, now }: LeaderTurn, connection: string): boolean {
  const heardMs = leader.echoAtMs.get(connection) ?? Number.NEGATIVE_INFINITY
  return now.monotonicMs - heardMs <= ECHO_MS_MAX
}

/** The agent, or a new one of which nothing is kept before its first step. */
export function agentOf({ leader }: LeaderTurn, agentId: AgentId): Agent {
  return leader.agents.get(agentId) ?? newAgent(agentId)
}

/** Takes a step of the agent's lifecycle and does what it asks for. False: illegal here. */
export function stepAgent(turn: LeaderTurn, agent: Agent, event: AgentEvent): boolean {
  const { agents, absent } = turn.leader
  const step = agentStep(agent.state, event)
  if (step === undefined) {
    count(turn.state, 'agent-events-illegal')
    return false
  }
  agent.state = step.state
  agents.set(agent.agentId, agent)
  if (step.state === 'registered') absent.delete(agent.agentId)
  else absent.add(agent.agentId)
  for (const action of step.actions) {
    if (action === 'withdraw') withdraw(turn, agent)
    else loseTasks(turn, agent)
  }
  return true
}

function withdraw(turn: LeaderTurn, agent: Agent): void {
  for (const offerId of agent.offers) endOffer(turn, offerId, 'agent.lost')
  turn.leader.dirtyAgents.add(agent.agentId)
}

/** Says something within the agent's session, in order. Without one it is not said. */
export function order(turn: LeaderTurn, agent: Agent, said: AgentOrder): void {
  if (agent.session === undefined || agent.state !== 'registered') return
  turn.leader.orders.add(agent.agentId, agent.agentId, said)
}

/** Says something at once, ahead of what waits: for what is said outside of a confirmed session. */
export function orderNow(turn: LeaderTurn, agent: Agent, said: AgentOrder): void {
  const { session } = agent
  const numbers = session && { session: session.id, n: nextNumber(session), heard: session.heard }
  turn.effects.push({
    do: 'send-orders',
    agentId: agent.agentId,
    body: { ...fenceOf(turn), ...(said.kind !== 'invite' && numbers), orders: [said] },
  })
}

/** Asks it to open a session. */
export function invite(turn: LeaderTurn, agent: Agent): void {
  orderNow(turn, agent, { kind: 'invite' })
}

/** What was to be said in it is found out by the next one. */
export function closeSession({ leader }: LeaderTurn, agent: Agent): void {
  agent.session = undefined
  agent.opening = undefined
  leader.orders.drop(agent.agentId)
}

/** Something it said was lost: the session is over, and it is asked for another. */
export function loseSession(turn: LeaderTurn, agent: Agent): void {
  if (agent.session === undefined) return
  count(turn.state, 'agent-sessions-lost')
  closeSession(turn, agent)
  stepAgent(turn, agent, 'session.lost')
  invite(turn, agent)
}

export function schedulePing(turn: LeaderTurn, agent: Agent): void {
  pingAt(turn, agent, turn.now.monotonicMs + turn.state.rules.agentPingMs)
}

function pingAt({ leader, state }: LeaderTurn, { agentId }: Agent, atMs: number): void {
  const tickMs = Math.max(1, state.rules.agentPingMs / TICKS_PER_PING)
  const nextTickMs = Math.ceil(atMs / tickMs) * tickMs
  leader.deadlines.set(`agent-ping ${agentId}`, nextTickMs, { due: 'agent-ping', agentId })
}

/**
 * Pings an agent of which nothing was missed, and schedules the next ping. Those of all such agents
 * are a place apart in time, so that what pings cost is bounded: with many agents the next free
 * place is further away than the rules ask for, and the ping says so.
 */
function pingInTurn(turn: LeaderTurn, agent: Agent): void {
  const { leader, state, now } = turn
  const soonestMs = now.monotonicMs + state.rules.agentPingMs
  leader.pingPlaceMs = Math.max(soonestMs, leader.pingPlaceMs + 1_000 / AGENT_PINGS_PER_S_MAX)
  const isLater = leader.pingPlaceMs > soonestMs
  const nextMs = Math.ceil(leader.pingPlaceMs - now.monotonicMs)
  order(turn, agent, isLater ? { kind: 'ping', nextMs } : { kind: 'ping' })
  agent.pingPlaceMs = leader.pingPlaceMs
  schedulePing(turn, agent)
}

/**
 * A ping is due: the last one was answered, or it counts as missed. One that has answered waits for
 * its turn; any other is asked as often as the rules say, however many agents there are.
 */
export function pingAgent(turn: LeaderTurn, agent: Agent): void {
  if (agent.state === 'unreachable') return
  if (agent.missed === 0 && turn.now.monotonicMs < agent.pingPlaceMs) {
    return pingAt(turn, agent, agent.pingPlaceMs)
  }
  if (isEchoing(turn, 'agents')) agent.missed += 1
  if (agent.missed > turn.state.rules.agentPingsMissedMax) {
    if (isStranger(agent)) forgetAgent(turn, agent)
    else loseAgent(turn, agent)
    return
  }
  if (agent.state === 'registered' && agent.missed <= 1) return pingInTurn(turn, agent)
  if (agent.state === 'registered') order(turn, agent, { kind: 'ping' })
  else if (isStalled(turn, agent)) loseSession(turn, agent)
  else if (agent.state !== 'opening' || agent.missed > 1) invite(turn, agent)
  schedulePing(turn, agent)
}

/** It says something, but no page of the snapshot that it has begun. */
function isStalled({ now }: LeaderTurn, { opening }: Agent): boolean {
  if (opening === undefined || opening.isAdmitting) return false
  return now.monotonicMs - opening.heardAtMs > PAGE_WAIT_MS
}

/**
 * It has opened a session, and the registry was never asked to admit it. One that has left and is
 * back before that was written may have tasks.
 */
function isStranger({ isAdmitted, opening, tasks, unreachableAtMs }: Agent): boolean {
  if (isAdmitted || unreachableAtMs !== undefined) return false
  return tasks.size === 0 && opening?.isAdmitting !== true
}

function forgetAgent({ leader }: LeaderTurn, { agentId }: Agent): void {
  leader.agents.delete(agentId)
  leader.absent.delete(agentId)
}

/** A known agent has not come back since the takeover; if it could be heard, it is lost. */
export function returnIsOver(turn: LeaderTurn, agent: Agent): void {
  if (isEchoing(turn, 'agents')) return loseAgent(turn, agent)
  scheduleReturn(turn, agent, turn.state.rules.agentPingMs)
}

/** So long a known agent may take to come back. */
export function scheduleReturn(turn: LeaderTurn, { agentId }: Agent, afterMs: number): void {
  const atMs = turn.now.monotonicMs + afterMs
  turn.leader.deadlines.set(`agent-return ${agentId}`, atMs, { due: 'agent-return', agentId })
}

/** Written to the registry first: a later leader must know that its tasks may live on. */
function loseAgent(turn: LeaderTurn, agent: Agent): void {
  const { agentId } = agent
  const fact = { kind: 'agent-unreachable', agentId, atMs: turn.now.wallMs } as const
  record(turn, fact, { after: 'lose-agent', agentId })
}

/**
 * The registry has it. Whoever came back meanwhile is not lost, and the registry must hear that.
 */
export function agentIsLost(turn: LeaderTurn, agent: Agent): void {
  // It was heard once more, and the registry is being told that it has left.
  if (agent.state === 'leaving') return
  if (agent.missed <= turn.state.rules.agentPingsMissedMax && agent.state !== 'recovering') {
    const { agentId } = agent
    if (agent.isAdmitted) record(turn, { kind: 'agent-admitted', agentId }, { after: 'nothing' })
    schedulePing(turn, agent)
    return
  }
  agent.isAdmitted = false
  agent.unreachableAtMs = turn.now.wallMs
  if (!stepAgent(turn, agent, 'agent.lost')) return
  const { agentId } = agent
  closeSession(turn, agent)
  turn.leader.deadlines.clear(`agent-ping ${agentId}`)
  turn.leader.deadlines.clear(`agent-return ${agentId}`)
  turn.leader.dirtyAgents.add(agentId)
  log(turn, 'an agent is unreachable', { agentId })
  tellWorld(turn, { kind: 'agent', what: 'unreachable' }, { agentId })
  tellFailure(turn, agentId)
}

/** Frameworks hear that the agent is not there. */
export function tellFailure({ leader }: LeaderTurn, agentId: AgentId): void {
  for (const framework of leader.frameworks.values()) {
    if (framework.state !== 'subscribed') continue
    leader.events.add(framework.key, framework, { kind: 'failure', agentId })
  }
}
