/** How many frameworks one principal may have: each is remembered until its end is confirmed. */
import type { Principal } from '../../../protocol/ids.ts'
import { FRAMEWORKS_MAX } from '../../../protocol/limits.ts'
import type { Leader } from '../state.ts'
import type { LeaderTurn } from '../turn.ts'

const RECOUNT_MS = 1_000

/** True if the principal has as many as it may, those included that wait for the registry. */
export function isCrowded({ leader, now }: LeaderTurn, principal: Principal): boolean {
  const { frameworks, registry, crowding } = leader
  // Of a flood only what changes something is counted again, and what a second has changed.
  const size = frameworks.size + registry.queue.length
  if (size < FRAMEWORKS_MAX) return false
  if (crowding.size !== size || now.monotonicMs - crowding.atMs >= RECOUNT_MS) {
    crowding.size = size
    crowding.atMs = now.monotonicMs
    crowding.counts = countByPrincipal(leader)
  }
  return (crowding.counts.get(principal) ?? 0) >= FRAMEWORKS_MAX
}

function countByPrincipal({ frameworks, registry }: Leader): ReadonlyMap<Principal, number> {
  const counts = new Map<Principal, number>()
  const add = (principal: Principal): void =>
    void counts.set(principal, (counts.get(principal) ?? 0) + 1)
  for (const { principal } of frameworks.values()) add(principal)
  for (const { record } of registry.queue) if (record.kind === 'framework') add(record.principal)
  return counts
}
