/** Answers in the style of NATS services, so that `nats request` shows them as what they are. */
import { ClusterError, REFUSAL_CODES, type Refusal, refusal, retryOf } from '../protocol/errors.ts'
import { BARE_INBOX } from '../protocol/subjects.ts'
import type { BusMessage } from './bus.ts'
import { decode } from './codec.ts'

const CODE_HEADER = 'Nats-Service-Error-Code'
const TEXT_HEADER = 'Nats-Service-Error'
/** Enough for a sentence; the body holds all of it. */
const TEXT_LENGTH_MAX = 256
const REPLY_LENGTH_MAX = 256

/** The body of an answer that refuses. */
export interface RefusalBody {
  readonly name: string
  readonly message: string
  readonly retryMs?: number
}

/** A call was answered by a refusal. */
export class RefusedError extends ClusterError {
  override readonly name = 'RefusedError'
  readonly refusal: Refusal

  /** `by`: who refused, or the subject on which it was asked. */
  constructor(by: string, refused: Refusal) {
    super('bus/refused', retryOf(refused), `${by} refused: ${refused.name}: ${refused.message}`)
    this.refusal = refused
  }
}

/**
 * True if an answer may go to `reply`: below `inbox`, or below any inbox where `isOpen`. So nobody
 * makes us publish where they may not.
 */
export function isReplyIn(reply: string, inbox: string, isOpen: boolean): boolean {
  const isBelow = reply.startsWith(`${inbox}.`) || (isOpen && reply.startsWith(BARE_INBOX))
  return isBelow && reply.length <= REPLY_LENGTH_MAX && /^[\w$-]+(?:\.[\w$-]+)*$/.test(reply)
}

export function refusalHeaders(refused: Refusal): Readonly<Record<string, string>> {
  const text = `${refused.name}: ${refused.message}`
  return {
    [CODE_HEADER]: String(refused.code),
    [TEXT_HEADER]: text.slice(0, TEXT_LENGTH_MAX).replaceAll(/[^\x20-\x7e]/g, '?'),
  }
}

export const refusalBody = ({ name, message, retryMs }: Refusal): RefusalBody => ({
  name,
  message,
  ...(retryMs !== undefined && { retryMs }),
})

/**
 * The refusal that `message` carries, if it does. A newer peer's name may be one we do not know.
 */
export function refusalOf(message: BusMessage): Refusal | undefined {
  const code = message.headers?.[CODE_HEADER]
  if (code === undefined) return undefined
  const decoded = decode(message.payload)
  const body = decoded.ok ? (decoded.value as Partial<RefusalBody> | null) : null
  if (typeof body?.name !== 'string' || typeof body.message !== 'string')
    return refusal('invalid', message.headers?.[TEXT_HEADER] ?? `error ${code}`)
  const name = body.name as Refusal['name']
  const isKnown = Object.hasOwn(REFUSAL_CODES, name)
  const { message: text, retryMs } = body
  const when = Number.isSafeInteger(retryMs) && retryMs !== undefined ? { retryMs } : {}
  return { code: isKnown ? REFUSAL_CODES[name] : Number(code), name, message: text, ...when }
}
