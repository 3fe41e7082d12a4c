/**
 * What the allocator has decided, beside what the shadow would have.
 *
 * A decision is an agent at one version. It stands when the leader tells the agent's next one: both
 * had the time that the agent was as it was.
 */
import type { AgentId } from '../../../protocol/ids.ts'
import { SHADOW_DIFFERENCE_MEMBERS_MAX, SHADOW_DIFFERENCES_MAX } from '../../../protocol/limits.ts'
import type { Now } from '../../../protocol/now.ts'
import { resourcesOf, scalarOf } from '../../../protocol/resources.ts'
import type { Allocation } from '../../../protocol/schema/master.ts'
import type { ShadowDifference } from '../../../protocol/schema/shadow.ts'
import { type MemberId, memberIdOf } from './member-id.ts'

/** Members that are gone are shown as long as there are no more than so many. */
const ROWS_MAX = 1_000

export type Side = 'real' | 'shadow'

/** Sums; amounts in thousandths. */
export interface Given {
  allocations: number
  cpus: number
  mem: number
}

export interface Row extends Record<Side, Given> {
  readonly member: MemberId
}

interface Decision extends Record<Side, Allocation[]> {
  readonly agentId: AgentId
  readonly version: number
}

export interface Comparison {
  same: number
  different: number
  onlyReal: number
  onlyShadow: number
  readonly rows: Map<string, Row>
  /** Oldest first, SHADOW_DIFFERENCES_MAX at most. */
  readonly differences: ShadowDifference[]
  /** Of each agent those that do not stand yet; mostly one. */
  readonly open: Map<AgentId, Decision[]>
  /** Where each allocation of the real allocator is that was not answered. */
  readonly unanswered: Map<number, Decision>
}

export const newComparison = (): Comparison => ({
  same: 0,
  different: 0,
  onlyReal: 0,
  onlyShadow: 0,
  rows: new Map(),
  differences: [],
  open: new Map(),
  unanswered: new Map(),
})

/** Takes note of what one side has allocated. */
export function note(comparison: Comparison, side: Side, allocation: Allocation): void {
  const { agentId, agentVersion: version } = allocation
  const ofAgent = comparison.open.get(agentId) ?? []
  let decision = ofAgent.find((known) => known.version === version)
  if (decision === undefined) {
    decision = { agentId, version, real: [], shadow: [] }
    comparison.open.set(agentId, [...ofAgent, decision])
  }
  decision[side].push(allocation)
  if (side === 'real') comparison.unanswered.set(allocation.allocation, decision)
}

/** What the leader has refused of an agent that is as it was, is as if it had not been said. */
export function answer(
  { unanswered }: Comparison,
  allocation: number,
  outcome: 'made' | 'refused',
): void {
  const decision = unanswered.get(allocation)
  unanswered.delete(allocation)
  if (decision === undefined || outcome === 'made') return
  decision.real = decision.real.filter((one) => one.allocation !== allocation)
}

/**
 * The agent has `version` now: what was decided on earlier ones stands, and counts if both sides
 * had heard all. Gives what the shadow had allocated of it: that is over.
 */
export function settle(
  comparison: Comparison,
  { agentId, version, counts }: { agentId: AgentId; version: number; counts: boolean },
  now: Now,
): readonly number[] {
  const decisions = comparison.open.get(agentId)
  if (decisions === undefined) return []
  const left = decisions.filter((decision) => decision.version >= version)
  if (left.length === decisions.length) return []
  if (left.length === 0) comparison.open.delete(agentId)
  else comparison.open.set(agentId, left)
  const over = decisions.filter((decision) => decision.version < version)
  if (counts) for (const decision of over) conclude(comparison, decision, now)
  return over.flatMap(({ shadow }) => shadow.map(({ allocation }) => allocation))
}

/** Nobody will know any more: the agent is gone. Gives as `settle`. */
export function abandon({ open }: Comparison, agentId: AgentId): readonly number[] {
  const decisions = open.get(agentId) ?? []
  open.delete(agentId)
  return decisions.flatMap(({ shadow }) => shadow.map(({ allocation }) => allocation))
}

/** What was not concluded is void: another session begins. */
export function abandonAll({ open, unanswered }: Comparison): void {
  open.clear()
  unanswered.clear()
}

/** Of a member that is gone. */
export function forgetRow({ rows }: Comparison, member: MemberId): void {
  if (rows.size > ROWS_MAX) rows.delete(memberIdOf(member).key)
}

function conclude(comparison: Comparison, decision: Decision, { wallMs }: Now): void {
  const { agentId, version, real, shadow } = decision
  for (const side of ['real', 'shadow'] as const)
    for (const allocation of decision[side]) addTo(comparison, side, allocation)
  for (const { allocation } of real) comparison.unanswered.delete(allocation)
  if (real.length + shadow.length === 0) return
  if (sameMembers(real, shadow)) {
    comparison.same += 1
    return
  }
  if (shadow.length === 0) comparison.onlyReal += 1
  else if (real.length === 0) comparison.onlyShadow += 1
  else comparison.different += 1
  const { differences } = comparison
  differences.push({
    atMs: wallMs,
    agentId,
    agentVersion: version,
    real: membersOf(real),
    shadow: membersOf(shadow),
  })
  if (differences.length > SHADOW_DIFFERENCES_MAX) differences.shift()
}

const membersOf = (allocations: readonly Allocation[]): MemberId[] =>
  allocations.slice(0, SHADOW_DIFFERENCE_MEMBERS_MAX).map((one) => memberIdOf(one).member)

/** Whatever the order, and how much to each: that is for quotas, which hold for all policies. */
function sameMembers(a: readonly Allocation[], b: readonly Allocation[]): boolean {
  const keys = (all: readonly Allocation[]) => new Set(all.map((one) => memberIdOf(one).key))
  const [ofA, ofB] = [keys(a), keys(b)]
  return ofA.size === ofB.size && [...ofA].every((key) => ofB.has(key))
}

const nothing = (): Given => ({ allocations: 0, cpus: 0, mem: 0 })

function addTo({ rows }: Comparison, side: Side, allocation: Allocation): void {
  const { key, member } = memberIdOf(allocation)
  const row = rows.get(key) ?? { member, real: nothing(), shadow: nothing() }
  rows.set(key, row)
  const resources = resourcesOf(allocation.resources)
  row[side].allocations += 1
  row[side].cpus += scalarOf(resources, 'cpus')
  row[side].mem += scalarOf(resources, 'mem')
}
