/**
 * A framework that uses whole agents and gives them back one after the other, and who was offered
 * them meanwhile: all offers pass on the bus.
 */
import { type Offered, openScheduler, type Scheduler } from '../../actors/scheduler/scheduler.ts'
import type { Bus } from '../../bus/bus.ts'
import { systemClock } from '../../bus/clock.ts'
import { openMessenger } from '../../bus/messenger.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { randomToken } from '../../bus/random.ts'
import { frameworkEvents } from '../../protocol/subjects.ts'

const POLITE = 'polite'

interface Made {
  readonly number: number
  readonly agentId: string
  readonly frameworkId: string
}

/** An agent between two of its offers, by their numbers. */
interface Freed {
  readonly agentId: string
  readonly from: number
  readonly to: number
}

/** The leader counts its offers. */
const numberOf = (offerId: string): number => Number(offerId.split('-').at(-1))

export interface Rounds {
  /** From an agent's being free, as its framework hears, to its being offered to it, each time. */
  readonly waitMs: readonly number[]
  /** Offers of such an agent that others got before. */
  readonly overtaken: number
  /** How often one of them got it twice before. */
  readonly overtakenTwice: number
}

export class PoliteFramework {
  readonly #scheduler: Scheduler
  readonly #offers: AsyncIterator<Offered>
  readonly #made: Made[]
  readonly #observer: Bus
  readonly #held: { readonly offer: Offered; readonly taskId: string }[] = []
  #count = 0

  private constructor(scheduler: Scheduler, made: Made[], observer: Bus) {
    this.#scheduler = scheduler
    this.#offers = scheduler.offers()[Symbol.asyncIterator]()
    this.#made = made
    this.#observer = observer
  }

  static async open(nats: string): Promise<PoliteFramework> {
    const location = { servers: [nats], source: 'a test' }
    const bus = await natsSystem({ location }).connect({ name: 'observer' })
    const deps = { bus, clock: systemClock, randomToken, isOpen: true, onRefused: () => undefined }
    const made: Made[] = []
    openMessenger(deps).listen(frameworkEvents, { cluster: 'bourse' }, ({ events }, ids) => {
      const { frameworkId } = ids
      for (const event of events) {
        if (event.kind !== 'offers') continue
        for (const { offerId, agentId } of event.offers)
          made.push({ number: numberOf(offerId), agentId, frameworkId })
      }
    })
    await bus.flush()
    const scheduler = await openScheduler({ name: POLITE, frameworkId: POLITE, nats })
    return new PoliteFramework(scheduler, made, bus)
  }

  /** Until it has a task on each of so many agents, which takes all of it. */
  async fill(agents: number): Promise<void> {
    while (this.#held.length < agents) await this.#use()
  }

  async #next(): Promise<Offered> {
    const { value, done } = await this.#offers.next()
    if (done) throw new Error('there are no more offers')
    return value as Offered
  }

  async #use(): Promise<Offered> {
    const offer = await this.#next()
    this.#count += 1
    const taskId = `task-${this.#count}`
    const env = { PRETEND_MS: 'Infinity' }
    await offer.accept([{ taskId, command: 'true', env, resources: offer.entries }])
    this.#held.push({ offer, taskId })
    return offer
  }

  /** Ends its oldest task and takes what is offered next, so many times. */
  async rounds(count: number): Promise<Rounds> {
    const waitMs: number[] = []
    const freed: Freed[] = []
    for (let round = 0; round < count; round++) {
      const oldest = this.#held.shift()
      if (oldest === undefined) throw new Error('it holds nothing')
      const ended = this.#ended(oldest.taskId)
      this.#scheduler.kill(oldest.taskId, { graceMs: 0 })
      const freeAtMs = ended.then(() => performance.now())
      const { offerId, agentId } = await this.#use()
      waitMs.push(performance.now() - (await freeAtMs))
      freed.push({ agentId, from: numberOf(oldest.offer.offerId), to: numberOf(offerId) })
    }
    // What was said before has been heard.
    await this.#observer.flush()
    const all = freed.map((one) => this.#overtakers(one))
    return {
      waitMs,
      overtaken: all.reduce((sum, { length }) => sum + length, 0),
      overtakenTwice: all.filter((others) => new Set(others).size < others.length).length,
    }
  }

  /** Who was offered the agent before, once for each time. */
  #overtakers({ agentId, from, to }: Freed): readonly string[] {
    return this.#made
      .filter((made) => made.agentId === agentId && made.frameworkId !== POLITE)
      .filter(({ number }) => number > from && number < to)
      .map(({ frameworkId }) => frameworkId)
  }

  async #ended(taskId: string): Promise<void> {
    // The loop ends with the task.
    for await (const _ of this.#scheduler.statuses(taskId));
  }

  async close(): Promise<void> {
    await this.#scheduler.teardown()
    await this.#observer.close()
  }
}
