/** Asks a rehearsed allocator about agents that the real one has given away. */
import type { Now } from '../../../protocol/now.ts'
import type { Allocation } from '../../../protocol/schema/master.ts'
import { addPending, markDirty, memberKey, removePending } from '../books/books.ts'
import type { AgentBook } from '../books/entities.ts'
import { NOTHING, readHolding } from '../books/scalars.ts'
import { areAlike } from '../roles/tree.ts'
import type { Books } from '../state.ts'
import type { Decision } from './comparison.ts'
import { type Rehearsal, step, wantsFlush } from './rehearsal.ts'

/** What the allocator has made of one agent at one version. */
export interface RealDecision {
  readonly agentId: Allocation['agentId']
  readonly version: number
  readonly real: readonly Allocation[]
}

/** Runs that a few agents can take: what is left of one may go to another member. */
const RUNS_MAX = 16

/**
 * To whom the policy would have given these agents, asked together. Then the books are as if the
 * real decisions had been made in them: what is compared is each next step, from where the real
 * allocator stands.
 */
export function decide(
  rehearsal: Rehearsal,
  decisions: readonly RealDecision[],
  now: Now,
): readonly Decision[] {
  const { books } = rehearsal.state
  const asked = decisions.flatMap((decision) => {
    const agent = books.agents.get(decision.agentId)
    return agent?.version === decision.version ? [{ agent, decision }] : []
  })
  // What the real one gave before, of the same version, was refused.
  for (const { agent } of asked) takeBack(books, agent)
  books.shown = new Set(asked.map(({ agent }) => agent))
  for (const { agent } of asked) markDirty(books, agent)
  const would: Allocation[] = []
  for (let left = RUNS_MAX; left > 0 && wantsFlush(rehearsal); left--)
    would.push(...step(rehearsal, { kind: 'flush' }, now))
  for (const { agent } of asked) takeBack(books, agent)
  books.shown = NONE
  return asked.map(({ agent, decision }) => {
    const shadow = would.filter(({ agentId }) => agentId === agent.agentId)
    const isTie = isTieOf(books, decision.real, shadow)
    adopt(rehearsal, agent, decision.real)
    return { ...decision, shadow, isTie }
  })
}

/** Without being asked it gives nothing. */
const NONE: ReadonlySet<AgentBook> = new Set()

function takeBack(books: Books, agent: AgentBook): void {
  for (const pending of agent.pending) removePending(books, pending, true)
}

function isTieOf(books: Books, real: readonly Allocation[], would: readonly Allocation[]): boolean {
  const [one, other] = [real[0], would[0]]
  if (one === undefined || other === undefined || real.length + would.length > 2) return false
  const [a, b] = [books.members.get(memberKey(one)), books.members.get(memberKey(other))]
  return a !== undefined && b !== undefined && a !== b && a.line === b.line && areAlike(a, b)
}

function adopt({ state }: Rehearsal, agent: AgentBook, allocations: readonly Allocation[]): void {
  const { books } = state
  for (const allocation of allocations) {
    const member = books.members.get(memberKey(allocation))
    if (member === undefined) continue
    state.lastAllocation += 1
    const holding = readHolding(books.names, allocation.resources)
    const { agentVersion } = allocation
    addPending(
      books,
      { allocation: state.lastAllocation, agent, agentVersion, member, holding },
      NOTHING,
    )
  }
}
