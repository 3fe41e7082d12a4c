/** The roles of a framework: taken, left, suppressed and revived. */
import { memberOf, touchMember } from '../books.ts'
import type { Framework } from '../entities.ts'
import { clearFilters } from '../offers/filters.ts'
import { endOffer } from '../offers/offers.ts'
import type { LeaderTurn } from '../turn.ts'
import { excuse } from './lateness.ts'

/** Begins anew in all of these roles. */
export function setRoles(
  turn: LeaderTurn,
  framework: Framework,
  {
    roles,
    suppressed,
  }: { readonly roles: readonly string[]; readonly suppressed: readonly string[] },
): void {
  leaveOthers(turn, framework, roles)
  for (const name of new Set(roles)) {
    takeRole(turn, framework, name)
    memberOf(framework, name).isSuppressed = suppressed.includes(name)
  }
}

/** Wants offers for the role, as if it never had. */
export function takeRole(turn: LeaderTurn, framework: Framework, name: string): void {
  const member = memberOf(framework, name)
  member.isLeft = false
  member.isSilent = false
  revive(turn, framework, [name])
}

/** Offers of roles that it has left are rescinded; tasks there go on and are still counted. */
export function leaveOthers(
  turn: LeaderTurn,
  framework: Framework,
  roles: readonly string[],
): void {
  const wanted = new Set(roles)
  for (const name of framework.roles.keys()) {
    if (!wanted.has(name)) leaveRole(turn, framework, name)
  }
}

function leaveRole(turn: LeaderTurn, framework: Framework, name: string): void {
  const role = memberOf(framework, name)
  role.isLeft = true
  for (const offerId of framework.offers) {
    if (turn.leader.offers.get(offerId)?.role !== name) continue
    endOffer(turn, offerId, 'framework.left-role')
  }
  // The allocator may never hear that it was left, if it is taken again at once.
  clearFilters(turn, framework, name)
  if (role.allocated.size === 0) framework.roles.delete(name)
  touchMember(turn, framework, name)
}

/** Wants offers again: nothing that it declined counts. */
export function revive(turn: LeaderTurn, framework: Framework, roles: readonly string[]): void {
  for (const name of roles) {
    const role = framework.roles.get(name)
    if (role === undefined || role.isLeft) continue
    role.isSuppressed = false
    excuse(turn, role)
    clearFilters(turn, framework, name)
    touchMember(turn, framework, name)
  }
}

/** Wants no offers; outstanding ones stay. */
export function suppress(turn: LeaderTurn, framework: Framework, roles: readonly string[]): void {
  for (const name of roles) {
    const role = framework.roles.get(name)
    if (role === undefined || role.isLeft) continue
    role.isSuppressed = true
    touchMember(turn, framework, name)
  }
}
