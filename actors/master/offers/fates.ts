/** What became of offers: an accept of one that is gone is told why. */
import { countOf, madeIn, type OfferId } from '../../../protocol/ids.ts'
import type { OfferEvent } from '../../../protocol/offer-machine.ts'
import type { Offer } from '../entities.ts'
import type { Leader } from '../state.ts'
import type { LeaderTurn } from '../turn.ts'

const FATES = {
  'framework.decline': 'was declined',
  'timer.timed-out': 'has timed out',
  'agent.lost': 'was taken back: agent lost',
  'agent.changed': 'was taken back: its agent has other resources or attributes now',
  'framework.left-role': 'was taken back: the framework has left its role',
  'operator.set-quotas': 'was taken back: quotas have changed',
  'operator.set-weights': 'was taken back: weights have changed',
  'framework.gone': 'has ended with the subscription that it was made for',
} as const satisfies Record<Exclude<OfferEvent, 'framework.accept'>, string>

export function rememberFate(
  leader: Leader,
  key: string,
  { offerId, agentId }: Pick<Offer, 'offerId' | 'agentId'>,
  ended: keyof typeof FATES,
): void {
  leader.offerFates.set(offerId, { key, agentId, why: FATES[ended] })
}

/** It was named beside one that was gone. */
export function rememberDiscarded(leader: Leader, key: string, { offerId, agentId }: Offer): void {
  const why = 'was in an accept that could not be used'
  leader.offerFates.set(offerId, { key, agentId, why })
}

export function rememberUsed({ leader }: LeaderTurn, offerId: OfferId): void {
  const forgotten = leader.usedOffers.set(offerId, true)
  if (forgotten === undefined) return
  leader.offersForgotten = Math.max(leader.offersForgotten, countOf(forgotten))
}

/** True if this leader has made the offer, and would know if an accept had used it. */
export function isRemembered({ leader, state }: LeaderTurn, id: OfferId): boolean {
  const made = madeIn(id)
  if (made?.epoch !== leader.epoch || made.run !== state.run) return false
  const nth = countOf(id)
  return nth > leader.offersForgotten && nth <= leader.offerCount
}
