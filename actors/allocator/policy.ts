/** What decides who is asked first, and where: numbers, of which the smaller come first. */
import type { AgentId, FrameworkId, Principal } from '../../protocol/ids.ts'

/**
 * A role among its siblings: the roles with the same parent. Where a role has sub-roles, its own
 * members together are a sibling of those.
 */
export interface RoleStanding {
  /** The whole path, as in `web/shop`. */
  readonly role: string
  /** What tells it from its siblings: the path's last part; `.` for the role's own members. */
  readonly name: string
  /** 1 at the top. Of a role's own members one more than the role's. */
  readonly depth: number
  /**
   * The largest part of any of the cluster's resources that it holds, or has been given a moment
   * ago, with all below it. Not divided by its weight.
   */
  readonly share: number
  /** Above 0, mostly 1. */
  readonly weight: number
  /** Allocations ever, to all below it, less the refused ones. */
  readonly given: number
}

/** A framework in a role, among the others that are in this very role. */
export interface MemberStanding {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly role: string
  /** As a role's. */
  readonly share: number
  readonly given: number
}

/** An agent among those that are to be given away. */
export interface AgentStanding {
  readonly agentId: AgentId
  readonly hostname: string
  /** Scalars by name, as decimals. */
  readonly free: Readonly<Record<string, number>>
  readonly total: Readonly<Record<string, number>>
  /** The largest part of any of its scalars that is not free: 0 idle, 1 used up. */
  readonly fill: number
}

/**
 * Each number rests on nothing but the standing, and is asked for when that has changed. What is
 * equal is ordered by `given`, then by name, so that equals take turns. Members whose last answer
 * was a decline come after all others whatever the policy says; quotas hold whatever it says.
 */
export interface Policy {
  readonly name: string
  rankRole(standing: RoleStanding): number
  rankMember(standing: MemberStanding): number
  /** Without it agents come in random order. */
  rankAgent?(standing: AgentStanding): number
}
