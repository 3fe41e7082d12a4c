/** What the registry says of agents, to a leader that takes over: each fact in its order. */
import type { RegistryRecord } from '../../../protocol/schema/master.ts'
import type { LeaderTurn } from '../turn.ts'
import { agentOf, forgetAgent, stepAgent } from './agents.ts'

export type AgentFact = Extract<RegistryRecord, { agentId: string }>

/** Who is gone stays so until it is forgotten: what was on its way meanwhile is void. */
export function recallAgent(turn: LeaderTurn, fact: AgentFact): void {
  const { gone } = turn.leader
  const { agentId } = fact
  if (fact.kind === 'agent-forgotten') gone.delete(agentId)
  if (gone.has(agentId)) return
  if (fact.kind === 'agent-admitted') return recallAdmitted(turn, fact)
  forgetAgent(turn, fact)
  if (fact.kind === 'agent-gone') gone.set(agentId, fact.atMs)
  if (fact.kind !== 'agent-unreachable') return
  const agent = agentOf(turn, agentId)
  agent.unreachableAtMs = fact.atMs
  stepAgent(turn, agent, 'registry.unreachable')
}

function recallAdmitted(turn: LeaderTurn, { agentId }: AgentFact): void {
  const isBack = turn.leader.agents.get(agentId)?.state === 'unreachable'
  if (isBack) forgetAgent(turn, { agentId })
  const known = agentOf(turn, agentId)
  known.isAdmitted = true
  if (known.state === 'unknown') stepAgent(turn, known, 'registry.known')
}
