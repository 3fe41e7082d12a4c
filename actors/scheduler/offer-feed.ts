/**
 * Offers on their way to the author, and whether any are wanted: who iterates wants them. When
 * nobody has for a while, those that wait are given back and no more are asked for.
 */
import type { Clock, Timer } from '../../bus/clock.ts'
import type { Offered } from './contract-offers.ts'
import { Feed } from './feed.ts'

/** A loop that is left and begun again within so long has not stopped. */
const IDLE_MS = 1_000

export interface OfferFeedDeps {
  readonly clock: Clock
  /** All that the framework has now. */
  roles(): readonly string[]
  /** Those for which the author wants no offers from the start. */
  readonly suppressed: readonly string[]
  suppress(roles: readonly string[]): void
  revive(roles: readonly string[]): void
  /** Gives back what nobody will read. */
  giveBack(offers: readonly Offered[]): void
}

export class OfferFeed implements AsyncIterable<Offered> {
  readonly #deps: OfferFeedDeps
  readonly #feed = new Feed<Offered>(({ isLive }) => isLive)
  /** What the author has suppressed: iterating does not change it. */
  readonly #unwanted: Set<string>
  #readers = 0
  #isIdle = false
  #isOver = false
  #timer: Timer | undefined

  constructor(deps: OfferFeedDeps) {
    this.#deps = deps
    this.#unwanted = new Set(deps.suppressed)
    this.#watch()
  }

  push(offers: readonly Offered[]): void {
    if (this.#isIdle) return this.#deps.giveBack(offers)
    for (const offer of offers) this.#feed.push(offer)
  }

  suppress(roles = this.#deps.roles()): void {
    for (const role of roles) this.#unwanted.add(role)
    if (!this.#isIdle) this.#deps.suppress(roles)
  }

  /** While nobody iterates it is kept for when somebody does. */
  revive(roles = this.#deps.roles()): void {
    for (const role of roles) this.#unwanted.delete(role)
    if (!this.#isIdle) this.#deps.revive(roles)
  }

  /** The framework's roles may be others now: new ones are wanted, if any are. */
  rolesChanged(): void {
    const roles = this.#deps.roles()
    for (const role of this.#unwanted) if (!roles.includes(role)) this.#unwanted.delete(role)
    if (this.#isIdle) this.#deps.suppress(roles)
  }

  /** Asks anew for what was declined. Who wants no offers, or reads none, is not given any. */
  renew(role: string): void {
    if (!this.#isIdle && !this.#unwanted.has(role)) this.#deps.revive([role])
  }

  end(error?: Error): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#feed.end(error)
  }

  [Symbol.asyncIterator](): AsyncIterator<Offered, undefined> {
    this.#enter()
    const reader = this.#feed[Symbol.asyncIterator]()
    let isReading = true
    return {
      next: () => reader.next(),
      return: () => {
        if (isReading) this.#leave()
        isReading = false
        return reader.return()
      },
    }
  }

  #enter(): void {
    this.#readers += 1
    this.#timer?.cancel()
    if (!this.#isIdle) return
    this.#isIdle = false
    const wanted = this.#deps.roles().filter((role) => !this.#unwanted.has(role))
    if (wanted.length > 0) this.#deps.revive(wanted)
  }

  #leave(): void {
    this.#readers -= 1
    if (this.#readers === 0 && !this.#isOver) this.#watch()
  }

  #watch(): void {
    this.#timer?.cancel()
    this.#timer = this.#deps.clock.after(IDLE_MS, () => {
      this.#isIdle = true
      this.#deps.suppress(this.#deps.roles())
      const unread = this.#feed.takeRest().filter(({ isLive }) => isLive)
      if (unread.length > 0) this.#deps.giveBack(unread)
    })
  }
}
