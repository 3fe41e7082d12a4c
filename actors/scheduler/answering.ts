/** How authors answer offers: at once, with what they wrote, or by a queue. */
import type { Clock } from '../../bus/clock.ts'
import type { RandomToken } from '../../bus/random.ts'
import { refusal } from '../../protocol/errors.ts'
import { type OfferId, tokenFrom } from '../../protocol/ids.ts'
import type { Asks } from './asks.ts'
import type {
  Accepted,
  AnswerOptions,
  DeclineOptions,
  Offered,
  Outcome,
  TaskGroup,
  TaskWish,
} from './contract-offers.ts'
import type { TaskQueue } from './contract-queue.ts'
import type { Input, LaunchOperation } from './inputs.ts'
import { type Answers, idOf, offersProblem } from './offered.ts'
import { problemsOf, REASON } from './rules.ts'
import type { SchedulerState } from './state.ts'
import { WaitingQueue } from './task-queue.ts'
import { listProblem, operationsOf, wishProblem } from './wishes.ts'

export interface AnsweringDeps {
  readonly state: SchedulerState
  readonly asks: Asks
  readonly clock: Clock
  readonly randomToken: RandomToken
  readonly input: (input: Input) => void
  /** Asks anew for what was declined, if offers for that role are wanted at all. */
  readonly renew: (role: string) => void
}

export class Answering implements Answers {
  readonly #deps: AnsweringDeps

  constructor(deps: AnsweringDeps) {
    this.#deps = deps
  }

  isLive(offerId: OfferId): boolean {
    return this.#deps.state.offers.has(offerId)
  }

  async accept(
    offers: readonly (OfferId | Offered)[],
    wishes: readonly (TaskWish | TaskGroup)[],
    options: AnswerOptions = {},
  ): Promise<Accepted> {
    const wrong = offersProblem(offers) ?? listProblem(wishes)
    if (wrong !== undefined) return { ...refusedFor(wrong), taskIds: [] }
    const operations = operationsOf(wishes, (wish) => this.#newTaskId(wish))
    const taskIds = operations.flatMap(({ tasks }) => tasks.map(({ taskId }) => taskId))
    const outcome = await this.#launch(offers.map(idOf), operations, options)
    if (outcome.outcome !== 'refused' || outcome.refusal.name !== 'invalid')
      return { ...outcome, taskIds }
    // In the words of the author, if it is about what the author wrote.
    const why = wishProblem(wishes)
    return { ...(why === undefined ? outcome : refusedFor(why)), taskIds }
  }

  decline(offers: readonly (OfferId | Offered)[], options: DeclineOptions = {}): Promise<Outcome> {
    const wrong = offersProblem(offers) ?? problemsOf({ ...options }, { reason: REASON })[0]
    if (wrong !== undefined) return Promise.resolve(refusedFor(wrong))
    const { reason, refuseMs } = options
    const answer = {
      offers: offers.map(idOf),
      ...(reason !== undefined && { reason }),
      ...(refuseMs !== undefined && { refuseMs }),
    }
    const { asks, input } = this.#deps
    return asks.make((ask) => input({ kind: 'framework.decline', ask, ...answer }))
  }

  queue(): TaskQueue {
    const { clock, state, renew } = this.#deps
    return new WaitingQueue({
      clock,
      newTaskId: (wish) => this.#newTaskId(wish),
      holds: (taskId) => state.tasks.has(taskId),
      launch: (offer, tasks, refuseMs) =>
        this.#launch([offer], [{ kind: 'launch', tasks }], { refuseMs }),
      decline: (offer, reason, refuseMs) => this.decline([offer], { reason, refuseMs }),
      renew,
    })
  }

  #launch(
    offers: readonly OfferId[],
    operations: readonly LaunchOperation[],
    { refuseMs }: AnswerOptions,
  ): Promise<Outcome> {
    const answer = { offers, operations, ...(refuseMs !== undefined && { refuseMs }) }
    const { asks, input } = this.#deps
    return asks.make((ask) => input({ kind: 'framework.accept', ask, ...answer }))
  }

  #newTaskId(wish: TaskWish): string {
    const { state, randomToken } = this.#deps
    const { name } = wish ?? {}
    const prefix = typeof name === 'string' ? name : state.settings.name
    return `${tokenFrom(prefix)}-${randomToken(64)}`
  }
}

const refusedFor = (message: string): Outcome => ({
  outcome: 'refused',
  refusal: refusal('invalid', message),
})
