/** Offers: made from allocations, ended by answers, time, and loss. */
import type { OfferId } from '../../../protocol/ids.ts'
import { type OfferEvent, offerStep } from '../../../protocol/offer-machine.ts'
import {
  containsResources,
  isEmpty,
  listResources,
  parseResources,
} from '../../../protocol/resources.ts'
import type { Decline } from '../../../protocol/schema/calls.ts'
import type { Allocation } from '../../../protocol/schema/master.ts'
import type { Offer as OfferShape } from '../../../protocol/schema/scheduler.ts'
import { frameworkOf, giveBack, take, touchMember } from '../books.ts'
import type { Offer } from '../entities.ts'
import { noteDecline } from '../frameworks/lateness.ts'
import { isOverLimit } from '../roles/books.ts'
import { count } from '../state.ts'
import type { LeaderTurn } from '../turn.ts'
import { rememberFate } from './fates.ts'
import { addFilter } from './filters.ts'

/** Makes an offer of an allocation, if the master's own books allow it. Refusal is normal. */
export function makeOffer(turn: LeaderTurn, allocation: Allocation): boolean {
  const { leader, state, now } = turn
  const agent = leader.agents.get(allocation.agentId)
  const framework = frameworkOf(turn, allocation)
  const role = framework?.roles.get(allocation.role)
  if (agent?.state !== 'registered' || framework?.state !== 'subscribed') return false
  if (role === undefined || role.isLeft || role.isSuppressed) return false
  const resources = parseResources(allocation.resources)
  if ('code' in resources || isEmpty(resources)) return false
  if (!containsResources(agent.free, resources)) return false
  if (isOverLimit(leader.roles, allocation.role, resources)) return false
  leader.offerCount += 1
  const offerId = `${leader.epoch}-${state.run}-${leader.offerCount}` as OfferId
  const offer: Offer = {
    offerId,
    framework,
    role: allocation.role,
    agentId: agent.agentId,
    resources,
    madeAtMs: now.monotonicMs,
  }
  take(turn, { framework, role: offer.role, agent, resources })
  leader.offers.set(offerId, offer)
  agent.offers.add(offerId)
  framework.offers.add(offerId)
  role.offers += 1
  const atMs = now.monotonicMs + state.rules.offerTimeoutMs
  leader.deadlines.set(`offer ${offerId}`, atMs, { due: 'offer', offerId })
  const shown: OfferShape = {
    offerId,
    agentId: agent.agentId,
    hostname: agent.info?.hostname ?? agent.agentId,
    role: offer.role,
    resources: listResources(resources),
    attributes: agent.info?.attributes ?? [],
  }
  leader.events.add(framework.key, framework, { kind: 'offers', offers: [shown] })
  count(state, 'offers-made')
  return true
}

const RESCIND_REASONS = {
  'timer.timed-out': 'timed-out',
  'agent.lost': 'agent-lost',
  'agent.changed': 'agent-changed',
  'framework.left-role': 'left-role',
  'operator.set-quotas': 'quota',
  'operator.set-weights': 'weights',
} as const

/**
 * Ends an offer; what it held is free again. `accepted` ones are ended by `takeOffer`, for what is
 * left of them is known only later. False: it is not outstanding.
 */
export function endOffer(
  turn: LeaderTurn,
  offerId: OfferId,
  event: Exclude<OfferEvent, 'framework.accept'>,
  said: Pick<Decline, 'refuseMs' | 'reason'> = {},
): boolean {
  const { leader } = turn
  const offer = leader.offers.get(offerId)
  const step = offerStep('outstanding', event)
  if (offer === undefined || step === undefined) return false
  const { framework, role, agentId, resources } = offer
  const agent = leader.agents.get(agentId)
  remove(turn, offer)
  rememberFate(leader, framework.key, offer, event)
  if (agent === undefined) return true
  for (const action of step.actions) {
    if (action === 'release') giveBack(turn, { framework, role, agent, resources })
    else if (action === 'filter') {
      addFilter(turn, { framework, role, agentId, resources, refuseMs: said.refuseMs })
      const member = framework.roles.get(role)
      const which = member && { framework, name: role, member }
      if (which) noteDecline(turn, which, event === 'framework.decline' ? said : undefined)
    } else {
      const reason = RESCIND_REASONS[event as keyof typeof RESCIND_REASONS]
      leader.events.add(framework.key, framework, { kind: 'rescind', offers: [offerId], reason })
    }
  }
  count(turn.state, `offers-${step.state}`)
  return true
}

/** Takes an offer out of the books of what is outstanding: its resources stay with the role. */
export function takeOffer(turn: LeaderTurn, offer: Offer): void {
  remove(turn, offer)
  count(turn.state, 'offers-accepted')
}

function remove(turn: LeaderTurn, offer: Offer): void {
  const { leader } = turn
  const { offerId } = offer
  leader.offers.delete(offerId)
  leader.roles.takingBack.delete(offerId)
  leader.deadlines.clear(`offer ${offerId}`)
  leader.agents.get(offer.agentId)?.offers.delete(offerId)
  offer.framework.offers.delete(offerId)
  const role = offer.framework.roles.get(offer.role)
  if (role === undefined) return
  role.offers -= 1
  touchMember(turn, offer.framework, offer.role)
}
