/** Offers that are taken back when quotas or weights change: they are somebody else's due now. */

import type { Offer } from '../entities.ts'
import { endOffer } from '../offers/offers.ts'
import type { Leader } from '../state.ts'
import type { LeaderTurn } from '../turn.ts'
import { type AmountBook, type Amounts, addAmounts, amountsOf, NO_AMOUNTS } from './amounts.ts'
import { lineOf, termsOf, topOf } from './books.ts'
import { allocatedByTop, bookOf, freeOf, guaranteed } from './quota-sums.ts'

/** Offers that end in one turn: about ten milliseconds. */
const ENDED_PER_TURN = 1_000

/** Goes on ending offers. */
export function takeBackSome(turn: LeaderTurn): void {
  const { takingBack } = turn.leader.roles
  let left = ENDED_PER_TURN
  for (const [offerId, event] of takingBack) {
    if (left === 0) return
    left -= 1
    endOffer(turn, offerId, event)
  }
}

/** All of them, if anybody is concerned: whose turn it is has changed for all. */
export function takeBackForWeights({ leader }: LeaderTurn, changed: ReadonlySet<string>): void {
  if (!isAnyMember(leader, changed)) return
  const { takingBack } = leader.roles
  for (const offerId of leader.offers.keys()) takingBack.set(offerId, 'operator.set-weights')
}

function isAnyMember({ frameworks }: Leader, changed: ReadonlySet<string>): boolean {
  for (const { roles } of frameworks.values()) {
    for (const role of roles.keys()) {
      if ([...lineOf(role)].some((above) => changed.has(above))) return true
    }
  }
  return false
}

/**
 * The changed roles' own offers until their limits hold; then offers of roles that have more than
 * is guaranteed to them, until what is free covers `names` of all guarantees. The newest go first:
 * they have been thought about least.
 */
export function takeBackForQuotas(
  { leader }: LeaderTurn,
  changed: ReadonlySet<string>,
  names: ReadonlySet<string>,
): void {
  const newest = [...leader.offers.values()].reverse()
  const allocated = allocatedByTop(leader)
  const free = freeOf(leader)
  const take = ({ offerId, role, resources }: Offer): void => {
    const amounts = amountsOf(resources)
    addAmounts(bookOf(allocated, topOf(role)), amounts, -1)
    addAmounts(free, amounts)
    leader.roles.takingBack.set(offerId, 'operator.set-quotas')
  }
  const kept = newest.filter((offer) => {
    const isTooMuch = changed.has(topOf(offer.role)) && helpsLimit(leader, offer, allocated)
    if (isTooMuch) take(offer)
    return !isTooMuch
  })
  const lacking = lackingOf(leader, names, { allocated, free })
  for (const offer of kept) {
    if (lacking.size === 0) return
    if (coverWith(leader, offer, { allocated, lacking })) take(offer)
  }
}

function helpsLimit(
  { roles }: Leader,
  { role, resources }: Offer,
  allocated: Map<string, AmountBook>,
): boolean {
  const top = topOf(role)
  const has = allocated.get(top) ?? NO_AMOUNTS
  const { limit } = termsOf(roles, top)
  for (const name of amountsOf(resources).keys()) {
    if ((has.get(name) ?? 0) > (limit.get(name) ?? Number.POSITIVE_INFINITY)) return true
  }
  return false
}

/** What guarantees still promise beyond what is free. */
function lackingOf(
  { roles }: Leader,
  names: ReadonlySet<string>,
  has: { readonly allocated: ReadonlyMap<string, Amounts>; readonly free: Amounts },
): AmountBook {
  const lacking: AmountBook = new Map()
  if (names.size === 0) return lacking
  const promised = [...roles.terms].map(([role, { guarantee }]) => ({
    guarantee: unmet(guarantee, has.allocated.get(role) ?? NO_AMOUNTS),
  }))
  for (const [name, amount] of guaranteed(promised)) {
    const rest = amount - (has.free.get(name) ?? 0)
    if (names.has(name) && rest > 0) lacking.set(name, rest)
  }
  return lacking
}

const unmet = (guarantee: Amounts, has: Amounts): Amounts =>
  new Map([...guarantee].map(([name, least]) => [name, Math.max(0, least - (has.get(name) ?? 0))]))

/** Takes off `lacking` what the offer would bring. Its own role's guarantee stays met. */
function coverWith(
  { roles }: Leader,
  { role, resources }: Offer,
  {
    allocated,
    lacking,
  }: { readonly allocated: Map<string, AmountBook>; readonly lacking: AmountBook },
): boolean {
  const top = topOf(role)
  const { guarantee } = termsOf(roles, top)
  const has = allocated.get(top) ?? NO_AMOUNTS
  let isOfUse = false
  for (const [name, amount] of amountsOf(resources)) {
    const wanted = lacking.get(name) ?? 0
    const spare = Math.min(amount, (has.get(name) ?? 0) - (guarantee.get(name) ?? 0))
    if (wanted === 0 || spare <= 0) continue
    isOfUse = true
    if (spare >= wanted) lacking.delete(name)
    else lacking.set(name, wanted - spare)
  }
  return isOfUse
}
