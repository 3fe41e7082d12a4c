/** Taking in what the leader says: each figure replaces what was said of the same thing before. */
import { DECLINE_PAUSE_MS } from '../../../protocol/limits.ts'
import type { Now } from '../../../protocol/now.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import { memberKey, removePending, requota, restand } from '../books/books.ts'
import { readHolding } from '../books/scalars.ts'
import { essentialsOf, leastOf } from '../judging/eligibility.ts'
import { dropFiltersOfGone, setFilters } from '../judging/filters.ts'
import { setQuota } from '../roles/quota.ts'
import { pruneFrom, roleOf, setWeight } from '../roles/tree.ts'
import type { Books } from '../state.ts'
import { dropAgent, takeAgent, takeAgentInfo } from './agents.ts'
import { dropMember, takeMember, takeTerms } from './members.ts'

/** A refused allocation of what is still so counts as declined for so long: no busy asking. */
const REFUSED_MS = DECLINE_PAUSE_MS

type Figure<K extends AllocatorFigure['kind']> = Extract<AllocatorFigure, { kind: K }>

/** What the books are made of; the other kinds are about the session. */
export type BookFigure = Figure<
  | 'role'
  | 'agent-info'
  | 'agent'
  | 'agent-gone'
  | 'member-terms'
  | 'member'
  | 'member-gone'
  | 'filter'
  | 'answered'
>

export function takeFigure(books: Books, figure: BookFigure, now: Now, heard: number): void {
  switch (figure.kind) {
    case 'role':
      return takeRole(books, figure)
    case 'agent-info':
      return takeAgentInfo(books, figure)
    case 'agent':
      return takeAgent(books, figure)
    case 'agent-gone':
      return dropAgent(books, figure.agentId)
    case 'member-terms':
      return takeTerms(books, figure)
    case 'member':
      return takeMember(books, figure, heard)
    case 'member-gone':
      return dropMember(books, figure)
    case 'filter':
      return takeFilter(books, figure, now)
    case 'answered':
      return takeAnswers(books, figure, now)
    default:
      return figure satisfies never
  }
}

/** What holds for the whole cluster. Said before all figures. */
export function takeRules(
  books: Books,
  { minAllocatable, region }: Pick<Figure<'opened'>, 'minAllocatable' | 'region'>,
): void {
  books.region = region
  books.least = leastOf(books.names, minAllocatable)
  books.essentials = essentialsOf(books.least)
}

/** A role below the top has no quota: a leader says none. */
function takeRole(books: Books, { role, weight, guarantee, limit }: Figure<'role'>): void {
  const node = roleOf(books.tree, role)
  if (node.weight !== weight) setWeight(books.tree, node, weight)
  if (node.depth === 1) {
    setQuota(books, node, { guarantee, limit })
    requota(books, node)
  }
  pruneFrom(books.tree, node)
}

function takeFilter(books: Books, figure: Figure<'filter'>, { monotonicMs }: Now): void {
  const agent = books.agents.get(figure.agentId)
  const member = books.members.get(memberKey(figure))
  if (agent === undefined || agent.isGone || member === undefined) return
  const mayBeLess = agent.filters.has(member)
  setFilters(
    agent,
    member,
    figure.declined.map(({ resources, forMs }) => ({
      resources: readHolding(books.names, resources).resources,
      untilMs: monotonicMs + forMs,
    })),
  )
  if (agent.filters.size > books.members.size) dropFiltersOfGone(agent)
  if (mayBeLess) restand(books, agent)
}

function takeAnswers(books: Books, { answers }: Figure<'answered'>, { monotonicMs }: Now): void {
  for (const { allocation, outcome } of answers) {
    const pending = books.pending.get(allocation)
    if (pending === undefined) continue
    const { agent, agentVersion, member, holding } = pending
    const isRefused = outcome === 'refused'
    // Otherwise it was refused because it was out of date, and may be asked again at once.
    if (isRefused && agent.version === agentVersion && !agent.isGone) {
      const filter = { resources: holding.resources, untilMs: monotonicMs + REFUSED_MS }
      setFilters(agent, member, [...(agent.filters.get(member) ?? []), filter])
    }
    removePending(books, pending, isRefused)
  }
}
