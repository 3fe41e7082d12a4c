/** Deciding who gets what is free. */
import type { Now } from '../../protocol/now.ts'
import { listResources } from '../../protocol/resources.ts'
import { shuffle } from '../parts/random.ts'
import { addPending, setStanding } from './books.ts'
import { filteredUntilMs, noteLateGrant, pausedUntilMs } from './filters.ts'
import { isFull, moveBack } from './order.ts'
import type { AgentBook, AllocatorState, Books, MemberBook } from './state.ts'

/** What one turn may cost: a look at one role for one agent costs 1, an agent AGENT_COST. */
const SLICE_COST = 8_192
const AGENT_COST = 8

/** True if there are agents to look at. */
export function hasWork({ queue, dirty, allAreDirty, passedOverDue }: Books): boolean {
  return queue.length > 0 || dirty.size > 0 || allAreDirty || passedOverDue > 0
}

/**
 * Goes on with the run, or begins one with all agents that are to be looked at, in random order. A
 * bounded piece of it: while `hasWork`, it is to be called again. The order must hold.
 */
export function allocateSome(state: AllocatorState, now: Now): void {
  const { books } = state
  if (books.queue.length === 0) beginRun(state)
  let left = SLICE_COST
  while (left > 0) {
    const agent = books.queue.pop() ?? nextPassedOver(books)
    if (agent === undefined) break
    left -= AGENT_COST + lookAt(state, agent, now)
  }
}

/** Undefined: all have had their turn, or whoever had got room is full again. */
function nextPassedOver(books: Books): AgentBook | undefined {
  if (books.roomy.size === 0) books.passedOverDue = 0
  if (books.passedOverDue === 0) return undefined
  books.passedOverDue -= 1
  if (books.passedOverDue === 0) books.roomy.clear()
  let next = books.passedOverTurn.next()
  if (next.done) {
    books.passedOverTurn = books.passedOver.values()
    next = books.passedOverTurn.next()
  }
  return next.value
}

function beginRun({ books, random }: AllocatorState): void {
  const candidates = books.allAreDirty ? books.agents.values() : books.dirty.values()
  books.queue = shuffle(random, [...candidates].filter(hasSomething))
  books.dirty.clear()
  books.allAreDirty = false
}

const hasSomething = ({ standing }: AgentBook): boolean =>
  standing === 'idle' || standing === 'paused'

/**
 * Gives all that an agent has to the first role that may have it; gives how many it looked at. If
 * none may, the agent is looked at again when that can change by itself.
 */
function lookAt(state: AllocatorState, agent: AgentBook, now: Now): number {
  const { books } = state
  books.passedOver.delete(agent)
  if (!hasSomething(agent)) return 0
  const { order } = books
  const pausedMs = pausedUntilMs(agent, now)
  let retryAtMs: number | undefined
  let isPaused = false
  for (let index = 0; index < order.length; index++) {
    const role = order[index] as MemberBook
    if (isFull(role)) {
      // So are all behind it.
      books.passedOver.add(agent)
      break
    }
    const isLate = role.declinedLast && pausedMs !== undefined
    const untilMs = isLate ? pausedMs : filteredUntilMs({ agent, role }, agent.available, now)
    if (untilMs === undefined) {
      grant(state, { agent, index }, now)
      return index + 1
    }
    isPaused ||= isLate
    if (retryAtMs === undefined || untilMs < retryAtMs) retryAtMs = untilMs
  }
  setStanding(books, agent, isPaused ? 'paused' : 'idle')
  if (retryAtMs !== undefined) retry(books, agent, retryAtMs)
  return order.length
}

/** An earlier time that was set before stays: a look too many does no harm. */
function retry({ retries }: Books, agent: AgentBook, atMs: number): void {
  if (agent.retryAtMs !== undefined && agent.retryAtMs <= atMs) return
  agent.retryAtMs = atMs
  retries.set(agent.agentId, atMs, agent)
}

function grant(
  state: AllocatorState,
  { agent, index }: { readonly agent: AgentBook; readonly index: number },
  now: Now,
): void {
  const { books } = state
  const role = books.order[index] as MemberBook
  const { agentId, version: agentVersion, available: resources } = agent
  const { principal, frameworkId } = role
  state.lastAllocation += 1
  state.allocations.push({
    allocation: state.lastAllocation,
    agentId,
    agentVersion,
    principal,
    frameworkId,
    role: role.role,
    resources: agent.pending.size === 0 ? agent.freeList : listResources(resources),
  })
  if (role.declinedLast) noteLateGrant(agent, now)
  role.given += 1
  addPending(books, { allocation: state.lastAllocation, agent, agentVersion, role, resources })
  if (isFull(role)) books.roomy.delete(role)
  moveBack(books, index)
}
