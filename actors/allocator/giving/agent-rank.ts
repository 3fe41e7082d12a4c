/** Where what is free is given away first, if the policy has an opinion. */
import { fromThousandths } from '../../../protocol/scalar.ts'
import type { AgentBook } from '../books/entities.ts'
import type { Holding, ResourceNames } from '../books/scalars.ts'
import type { AgentStanding } from '../policy.ts'
import type { Books } from '../state.ts'

/** After a change of what the agent is or has. */
export function setRank({ tree, names }: Books, agent: AgentBook): void {
  const { policy } = tree
  if (policy.rankAgent !== undefined) agent.rank = policy.rankAgent(standingOf(names, agent))
}

function standingOf(names: ResourceNames, { agentId, info, available }: AgentBook): AgentStanding {
  const { hostname, total } = info
  return {
    agentId,
    hostname,
    free: amountsOf(names, available),
    total: amountsOf(names, total),
    fill: fillOf(total, available),
  }
}

function amountsOf({ names }: ResourceNames, { scalars }: Holding): Record<string, number> {
  const amounts: Record<string, number> = {}
  for (const [number, thousandths] of scalars.entries()) {
    if (thousandths > 0) amounts[names[number] as string] = fromThousandths(thousandths)
  }
  return amounts
}

function fillOf(total: Holding, available: Holding): number {
  let fill = 0
  for (const [number, all] of total.scalars.entries()) {
    if (all > 0) fill = Math.max(fill, 1 - (available.scalars[number] ?? 0) / all)
  }
  return fill
}
