/** The leader's side of the allocator: absolute figures out, allocations in. */
import type { AgentId, SessionId } from '../../protocol/ids.ts'
import { ALLOCATOR_PING_MS, ALLOCATOR_PINGS_MISSED_MAX } from '../../protocol/limits.ts'
import { listResources } from '../../protocol/resources.ts'
import type { AllocatorFigure } from '../../protocol/schema/allocator.ts'
import type { AllocatorReport, AllocatorReports, Waiting } from '../../protocol/schema/master.ts'
import { commonVersion, PROTOCOL_VERSION } from '../../protocol/version.ts'
import { cut } from '../parts/outbox.ts'
import { hear, newSession, nextNumber } from '../parts/session.ts'
import { isEchoing } from './agents.ts'
import { frameworkOf, touchRole } from './books.ts'
import type { Framework } from './entities.ts'
import { liveFilters, touchFilter } from './filters.ts'
import { makeOffer } from './offers.ts'
import { count, type FilterKey } from './state.ts'
import { fenceOf, type LeaderTurn, log } from './turn.ts'

/** Figures of one turn: about ten milliseconds. */
const FIGURES_PER_TURN = 1_000

export function allocatorReports(turn: LeaderTurn, body: AllocatorReports): void {
  const { leader } = turn
  const first = body.reports[0]
  if (first?.kind === 'complaint') return count(turn.state, 'complaints')
  if (body.session === undefined || body.n === undefined) {
    return count(turn.state, 'reports-without-session')
  }
  if (first?.kind === 'open' && body.n === 1) {
    if (leader.allocator?.session.id !== body.session) open(turn, body.session, first.version)
    return
  }
  const link = leader.allocator
  if (link?.session.id !== body.session) return count(turn.state, 'allocator-messages-foreign')
  const heard = hear(link.session, body.n)
  if (heard === 'repeated') return count(turn.state, 'allocator-messages-repeated')
  if (heard === 'gap') return close(turn)
  link.missed = 0
  for (const report of body.reports) handle(turn, report)
}

/** The newest one is the allocator; it is told everything. */
function open(
  turn: LeaderTurn,
  session: SessionId,
  version: Extract<AllocatorReport, { kind: 'open' }>['version'],
): void {
  const { leader } = turn
  if (commonVersion(version) === undefined) {
    return count(turn.state, 'allocators-refused')
  }
  if (leader.allocator !== undefined) close(turn)
  const link = { session: newSession(session), missed: 0, figures: [], answers: [], isTold: false }
  link.session.heard = 1
  leader.allocator = link
  say(turn, [
    {
      kind: 'opened',
      version: PROTOCOL_VERSION,
      pingMs: ALLOCATOR_PING_MS,
      pingsMissedMax: ALLOCATOR_PINGS_MISSED_MAX,
    },
  ])
  touchEverything(turn)
  schedulePing(turn)
  log(turn, 'an allocator has opened a session')
}

/** All is news to it; what an earlier allocator knew of waiting is over. */
function touchEverything(turn: LeaderTurn): void {
  const { leader } = turn
  forgetDirty(turn)
  for (const { agentId, state } of leader.agents.values()) {
    if (state === 'registered') leader.dirtyAgents.add(agentId)
  }
  for (const framework of leader.frameworks.values()) {
    if (framework.state === 'ended') continue
    for (const [name, role] of framework.roles) {
      role.waiting = undefined
      touchRole(turn, framework, name)
      for (const agentId of role.filters.keys()) touchFilter(turn, framework, name, agentId)
    }
  }
}

/** A message was lost, or another allocator came: it must open anew. */
function close(turn: LeaderTurn): void {
  say(turn, [{ kind: 'closed' }])
  flushFigures(turn)
  turn.leader.allocator = undefined
  turn.leader.deadlines.clear('allocator-ping')
}

function handle(turn: LeaderTurn, report: AllocatorReport): void {
  const { leader } = turn
  if (report.kind === 'allocate') {
    for (const allocation of report.allocations) {
      const outcome = makeOffer(turn, allocation) ? 'made' : 'refused'
      if (outcome === 'made') setWaiting(turn, allocation, undefined)
      count(turn.state, `allocations-${outcome}`)
      leader.allocator?.answers.push({ allocation: allocation.allocation, outcome })
      // Refused from an old view: it is told the new one.
      if (outcome === 'refused' && leader.agents.has(allocation.agentId)) {
        leader.dirtyAgents.add(allocation.agentId)
      }
    }
  } else if (report.kind === 'waiting') {
    for (const waiting of report.waiting) setWaiting(turn, waiting, waiting.agents)
  }
}

/** It is gone with its role. */
function setWaiting(
  turn: LeaderTurn,
  of: Pick<Waiting, 'principal' | 'frameworkId' | 'role'>,
  agents: Waiting['agents'] | undefined,
): void {
  const role = frameworkOf(turn, of)?.roles.get(of.role)
  if (role !== undefined) role.waiting = agents
}

function schedulePing({ leader, now }: LeaderTurn): void {
  const atMs = now.monotonicMs + ALLOCATOR_PING_MS
  leader.deadlines.set('allocator-ping', atMs, { due: 'allocator-ping' })
}

