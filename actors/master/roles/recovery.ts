/**
 * After a takeover: a role with a limit gets nothing until most of the known agents are back. What
 * its tasks hold is told by them alone, and a leader that does not know it could pass the limit.
 * Everybody else is offered at once what is back.
 */
import type { Leader } from '../state.ts'
import { type LeaderTurn, log } from '../turn.ts'

/** Of the agents that the registry knows, as in Mesos. The others may be lost. */
const AWAITED_PART = 0.8

/** So many more are to be back before roles with a limit get something. */
export function agentsAwaited({ roles, recovery }: Leader): number {
  if (!roles.areLimitsShut) return 0
  const { known, missing } = recovery
  return Math.max(0, missing.size - (known - Math.ceil(known * AWAITED_PART)))
}

/** Also where no role has a limit: an operator may set one while agents are away. */
export function shutLimits(turn: LeaderTurn): void {
  const { leader, state, now } = turn
  leader.roles.areLimitsShut = true
  const awaited = agentsAwaited(leader)
  if (awaited === 0) return openLimits(turn)
  const atMs = now.monotonicMs + state.rules.reregisterMs
  leader.deadlines.set('agents-awaited', atMs, { due: 'agents-awaited' })
  const { size: roles } = leader.roles.limited
  if (roles > 0) log(turn, 'roles with a limit wait for agents', { roles, awaited })
}

/** Enough are back, or will not be. */
export function considerLimits(turn: LeaderTurn): void {
  if (turn.leader.roles.areLimitsShut && agentsAwaited(turn.leader) === 0) openLimits(turn)
}

/** Or it was waited long enough. The allocator is told of the true limits. */
export function openLimits({ leader }: LeaderTurn): void {
  const { roles, dirtyRoles, deadlines } = leader
  roles.areLimitsShut = false
  deadlines.clear('agents-awaited')
  for (const role of roles.limited.keys()) dirtyRoles.add(role)
}
