/** An offer in the hands of a framework's author. */
import type { AgentId, OfferId, TaskId } from '../../protocol/ids.ts'
import type { Ranges } from '../../protocol/ranges.ts'
import { type Resources, rangesOf, resourcesOf, scalarOf } from '../../protocol/resources.ts'
import { fromThousandths } from '../../protocol/scalar.ts'
import type { Attribute } from '../../protocol/schema/common.ts'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import type { Outcome } from './effects.ts'
import type { TaskWish } from './wishes.ts'

export interface AnswerOptions {
  /** What is left, or declined, does not come back for so long. Default 5 s; 0: one second. */
  readonly refuseMs?: number
}

/** What became of an accept, and the ids of its tasks. */
export type Accepted = Outcome & { readonly taskIds: readonly TaskId[] }

/** What an offer is answered through. */
export interface Answers {
  accept(
    offers: readonly OfferId[],
    tasks: readonly TaskWish[],
    options: AnswerOptions,
  ): Promise<Accepted>
  decline(
    offers: readonly OfferId[],
    options: AnswerOptions & { readonly reason?: string },
  ): Promise<Outcome>
}

/** Resources of one agent for one role, until answered, rescinded, timed out, or a new session. */
export class Offered {
  readonly offerId: OfferId
  readonly agentId: AgentId
  readonly hostname: string
  readonly role: string
  readonly resources: Resources
  readonly attributes: readonly Attribute[]
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

  get cpus(): number {
    return this.scalar('cpus')
  }

  /** MiB. */
  get mem(): number {
    return this.scalar('mem')
  }

  /** MiB. */
  get disk(): number {
    return this.scalar('disk')
  }

  /** Both ends of each range are included. */
  get ports(): Ranges {
    return rangesOf(this.resources, 'ports')
  }

  /** All of that name, whatever it is reserved for. */
  scalar(name: string): number {
    return fromThousandths(scalarOf(this.resources, name))
  }

  /** The first attribute of that name. */
  attribute(name: string): string | number | undefined {
    const found = this.attributes.find((attribute) => attribute.name === name)
    return found?.text ?? found?.scalar
  }

  /** Starts tasks here. What becomes of them is told by statuses; what is left counts as declined. */
  accept(tasks: readonly TaskWish[], options: AnswerOptions = {}): Promise<Accepted> {
    return this.#answers.accept([this.offerId], tasks, options)
  }

  /** Gives it back; `reason` is for whoever asks why nothing runs. */
  decline(reason?: string, options: AnswerOptions = {}): Promise<Outcome> {
    return this.#answers.decline(
      [this.offerId],
      reason === undefined ? options : { ...options, reason },
    )
  }
}
