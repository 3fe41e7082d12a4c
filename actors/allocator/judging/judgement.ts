/**
 * May this member have what there is of that agent? The one place where it is decided, for those
 * who give and for those who explain.
 */
import type { Now } from '../../../protocol/now.ts'
import type { WaitReason } from '../../../protocol/schema/explain.ts'
import { isFull } from '../books/books.ts'
import type { AgentBook, MemberBook } from '../books/entities.ts'
import type { Holding } from '../books/scalars.ts'
import { boundedBy, isProgress, limitRoom, type Stage } from '../roles/quota.ts'
import type { Books } from '../state.ts'
import { isConstrained, isEnough, unfitness, withoutReserved } from './eligibility.ts'
import { filteredUntilMs, pausedUntilMs } from './filters.ts'

/** One agent that is looked at, once. */
export interface Look {
  readonly books: Books
  readonly agent: AgentBook
  readonly now: Now
  /** Until when it goes to nobody who has declined last. */
  readonly pausedMs: number | undefined
  /** When a no that was said so far may become a yes by itself. */
  retryAtMs: number | undefined
}

export function newLook(books: Books, agent: AgentBook, now: Now): Look {
  return { books, agent, now, pausedMs: pausedUntilMs(agent, now), retryAtMs: undefined }
}

/** What the member gets, or the first reason why it gets nothing. It wants offers. */
export function judge(look: Look, member: MemberBook, stage: Stage): Holding | WaitReason {
  const { books, agent, now } = look
  const { least } = member.terms
  const visible = withoutReserved(books.names, agent.available, member.role)
  if (!isEnough(least ?? books.least, visible)) return 'too-small'
  const unfit = unfitness(agent, member)
  if (unfit !== undefined) return unfit
  if (isConstrained(agent, member)) return 'constraints'
  const candidate = bounded(books, member, visible, stage)
  if (typeof candidate === 'string') return candidate
  const untilMs = filteredUntilMs({ agent, member }, candidate.resources, now)
  if (untilMs !== undefined) {
    retryAt(look, untilMs)
    return 'filtered'
  }
  if (!member.declinedLast || look.pausedMs === undefined) return candidate
  retryAt(look, look.pausedMs)
  return 'paused'
}

export function retryAt(look: Look, atMs: number): void {
  if (look.retryAtMs === undefined || atMs < look.retryAtMs) look.retryAtMs = atMs
}

/** As much as the quotas leave of what there is, if it is worth an offer. */
function bounded(
  books: Books,
  { leaf: { top }, terms }: MemberBook,
  visible: Holding,
  stage: Stage,
): Holding | 'limit' | 'headroom' {
  const { headroom, names } = books
  if (top.quota === undefined && headroom.unmetRoles === 0) return visible
  if (top.isAtLimit) return 'limit'
  const candidate = boundedBy({ top, headroom, names, stage }, visible)
  const { least = books.least, essentials = books.essentials } = terms
  if (candidate === visible && stage === 'fair') return visible
  const isWorthIt =
    stage === 'guarantee'
      ? isProgress(top, candidate)
      : !lacksEssentials(essentials, visible, candidate)
  if (isWorthIt && isEnough(least, candidate)) return candidate
  const isLimited = visible.unreserved.some((there, i) => there > limitRoom(top, i))
  return isLimited ? 'limit' : 'headroom'
}

/**
 * An agent's memory without its processors would be of no use to anybody, and neither would what is
 * left; but to who says itself that memory is enough. This is where it is not as in Mesos.
 */
function lacksEssentials(
  essentials: readonly number[],
  { scalars }: Holding,
  candidate: Holding,
): boolean {
  for (let i = 0; i < essentials.length; i++) {
    const least = essentials[i] as number
    if ((scalars[i] ?? 0) >= least && (candidate.scalars[i] ?? 0) < least) return true
  }
  return false
}

/** The first reason why the member does not get the agent; `next`: there is none. */
export function reasonFor(look: Look, member: MemberBook): WaitReason {
  const { books, agent } = look
  if (member.suppressed) return 'suppressed'
  if (isFull(member)) return 'full'
  if (agent.free.resources.size === 0) return 'none-free'
  const { least = books.least } = member.terms
  if (isEnough(least, agent.free) && !isEnough(least, agent.available)) return 'others-first'
  const lacks = member.leaf.top.quota?.isMet === false
  const guaranteed = lacks ? judge(look, member, 'guarantee') : undefined
  if (guaranteed !== undefined && typeof guaranteed !== 'string') return 'next'
  const verdict = judge(look, member, 'fair')
  if (typeof verdict !== 'string') return 'next'
  // What is kept for its own role stands in nobody's way there.
  return verdict === 'headroom' ? (guaranteed ?? verdict) : verdict
}
