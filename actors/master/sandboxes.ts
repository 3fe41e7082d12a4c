/** What operators ask about sandboxes is handed on: agents know what they have. */
import type { Refusal } from '../../protocol/errors.ts'
import { FINDING_AGENTS_MAX } from '../../protocol/limits.ts'
import type {
  AgentsAsked,
  OperatorFindSandboxes,
  OperatorReadSandbox,
} from '../../protocol/schema/sandbox.ts'
import { orderLater } from './agents/agents.ts'
import { isParting } from './agents/parting.ts'
import { refuseAbsent } from './frameworks/calls.ts'
import type { Leader } from './state.ts'
import { fenceOf, type LeaderTurn } from './turn.ts'

/** The agent publishes what lies there itself. */
export function readSandbox(
  turn: LeaderTurn,
  { agentId, ...look }: OperatorReadSandbox,
): object | Refusal {
  const agent = turn.leader.agents.get(agentId)
  if (agent?.state !== 'registered') return refuseAbsent(turn, agentId)
  return orderLater(turn, agent, { kind: 'send-sandbox', ...look }) ?? {}
}

/** One message for all agents, however many there are. */
export function findSandboxes(turn: LeaderTurn, body: OperatorFindSandboxes): AgentsAsked {
  const agents = agentsAsked(turn.leader)
  const everyoneAnswers = agents <= FINDING_AGENTS_MAX
  const question = { ...fenceOf(turn), ...body, everyoneAnswers }
  turn.effects.push({ do: 'ask-agents', body: question })
  return { agents, everyoneAnswers }
}

/** Those that are registered, without a look at each: there may be many, and few that part. */
function agentsAsked(leader: Leader): number {
  const { agents, absent, partings } = leader
  let parting = 0
  for (const agentId of partings.keys()) {
    const isThere = agents.has(agentId) && !absent.has(agentId)
    if (isThere && isParting(leader, agentId)) parting += 1
  }
  return agents.size - absent.size - parting
}
