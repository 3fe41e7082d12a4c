/** What must not be offered to whom: declined resources, and too much for those who decline. */
import type { Now } from '../../protocol/now.ts'
import { containsResources, type Resources } from '../../protocol/resources.ts'
import type { AgentBook, Filter, MemberBook } from './entities.ts'

/** Allocations of one agent, in LATE_WINDOW_MS, to members whose last answer was a decline. */
export const LATE_GRANTS_MAX = 10
export const LATE_WINDOW_MS = 1_000

/** Replaces all filters of the member there. */
export function setFilters(agent: AgentBook, member: MemberBook, filters: readonly Filter[]): void {
  if (filters.length === 0) agent.filters.delete(member)
  else agent.filters.set(member, filters)
}

/** Forgets what members that are gone had declined. */
export function dropFiltersOfGone(agent: AgentBook): void {
  for (const member of agent.filters.keys()) if (member.isGone) agent.filters.delete(member)
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
  const oldest = lateGrantsMs[0]
  if (oldest === undefined || lateGrantsMs.length < LATE_GRANTS_MAX) return undefined
  const untilMs = oldest + LATE_WINDOW_MS
  return untilMs > monotonicMs ? untilMs : undefined
}

/** Takes note that the agent went to such a member. */
export function noteLateGrant({ lateGrantsMs }: AgentBook, { monotonicMs }: Now): void {
  lateGrantsMs.push(monotonicMs)
  if (lateGrantsMs.length > LATE_GRANTS_MAX) lateGrantsMs.shift()
}
