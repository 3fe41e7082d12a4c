/** Invariant 5: what is free is on offer, unless nobody wants it, by what they have said. */
import type { Agent } from '../../actors/master/entities.ts'
import type { Leader } from '../../actors/master/state.ts'
import type { SchedulerState } from '../../actors/scheduler/state.ts'
import { describeResources, scalarOf } from '../../protocol/resources.ts'
import { problem, viewOf } from './end-check.ts'
import { heldAt, offeredAt } from './leader-check.ts'
import type { Violation } from './ledger.ts'
import type { Node } from './node.ts'
import type { World } from './world.ts'

/** Something is free, wanted, and not offered. */
export function checkFree(world: World): Violation | undefined {
  const leader = viewOf(world)?.leader
  if (leader === undefined) return undefined
  for (const agent of leader.agents.values()) {
    const { agentId, free } = agent
    if (scalarOf(free, 'cpus') < 10 && scalarOf(free, 'mem') < 32_000) continue
    for (const node of world.nodes) {
      if (!isSubscribed(node)) continue
      const role = node.workload?.wish.roleFor(agentId, free)
      if (role !== undefined) return unoffered(leader, agent, `${node.name} in ${role}`)
    }
  }
  return undefined
}

/** It has a framework, and a session. */
function isSubscribed({ kind, process }: Node): boolean {
  const state = process?.state
  return kind === 'framework' && (state as SchedulerState | undefined)?.link.phase === 'open'
}

function unoffered(leader: Leader, agent: Agent, who: string): Violation {
  const { agentId, free } = agent
  const held = describeResources(heldAt(agent))
  const offered = describeResources(offeredAt(leader, agent))
  return problem(
    `${describeResources(free)} is free at ${agentId} (held ${held}; offered ${offered}), ` +
      `wanted by ${who}, and not offered to it`,
    agentId,
  )
}
