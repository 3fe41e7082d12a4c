/** Operators change weights and quotas: the registry first, one call after the other. */
import assert from 'node:assert/strict'
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import { ROLE_CALLS_MAX } from '../../../protocol/limits.ts'
import type { RoleQuota, RoleWeight } from '../../../protocol/schema/common.ts'
import { tellWorld } from '../public-events.ts'
import { record } from '../registry.ts'
import { answer, type LeaderTurn, log, refuse } from '../turn.ts'
import { addUnreserved, sumsOf } from './amounts.ts'
import { type RoleCall, type RolesRecord, setTerms, termsOf, topOf } from './books.ts'
import { judgeRoleCall, quotaTerms } from './checks.ts'
import { raised } from './quota-sums.ts'
import { takeBackForQuotas, takeBackForWeights } from './take-back.ts'

/** What is judged must be what it will be changed from: only one change is on its way at a time. */
export function changeRoles(turn: LeaderTurn, call: RoleCall): Refusal | 'later' {
  const { calls } = turn.leader.roles
  if (calls.length >= ROLE_CALLS_MAX) {
    return refusal('too-many', `${ROLE_CALLS_MAX} changes of roles wait for the registry`)
  }
  calls.push(call)
  if (calls.length === 1) beginNext(turn)
  return 'later'
}

function beginNext(turn: LeaderTurn): void {
  const { calls } = turn.leader.roles
  for (let call = calls[0]; call !== undefined; call = calls[0]) {
    const judged = judgeRoleCall(turn.leader, call)
    if (judged !== undefined && 'kind' in judged) {
      return record(turn, judged, { after: 'change-roles', judged })
    }
    calls.shift()
    if (judged === undefined) answer(turn, call.reply, {})
    else refuse(turn, call.reply, judged)
  }
}

/** The registry has it. */
export function rolesAreRecorded(turn: LeaderTurn, written: RolesRecord): void {
  const call = turn.leader.roles.calls.shift()
  if (call === undefined) assert.fail('nobody has asked for the change that was written')
  const { principal } = call
  if (written.kind === 'weights') applyWeights(turn, principal, written.weights)
  else applyQuotas(turn, principal, written.quotas)
  answer(turn, call.reply, {})
  beginNext(turn)
}

function applyWeights(
  turn: LeaderTurn,
  principal: RoleCall['principal'],
  weights: readonly RoleWeight[],
): void {
  for (const { role, weight } of weights) {
    recallWeight(turn, { role, weight })
    tellWorld(turn, { kind: 'role', what: 'weight-set' }, { principal, role, weight })
  }
  takeBackForWeights(turn, new Set(weights.map(({ role }) => role)))
  log(turn, 'an operator has set weights', { principal, roles: weights.length })
}

function applyQuotas(
  turn: LeaderTurn,
  principal: RoleCall['principal'],
  quotas: readonly RoleQuota[],
): void {
  const { roles } = turn.leader
  const names = new Set<string>()
  for (const quota of quotas) {
    const { role } = quota
    const before = termsOf(roles, role).guarantee
    recallQuota(turn, quota)
    const { guarantee, limit } = termsOf(roles, role)
    for (const name of raised(before, guarantee).keys()) names.add(name)
    const said = { guarantee: sumsOf(guarantee), limit: sumsOf(limit) }
    tellWorld(turn, { kind: 'role', what: 'quota-set' }, { principal, role, ...said })
  }
  const changed = new Set(quotas.map(({ role }) => role))
  countLimited(turn, changed)
  takeBackForQuotas(turn, changed, names)
  log(turn, 'an operator has set quotas', { principal, roles: quotas.length })
}

/** Also at a takeover. The allocator is told at the end of the turn. */
export function recallWeight({ leader }: LeaderTurn, { role, weight }: RoleWeight): void {
  setTerms(leader.roles, role, { weight })
  leader.dirtyRoles.add(role)
}

/** Also at a takeover. What the role has is to be counted if it had no limit before. */
export function recallQuota({ leader }: LeaderTurn, quota: RoleQuota): void {
  setTerms(leader.roles, quota.role, quotaTerms(quota))
  leader.dirtyRoles.add(quota.role)
}

/** What roles with a limit have, counted anew. */
function countLimited({ leader }: LeaderTurn, changed: ReadonlySet<string>): void {
  const { limited } = leader.roles
  for (const role of changed) limited.get(role)?.clear()
  for (const { roles } of leader.frameworks.values()) {
    for (const [role, { allocated }] of roles) {
      const top = topOf(role)
      const has = changed.has(top) ? limited.get(top) : undefined
      if (has !== undefined) addUnreserved(has, allocated)
    }
  }
}
