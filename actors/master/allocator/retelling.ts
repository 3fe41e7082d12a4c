/** Telling the allocator's subject everything anew: shadow allocators come when they like. */
import { RETELL_MS } from '../../../protocol/limits.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import { count, type FilterKey } from '../state.ts'
import type { LeaderTurn } from '../turn.ts'
import {
  agentFigure,
  agentInfoFigure,
  memberFigure,
  memberTermsFigure,
  roleFigure,
} from './figures.ts'

type ClusterRules = Pick<Extract<AllocatorFigure, { kind: 'opened' }>, 'minAllocatable' | 'region'>

/** What every allocator is told first. */
export function clusterRules({ state }: LeaderTurn): ClusterRules {
  const { minAllocatable, region } = state.rules
  return { minAllocatable: [...minAllocatable], ...(region !== undefined && { region }) }
}

/**
 * One for all who ask, and not before RETELL_MS are over: a shadow that was not answered asks
 * again. Whoever has the session is told what it knows, which does no harm; without a session there
 * is nothing to follow, and the next one begins with everything.
 */
export function startRetelling(turn: LeaderTurn): void {
  const { now } = turn
  const link = turn.leader.allocator
  const isTooSoon = link?.retoldAtMs !== undefined && now.monotonicMs < link.retoldAtMs + RETELL_MS
  if (link === undefined || !link.isTold || link.retelling !== undefined || isTooSoon)
    return count(turn.state, 'retellings-refused')
  link.retoldAtMs = now.monotonicMs
  link.retelling = everything(turn)
}

/**
 * Each figure is made when it is said: what changes meanwhile is said by itself. Filters are named
 * only, for how long they still hold is known later. Who comes and goes meanwhile is no matter:
 * lists are made, for one that grows as it is walked might never end.
 */
function* everything(turn: LeaderTurn): Generator<AllocatorFigure | FilterKey> {
  const { agents, frameworks, roles } = turn.leader
  yield { kind: 'retelling', ...clusterRules(turn) }
  for (const role of Array.from(roles.terms.keys())) yield roleFigure(turn.leader, role)
  for (const framework of Array.from(frameworks.values())) {
    for (const role of Array.from(framework.roles.keys())) {
      yield memberTermsFigure(framework, role)
      yield memberFigure(framework, role)
    }
  }
  for (const agentId of Array.from(agents.keys())) {
    const info = agentInfoFigure(turn, agentId)
    if (info === undefined) continue
    yield info
    yield agentFigure(turn, agentId)
  }
  for (const { principal, frameworkId, roles } of Array.from(frameworks.values())) {
    for (const [role, { filters }] of roles) {
      for (const agentId of Array.from(filters.keys()))
        yield { framework: { principal, frameworkId }, role, agentId }
    }
  }
  yield { kind: 'complete' }
}
