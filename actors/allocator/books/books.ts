/** How agents and members stand, kept after each change of what they rest on. */
import { type FrameworkKey, frameworkKey } from '../../../protocol/ids.ts'
import { OFFERS_UNANSWERED_MAX } from '../../../protocol/limits.ts'
import { addResources, subtractResources } from '../../../protocol/resources.ts'
import { setRank } from '../giving/agent-rank.ts'
import { noteNews, noteOut, noteShort, reopen } from '../giving/closed-agents.ts'
import { isEnough } from '../judging/eligibility.ts'
import { setAtLimit, setLine } from '../roles/lines.ts'
import {
  hasMoreHeadroom,
  isAtLimit,
  isOutOfHeadroom,
  limitRoom,
  noteShortage,
  recount,
  surplus,
} from '../roles/quota.ts'
import { type Change, hold } from '../roles/tree.ts'
import type { Books } from '../state.ts'
import type { AgentBook, MemberBook, Pending, RoleNode } from './entities.ts'
import {
  addScalars,
  type Holding,
  holdingOf,
  NOTHING,
  type Scalars,
  takeScalars,
} from './scalars.ts'

const NO_SCALARS: Readonly<Scalars> = []

/** No id holds a dot, so no two members share a key, whatever a role is made of. */
export function memberKey(of: FrameworkKey & { readonly role: string }): string {
  return `${frameworkKey(of)}.${of.role}`
}

/** True if the member gets nothing more before it has answered some of what it has. */
export function isFull({ offers, pending }: MemberBook): boolean {
  return offers + pending.size >= OFFERS_UNANSWERED_MAX
}

/** True if there may be somebody to whom what is available of the agent is worth an offer. */
export function isOpen({ least, withOwnLeast, shown }: Books, agent: AgentBook): boolean {
  const { available } = agent
  if (available === NOTHING || shown?.has(agent) === false) return false
  return withOwnLeast.size > 0 || isEnough(least, available)
}

/** The agent is looked at in the next run, if there is something to be had. */
export function markDirty(books: Books, agent: AgentBook): void {
  reopen(books.closed, agent)
  if (isOpen(books, agent)) books.dirty.add(agent)
}

/** After a change of what an agent has free or pending; what is there for somebody is looked at. */
export function restand(books: Books, agent: AgentBook): void {
  setAvailable(books, agent, availableOf(books, agent))
  setRank(books, agent)
  markDirty(books, agent)
}

/**
 * A leader may have taken a pending allocation off `free` before it says so: then all must wait.
 */
function availableOf({ names }: Books, { free, pending }: AgentBook): Holding {
  if (pending.length === 0) return free
  let sum = NOTHING.resources
  for (const { holding } of pending) sum = addResources(sum, holding.resources)
  const left = subtractResources(free.resources, sum)
  return left === undefined ? NOTHING : holdingOf(names, left)
}

export function setAvailable(books: Books, agent: AgentBook, available: Holding): void {
  const { headroom } = books
  addScalars(headroom.free, available.unreserved)
  takeScalars(headroom.free, agent.available.unreserved)
  agent.available = available
  noteHeadroom(books)
}

/** More may be free than is kept for guarantees: agents that were closed for that are looked at. */
function noteHeadroom(books: Books): void {
  const { headroom, tree, closed } = books
  if (tree.root.outSince === undefined) return
  if (!hasMoreHeadroom(headroom, commonEssentials(books))) return
  headroom.shortOf.length = 0
  noteNews(closed, tree.root)
}

/** A member holds more, or less. */
export function changeHeld(books: Books, member: MemberBook, change: Change): void {
  hold(books.tree, member, change)
  const { top } = member.leaf
  if (top.quota === undefined) return
  recount(books.headroom, top)
  relimit(books, top)
  noteHeadroom(books)
  if (isLess(change)) noteRoom(books, top)
}

function isLess({ added, removed }: Change): boolean {
  return removed.unreserved.some((less, i) => less > (added.unreserved[i] ?? 0))
}

/** After a change of a role's quota. */
export function requota(books: Books, top: RoleNode): void {
  recount(books.headroom, top)
  relimit(books, top)
  noteHeadroom(books)
  noteRoom(books, top)
}

