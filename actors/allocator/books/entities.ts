/** What the books are about: agents, roles, and members, which are frameworks in roles. */
import type { AgentId, FrameworkId, Principal } from '../../../protocol/ids.ts'
import type { Resources } from '../../../protocol/resources.ts'
import type { ResourceList } from '../../../protocol/schema/common.ts'
import type { Attributes, MemberTerms } from '../judging/terms.ts'
import type { RoleStanding } from '../policy.ts'
import type { Sibling } from '../roles/siblings.ts'
import type { Holding, Scalars } from './scalars.ts'

/** An allocation that the leader has not answered yet. */
export interface Pending {
  readonly allocation: number
  readonly agent: AgentBook
  readonly agentVersion: number
  readonly member: MemberBook
  readonly holding: Holding
  /** The number of the message that says it. */
  saidIn?: number
}

/** Nothing contained in `resources` goes to whoever declined it, until then. */
export interface Filter {
  readonly resources: Resources
  readonly untilMs: number
}

/** What an agent is. Replaced as a whole. */
export interface AgentInfo {
  readonly hostname: string
  readonly attributes: Attributes
  /** As it came. */
  readonly totalList: ResourceList
  readonly total: Holding
  readonly hasGpus: boolean
  /** Of another region than the cluster's. */
  readonly isForeign: boolean
}

export interface AgentBook {
  readonly agentId: AgentId
  /** The figure that the rest is from. */
  version: number
  info: AgentInfo
  free: Holding
  /** `free` as it came, and how many bytes that takes at most. */
  freeList: ResourceList
  freeBytes: number
  /** What is pending is mostly nothing, and never much. Replaced, not changed. */
  pending: readonly Pending[]
  /** `free` less what is pending; nothing when that is not contained in it. */
  available: Holding
  /** As the policy ranks it, if it does so. */
  rank: number
  /** When it was closed, on the books' own clock; 0: it is not closed. */
  closedAt: number
  /** Its neighbours among those that are closed. */
  closedBefore: AgentBook | undefined
  closedAfter: AgentBook | undefined
  /** The leader took it away; kept while something is pending. */
  isGone: boolean
  /** Changed by `setFilters` alone: those who have none share one. */
  filters: ReadonlyMap<MemberBook, readonly Filter[]>
  /** When it last went to late members, oldest first, LATE_GRANTS_MAX at most. */
  lateGrantsMs: readonly number[]
  /** When it is looked at again although nothing was said of it. */
  retryAtMs: number | undefined
}

/**
 * Early: those whose last answer was not a decline. They are asked before all that are late.
 */
export type Line = 'early' | 'late'

/**
 * Somebody to whom agents were closed while it could have no more. Times are of the books' own
 * clock, which counts what happens.
 */
export interface Waiter {
  /** Since when; undefined: all agents that are closed were closed to it too. */
  outSince: number | undefined
  /** When it could have something again; what was closed in between is looked at for it. */
  newsSince: number
  /** When agents were closed to it again, while others are still looked at. */
  outAgain: number | undefined
}

/** Of a role at the top, with all below it. */
export interface Quota {
  readonly guarantee: Readonly<Scalars>
  /** Infinite where nothing is said. */
  readonly limit: Readonly<Scalars>
  /** What is lacking of the guarantee. */
  readonly unmet: Scalars
  isMet: boolean
}

/**
 * A role, or the own members of a role together, which compete with its sub-roles: a leaf. A role
 * without sub-roles has its leaf alone below it.
 */
export interface RoleNode extends RoleStanding, Sibling, Waiter {
  readonly kind: 'role'
  readonly isLeaf: boolean
  /** Undefined at the root, which is no role. */
  readonly parent: RoleNode | undefined
  /** The role at the top that it belongs to; at the root, itself. */
  readonly top: RoleNode
  /** By name. */
  readonly children: Map<string, RoleNode>
  /** Of a leaf: members, those included that want no offers. */
  readonly members: Set<MemberBook>
  /** Children, or members, that have somebody below them to be asked. In order. */
  readonly early: (RoleNode | MemberBook)[]
  readonly late: (RoleNode | MemberBook)[]
  weight: number
  share: number
  given: number
  /** Allocated and pending, of all below. */
  readonly held: Scalars
  /** The unreserved part, which counts for quotas. Kept at the top only. */
  readonly consumed: Scalars
  /** How many members below can do without what is of use to others. At the top only. */
  contented: number
  /** At the top only. */
  quota: Quota | undefined
  /** It may use so little more of its limit that nobody below it is asked. */
  isAtLimit: boolean
}

/** A framework in a role: what is asked and given. */
export interface MemberBook extends Sibling, Waiter {
  readonly kind: 'member'
  /** Its key. */
  readonly name: string
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly role: string
  readonly leaf: RoleNode
  suppressed: boolean
  declinedLast: boolean
  /** Made, as the leader says, and not answered. */
  offers: number
  /** The leader took it away. */
  isGone: boolean
  terms: MemberTerms
  /** As the leader says. */
  allocated: Holding
  /** What no figure of the leader counts yet, in the order in which it was said. */
  readonly pending: Set<Pending>
  /** Allocated and pending. */
  readonly held: Scalars
  share: number
  /** Where it is to be found, if it is to be asked. */
  line: Line | undefined
  /** The last look in which it was asked. */
  askedIn: number
}
