/**
 * What was declined, so that it does not come back at once. The master owns it; the allocator
 * hears.
 */
import type { AgentId } from '../../../protocol/ids.ts'
import {
  AGENT_BYTES_MAX,
  DECLINE_FILTER_MS,
  DECLINE_FILTER_MS_MAX,
  DECLINE_PAUSE_MS,
  LIST_BYTES_MAX,
} from '../../../protocol/limits.ts'
import {
  containsResources,
  isEmpty,
  listResources,
  type Resources,
} from '../../../protocol/resources.ts'
import { wireBytes } from '../../../protocol/wire-size.ts'
import type { Filter, Framework, Member } from '../entities.ts'
import type { LeaderTurn } from '../turn.ts'

/** Filters of one role and agent that are kept, in number and size; the oldest goes first. */
const FILTERS_MAX = 16
const FILTERS_BYTES_MAX = LIST_BYTES_MAX / 2
/** So many always travel in one figure: what is declined is a part of one agent. */
const FILTERS_FITTING = Math.floor(FILTERS_BYTES_MAX / AGENT_BYTES_MAX)
/**
 * With each new filter so many agents are looked at, in turn: what has expired does not pile up.
 */
const SWEPT_PER_FILTER = 2

export interface Declined {
  readonly framework: Framework
  readonly role: string
  readonly agentId: AgentId
  readonly resources: Resources
  /** As the framework said it; absent: the default. */
  readonly refuseMs: number | undefined
}

/** Nothing returns to its decliner within a second, or while its filter holds. */
export function addFilter(turn: LeaderTurn, declined: Declined): void {
  const { framework, role: name, agentId, resources, refuseMs } = declined
  const role = framework.roles.get(name)
  if (role === undefined || isEmpty(resources)) return
  const wanted = Math.min(refuseMs ?? DECLINE_FILTER_MS, DECLINE_FILTER_MS_MAX)
  const nowMs = turn.now.monotonicMs
  const filter = { resources, untilMs: nowMs + Math.max(wanted, DECLINE_PAUSE_MS) }
  const held = liveFilters(role.filters.get(agentId), nowMs).filter((old) => !covers(filter, old))
  role.filters.set(agentId, newest([...held, filter]))
  sweep(role, nowMs)
  touchFilter(turn, framework, name, agentId)
}

/** What is left of an offer is declined again and again: one filter says it all. */
const covers = (filter: Filter, old: Filter): boolean =>
  filter.untilMs >= old.untilMs && containsResources(filter.resources, old.resources)

/** The allocator knows by itself when a filter is over. */
function sweep(role: Member, nowMs: number): void {
  for (let i = 0; i < SWEPT_PER_FILTER; i++) {
    const next = role.sweep.next()
    if (next.done) {
      role.sweep = role.filters.entries()
      return
    }
    const [agentId, held] = next.value
    const live = liveFilters(held, nowMs)
    if (live.length > 0) role.filters.set(agentId, live)
    else role.filters.delete(agentId)
  }
}

/** Those that travel in one figure. */
function newest(filters: Filter[]): Filter[] {
  if (filters.length <= FILTERS_FITTING) return filters
  let bytes = 0
  const tooOld = filters.findLastIndex(({ resources }) => {
    bytes += wireBytes(listResources(resources))
    return bytes > FILTERS_BYTES_MAX
  })
  return filters.slice(Math.max(tooOld + 1, filters.length - FILTERS_MAX))
}

export function liveFilters(filters: readonly Filter[] | undefined, nowMs: number): Filter[] {
  return (filters ?? []).filter(({ untilMs }) => untilMs > nowMs)
}

export function clearFilters(turn: LeaderTurn, framework: Framework, name: string): void {
  const role = framework.roles.get(name)
  if (role === undefined) return
  for (const agentId of role.filters.keys()) touchFilter(turn, framework, name, agentId)
  role.filters.clear()
}

/**
 * Agents that have registered: the allocator forgot what was declined of those that were away
 * (`again`), and some are not what was declined (`void`). All of a turn at once: to find the
 * filters of one agent is a look at every role of every framework.
 */
export function refilter(turn: LeaderTurn): void {
  const { frameworks, refiltered } = turn.leader
  if (refiltered.size === 0) return
  for (const framework of frameworks.values())
    for (const [role, member] of framework.roles) refilterRole(turn, framework, role, member)
  refiltered.clear()
}

function refilterRole(
  turn: LeaderTurn,
  framework: Framework,
  role: string,
  { filters }: Member,
): void {
  const { refiltered } = turn.leader
  for (const agentId of filters.size < refiltered.size ? filters.keys() : refiltered.keys()) {
    const what = refiltered.get(agentId)
    if (what === undefined || !filters.has(agentId)) continue
    if (what === 'void') filters.delete(agentId)
    touchFilter(turn, framework, role, agentId)
  }
}

/** What was declined there has changed: the allocator is told at the end of the turn. */
export function touchFilter(
  { leader }: LeaderTurn,
  { key, principal, frameworkId }: Framework,
  role: string,
  agentId: AgentId,
): void {
  const what = { framework: { principal, frameworkId }, role, agentId }
  leader.dirtyFilters.set(`${key} ${role} ${agentId}`, what)
}
