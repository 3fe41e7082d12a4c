/** Agents that live and cannot open a session yet: they recover, or their disk is full. */
import type { AgentId } from '../../../protocol/ids.ts'
import type { Agent } from '../entities.ts'
import { count } from '../state.ts'
import { type LeaderTurn, log } from '../turn.ts'
import { closeSession, scheduleReturn, stepAgent } from './agents.ts'

/** Its last ping but one it had time to answer. */
const MISSED_MIN = 2

/**
 * Nothing that it missed counts, and what it had said is over. Not for ever: who has no session for
 * as long as agents may take to come back after a takeover is lost, for nobody can tell of its
 * tasks. Of one that is unreachable only a session is believed. While a session is being answered
 * in, it is another agent of that id which says that it waits: who is heard keeps the id.
 */
export function agentWaits(turn: LeaderTurn, agentId: AgentId, why: string): void {
  const { leader, now, state } = turn
  const agent = leader.agents.get(agentId)
  if (agent === undefined) return
  if (agent.session !== undefined && agent.missed < MISSED_MIN) {
    return count(state, 'waits-unbelieved')
  }
  const { reregisterMs } = state.rules
  if (agent.waitsSinceMs === undefined) {
    agent.waitsSinceMs = now.monotonicMs
    if (agent.state === 'recovering') scheduleReturn(turn, agent, reregisterMs)
  }
  if (mayWait(turn, agent)) agent.missed = 0
  if (agent.session === undefined) return
  log(turn, 'an agent waits', { agentId, why })
  closeSession(turn, agent)
  stepAgent(turn, agent, 'session.lost')
}

/** It has said that it waits, and not for too long. */
export function mayWait({ now, state }: LeaderTurn, { waitsSinceMs }: Agent): boolean {
  return waitsSinceMs !== undefined && now.monotonicMs - waitsSinceMs < state.rules.reregisterMs
}
