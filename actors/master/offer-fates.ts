/** What became of offers: an accept of one that is gone is told why. */
import { madeIn, type OfferId } from '../../protocol/ids.ts'
import type { OfferEvent } from '../../protocol/offer-machine.ts'
import type { Offer, OfferFate } from './entities.ts'
import type { Leader } from './state.ts'
import type { LeaderTurn } from './turn.ts'

/** Ids of accepted offers that are remembered; older ones are answered as unknown. */
const USED_OFFERS_MAX = 100_000
/** Of so many offers that ended otherwise it is known how. */
const FATES_MAX = 10_000

const FATES = {
  'framework.decline': 'was declined',
  'timer.timed-out': 'has timed out',
  'agent.lost': 'was taken back: agent lost',
  'framework.left-role': 'was taken back: the framework has left its role',
  'framework.gone': 'has ended with the subscription that it was made for',
} as const satisfies Record<Exclude<OfferEvent, 'framework.accept'>, string>

export function rememberFate(
  leader: Leader,
  key: string,
  { offerId, agentId }: Pick<Offer, 'offerId' | 'agentId'>,
  ended: keyof typeof FATES,
): void {
  setFate(leader, offerId, { key, agentId, why: FATES[ended] })
}

/** It was named beside one that was gone. */
export function rememberDiscarded(leader: Leader, key: string, { offerId, agentId }: Offer): void {
  setFate(leader, offerId, { key, agentId, why: 'was in an accept that could not be used' })
}

function setFate({ offerFates }: Leader, offerId: OfferId, fate: OfferFate): void {
  offerFates.set(offerId, fate)
  if (offerFates.size <= FATES_MAX) return
  const oldest = offerFates.keys().next()
  if (!oldest.done) offerFates.delete(oldest.value)
}

export function rememberUsed({ leader }: LeaderTurn, offerId: OfferId): void {
  leader.usedOffers.add(offerId)
  if (leader.usedOffers.size <= USED_OFFERS_MAX) return
  const oldest = leader.usedOffers.values().next()
  if (oldest.done) return
  leader.usedOffers.delete(oldest.value)
  leader.offersForgotten = Math.max(leader.offersForgotten, countOf(oldest.value))
}

/** True if this leader has made the offer, and would know if an accept had used it. */
export function isRemembered({ leader, state }: LeaderTurn, id: OfferId): boolean {
  const made = madeIn(id)
  if (made?.epoch !== leader.epoch || made.run !== state.run) return false
  const nth = countOf(id)
  return nth > leader.offersForgotten && nth <= leader.offerCount
}

const countOf = (id: OfferId): number => Number(id.slice(id.lastIndexOf('-') + 1))
