/** What must not be offered to whom: declined resources, and too much for those who decline. */
import type { Now } from '../../../protocol/now.ts'
import { containsResources, type Resources } from '../../../protocol/resources.ts'
import type { AgentBook, Filter, MemberBook } from '../books/entities.ts'

/** Allocations of one agent, in LATE_WINDOW_MS, to members whose last answer was a decline. */
export const LATE_GRANTS_MAX = 10
export const LATE_WINDOW_MS = 1_000

export const NO_FILTERS: AgentBook['filters'] = new Map()

/** Replaces all filters of the member there. */
export function setFilters(agent: AgentBook, member: MemberBook, filters: readonly Filter[]): void {
  // Only here they are changed.
  const all = agent.filters as Map<MemberBook, readonly Filter[]>
  if (filters.length === 0) all.delete(member)
  else if (all === NO_FILTERS) agent.filters = new Map([[member, filters]])
  else all.set(member, filters)
}

/** Forgets what members that are gone had declined. */
export function dropFiltersOfGone(agent: AgentBook): void {
  for (const member of agent.filters.keys()) if (member.isGone) setFilters(agent, member, [])
}

/**
 * Until when `candidate` must not go to the member: a filter holds while it contains all of it.
 * Undefined: now it may.
 */
export function filteredUntilMs(
  { agent, member }: { readonly agent: AgentBook; readonly member: MemberBook },
  candidate: Resources,
  { monotonicMs }: Now,
): number | undefined {
  if (agent.filters.size === 0) return undefined
  const filters = agent.filters.get(member)
  if (filters === undefined) return undefined
  let untilMs: number | undefined
  let hasExpired = false
  for (const filter of filters) {
    if (filter.untilMs <= monotonicMs) hasExpired = true
    else if (containsResources(filter.resources, candidate)) {
      untilMs = Math.max(untilMs ?? 0, filter.untilMs)
    }
  }
  if (hasExpired) {
    setFilters(
      agent,
      member,
      filters.filter((filter) => filter.untilMs > monotonicMs),
    )
  }
  return untilMs
}

/**
 * Until when the agent must not go to a member whose last answer was a decline; undefined: it may.
 */
export function pausedUntilMs(
  { lateGrantsMs }: AgentBook,
  { monotonicMs }: Now,
): number | undefined {
  if (lateGrantsMs.length < LATE_GRANTS_MAX) return undefined
  const untilMs = (lateGrantsMs[0] as number) + LATE_WINDOW_MS
  return untilMs > monotonicMs ? untilMs : undefined
}

/** Takes note that the agent went to such a member. */
export function noteLateGrant(agent: AgentBook, { monotonicMs }: Now): void {
  agent.lateGrantsMs = [...agent.lateGrantsMs.slice(1 - LATE_GRANTS_MAX), monotonicMs]
}
