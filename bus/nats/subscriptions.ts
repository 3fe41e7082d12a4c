/**
 * What the server forbids to hear, the client forgets for good, though the connection lives on. One
 * reload of the server's users may take a right away, and the next one give it back.
 */
import {
  type Msg,
  type NatsConnection,
  type Subscription as NatsSubscription,
  PermissionViolationError,
} from '@nats-io/transport-node'
import type { Subscription } from '../bus.ts'
import type { Clock } from '../clock.ts'

/** The server writes a line for each time that it refuses. */
export const ASK_AGAIN_MS = 30_000

type Callback = (error: Error | null, message: Msg) => void
/** Subscribes again: one function for each subscription. */
type Ask = () => void

export interface SubscriptionsDeps {
  readonly connection: NatsConnection
  readonly clock: Clock
  /** Resolves once the server has answered all that was asked before; rejects if it is lost. */
  readonly flush: () => Promise<void>
  /** Something is heard again: what was said there meanwhile is lost. */
  readonly onBack: () => void
}

/** Those of one connection. It asks again for what is refused, for all of it at once. */
export class Subscriptions {
  readonly #deps: SubscriptionsDeps
  #refused = new Set<Ask>()
  /** Asked for again, and not refused again so far; empty once the server has answered. */
  #asked = new Set<Ask>()
  readonly #repeated = new WeakSet<Error>()
  #isWaiting = false

  constructor(deps: SubscriptionsDeps) {
    this.#deps = deps
  }

  /** `callback` is not told what is forbidden: the connection's status tells it, too. */
  open(subject: string, callback: Callback): Subscription {
    const { connection } = this.#deps
    const options = {
      callback: (error: Error | null, message: Msg): void => {
        if (error instanceof PermissionViolationError) this.#refuse(ask, error)
        else callback(error, message)
      },
    }
    let subscription: NatsSubscription = connection.subscribe(subject, options)
    const ask = (): void => {
      if (!connection.isClosed()) subscription = connection.subscribe(subject, options)
    }
    return {
      close: () => {
        this.#refused.delete(ask)
        this.#asked.delete(ask)
        subscription.unsubscribe()
      },
    }
  }

  /** Was that known before the server was asked again? */
  isRepeated(refusal: Error): boolean {
    return this.#repeated.has(refusal)
  }

  #refuse(ask: Ask, refusal: Error): void {
    if (this.#asked.delete(ask)) this.#repeated.add(refusal)
    this.#refused.add(ask)
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#deps.clock.after(ASK_AGAIN_MS, () => void this.#askAgain())
  }

  async #askAgain(): Promise<void> {
    this.#isWaiting = false
    const asked = this.#refused
    this.#refused = new Set()
    this.#asked = asked
    for (const ask of asked) ask()
    // Connected anew, the client asks for all that it has; what is refused then is news.
    const areBack = await this.#deps.flush().then(
      () => asked.size > 0,
      () => false,
    )
    asked.clear()
    if (areBack) this.#deps.onBack()
  }
}
