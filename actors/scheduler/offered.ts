/** An offer in the hands of a framework's author. */
import type { Amount } from '../../protocol/amount.ts'
import type { AgentId, OfferId } from '../../protocol/ids.ts'
import type { Ranges } from '../../protocol/ranges.ts'
import {
  containsResources,
  listResources,
  type Resources,
  rangesOf,
  resourcesOf,
  scalarOf,
} from '../../protocol/resources.ts'
import { fromThousandths } from '../../protocol/scalar.ts'
import type { ResourceList } from '../../protocol/schema/common.ts'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import type { Scheduler } from './contract.ts'
import type {
  Accepted,
  AnswerOptions,
  Offered,
  Outcome,
  ResourceWish,
  TaskGroup,
  TaskWish,
} from './contract-offers.ts'
import { badOption, isFields, shown } from './rules.ts'
import { wishedResources } from './wishes.ts'

/** What an offer is answered through. */
export interface Answers extends Pick<Scheduler, 'accept' | 'decline'> {
  isLive(offerId: OfferId): boolean
}

export class HandedOffer implements Offered {
  readonly offerId: OfferId
  readonly agentId: AgentId
  readonly hostname: string
  readonly role: string
  readonly resources: Resources
  readonly attributes: Offered['attributes']
  readonly #answers: Answers

  constructor(offer: Offer, answers: Answers) {
    this.offerId = offer.offerId as OfferId
    this.agentId = offer.agentId
    this.hostname = offer.hostname
    this.role = offer.role
    this.resources = resourcesOf(offer.resources)
    this.attributes = offer.attributes
    this.#answers = answers
  }

  get entries(): ResourceList {
    return listResources(this.resources)
  }

  get cpus(): number {
    return this.scalar('cpus')
  }

  get mem(): number {
    return this.scalar('mem')
  }

  get disk(): number {
    return this.scalar('disk')
  }

  get gpus(): number {
    return this.scalar('gpus')
  }

  get ports(): Ranges {
    return rangesOf(this.resources, 'ports')
  }

  get isLive(): boolean {
    return this.#answers.isLive(this.offerId)
  }

  scalar(name: string): number {
    return fromThousandths(scalarOf(this.resources, name))
  }

  attribute(name: string): string | number | undefined {
    const found = this.attributes.find((attribute) => attribute.name === name)
    return found?.text ?? found?.scalar
  }

  roomFor(each: ResourceWish): number {
    const wanted = wishedResources(each)
    if ('code' in wanted) throw badOption(`roomFor: ${wanted.message}`)
    if (wanted.size === 0 || !containsResources(this.resources, wanted)) return 0
    return Math.min(
      ...[...wanted].map(([key, { amount }]) => timesOf(amount, this.resources.get(key)?.amount)),
    )
  }

  accept(tasks: readonly (TaskWish | TaskGroup)[], options: AnswerOptions = {}): Promise<Accepted> {
    return this.#answers.accept([this.offerId], tasks, options)
  }

  decline(reason?: string, options: AnswerOptions = {}): Promise<Outcome> {
    return this.#answers.decline(
      [this.offerId],
      reason === undefined ? options : { ...options, reason },
    )
  }
}

/** How often `part` is in `whole`, which holds it. The same ports are there only once. */
function timesOf(part: Amount, whole: Amount | undefined): number {
  if (part.kind !== 'scalar' || whole?.kind !== 'scalar') return 1
  return Math.floor(whole.thousandths / part.thousandths)
}

export const idOf = (offer: OfferId | Offered): OfferId =>
  typeof offer === 'string' ? offer : offer.offerId

const isOfferLike = (offer: unknown): boolean =>
  typeof offer === 'string' || (isFields(offer) && typeof offer['offerId'] === 'string')

export function offersProblem(offers: readonly unknown[]): string | undefined {
  const isGood = Array.isArray(offers) && offers.every(isOfferLike)
  return isGood
    ? undefined
    : `the offers must be a list of offers or their ids, not ${shown(offers)}`
}
