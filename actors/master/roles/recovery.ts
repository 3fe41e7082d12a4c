/**
 * After a takeover where roles have quotas: no offers until most of the known agents are back. What
 * their tasks hold is told by them alone, and a leader that does not know it could pass a limit.
 */

import type { Leader } from '../state.ts'
import { type LeaderTurn, log } from '../turn.ts'
import { hasQuota } from './books.ts'

/** Of the agents that the registry knows, as in Mesos. */
const AWAITED_PART = 0.8

export const isAnyQuota = ({ roles }: Leader): boolean => [...roles.terms.values()].some(hasQuota)

/** The others may be lost: their tasks are unreachable then, and hold nothing. */
export function awaitAgents(turn: LeaderTurn): void {
  const { leader, state, now } = turn
  if (!isAnyQuota(leader)) return
  const known = [...leader.agents.values()].filter((agent) => agent.state === 'recovering').length
  leader.awaited = Math.ceil(known * AWAITED_PART)
  if (leader.awaited === 0) return
  const atMs = now.monotonicMs + state.rules.reregisterMs
  leader.deadlines.set('agents-awaited', atMs, { due: 'agents-awaited' })
  log(turn, 'makes no offers yet: roles have quotas', { known, awaited: leader.awaited })
}

/** So many more are to be back; 0: it can say what roles have. */
export function agentsAwaited({ awaited, agents, absent }: Leader): number {
  return Math.max(0, awaited - (agents.size - absent.size))
}

/** Enough are back, it was waited long enough, or there is nothing to wait for any more. */
export function awaitNoMore({ leader }: LeaderTurn): void {
  leader.awaited = 0
  leader.deadlines.clear('agents-awaited')
}
