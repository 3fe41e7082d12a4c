/** Saying why roles got nothing. */
import type { Now } from '../../protocol/now.ts'
import type { Waiting } from '../../protocol/schema/master.ts'
import { isFull } from './order.ts'
import type { AllocatorState, Books } from './state.ts'

/** The reasons of one role are said no more often, and not so soon after it got something. */
const REASONS_MS = 1_000

interface Reasons {
  readonly text: string
  readonly agents: Waiting['agents']
}

/**
 * Says of each role that wants offers, and got nothing lately, how many agents were passed over for
 * which reason, if that is news. What may not be said yet is said later. The order must hold.
 */
export function tellReasons(state: AllocatorState, { monotonicMs }: Now): void {
  const { books } = state
  books.reasonsAreDue = false
  const early = reasonsFor(books, false)
  const late = reasonsFor(books, true)
  let nextMs: number | undefined
  for (const role of books.order) {
    if (role.pendingCount > 0 || isFull(role)) continue
    const { text, agents } = role.declinedLast ? late : early
    if (role.said.reasons === text) continue
    const atMs = Math.max(role.said.atMs, role.givenAtMs) + REASONS_MS
    if (atMs > monotonicMs) {
      nextMs = Math.min(nextMs ?? atMs, atMs)
      continue
    }
    role.said = { reasons: text, atMs: monotonicMs }
    const { principal, frameworkId, role: name } = role
    state.waiting.push({ principal, frameworkId, role: name, agents })
  }
  state.reasonsAtMs = nextMs
}

/**
 * They are the same for all roles that declined last, and for all others: agents that have
 * something and gave it to nobody are closed to each of them, or they would have got it.
 */
function reasonsFor({ standings }: Books, declinedLast: boolean): Reasons {
  const counts = {
    'none-free': standings['none-free'],
    'too-small': standings['too-small'],
    'others-first': standings.taken,
    filtered: declinedLast ? standings.idle : standings.idle + standings.paused,
    paused: declinedLast ? standings.paused : 0,
  }
  const agents: Waiting['agents'] = Object.fromEntries(
    Object.entries(counts).filter(([, count]) => count > 0),
  )
  return { text: JSON.stringify(agents), agents }
}
