/** Deciding who gets what is free. */
import type { Now } from '../../../protocol/now.ts'
import type { WaitReason } from '../../../protocol/schema/explain.ts'
import { shuffle } from '../../parts/random.ts'
import { isOpen, noteBounds } from '../books/books.ts'
import type { AgentBook, MemberBook, RoleNode } from '../books/entities.ts'
import { isEnough } from '../judging/eligibility.ts'
import { judge, retryAt } from '../judging/judgement.ts'
import { isAtLimit, surplus } from '../roles/quota.ts'
import { compareInTree } from '../roles/tree.ts'
import type { AllocatorState, Books } from '../state.ts'
import { close, endNews, isNewsFor, nextClosed, reopen } from './closed-agents.ts'
import { type Giving, grant, newGiving } from './grants.ts'

/** What one turn may cost: a look at one member for one agent costs 1, an agent AGENT_COST. */
const SLICE_COST = 16_384
const AGENT_COST = 16
/** With news for more of them an agent is looked at for all. */
const NEWS_MAX = 16

/** True if there are agents to look at. */
export function hasWork({ queue, dirty, allAreDirty, closed }: Books): boolean {
  return queue.length > 0 || dirty.size > 0 || allAreDirty || closed.news.size > 0
}

/**
 * Goes on with the run, or begins one with all agents that are to be looked at, in random order or
 * the policy's; then with those that are closed and that there is news for. A bounded piece of it:
 * while `hasWork`, it is to be called again. The order must hold.
 */
export function allocateSome(state: AllocatorState, now: Now): void {
  const { books } = state
  if (books.queue.length === 0) beginRun(state)
  const all = [books.tree.root]
  let left = SLICE_COST
  while (left > 0) {
    const agent = books.queue.pop()
    if (agent === undefined) break
    left -= AGENT_COST + lookAt(state, { agent, scope: all, now })
  }
  while (left > 0) {
    const agent = nextClosed(books.closed)
    if (agent === undefined) break
    left -= AGENT_COST + lookAt(state, { agent, scope: newsFor(books, agent), now })
  }
}

function beginRun({ books, random }: AllocatorState): void {
  const candidates = books.allAreDirty ? books.agents.values() : books.dirty.values()
  books.queue = shuffle(random, [...candidates])
  // The last of the queue is the next.
  if (books.tree.policy.rankAgent !== undefined) books.queue.sort((a, b) => b.rank - a.rank)
  if (books.allAreDirty) {
    for (const agent of books.queue) reopen(books.closed, agent)
    endNews(books.closed)
  }
  books.dirty.clear()
  books.allAreDirty = false
}

type Scope = readonly (MemberBook | RoleNode)[]

/** In order. */
function newsFor({ closed: { news }, tree }: Books, agent: AgentBook): Scope {
  if (news.size > NEWS_MAX) return [tree.root]
  const some = [...news].filter((one) => isNewsFor(agent, one))
  return some.length < 2 ? some : some.sort(compareInTree)
}

/**
 * Gives what an agent has to the first members that may have it; gives how many were asked. If
 * something is left that nobody may have, the agent is closed until that can change.
 */
function lookAt(state: AllocatorState, { agent, scope: all, now }: ToLookAt): number {
  const { books } = state
  reopen(books.closed, agent)
  if (!isOpen(books, agent)) return 0
  const scope = isEnough(books.least, agent.available) ? all : only(books.withOwnLeast, all)
  const giving = newGiving(state, agent, now)
  if (books.headroom.unmetRoles > 0) {
    giving.stage = 'guarantee'
    askAll(giving, scope)
    giving.stage = 'fair'
  }
  if (isOpen(books, agent))
    askAll(giving, isKept(books, agent) ? only(books.contented, scope) : scope)
  if (!isOpen(books, agent)) return giving.cost
  close(books.closed, agent)
  if (giving.retryAtMs !== undefined) retry(books, agent, giving.retryAtMs)
  return giving.cost
}

/** It is nothing for the others: if these are few, they alone are asked. */
function only(some: ReadonlySet<MemberBook>, all: Scope): Scope {
  return some.size > NEWS_MAX ? all : [...some].sort(compareInTree)
}

