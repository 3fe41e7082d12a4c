/** Is a decoded value of the shape that its message has? Asked once, at the edge. */
import { type Refusal, refusal } from './errors.ts'
import { mostTelling, sentenceOf } from './problem.ts'
import type { Message, MessageName } from './schema/messages.ts'
import validators from './validators.generated.js'

export type Checked<N extends MessageName> =
  | { readonly ok: true; readonly value: Message<N> }
  | { readonly ok: false; readonly refusal: Refusal }

/** What says that there is more than there may be. */
const TOO_LARGE: ReadonlySet<string> = new Set([
  'maxBytes',
  'maxItems',
  'maxLength',
  'maxProperties',
])

/**
 * Takes `value` for the message `name`, or says which field is wrong. Fields that the shape does
 * not have are removed in place (refused where the message is strict).
 */
export function check<N extends MessageName>(name: N, value: unknown): Checked<N> {
  const validate = validators[name]
  if (validate(value)) return { ok: true, value: value as Message<N> }
  const complaint = mostTelling(validate.errors ?? [])
  if (complaint === undefined) return { ok: false, refusal: refusal('invalid', `${name} is wrong`) }
  const why = TOO_LARGE.has(complaint.keyword) ? 'too-large' : 'invalid'
  return { ok: false, refusal: refusal(why, `${name}: ${sentenceOf(complaint, value)}`) }
}
