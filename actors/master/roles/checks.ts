/** May roles be changed so? If not: which field is at fault, and by how much. */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import { LIST_BYTES_MAX, ROLES_KEPT_MAX } from '../../../protocol/limits.ts'
import type { RoleQuota } from '../../../protocol/schema/common.ts'
import { wireBytes } from '../../../protocol/wire-size.ts'
import type { Leader } from '../state.ts'
import { addAmounts, describeAmount, firstAbove, isSame, NO_AMOUNTS, parseSums } from './amounts.ts'
import {
  type RoleBooks,
  type RoleCall,
  type RolesRecord,
  type RoleTerms,
  termsOf,
  topOf,
} from './books.ts'
import { capacityOf, guaranteed, heldByTop, raised } from './quota-sums.ts'

/** What is to be written. Undefined: it is so already. */
export function judgeRoleCall(leader: Leader, call: RoleCall): RolesRecord | Refusal | undefined {
  const judged = call.verb === 'set-weights' ? weights(leader, call) : quotas(leader, call)
  if (judged === undefined || 'code' in judged || wireBytes(judged) <= LIST_BYTES_MAX) return judged
  return refusal('too-large', `${call.verb}: in one call no more than ${LIST_BYTES_MAX} bytes`)
}

type Call<Verb extends RoleCall['verb']> = Extract<RoleCall, { verb: Verb }>

function weights({ roles }: Leader, { body }: Call<'set-weights'>) {
  const changed = body.weights.filter(({ role, weight }) => termsOf(roles, role).weight !== weight)
  const refused = twice('weights', body.weights) ?? tooMany(roles, changed)
  if (refused !== undefined || changed.length === 0) return refused
  return { kind: 'weights', weights: changed } as const
}

/** One quota of a call, and where it stands there. */
interface Asked extends QuotaTerms {
  readonly role: string
  readonly field: string
  readonly quota: RoleQuota
  readonly before: RoleTerms
}

function quotas(leader: Leader, { body }: Call<'set-quotas'>) {
  const { roles } = leader
  const asked = body.quotas.map((quota, i): Asked => {
    const { role } = quota
    return { role, field: `quotas.${i}`, quota, before: termsOf(roles, role), ...quotaTerms(quota) }
  })
  const changed = asked.filter(
    ({ before, guarantee, limit }) =>
      !isSame(before.guarantee, guarantee) || !isSame(before.limit, limit),
  )
  const refused =
    twice('quotas', body.quotas) ??
    firstOf(asked, nested) ??
    firstOf(asked, contradiction) ??
    tooMany(roles, changed) ??
    (body.force ? undefined : (overcommitted(leader, changed) ?? exceeded(leader, changed)))
  if (refused !== undefined || changed.length === 0) return refused
  return { kind: 'quotas', quotas: changed.map(({ quota }) => quota) } as const
}

type QuotaTerms = Pick<RoleTerms, 'guarantee' | 'limit'>

/** What is absent: nothing guaranteed, no limit. A guarantee of 0 is none; a limit of 0 is one. */
export function quotaTerms({ guarantee = {}, limit = {} }: RoleQuota): QuotaTerms {
  const amounts = [...parseSums(guarantee)].filter(([, amount]) => amount > 0)
  return { guarantee: new Map(amounts), limit: parseSums(limit) }
}

function firstOf(
  all: readonly Asked[],
  judge: (asked: Asked) => Refusal | undefined,
): Refusal | undefined {
  for (const asked of all) {
    const refused = judge(asked)
    if (refused !== undefined) return refused
  }
  return undefined
}

function twice(field: string, named: readonly { readonly role: string }[]): Refusal | undefined {
  const seen = new Set<string>()
  for (const [i, { role }] of named.entries()) {
    if (seen.has(role)) return refusal('invalid', `${field}.${i}.role: ${role} stands there twice`)
    seen.add(role)
  }
  return undefined
}

function nested({ role, field }: Asked): Refusal | undefined {
  const top = topOf(role)
  if (top === role) return undefined
  const why = `${role} is below ${top}, and only roles at the top of the tree have a quota`
  return refusal('invalid', `${field}.role: ${why}`)
}

function contradiction({ role, field, guarantee, limit }: Asked): Refusal | undefined {
  const name = firstAbove(guarantee, limit)
  if (name === undefined) return undefined
  const [least, most] = [guarantee, limit].map((amounts) => describeAmount(name, amounts))
  const why = `${role} is guaranteed ${least}, and its limit is ${most}`
  return refusal('invalid', `${field}.guarantee: ${why}`)
}

/** Terms other than the default ones are remembered for ever. */
function tooMany(
  { terms }: RoleBooks,
  changed: readonly { readonly role: string }[],
): Refusal | undefined {
  const size = terms.size + changed.filter(({ role }) => !terms.has(role)).length
  if (size <= ROLES_KEPT_MAX || size === terms.size) return undefined
  const why = `${size} roles would have a weight or a quota, and ${ROLES_KEPT_MAX} may`
  return refusal('conflict', why)
}

/** What is lowered, or stays, needs no room. */
function overcommitted(leader: Leader, changed: readonly Asked[]): Refusal | undefined {
  const { terms } = leader.roles
  const before = guaranteed(terms.values())
  const after = new Map(before)
  for (const { before: old, guarantee } of changed) {
    addAmounts(after, old.guarantee, -1)
    addAmounts(after, guarantee)
  }
  const more = raised(before, after)
  if (more.size === 0) return undefined
  const capacity = capacityOf(leader)
  const name = [...more.keys()].find((one) => (more.get(one) ?? 0) > (capacity.get(one) ?? 0))
  if (name === undefined) return undefined
  const [sum, has] = [more, capacity].map((amounts) => describeAmount(name, amounts))
  const why = `guarantees of all roles would come to ${sum}`
  const most = `all agents together have ${has} unreserved`
  return refusal('conflict', `${why}, and ${most}; force sets them all the same`)
}

/** A limit that is new or lower takes nothing away: what is held already must fit. */
function exceeded(leader: Leader, changed: readonly Asked[]): Refusal | undefined {
  const tighter = changed.flatMap(({ before, limit, ...asked }) => {
    const names = [...limit].filter(
      ([name, most]) => most < (before.limit.get(name) ?? Number.POSITIVE_INFINITY),
    )
    return names.length === 0 ? [] : [{ ...asked, limit: new Map(names) }]
  })
  if (tighter.length === 0) return undefined
  const held = heldByTop(leader)
  for (const { role, field, limit } of tighter) {
    const has = held.get(role) ?? NO_AMOUNTS
    const name = firstAbove(has, limit)
    if (name === undefined) continue
    const why = `tasks of ${role} have ${describeAmount(name, has)}, more than ${describeAmount(name, limit)}`
    return refusal('conflict', `${field}.limit: ${why}; force sets it all the same`)
  }
  return undefined
}
