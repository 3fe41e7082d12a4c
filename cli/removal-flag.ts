/** How many agents may become unreachable at once, as people write it. */
import type { RemovalLimit } from '../actors/master/agents/membership.ts'
import { type Refusal, refusal } from '../protocol/errors.ts'
import { AGENT_REMOVALS_MIN } from '../protocol/limits.ts'
import { formatDuration, parseDuration } from './duration.ts'

const NO_LIMIT: RemovalLimit = { perMs: 0, part: 0, least: Number.MAX_SAFE_INTEGER }

/** `20/1m`: so many a minute. `10%/1m`: a part of all, but at least AGENT_REMOVALS_MIN. `none`. */
export function parseRemovals(text: string): RemovalLimit | Refusal {
  if (text === 'none') return NO_LIMIT
  const [, digits, percent, duration = ''] = /^(\d{1,9})(%?)\/(.+)$/.exec(text) ?? []
  const perMs = parseDuration(duration)
  const amount = Number(digits)
  const isPart = percent === '%'
  if (typeof perMs !== 'number' || perMs === 0 || !(amount > 0) || (isPart && amount > 100)) {
    return refusal('invalid', `"${text}" is no limit like 20/1m, 10%/1m or none`)
  }
  if (isPart) return { perMs, part: amount / 100, least: AGENT_REMOVALS_MIN }
  return { perMs, part: 0, least: amount }
}

export const removalsFlag = (part: number, perMs: number): string =>
  `${Math.round(part * 100)}%/${formatDuration(perMs)}`
