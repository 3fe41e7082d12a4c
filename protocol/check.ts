/** Is a decoded value of the shape that its message has? Asked once, at the edge. */
import { type Refusal, refusal } from './errors.ts'
import { isToken } from './ids.ts'
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
 * What is said in sessions, by the list that it is: somebody newer may say what is not known here,
 * and all else that stands beside it is to be heard.
 */
const LISTS: Readonly<Partial<Record<MessageName, string>>> = {
  AgentOrders: 'orders',
  AgentReports: 'reports',
  AllocatorFigures: 'figures',
  AllocatorReports: 'reports',
  FrameworkEvents: 'events',
}

/**
 * Takes `value` for the message `name`, or says which field is wrong. Fields that the shape does
 * not have are removed in place (refused where the message is strict), and so are items of kinds
 * that are not known here, from the lists of sessions.
 */
export function check<N extends MessageName>(name: N, value: unknown): Checked<N> {
  const validate = validators[name]
  if (validate(value) || (leaveOutUnknown(name, value) && validate(value)))
    return { ok: true, value: value as Message<N> }
  const complaint = mostTelling(validate.errors ?? [])
  if (complaint === undefined) return { ok: false, refusal: refusal('invalid', `${name} is wrong`) }
  const why = TOO_LARGE.has(complaint.keyword) ? 'too-large' : 'invalid'
  return { ok: false, refusal: refusal(why, `${name}: ${sentenceOf(complaint, value)}`) }
}

/** Leaves out what somebody newer says. False: that is not what is wrong. */
function leaveOutUnknown(name: MessageName, value: unknown): boolean {
  const list = LISTS[name]
  const complaint = validators[name].errors?.find(({ keyword }) => keyword === 'discriminator')
  const path = complaint?.instancePath.split('/')
  if (list === undefined || path?.length !== 3 || path[1] !== list) return false
  const known = new Set(complaint?.params['allowedValues'] as readonly string[])
  const fields = value as Record<string, readonly unknown[]>
  const items = fields[list] ?? []
  const rest = items.filter((item) => !isOtherKind(item, known))
  fields[list] = rest
  return rest.length < items.length
}

function isOtherKind(item: unknown, known: ReadonlySet<string>): boolean {
  if (typeof item !== 'object' || item === null || !('kind' in item)) return false
  const { kind } = item
  return typeof kind === 'string' && isToken(kind) && !known.has(kind)
}
