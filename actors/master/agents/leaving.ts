/** Agents that say that they stop: for a while, or for good. */
import type { AgentId } from '../../../protocol/ids.ts'
import type { Agent } from '../entities.ts'
import { tellWorld } from '../public-events.ts'
import { record } from '../registry.ts'
import { type LeaderTurn, log } from '../turn.ts'
import { closeSession, stepAgent } from './agents.ts'
import { isParting, part } from './parting.ts'

/** It is pinged on: one that does not come back is lost as any other. */
export function agentStops(turn: LeaderTurn, agent: Agent): void {
  if (!stepAgent(turn, agent, 'agent.stopped')) return
  closeSession(turn, agent)
  const { agentId } = agent
  log(turn, 'an agent was stopped', { agentId, tasks: agent.tasks.size })
  tellWorld(turn, { kind: 'agent', what: 'stopped' }, { agentId })
}

/** Written to the registry first, or a later leader would wait for it. */
export function agentLeaves(turn: LeaderTurn, agent: Agent): void {
  // What it holds is not known yet: it can only be gone for a while.
  if (agent.state === 'opening') return agentStops(turn, agent)
  if (!stepAgent(turn, agent, 'agent.leaves')) return
  closeSession(turn, agent)
  const { agentId } = agent
  agent.isAdmitted = false
  turn.leader.deadlines.clear(`agent-ping ${agentId}`)
  record(turn, { kind: 'agent-left', agentId }, { after: 'forget-agent', agentId })
}

/** The registry has it. Whoever came back meanwhile is being admitted anew. */
export function agentHasLeft(turn: LeaderTurn, agentId: AgentId): void {
  const agent = turn.leader.agents.get(agentId)
  if (agent?.state !== 'leaving' || isParting(turn.leader, agentId)) return
  log(turn, 'an agent has left', { agentId })
  const message = `agent ${agentId} was stopped for good`
  part(turn, agent, { how: 'left', end: { state: 'TASK_GONE', reason: 'AGENT_REMOVED', message } })
}
