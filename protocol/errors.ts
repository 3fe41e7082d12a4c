/** How faults and refusals look. Bugs are assertions: they have no shape, they end the process. */
import { REFUSAL_LENGTH_MAX } from './limits.ts'

/** May the caller try again? `never`: same call, same answer. `later`: the answer can change. */
export type Retry = 'never' | 'later'

/** A fault: something outside of us did not work. `code` is `<area>/<what>`. */
export class ClusterError extends Error {
  override readonly name: string = 'ClusterError'
  readonly code: string
  readonly retry: Retry

  constructor(code: string, retry: Retry, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.retry = retry
  }
}

/**
 * A refusal: we say no to a message, by name. A value, never thrown across an actor.
 *
 * `code` is HTTP-like, so that it fits `Nats-Service-Error-Code`; `name` is what programs compare;
 * `message` is for people and names the field and the number.
 */
export interface Refusal {
  readonly code: number
  readonly name: RefusalName
  readonly message: string
  /** When another try can do better, if that is known. */
  readonly retryMs?: number
}

/** Every refusal there is, with its code. */
export const REFUSAL_CODES = {
  /** Not msgpack, truncated, an extension type, or nested too deeply. */
  malformed: 400,
  /** Decoded, but not of the message's shape; the message names the field. */
  invalid: 400,
  /** The secret is not the one that the framework first subscribed with. */
  'wrong-secret': 409,
  /** No version in common. */
  'no-common-version': 400,
  /** No such verb. */
  'unknown-verb': 404,
  /** No such agent, framework, task or offer. */
  'not-found': 404,
  /** The framework has not subscribed at this leader. */
  'not-subscribed': 403,
  /** The session is not the current one. */
  'stale-session': 409,
  /** Another instance of the framework holds it; `retryMs` says for how long if it stays silent. */
  held: 409,
  /** The epoch is older than one already obeyed, or the offer is of one. */
  stale: 409,
  /** The offer was accepted, declined, rescinded or has timed out. */
  used: 410,
  /** The framework was torn down: its id is burnt until all its agents have confirmed. */
  'torn-down': 410,
  /** Well said, but the cluster is not so that it could be done; the message says what it lacks. */
  conflict: 409,
  /** Larger than its limit. */
  'too-large': 413,
  /** More calls than a caller may make: what is over is not read, and not always answered. */
  'too-many': 429,
  /** This master does not lead. */
  'not-leading': 503,
  /** The leader has just taken over and does not know enough yet. */
  recovering: 503,
} as const satisfies Record<string, number>

export type RefusalName = keyof typeof REFUSAL_CODES

/** Whether the same call can get another answer. */
export function retryOf({ code, name }: Pick<Refusal, 'code' | 'name'>): Retry {
  return code >= 500 || name === 'too-many' || name === 'held' ? 'later' : 'never'
}

/** Says no. A message may repeat what a stranger wrote: it is cut, for the answer must travel. */
export function refusal(name: RefusalName, message: string): Refusal {
  return { code: REFUSAL_CODES[name], name, message: message.slice(0, REFUSAL_LENGTH_MAX) }
}
