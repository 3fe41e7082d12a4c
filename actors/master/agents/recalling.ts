/** What the registry says of agents, each named once, to a leader that takes over. */
import type { AgentId } from '../../../protocol/ids.ts'
import type { Agent } from '../entities.ts'
import type { AgentFact } from '../registry/table.ts'
import type { Leader } from '../state.ts'
import type { LeaderTurn } from '../turn.ts'
import { agentOf, scheduleReturn, stepAgent } from './agents.ts'

/** Nothing is left of those that have left or were forgotten. */
export function recallAgent(turn: LeaderTurn, fact: AgentFact): void {
  const { agentId } = fact
  if (fact.kind === 'agent-gone') {
    turn.leader.gone.set(agentId, fact.atMs)
    return
  }
  const agent = agentOf(turn, agentId)
  if (fact.kind === 'agent-unreachable') {
    agent.unreachableAtMs = fact.atMs
    stepAgent(turn, agent, 'registry.unreachable')
  } else {
    agent.isAdmitted = true
    agent.directory = fact.directory
    agent.admittedAs = fact.directory
    stepAgent(turn, agent, 'registry.known')
    awaitAgent(turn, agent)
  }
}

/** It is to come back. */
function awaitAgent(turn: LeaderTurn, agent: Agent): void {
  const { recovery } = turn.leader
  recovery.missing.add(agent.agentId)
  recovery.uninvited.add(agent.agentId)
  recovery.known += 1
  scheduleReturn(turn, agent, turn.state.rules.reregisterMs)
}

/** The registry names agents in the order in which they came, not in that in which they went. */
export function orderAway({ lost, gone }: Leader): void {
  for (const away of [lost, gone]) if (!isOldestFirst(away)) putOldestFirst(away)
}

function isOldestFirst(away: ReadonlyMap<AgentId, number>): boolean {
  let beforeMs = 0
  for (const atMs of away.values()) {
    if (atMs < beforeMs) return false
    beforeMs = atMs
  }
  return true
}

function putOldestFirst(away: Map<AgentId, number>): void {
  const oldestFirst = [...away].sort(([, a], [, b]) => a - b)
  away.clear()
  for (const [agentId, atMs] of oldestFirst) away.set(agentId, atMs)
}
