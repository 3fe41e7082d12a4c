/** What the allocator has decided, beside what the shadow would have. */
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

/** One agent at one version that the allocator gave away. */
export interface Decision extends Record<Side, readonly Allocation[]> {
  readonly agentId: AgentId
  readonly version: number
  /** Those who differ stood alike: one of them had to be first. */
  readonly isTie: boolean
}

export interface Comparison {
  same: number
  different: number
  withheld: number
  missed: number
  readonly rows: Map<string, Row>
  /** Oldest first, SHADOW_DIFFERENCES_MAX at most. */
  readonly differences: ShadowDifference[]
}

export const newComparison = (): Comparison => ({
  same: 0,
  different: 0,
  withheld: 0,
  missed: 0,
  rows: new Map(),
  differences: [],
})

/** Takes note of one decision, and who was given what by the one and the other. */
export function note(comparison: Comparison, decision: Decision, { wallMs }: Now): void {
  const { agentId, version, real, shadow, isTie } = decision
  const isSame = isTie || sameMembers(real, shadow)
  for (const allocation of real) addTo(comparison, 'real', allocation)
  for (const allocation of isTie ? real : shadow) addTo(comparison, 'shadow', allocation)
  if (isSame) {
    comparison.same += 1
    return
  }
  if (shadow.length === 0) comparison.withheld += 1
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

/** Of a member that is gone. */
export function forgetRow({ rows }: Comparison, member: MemberId): void {
  if (rows.size > ROWS_MAX) rows.delete(memberIdOf(member).key)
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
