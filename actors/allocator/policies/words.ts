/** What `--policy` may say: an order of roles and members, a placement, or both. */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import type { Policy } from '../policy.ts'
import { drf } from './drf.ts'
import { binpack, spread } from './placements.ts'
import { priority } from './priority.ts'

const ORDERS = { drf, priority } as const
const PLACEMENTS = { spread, binpack } as const

export const POLICY_WORDS = [...Object.keys(ORDERS), ...Object.keys(PLACEMENTS)]
export const POLICY_DEFAULT = 'drf'

/** What was chosen, before any file is looked at. */
export interface PolicyChoice {
  /** As it was written. */
  readonly text: string
  readonly order: keyof typeof ORDERS | { readonly path: string }
  /** Absent: the order's own, else agents come in random order. */
  readonly placement?: keyof typeof PLACEMENTS
}

/** Parts with commas between them. A part with a slash, or that ends like a module, is a path. */
export function parsePolicy(text: string): PolicyChoice | Refusal {
  let order: PolicyChoice['order'] | undefined
  let placement: PolicyChoice['placement']
  for (const part of text.split(',')) {
    const named = orderOf(part)
    if (named !== undefined) {
      if (order !== undefined) return wrong(`"${text}" names two orders of roles: one is needed`)
      order = named
    } else if (isWordOf(PLACEMENTS, part)) {
      if (placement !== undefined) return wrong(`"${text}" names two placements: one is needed`)
      placement = part
    } else {
      const words = POLICY_WORDS.join(', ')
      return wrong(`"${part}" is none of ${words}, and no path of a module like ./policy.js`)
    }
  }
  return { text, order: order ?? POLICY_DEFAULT, ...(placement && { placement }) }
}

function orderOf(part: string): PolicyChoice['order'] | undefined {
  if (isWordOf(ORDERS, part)) return part
  return /[/\\]|\.[cm]?js$/.test(part) ? { path: part } : undefined
}

const isWordOf = <T extends object>(words: T, part: string): part is keyof T & string =>
  Object.hasOwn(words, part)

const wrong = (message: string): Refusal => refusal('invalid', message)

/** `foreign`: the module that the choice names, as it was loaded. */
export function policyOf({ text, order, placement }: PolicyChoice, foreign?: Policy): Policy {
  const base = typeof order === 'string' ? ORDERS[order] : (foreign ?? drf)
  return { ...base, ...(placement && PLACEMENTS[placement]), name: text }
}