/** True if all that the cluster calls of use in an agent is kept for roles that lack it. */
function isKept(books: Books, agent: AgentBook): boolean {
  const { headroom, essentials } = books
  if (headroom.unmetRoles === 0) return false
  const { unreserved, isReserved } = agent.available
  // What is reserved is no part of what is kept.
  if (isReserved) return false
  const isOut = essentials.some(
    (least, i) => (unreserved[i] ?? 0) >= least && surplus(headroom, i) < least,
  )
  if (isOut) noteBounds(books, agent, books.tree.root)
  return isOut
}

interface ToLookAt {
  readonly agent: AgentBook
  readonly scope: Scope
  readonly now: Now
}

/** An earlier time that was set before stays: a look too many does no harm. */
function retry({ retries }: Books, agent: AgentBook, atMs: number): void {
  if (agent.retryAtMs !== undefined && agent.retryAtMs <= atMs) return
  agent.retryAtMs = atMs
  retries.set(agent.agentId, atMs, agent)
}

/** Early members of all roles first, then late ones. */
function askAll(giving: Giving, scope: Scope): void {
  const { books, agent, pausedMs } = giving
  // Whoever has said no in this stage is not asked again, wherever it stands.
  books.looks += 1
  giving.line = 'early'
  while (askScope(giving, scope) === 'moved');
  if (!isOpen(books, agent)) return
  giving.line = 'late'
  if (pausedMs === undefined) while (askScope(giving, scope) === 'moved');
  else if (scope.some(hasLate)) retryAt(giving, pausedMs)
}

const hasLate = (one: MemberBook | RoleNode): boolean =>
  one.kind === 'role' ? one.late.length > 0 : one.line === 'late'

/**
 * `none`: nobody of them may have it. `all`: nothing is left. `moved`: somebody has got a part, so
 * that the order is another one.
 */
type Outcome = 'none' | 'all' | 'moved'

function askScope(giving: Giving, scope: Scope): Outcome {
  for (let i = 0; i < scope.length; i++) {
    const one = scope[i] as MemberBook | RoleNode
    if (one.kind === 'member' && one.line !== giving.line) continue
    const outcome = one.kind === 'member' ? askMember(giving, one) : askRole(giving, one)
    if (outcome !== 'none') return outcome
  }
  return 'none'
}

function askRole(giving: Giving, role: RoleNode): Outcome {
  if (role.depth === 1 && isOutOf(giving, role)) return 'none'
  // Who is asked first mostly takes all: no copy, no iterator.
  const line = role[giving.line]
  for (let i = 0; i < line.length; i++) {
    const one = line[i] as MemberBook | RoleNode
    const outcome = one.kind === 'member' ? askMember(giving, one) : askRole(giving, one)
    if (outcome !== 'none') return outcome
  }
  return 'none'
}

/** A whole role that is not to be asked: it lacks nothing, or may have nothing more. */
function isOutOf({ books, agent, stage }: Giving, top: RoleNode): boolean {
  const { quota } = top
  if (stage === 'guarantee') return quota === undefined || quota.isMet
  if (quota === undefined || top.contented > 0 || !isAtLimit(top, books.essentials)) return false
  noteBounds(books, agent, top)
  return true
}

/** It may get more with more room: that little of it was declined says nothing of more. */
function isBounded(books: Books, member: MemberBook, verdict: WaitReason): boolean {
  if (verdict === 'limit' || verdict === 'headroom') return true
  if (verdict !== 'filtered') return false
  return member.leaf.top.quota !== undefined || books.headroom.unmetRoles > 0
}

function askMember(giving: Giving, member: MemberBook): Outcome {
  const { books, agent, stage } = giving
  if (member.askedIn === books.looks) return 'none'
  member.askedIn = books.looks
  giving.cost += 1
  const verdict = judge(giving, member, stage)
  if (typeof verdict === 'string') {
    if (isBounded(books, member, verdict)) noteBounds(books, agent, member.leaf.top)
    return 'none'
  }
  const isWhole = verdict === agent.available
  grant(giving, member, verdict)
  if (isWhole || !isOpen(books, agent)) return 'all'
  if (stage === 'fair') noteBounds(books, agent, member.leaf.top)
  return 'moved'
}
