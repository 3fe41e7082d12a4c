/** What operators have said of roles, and what those of them have that may not have more. */
import type { OfferId, Principal } from '../../../protocol/ids.ts'
import type { OfferEvent } from '../../../protocol/offer-machine.ts'
import type { Resources } from '../../../protocol/resources.ts'
import type { RegistryRecord } from '../../../protocol/schema/master.ts'
import type { SetQuotas, SetWeights } from '../../../protocol/schema/operator.ts'
import { type AmountBook, type Amounts, addUnreserved, amountsOf, NO_AMOUNTS } from './amounts.ts'

export interface RoleTerms {
  readonly weight: number
  readonly guarantee: Amounts
  /** Of names that do not stand in it there is no limit. */
  readonly limit: Amounts
}

const DEFAULT_TERMS: RoleTerms = { weight: 1, guarantee: NO_AMOUNTS, limit: NO_AMOUNTS }

/** An operator's call that changes roles. */
export type RoleCall = (
  | { readonly verb: 'set-quotas'; readonly body: SetQuotas }
  | { readonly verb: 'set-weights'; readonly body: SetWeights }
) & { readonly principal: Principal; readonly reply: string | undefined }

/** What it is in the registry. */
export type RolesRecord = Extract<RegistryRecord, { kind: 'weights' | 'quotas' }>

export interface RoleBooks {
  /** Of roles that have other terms than the default ones. */
  readonly terms: Map<string, RoleTerms>
  /** What roles with a limit have, their children included. Of others nothing is counted. */
  readonly limited: Map<string, AmountBook>
  /** What they have is not known yet: nothing more is for them. */
  areLimitsShut: boolean
  /** The first of them is being written, the others wait for it. */
  readonly calls: RoleCall[]
  /** Outstanding offers that are to end, because terms have changed. */
  readonly takingBack: Map<OfferId, Extract<OfferEvent, `operator.${string}`>>
}

export function newRoleBooks(): RoleBooks {
  return {
    terms: new Map(),
    limited: new Map(),
    areLimitsShut: false,
    calls: [],
    takingBack: new Map(),
  }
}

export function termsOf({ terms }: RoleBooks, role: string): RoleTerms {
  return terms.get(role) ?? DEFAULT_TERMS
}

export const hasQuota = ({ guarantee, limit }: RoleTerms): boolean =>
  guarantee.size + limit.size > 0

/** What is not in `change` stays. */
export function setTerms(books: RoleBooks, role: string, change: Partial<RoleTerms>): void {
  const terms = { ...termsOf(books, role), ...change }
  if (terms.weight === 1 && !hasQuota(terms)) books.terms.delete(role)
  else books.terms.set(role, terms)
  if (terms.limit.size === 0) books.limited.delete(role)
  else if (!books.limited.has(role)) books.limited.set(role, new Map())
}

/** What it may have at most, as far as that is known to be safe. */
export function limitOf(books: RoleBooks, role: string): Amounts {
  const { limit } = termsOf(books, role)
  return books.areLimitsShut ? new Map([...limit.keys()].map((name) => [name, 0])) : limit
}

/** The role at the top of the tree under which it stands. */
export function topOf(role: string): string {
  const end = role.indexOf('/')
  return end < 0 ? role : role.slice(0, end)
}

/** The role and all above it. */
export function* lineOf(role: string): Generator<string> {
  for (let end = role.indexOf('/'); end >= 0; end = role.indexOf('/', end + 1)) {
    yield role.slice(0, end)
  }
  yield role
}

/** It is allocated to somebody in the role, or no longer (-1). On the way of every task. */
export function countAllotted(
  { limited }: RoleBooks,
  role: string,
  resources: Resources,
  times: 1 | -1,
): void {
  if (limited.size === 0) return
  const has = limited.get(topOf(role))
  if (has !== undefined) addUnreserved(has, resources, times)
}

/** True if the role, or one above it, may not have so much more. */
export function isOverLimit(books: RoleBooks, role: string, more: Resources): boolean {
  if (books.limited.size === 0) return false
  const top = topOf(role)
  const has = books.limited.get(top)
  if (has === undefined) return false
  const limit = limitOf(books, top)
  for (const [name, amount] of amountsOf(more)) {
    const most = limit.get(name)
    if (most !== undefined && (has.get(name) ?? 0) + amount > most) return true
  }
  return false
}
