/** Taking in what the leader says of members. */
import type { FrameworkId, Principal } from '../../../protocol/ids.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import { changeHeld, memberKey, recontent, reline, settle } from '../books/books.ts'
import type { MemberBook } from '../books/entities.ts'
import { NOTHING, readHolding } from '../books/scalars.ts'
import { close, noteNews } from '../giving/closed-agents.ts'
import { constraintSetOf, essentialsOf, isEnough, leastOf } from '../judging/eligibility.ts'
import { type MemberTerms, NO_TERMS } from '../judging/terms.ts'
import { leafOf, pruneFrom } from '../roles/tree.ts'
import type { Books } from '../state.ts'

type Figure<K extends AllocatorFigure['kind']> = Extract<AllocatorFigure, { kind: K }>

interface Named {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly role: string
}

function memberOf(books: Books, { principal, frameworkId, role }: Named): MemberBook {
  const name = memberKey({ principal, frameworkId, role })
  const known = books.members.get(name)
  if (known !== undefined) return known
  const leaf = leafOf(books.tree, role)
  const member: MemberBook = {
    kind: 'member',
    name,
    principal,
    frameworkId,
    role,
    leaf,
    suppressed: true,
    declinedLast: false,
    offers: 0,
    isGone: false,
    terms: NO_TERMS,
    allocated: NOTHING,
    pending: new Set(),
    held: [],
    share: 0,
    rank: 0,
    given: 0,
    line: undefined,
    askedIn: 0,
    // All that is closed was closed without it.
    outSince: 0,
    newsSince: 0,
    outAgain: undefined,
  }
  member.rank = books.tree.policy.rankMember(member)
  leaf.members.add(member)
  books.members.set(name, member)
  return member
}

/**
 * `heard`: what our messages up to that number say is in the figure, or refused. The answers come
 * after the figures of their agents, perhaps some messages later.
 */
export function takeMember(books: Books, figure: Figure<'member'>, heard: number): void {
  const member = memberOf(books, figure)
  member.offers = figure.offers
  member.declinedLast = figure.declinedLast
  member.suppressed = figure.suppressed
  const allocated = readHolding(books.names, figure.allocated)
  changeHeld(books, member, { added: allocated, removed: member.allocated, given: 0 })
  member.allocated = allocated
  for (const pending of member.pending) {
    if (pending.saidIn === undefined || pending.saidIn > heard) break
    settle(books, pending)
  }
  reline(books, member)
}

/** Agents that it may not have had, or too little of them, may be for it now. */
export function takeTerms(books: Books, figure: Figure<'member-terms'>): void {
  const member = memberOf(books, figure)
  const { capabilities = [], constraints, minAllocatable } = figure
  const key = JSON.stringify([capabilities, constraints ?? null, minAllocatable ?? null])
  if (key === member.terms.key) return
  const least = minAllocatable && leastOf(books.names, minAllocatable)
  setTerms(books, member, {
    key,
    usesGpus: capabilities.includes('GPU_RESOURCES'),
    knowsRegions: capabilities.includes('REGION_AWARE'),
    constraints: constraintSetOf(books.constraints, constraints),
    least,
    essentials: least && essentialsOf(least),
  })
  member.outSince = 0
  if (member.line !== undefined) noteNews(books.closed, member)
}

function setTerms(books: Books, member: MemberBook, terms: MemberTerms): void {
  const { constraints } = member.terms
  if (constraints !== undefined) books.constraints.release(constraints)
  member.terms = terms
  if (terms.least === undefined) books.withOwnLeast.delete(member)
  else {
    if (books.withOwnLeast.size === 0) closeTooSmall(books)
    books.withOwnLeast.add(member)
  }
  recontent(books, member)
}

/** Agents with too little for anybody were not even closed. Now there is somebody. */
function closeTooSmall({ agents, least, closed }: Books): void {
  for (const agent of agents.values()) {
    const { available } = agent
    const isTooSmall = available.resources.size > 0 && !isEnough(least, available)
    if (isTooSmall) close(closed, agent)
  }
}

export function dropMember(books: Books, figure: Figure<'member-gone'>): void {
  const member = books.members.get(memberKey(figure))
  if (member === undefined) return
  member.isGone = true
  reline(books, member)
  books.closed.news.delete(member)
  setTerms(books, member, NO_TERMS)
  changeHeld(books, member, { added: NOTHING, removed: member.allocated, given: 0 })
  for (const pending of member.pending) settle(books, pending)
  member.leaf.members.delete(member)
  books.members.delete(member.name)
  pruneFrom(books.tree, member.leaf)
}
