/** Requests on one standing inbox subscription: several times cheaper than the client's own. */
import { ClusterError } from '../protocol/errors.ts'
import type { Bus, BusMessage, Subscription } from './bus.ts'
import type { Clock, Timer } from './clock.ts'
import { decode } from './codec.ts'
import type { RandomToken } from './random.ts'
import { RefusedError, refusalOf } from './service.ts'

interface Waiting {
  readonly subject: string
  readonly timer: Timer
  readonly resolve: (body: unknown) => void
  readonly reject: (error: ClusterError) => void
}

export interface CallsDeps {
  readonly bus: Bus
  readonly clock: Clock
  readonly randomToken: RandomToken
}

export interface Calls {
  /**
   * Publishes `payload` and waits for the first answer, decoded.
   * @throws {RefusedError} `bus/refused`.
   * @throws {ClusterError} `bus/no-responders`: it was not handled. `bus/call-timeout`,
   * `bus/closed`: it may have been handled or not. `bus/bad-answer`: it was, in a foreign tongue.
   */
  call(subject: string, payload: Uint8Array, timeoutMs: number): Promise<unknown>
  close(): void
}

export function openCalls({ bus, clock, randomToken }: CallsDeps): Calls {
  const waiting = new Map<string, Waiting>()
  // Others may share the inbox prefix of our credentials, but not what follows.
  const inbox = `${bus.inbox}.${randomToken(64)}`
  let subscription: Subscription | undefined
  let count = 0

  const take = (reply: string): Waiting | undefined => {
    const taken = waiting.get(reply)
    taken?.timer.cancel()
    waiting.delete(reply)
    return taken
  }
  const answered = (message: BusMessage): void => {
    const call = take(message.subject)
    if (call === undefined) return
    const outcome = outcomeOf(call.subject, message)
    if (outcome instanceof ClusterError) call.reject(outcome)
    else call.resolve(outcome.body)
  }
  return {
    call: (subject, payload, timeoutMs) =>
      new Promise((resolve, reject) => {
        subscription ??= bus.subscribe(`${inbox}.*`, answered)
        const reply = `${inbox}.${(++count).toString(36)}`
        const timer = clock.after(timeoutMs, () =>
          take(reply)?.reject(
            fault('call-timeout', `no answer from ${subject} within ${timeoutMs} ms`),
          ),
        )
        waiting.set(reply, { subject, timer, resolve, reject })
        bus.publish(subject, payload, { reply })
      }),
    close() {
      subscription?.close()
      for (const [reply, { subject }] of waiting)
        take(reply)?.reject(fault('closed', `closed while waiting for ${subject}`))
    },
  }
}

const fault = (what: string, message: string): ClusterError =>
  new ClusterError(`bus/${what}`, 'later', message)

function outcomeOf(subject: string, message: BusMessage): { body: unknown } | ClusterError {
  if (message.noResponders) return fault('no-responders', `nobody listens on ${subject}`)
  const refused = refusalOf(message)
  if (refused !== undefined) return new RefusedError(subject, refused)
  const decoded = decode(message.payload)
  if (decoded.ok) return { body: decoded.value }
  return new ClusterError('bus/bad-answer', 'never', `${subject}: ${decoded.refusal.message}`)
}
