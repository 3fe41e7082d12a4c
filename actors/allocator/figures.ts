/** Taking in what the leader says: each figure replaces what was said of the same thing before. */
import { DECLINE_PAUSE_MS } from '../../protocol/limits.ts'
import type { Now } from '../../protocol/now.ts'
import { NO_RESOURCES, parseResources, type Resources } from '../../protocol/resources.ts'
import { isSameList } from '../../protocol/same-list.ts'
import type { AllocatorFigure } from '../../protocol/schema/allocator.ts'
import type { ResourceList } from '../../protocol/schema/common.ts'
import { memberKey, noteRoom, removePending, restand, setAllocated, setStanding } from './books.ts'
import { addScalars } from './dominant-share.ts'
import { dropFiltersOfGone, setFilters } from './filters.ts'
import { isFull, markStale } from './order.ts'
import { type AgentBook, type Books, type MemberBook, newAgent } from './state.ts'

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

export function takeFigure(books: Books, figure: BookFigure, now: Now): void {
  switch (figure.kind) {
    case 'role':
    case 'member-terms':
      return
    case 'agent-info':
      return takeAgentInfo(books, figure)
    case 'agent':
      return takeAgent(books, figure)
    case 'agent-gone':
      return dropAgent(books, figure)
    case 'member':
      return takeMember(books, figure)
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

/** A list that makes no sense (a resource with two amounts) counts as nothing. */
function readResources(list: ResourceList): Resources {
  const resources = parseResources(list)
  return 'code' in resources ? NO_RESOURCES : resources
}

function takeAgentInfo(books: Books, { agentId, total }: Figure<'agent-info'>): void {
  const agent = books.agents.get(agentId) ?? newAgent(agentId)
  if (agent.isGone) {
    books.agents.set(agentId, agent)
    books.standings[agent.standing] += 1
    agent.isGone = false
  }
  setTotal(books, agent, total)
}

/** One of which it was not said what it is does not count: the leader says that first. */
function takeAgent(books: Books, { agentId, version, free }: Figure<'agent'>): void {
  const agent = books.agents.get(agentId)
  if (agent === undefined || agent.isGone) return
  agent.version = version
  agent.free = readResources(free)
  agent.freeList = free
  restand(books, agent)
}

/** An agent that has opened another session mostly says the same total as before. */
function setTotal(books: Books, agent: AgentBook, total: ResourceList): void {
  if (isSameList(agent.total, total)) return
  addScalars(books.total, readResources(agent.total), -1)
  addScalars(books.total, readResources(total), 1)
  agent.total = total
  markStale(books, 'shares')
}

function dropAgent(books: Books, { agentId }: Figure<'agent-gone'>): void {
  const agent = books.agents.get(agentId)
  if (agent === undefined || agent.isGone) return
  setTotal(books, agent, [])
  setStanding(books, agent, 'none-free')
  books.standings['none-free'] -= 1
  agent.isGone = true
  agent.free = NO_RESOURCES
  agent.available = NO_RESOURCES
  agent.filters.clear()
  agent.lateGrantsMs.length = 0
  agent.retryAtMs = undefined
  books.retries.clear(agentId)
  books.dirty.delete(agent)
  books.passedOver.delete(agent)
  if (agent.pending.size === 0) books.agents.delete(agentId)
}

function newMember(key: string, { principal, frameworkId, role }: Figure<'member'>): MemberBook {
  return {
    key,
    principal,
    frameworkId,
    role,
    suppressed: true,
    declinedLast: false,
    offers: 0,
    isGone: false,
    pendingCount: 0,
    pendingSum: new Map(),
    held: new Map(),
    share: 0,
    given: 0,
  }
}

function takeMember(books: Books, figure: Figure<'member'>): void {
  const key = memberKey(figure)
  const role = books.members.get(key) ?? newMember(key, figure)
  books.members.set(key, role)
  const wasFull = isFull(role)
  role.offers = figure.offers
  if (wasFull) noteRoom(books, role)
  setAllocated(books, role, readResources(figure.allocated))
  role.declinedLast = figure.declinedLast
  if (role.suppressed === figure.suppressed) return markStale(books, 'places')
  role.suppressed = figure.suppressed
  markStale(books, 'members')
  if (!role.suppressed) books.allAreDirty = true
}

function dropMember(books: Books, figure: Figure<'member-gone'>): void {
  const key = memberKey(figure)
  const role = books.members.get(key)
  if (role === undefined) return
  role.isGone = true
  books.roomy.delete(role)
  books.members.delete(key)
  markStale(books, 'members')
}

function takeFilter(books: Books, figure: Figure<'filter'>, { monotonicMs }: Now): void {
  const agent = books.agents.get(figure.agentId)
  const role = books.members.get(memberKey(figure))
  if (agent === undefined || agent.isGone || role === undefined) return
  const mayBeLess = agent.filters.has(role)
  setFilters(
    agent,
    role,
    figure.declined.map(({ resources, forMs }) => ({
      resources: readResources(resources),
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
    const { agent, agentVersion, role, resources } = pending
    if (outcome === 'refused') {
      role.given -= 1
      // Otherwise it was refused because it was out of date, and may be asked again at once.
      if (agent.version === agentVersion && !agent.isGone) {
        const filter = { resources, untilMs: monotonicMs + REFUSED_MS }
        setFilters(agent, role, [...(agent.filters.get(role) ?? []), filter])
      }
    }
    removePending(books, pending)
  }
}