/** Without which nothing is of use to anybody. */
function commonEssentials({ essentials, contented }: Books): Readonly<Scalars> {
  return contented.size === 0 ? essentials : NO_SCALARS
}

/** After a change of what is too little for a member: a role is not passed over that has some. */
export function recontent(books: Books, member: MemberBook): void {
  const { contented, essentials } = books
  const own = member.terms.essentials
  const isContented = own !== undefined && essentials.some((least, i) => (own[i] ?? 0) < least)
  if (contented.has(member) === isContented) return
  if (isContented) contented.add(member)
  else contented.delete(member)
  const { top } = member.leaf
  top.contented += isContented ? 1 : -1
  relimit(books, top)
}

/** A role that can use no more is not asked; one that lacks what it is guaranteed is. */
function relimit({ essentials, closed }: Books, top: RoleNode): void {
  const mayBeOut = top.contented === 0 && top.quota?.isMet !== false
  const isOut = mayBeOut && isAtLimit(top, essentials)
  if (isOut === top.isAtLimit) return
  setAtLimit(top, isOut)
  if (isOut) noteOut(closed, top)
}

/** A role may use more: it is below its limit, or lacks more of what it is guaranteed. */
function noteRoom({ tree, closed }: Books, top: RoleNode): void {
  if (top.isAtLimit || !hasSomebody(top)) return
  const { outSince } = tree.root
  // What was kept of agents that are closed was kept for it too.
  if (outSince !== undefined && top.quota?.isMet === false) {
    top.outSince = Math.min(top.outSince ?? outSince, outSince)
  }
  if (top.outSince !== undefined) noteNews(closed, top)
}

/** An agent is about to be closed to a role since it, or nobody, may have more. */
export function noteBounds(books: Books, agent: AgentBook, top: RoleNode): void {
  const { headroom, closed, tree } = books
  const { unreserved } = agent.available
  if (unreserved.some((there, i) => there > limitRoom(top, i))) {
    noteShort(closed, top)
  }
  if (unreserved.some((there, i) => there > surplus(headroom, i))) {
    noteShort(closed, tree.root)
    noteShortage(headroom)
    if (isOutOfHeadroom(headroom, commonEssentials(books))) noteOut(closed, tree.root)
  }
}

/** After a change of whether a member is to be asked, and when. */
export function reline(books: Books, member: MemberBook): void {
  const { suppressed, isGone, declinedLast, line: before, leaf } = member
  const isOut = suppressed || isGone || isFull(member)
  const line = isOut ? undefined : declinedLast ? 'late' : 'early'
  if (line === before) return
  const isFirst = !hasSomebody(leaf.top)
  setLine(member, line)
  if (line === undefined) noteOut(books.closed, member)
  else if (before === undefined) {
    noteNews(books.closed, member)
    // Of room that came while there was nobody to be asked nobody was told.
    if (isFirst) noteRoom(books, leaf.top)
  }
}

const hasSomebody = ({ early, late }: RoleNode): boolean => early.length + late.length > 0

/** Takes note of an allocation; `left` is what is available of the agent then. */
export function addPending(books: Books, pending: Pending, left: Holding): void {
  const { agent, member, holding } = pending
  books.pending.set(pending.allocation, pending)
  agent.pending = agent.pending.length === 0 ? [pending] : [...agent.pending, pending]
  setAvailable(books, agent, left)
  member.pending.add(pending)
  changeHeld(books, member, { added: holding, removed: NOTHING, given: 1 })
  reline(books, member)
}

/** It is answered, or in a figure of the member: it counts no longer by itself. */
export function settle(books: Books, pending: Pending): void {
  const { member, holding } = pending
  if (!member.pending.delete(pending)) return
  changeHeld(books, member, { added: NOTHING, removed: holding, given: 0 })
}

export function removePending(books: Books, pending: Pending, isRefused: boolean): void {
  const { agent, member } = pending
  books.pending.delete(pending.allocation)
  agent.pending = agent.pending.filter((one) => one !== pending)
  settle(books, pending)
  if (!member.isGone) {
    if (isRefused) changeHeld(books, member, { added: NOTHING, removed: NOTHING, given: -1 })
    reline(books, member)
  }
  if (!agent.isGone) restand(books, agent)
  else if (agent.pending.length === 0) books.agents.delete(agent.agentId)
}
