/** Taking in what the leader says of agents. */
import type { AgentId } from '../../../protocol/ids.ts'
import { isSameList } from '../../../protocol/same-list.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import { markDirty, restand, setAvailable } from '../books/books.ts'
import type { AgentBook, AgentInfo } from '../books/entities.ts'
import { addScalars, NOTHING, readHolding, takeScalars } from '../books/scalars.ts'
import { setRank } from '../giving/agent-rank.ts'
import { bytesOfList } from '../giving/allocation-list.ts'
import { reopen } from '../giving/closed-agents.ts'
import { isForeign } from '../judging/eligibility.ts'
import { NO_FILTERS } from '../judging/filters.ts'
import type { Books } from '../state.ts'

type Figure<K extends AllocatorFigure['kind']> = Extract<AllocatorFigure, { kind: K }>

const NO_INFO: AgentInfo = {
  hostname: '',
  attributes: { key: '', list: [] },
  totalList: [],
  total: NOTHING,
  hasGpus: false,
  isForeign: false,
}

// One for all: thousands of empty ones would be in memory, and in the cache's way.
const NO_PENDING: AgentBook['pending'] = []
const NO_GRANTS: AgentBook['lateGrantsMs'] = []

function newAgent(agentId: AgentId): AgentBook {
  return {
    agentId,
    version: 0,
    info: NO_INFO,
    free: NOTHING,
    freeList: [],
    freeBytes: 0,
    pending: NO_PENDING,
    available: NOTHING,
    rank: 0,
    closedAt: 0,
    closedBefore: undefined,
    closedAfter: undefined,
    isGone: true,
    filters: NO_FILTERS,
    lateGrantsMs: NO_GRANTS,
    retryAtMs: undefined,
  }
}

export function takeAgentInfo(books: Books, figure: Figure<'agent-info'>): void {
  const { agentId, hostname, attributes, total } = figure
  const { names } = books
  const agent = books.agents.get(agentId) ?? newAgent(agentId)
  if (agent.isGone) {
    books.agents.set(agentId, agent)
    agent.isGone = false
  }
  const before = agent.info
  const key = JSON.stringify(attributes)
  // An agent that has opened another session mostly says the same total as before.
  const isSame = isSameList(before.totalList, total)
  if (isSame && before.hostname === hostname && before.attributes.key === key) return
  const holding = isSame ? before.total : readHolding(names, total)
  setInfo(books, agent, {
    hostname,
    attributes: books.attributes.take(key, () => ({ key, list: attributes })),
    totalList: total,
    total: holding,
    hasGpus: (holding.scalars[names.numberOf('gpus')] ?? 0) > 0,
    isForeign: isForeign(attributes, books.region),
  })
  setRank(books, agent)
  markDirty(books, agent)
}

function setInfo({ tree, attributes }: Books, agent: AgentBook, info: AgentInfo): void {
  const before = agent.info
  attributes.release(before.attributes)
  agent.info = info
  if (info.total === before.total) return
  takeScalars(tree.total, before.total.scalars)
  addScalars(tree.total, info.total.scalars)
  tree.isStale = true
}

/** One of which it was not said what it is does not count: the leader says that first. */
export function takeAgent(books: Books, { agentId, version, free }: Figure<'agent'>): void {
  const agent = books.agents.get(agentId)
  if (agent === undefined || agent.isGone) return
  // Told again, for a shadow's sake: what nobody wanted nobody wants.
  if (agent.version === version && isSameList(agent.freeList, free)) return
  agent.version = version
  agent.free = readHolding(books.names, free)
  agent.freeList = free
  agent.freeBytes = bytesOfList(free)
  restand(books, agent)
}

export function dropAgent(books: Books, agentId: AgentId): void {
  const agent = books.agents.get(agentId)
  if (agent === undefined || agent.isGone) return
  setInfo(books, agent, NO_INFO)
  agent.isGone = true
  agent.free = NOTHING
  agent.freeList = []
  setAvailable(books, agent, NOTHING)
  reopen(books.closed, agent)
  agent.filters = NO_FILTERS
  agent.lateGrantsMs = NO_GRANTS
  agent.retryAtMs = undefined
  books.retries.clear(agentId)
  books.dirty.delete(agent)
  if (agent.pending.length === 0) books.agents.delete(agentId)
}
