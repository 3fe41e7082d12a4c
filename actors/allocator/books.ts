/** How agents and roles stand, kept after each change of what they rest on. */
import { type FrameworkKey, frameworkKey } from '../../protocol/ids.ts'
import {
  addResources,
  NO_RESOURCES,
  type Resources,
  scalarOf,
  subtractResources,
} from '../../protocol/resources.ts'
import { addScalars, dominantShare } from './dominant-share.ts'
import { isFull, markStale } from './order.ts'
import type { AgentBook, Books, MemberBook, Pending, Standing } from './state.ts'

/** Less is of no use to anybody: 0.01 cpus, or 32 MiB. In thousandths. */
const CPUS_MIN = 10
const MEM_MIN = 32_000

/** No id holds a dot, so no two roles share a key, whatever a role is made of. */
export function memberKey(of: FrameworkKey & { readonly role: string }): string {
  return `${frameworkKey(of)}.${of.role}`
}

/** Sets how an agent stands, and counts it. */
export function setStanding(books: Books, agent: AgentBook, standing: Standing): void {
  if (!agent.isGone) {
    books.standings[agent.standing] -= 1
    books.standings[standing] += 1
  }
  agent.standing = standing
}

/** After a change of what an agent has free or pending; what is there for somebody is looked at. */
export function restand(books: Books, agent: AgentBook): void {
  agent.available = availableOf(agent)
  const cpus = scalarOf(agent.available, 'cpus')
  const mem = scalarOf(agent.available, 'mem')
  if (cpus >= CPUS_MIN || mem >= MEM_MIN) {
    setStanding(books, agent, 'idle')
    books.dirty.add(agent)
  } else if (agent.pending.size > 0) setStanding(books, agent, 'taken')
  else setStanding(books, agent, cpus + mem > 0 ? 'too-small' : 'none-free')
}

/**
 * A leader may have taken a pending allocation off `free` before it says so: then all must wait.
 */
function availableOf({ free, pending }: AgentBook): Resources {
  if (pending.size === 0) return free
  const sum = [...pending].reduce(
    (all, { resources }) => addResources(all, resources),
    NO_RESOURCES,
  )
  return subtractResources(free, sum) ?? NO_RESOURCES
}

/** Takes note of an allocation of all that is available of an agent. */
export function addPending(books: Books, pending: Pending): void {
  const { agent } = pending
  books.pending.set(pending.allocation, pending)
  agent.pending.add(pending)
  countPending(books, pending, 1)
  agent.available = NO_RESOURCES
  setStanding(books, agent, 'taken')
}

export function removePending(books: Books, pending: Pending): void {
  const { agent } = pending
  books.pending.delete(pending.allocation)
  agent.pending.delete(pending)
  const wasFull = isFull(pending.role)
  countPending(books, pending, -1)
  if (wasFull) noteRoom(books, pending.role)
  markStale(books, 'places')
  if (!agent.isGone) restand(books, agent)
  else if (agent.pending.size === 0) books.agents.delete(agent.agentId)
}

/** A role was full; if it is no more, agents that it was passed over for are looked at again. */
export function noteRoom(books: Books, role: MemberBook): void {
  if (isFull(role)) return
  books.roomy.add(role)
  books.passedOverDue = books.passedOver.size
}

function countPending(books: Books, { role, resources }: Pending, sign: 1 | -1): void {
  role.pendingCount += sign
  addScalars(role.pendingSum, resources, sign)
  addScalars(role.held, resources, sign)
  role.share = dominantShare(role.held, books.total)
}

/** What a role holds: what the leader says, and what it was not asked about yet. */
export function setAllocated(books: Books, role: MemberBook, allocated: Resources): void {
  role.held.clear()
  for (const [name, thousandths] of role.pendingSum) role.held.set(name, thousandths)
  addScalars(role.held, allocated, 1)
  role.share = dominantShare(role.held, books.total)
}
