/**
 * Agents that were looked at and went to nobody, although there is something. They are looked at
 * again when they have changed, or for those who could have nothing when they were closed and now
 * can: news. Who was asked and did not get it is not asked again for the same.
 *
 * All is told apart by when it was, on a clock that counts closings and news. Who wanted nothing
 * from 5 to 9 has been asked about what was closed before, and is to be asked about what was closed
 * at 6, 7 and 8. As agents are listed by when they were closed, this is a piece of the list: it is
 * found from the nearer end, and walked once for all that have news. What is closed again on the
 * way goes to the end, where the walk does not come: it is later than the news. (A set would do,
 * but for the nearer end: who was full for a moment would cost a walk over all.)
 */
import type { AgentBook, MemberBook, RoleNode } from '../books/entities.ts'

export interface ClosedAgents {
  /** A list by `closedAt`, through the agents themselves. */
  oldest: AgentBook | undefined
  newest: AgentBook | undefined
  /** Counts what happens. */
  clock: number
  /** For whom agents are to be looked at. */
  readonly news: Set<MemberBook | RoleNode>
  /** Where to go on with the walk. Undefined: at the end. */
  next: AgentBook | undefined
  /** The last of them came then. */
  newsUntil: number
  /** There is more of it since the walk began: it has to begin anew. */
  isFresh: boolean
  /** The policy has an opinion on agents: they are looked at by rank, not by when they closed. */
  readonly isRanked: boolean
  /** If so: those that are still to be looked at, the first last. */
  ranked: AgentBook[]
}

export function newClosedAgents(isRanked: boolean): ClosedAgents {
  return {
    isRanked,
    ranked: [],
    oldest: undefined,
    newest: undefined,
    clock: 0,
    news: new Set(),
    next: undefined,
    newsUntil: 0,
    isFresh: false,
  }
}

export function close(closed: ClosedAgents, agent: AgentBook): void {
  if (agent.closedAt > 0) reopen(closed, agent)
  closed.clock += 1
  agent.closedAt = closed.clock
  agent.closedBefore = closed.newest
  if (closed.newest === undefined) closed.oldest = agent
  else closed.newest.closedAfter = agent
  closed.newest = agent
}

/** It has changed, is given away, or gone. */
export function reopen(closed: ClosedAgents, agent: AgentBook): void {
  if (agent.closedAt === 0) return
  const { closedBefore, closedAfter } = agent
  if (closed.next === agent) closed.next = closedAfter
  if (closedBefore === undefined) closed.oldest = closedAfter
  else closedBefore.closedAfter = closedAfter
  if (closedAfter === undefined) closed.newest = closedBefore
  else closedAfter.closedBefore = closedBefore
  agent.closedAt = 0
  agent.closedBefore = undefined
  agent.closedAfter = undefined
}

/** From now on agents are closed to it, whatever they have. */
export function noteOut({ clock, news }: ClosedAgents, one: MemberBook | RoleNode): void {
  if (news.delete(one)) one.outAgain = undefined
  one.outSince ??= clock
}

/** An agent is about to be closed to it for want of room, which it may have again. */
export function noteShort({ clock, news }: ClosedAgents, one: RoleNode): void {
  if (news.has(one)) one.outAgain ??= clock
  else one.outSince ??= clock
}

/** It can have something again. */
export function noteNews(closed: ClosedAgents, one: MemberBook | RoleNode): void {
  if (one.outSince === undefined) return
  closed.clock += 1
  one.newsSince = closed.clock
  one.outAgain = undefined
  closed.newsUntil = closed.clock
  closed.news.add(one)
  closed.isFresh = true
}

export function isNewsFor(agent: AgentBook, one: MemberBook | RoleNode): boolean {
  return agent.closedAt > (one.outSince ?? 0) && agent.closedAt < one.newsSince
}

/** The next agent to be looked at for somebody in `news`; undefined: that is all. */
export function nextClosed(closed: ClosedAgents): AgentBook | undefined {
  const { news } = closed
  if (news.size === 0) return undefined
  if (closed.isRanked) return nextRanked(closed)
  if (closed.isFresh) {
    closed.isFresh = false
    closed.next = firstFor(closed)
  }
  let agent = closed.next
  while (agent !== undefined && !isWanted(agent, news)) {
    // What is closed since the last news is none of theirs, nor is what comes after it.
    agent = agent.closedAt > closed.newsUntil ? undefined : agent.closedAfter
  }
  closed.next = agent?.closedAfter
  if (agent === undefined) endNews(closed)
  return agent
}

/** All of them are walked for each piece of news: that is what an opinion costs. */
function nextRanked(closed: ClosedAgents): AgentBook | undefined {
  const { news } = closed
  if (closed.isFresh) {
    closed.isFresh = false
    closed.ranked = wanted(closed).sort((a, b) => b.rank - a.rank)
  }
  for (let agent = closed.ranked.pop(); agent !== undefined; agent = closed.ranked.pop())
    if (isWanted(agent, news)) return agent
  endNews(closed)
  return undefined
}

function wanted({ oldest, news }: ClosedAgents): AgentBook[] {
  const agents: AgentBook[] = []
  for (let agent = oldest; agent !== undefined; agent = agent.closedAfter)
    if (isWanted(agent, news)) agents.push(agent)
  return agents
}

function isWanted(agent: AgentBook, news: ReadonlySet<MemberBook | RoleNode>): boolean {
  for (const one of news) if (isNewsFor(agent, one)) return true
  return false
}

/** Looked for from both ends: nearly all of the agents may be concerned, or nearly none. */
function firstFor({ oldest, newest, news }: ClosedAgents): AgentBook | undefined {
  let since = Number.POSITIVE_INFINITY
  for (const { outSince } of news) since = Math.min(since, outSince ?? 0)
  let [fromOldest, fromNewest] = [oldest, newest]
  let found: AgentBook | undefined
  while (fromOldest !== undefined && fromNewest !== undefined) {
    if (fromOldest.closedAt > since) return fromOldest
    if (fromNewest.closedAt <= since) return found
    found = fromNewest
    fromOldest = fromOldest.closedAfter
    fromNewest = fromNewest.closedBefore
  }
  return found
}

/** All was looked at for everybody, or is about to be. */
export function endNews(closed: ClosedAgents): void {
  const { news } = closed
  for (const one of news) {
    one.outSince = one.outAgain
    one.outAgain = undefined
  }
  news.clear()
  closed.ranked = []
}
