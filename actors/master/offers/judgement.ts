/** Can the offers of an accept be used? If not, which one is at fault, and why. */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import type { AgentId, OfferId } from '../../../protocol/ids.ts'
import type { Accept } from '../../../protocol/schema/calls.ts'
import type { Framework, Offer } from '../entities.ts'
import type { LeaderTurn } from '../turn.ts'
import { isRemembered } from './fates.ts'

/** The tasks are dropped; `problem` is a sentence for the framework's author. */
export interface Unusable {
  readonly problem: string
  /** Where they would have run, if that is known. */
  readonly agentId: AgentId | undefined
}

/**
 * A refusal: one was used (410), or is unknown or of an older leader (409); reconciliation decides
 * about the tasks. Unusable: ours, but gone without an accept, or not of one agent and role. Else
 * all can be used.
 */
export function judgeOffers(
  turn: LeaderTurn,
  framework: Framework,
  { offers }: Accept,
): readonly Offer[] | Unusable | Refusal {
  const { leader } = turn
  const ids = offers as OfferId[]
  for (const id of ids) {
    if (leader.usedOffers.has(id)) return refusal('used', `offer ${id} was accepted before`)
    if (!leader.offers.has(id) && !isRemembered(turn, id)) {
      return refusal('stale', `offer ${id} is not known to this leader (epoch ${leader.epoch})`)
    }
  }
  const held = new Map<OfferId, Offer>()
  for (const id of ids) {
    const offer = leader.offers.get(id)
    if (offer === undefined || !framework.offers.has(id)) return gone(turn, framework, id)
    if (held.has(id)) return { problem: `offer ${id} is named twice`, agentId: offer.agentId }
    held.set(id, offer)
  }
  return differing([...held.values()]) ?? [...held.values()]
}

function gone({ leader }: LeaderTurn, framework: Framework, id: OfferId): Unusable {
  const fate = leader.offerFates.get(id)
  const owner = fate?.key ?? (leader.offers.has(id) ? '' : undefined)
  if (owner === framework.key && fate !== undefined) {
    return { problem: `offer ${id} ${fate.why}`, agentId: fate.agentId }
  }
  const problem = owner === undefined ? 'is not known any more' : "is another framework's"
  return { problem: `offer ${id} ${problem}`, agentId: undefined }
}

function differing([first, ...others]: readonly Offer[]): Unusable | undefined {
  for (const other of others) {
    if (first === undefined) break
    const both = `offers ${first.offerId} and ${other.offerId}`
    if (first.agentId !== other.agentId) {
      const problem = `${both} are of agents ${first.agentId} and ${other.agentId}`
      return { problem, agentId: undefined }
    }
    if (first.role !== other.role) {
      const problem = `${both} are of roles ${first.role} and ${other.role}`
      return { problem, agentId: first.agentId }
    }
  }
  return undefined
}
