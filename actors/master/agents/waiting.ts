/** Agents that live and cannot open a session yet: they recover, or their disk is full. */
import type { AgentId } from '../../../protocol/ids.ts'
import { type LeaderTurn, log } from '../turn.ts'
import { closeSession, scheduleReturn, stepAgent } from './agents.ts'

/**
 * Nothing that it missed counts, and what it had said is over. It is not believed of one that is
 * unreachable: only a session brings that one back.
 */
export function agentWaits(turn: LeaderTurn, agentId: AgentId, why: string): void {
  const agent = turn.leader.agents.get(agentId)
  if (agent === undefined) return
  agent.missed = 0
  if (agent.state === 'recovering') scheduleReturn(turn, agent, turn.state.rules.reregisterMs)
  if (agent.session === undefined) return
  log(turn, 'an agent waits', { agentId, why })
  closeSession(turn, agent)
  stepAgent(turn, agent, 'session.lost')
}
