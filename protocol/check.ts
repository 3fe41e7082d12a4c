/** Is a decoded value of the shape that its message has? Asked once, at the edge. */
import { type Refusal, refusal } from './errors.ts'
import type { Message, MessageName } from './schema/messages.ts'
import validators from './validators.generated.js'

export type Checked<N extends MessageName> =
  | { readonly ok: true; readonly value: Message<N> }
  | { readonly ok: false; readonly refusal: Refusal }

/** What says that there is more than there may be. */
const TOO_LARGE: ReadonlySet<string> = new Set(['maxItems', 'maxLength', 'maxProperties'])

/**
 * Takes `value` for the message `name`, or says which field is wrong. Fields that the shape does not
 * have are removed in place (refused where the message is strict).
 */
export function check<N extends MessageName>(name: N, value: unknown): Checked<N> {
  const validate = validators[name]
  if (validate(value)) return { ok: true, value: value as Message<N> }
  const first = validate.errors?.[0]
  const field = first?.instancePath.slice(1).replaceAll('/', '.') || 'message'
  const why = TOO_LARGE.has(first?.keyword ?? '') ? 'too-large' : 'invalid'
  const extra = first?.params['additionalProperty']
  const what = typeof extra === 'string' ? ` (${extra})` : ''
  return {
    ok: false,
    refusal: refusal(why, `${name}: ${field} ${first?.message ?? 'is wrong'}${what}`),
  }
}
