/** Agents: whether they are there, and what follows when they are not. */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import type { AgentId } from '../../../protocol/ids.ts'
import type { FirstOrder, LaterOrder } from '../../../protocol/later-orders.ts'
import { LEADER_BEAT_MS } from '../../../protocol/limits.ts'
import { nextNumber } from '../../parts/session.ts'
import { type AgentEvent, agentStep } from '../agent-machine.ts'
import { type Agent, newAgent } from '../entities.ts'
import { endOffer } from '../offers/offers.ts'
import { count } from '../state.ts'
import { fenceOf, type LeaderTurn } from '../turn.ts'
import { awaitNoLonger, newParting } from './membership.ts'

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
  const { agents, absent, lost, partings } = turn.leader
  const step = agentStep(agent.state, event)
  if (step === undefined) {
    count(turn.state, 'agent-events-illegal')
    return false
  }
  if (agent.state !== step.state) agent.changedAtMs = turn.now.wallMs
  agent.state = step.state
  agents.set(agent.agentId, agent)
  if (step.state === 'registered') {
    absent.delete(agent.agentId)
    // Those of its tasks that nobody has called lost yet never were.
    partings.delete(agent.agentId)
  } else absent.add(agent.agentId)
  if (step.state === 'unreachable') lost.set(agent.agentId, agent.unreachableAtMs ?? 0)
  else lost.delete(agent.agentId)
  for (const action of step.actions) {
    if (action === 'withdraw') withdraw(turn, agent)
    else partings.set(agent.agentId, newParting(agent, { how: 'unreachable' }))
  }
  return true
}

function withdraw(turn: LeaderTurn, agent: Agent): void {
  for (const offerId of agent.offers) endOffer(turn, offerId, 'agent.lost')
  turn.leader.dirtyAgents.add(agent.agentId)
}

/** Says something within the agent's session, in order. Without one it is not said. */
export function order(turn: LeaderTurn, agent: Agent, said: FirstOrder): void {
  if (agent.session === undefined || agent.state !== 'registered') return
  turn.leader.orders.add(agent.agentId, agent.agentId, said)
}

/** Says what only some agents understand; to others nothing is said, and that is refused. */
export function orderLater(turn: LeaderTurn, agent: Agent, said: LaterOrder): Refusal | undefined {
  if (!agent.understands.has(said.kind)) {
    const why = `agent ${agent.agentId} does not say that it understands ${said.kind}`
    return refusal('conflict', why)
  }
  turn.leader.orders.add(agent.agentId, agent.agentId, said)
  return undefined
}

/** Says something at once, ahead of what waits: for what is said outside of a confirmed session. */
export function orderNow(turn: LeaderTurn, agent: Agent, said: FirstOrder): void {
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

export function pingAt({ leader, state }: LeaderTurn, { agentId }: Agent, atMs: number): void {
  const tickMs = Math.max(1, state.rules.agentPingMs / TICKS_PER_PING)
  const nextTickMs = Math.ceil(atMs / tickMs) * tickMs
  leader.deadlines.set(`agent-ping ${agentId}`, nextTickMs, { due: 'agent-ping', agentId })
}

/** From here on it is nobody's agent: what it held was seen to. */
export function forgetAgent(turn: LeaderTurn, agent: Pick<Agent, 'agentId'>): void {
  expectNoLonger(turn, agent)
  turn.leader.agents.delete(agent.agentId)
}

/** It is asked nothing any more, and nothing waits for it. */
export function expectNoLonger({ leader }: LeaderTurn, { agentId }: Pick<Agent, 'agentId'>): void {
  for (const some of [leader.absent, leader.lost]) some.delete(agentId)
  for (const what of ['agent-ping', 'agent-return']) leader.deadlines.clear(`${what} ${agentId}`)
  awaitNoLonger(leader.recovery, agentId)
}

/** So long a known agent may take to come back. */
export function scheduleReturn(turn: LeaderTurn, { agentId }: Agent, afterMs: number): void {
  const atMs = turn.now.monotonicMs + afterMs
  turn.leader.deadlines.set(`agent-return ${agentId}`, atMs, { due: 'agent-return', agentId })
}