export function pingAllocator(turn: LeaderTurn): void {
  const link = turn.leader.allocator
  if (link === undefined) return
  if (isEchoing(turn, 'agents')) link.missed += 1
  if (link.missed > ALLOCATOR_PINGS_MISSED_MAX) {
    count(turn.state, 'allocators-lost')
    close(turn)
    return
  }
  say(turn, [{ kind: 'ping' }])
  schedulePing(turn)
}

function say({ leader }: LeaderTurn, figures: readonly AllocatorFigure[]): void {
  // One by one: there may be more of them than a call takes arguments.
  for (const figure of figures) leader.allocator?.figures.push(figure)
}

function agentFigure({ leader }: LeaderTurn, agentId: AgentId): AllocatorFigure {
  const agent = leader.agents.get(agentId)
  if (agent?.state !== 'registered') return { kind: 'agent-gone', agentId }
  const { version, info } = agent
  // As the agent itself has listed it.
  const total = info?.resources ?? []
  return { kind: 'agent', agentId, version, total, free: listResources(agent.free) }
}

function roleFigure(framework: Framework, name: string): AllocatorFigure {
  const { principal, frameworkId } = framework
  const role = framework.roles.get(name)
  const isGone = role === undefined || framework.state === 'ended'
  if (isGone) return { kind: 'role-gone', principal, frameworkId, role: name }
  return {
    kind: 'role',
    principal,
    frameworkId,
    role: name,
    // What it has counts while it is away or has left, but nothing is offered to it.
    suppressed: role.isLeft || role.isSuppressed || framework.state !== 'subscribed',
    allocated: listResources(role.allocated),
    declinedLast: role.isDeclinedLast,
  }
}

function filterFigure(
  turn: LeaderTurn,
  { framework: key, role, agentId }: FilterKey,
): AllocatorFigure {
  const nowMs = turn.now.monotonicMs
  const filters = frameworkOf(turn, key)?.roles.get(role)?.filters.get(agentId)
  const declined = liveFilters(filters, nowMs).map(({ resources, untilMs }) => ({
    resources: listResources(resources),
    forMs: Math.ceil(untilMs - nowMs),
  }))
  const { principal, frameworkId } = key
  return { kind: 'filter', principal, frameworkId, role, agentId, declined }
}

export function allocatorWantsFlush(leader: LeaderTurn['leader']): boolean {
  const { allocator } = leader
  if (allocator === undefined) return false
  return hasChanges(leader) || allocator.figures.length + allocator.answers.length > 0
}

function hasChanges({ dirtyAgents, dirtyRoles, dirtyFilters }: LeaderTurn['leader']): boolean {
  return dirtyAgents.size + dirtyRoles.size + dirtyFilters.size > 0
}

/**
 * Says what has changed: figures first, then the answers that they follow from. What is more than
 * one turn may say is said in the next ones: all that a large cluster has would take a second.
 */
export function flushFigures(turn: LeaderTurn): void {
  const { leader } = turn
  const link = leader.allocator
  if (link === undefined) return forgetDirty(turn)
  const figures = link.figures.splice(0)
  let left = FIGURES_PER_TURN
  for (const figure of changes(turn)) {
    figures.push(figure)
    left -= 1
    if (left === 0) break
  }
  if (!hasChanges(leader)) {
    if (!link.isTold) figures.push({ kind: 'complete' })
    link.isTold = true
    const answers = link.answers.splice(0)
    for (let from = 0; from < answers.length; from += 4096) {
      figures.push({ kind: 'answered', answers: answers.slice(from, from + 4096) })
    }
  }
  for (const list of cut(figures)) {
    const numbers = {
      session: link.session.id,
      n: nextNumber(link.session),
      heard: link.session.heard,
    }
    const body = { ...fenceOf(turn), ...numbers, figures: [...list] }
    turn.effects.push({ do: 'send-figures', body })
  }
}

/** Takes what has changed, one by one. Filters come after the agent and the role of theirs. */
function* changes(turn: LeaderTurn): Generator<AllocatorFigure> {
  const { dirtyRoles, dirtyAgents, dirtyFilters } = turn.leader
  for (const [framework, roles] of dirtyRoles) {
    for (const role of roles) {
      roles.delete(role)
      if (roles.size === 0) dirtyRoles.delete(framework)
      yield changedRole(turn, framework, role)
    }
  }
  for (const agentId of dirtyAgents) {
    dirtyAgents.delete(agentId)
    yield agentFigure(turn, agentId)
  }
  for (const [key, filter] of dirtyFilters) {
    dirtyFilters.delete(key)
    yield filterFigure(turn, filter)
  }
}

/** There is nobody to tell: whoever comes is told everything. */
function forgetDirty({ leader }: LeaderTurn): void {
  leader.dirtyAgents.clear()
  leader.dirtyRoles.clear()
  leader.dirtyFilters.clear()
}

/** The framework may be gone, and another be there by its name. */
function changedRole({ leader }: LeaderTurn, changed: Framework, role: string): AllocatorFigure {
  const { key, principal, frameworkId } = changed
  const framework = leader.frameworks.get(key)
  if (framework === undefined) return { kind: 'role-gone', principal, frameworkId, role }
  return roleFigure(framework, role)
}
