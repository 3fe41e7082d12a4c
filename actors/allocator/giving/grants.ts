/** Giving: what becomes of a decision, in the books and in what the leader is told. */
import type { Now } from '../../../protocol/now.ts'
import { addResources, listResources, subtractResources } from '../../../protocol/resources.ts'
import { addPending, changeHeld, setAvailable } from '../books/books.ts'
import type { AgentBook, Line, MemberBook, Pending } from '../books/entities.ts'
import { type Holding, holdingOf, NOTHING } from '../books/scalars.ts'
import { noteLateGrant, pausedUntilMs } from '../judging/filters.ts'
import type { Look } from '../judging/judgement.ts'
import type { Stage } from '../roles/quota.ts'
import type { AllocatorState } from '../state.ts'
import { addAllocation, bytesOfList, changeAllocation } from './allocation-list.ts'

/** A look at an agent that is given away. */
export interface Giving extends Look {
  readonly state: AllocatorState
  stage: Stage
  /** Which members are asked. */
  line: Line
  /** Members asked so far. */
  cost: number
  /** The last allocation before. */
  readonly since: number
}

/** Spelled out: to copy a look into it would take longer than the look. */
export function newGiving(state: AllocatorState, agent: AgentBook, now: Now): Giving {
  return {
    books: state.books,
    agent,
    now,
    pausedMs: pausedUntilMs(agent, now),
    retryAtMs: undefined,
    state,
    stage: 'fair',
    line: 'early',
    cost: 0,
    since: state.lastAllocation,
  }
}

/** Gives a part of what is available of the agent, or all. */
export function grant(giving: Giving, member: MemberBook, holding: Holding): void {
  const { agent, state, books, now } = giving
  const isWhole = holding === agent.available
  const left = isWhole ? NOTHING : leftOf(giving, holding)
  const earlier = isWhole && agent.pending.length === 0 ? undefined : givenBefore(giving, member)
  if (earlier !== undefined) return giveMore(giving, earlier, { holding, left })
  const { agentId, version: agentVersion } = agent
  const { principal, frameworkId, role } = member
  const allocation = state.lastAllocation + 1
  state.lastAllocation = allocation
  const isAsFree = holding === agent.free
  const resources = isAsFree ? agent.freeList : listResources(holding.resources)
  const said = { allocation, agentId, agentVersion, principal, frameworkId, role, resources }
  addAllocation(state.allocations, said, isAsFree ? agent.freeBytes : bytesOfList(resources))
  if (member.declinedLast) noteLateGrant(agent, now)
  addPending(books, { allocation, agent, agentVersion, member, holding }, left)
}

function leftOf({ books, agent }: Giving, { resources }: Holding): Holding {
  const left = subtractResources(agent.available.resources, resources)
  return left === undefined ? NOTHING : holdingOf(books.names, left)
}

/** What the member was guaranteed of the agent a moment ago: it gets one offer, not two. */
function givenBefore({ agent, since }: Giving, member: MemberBook): Pending | undefined {
  for (const pending of agent.pending) {
    if (pending.allocation > since && pending.member === member) return pending
  }
  return undefined
}

function giveMore(
  { state, books, agent }: Giving,
  earlier: Pending,
  { holding, left }: { readonly holding: Holding; readonly left: Holding },
): void {
  const { allocation, member } = earlier
  const resources = addResources(earlier.holding.resources, holding.resources)
  const pending = { ...earlier, holding: holdingOf(books.names, resources) }
  agent.pending = agent.pending.map((one) => (one === earlier ? pending : one))
  books.pending.set(allocation, pending)
  member.pending.delete(earlier)
  member.pending.add(pending)
  setAvailable(books, agent, left)
  changeHeld(books, member, { added: holding, removed: NOTHING, given: 0 })
  const list = listResources(resources)
  changeAllocation(state.allocations, { allocation, resources: list }, bytesOfList(list))
}
