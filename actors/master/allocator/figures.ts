/** What the allocator is told, in absolute figures: those that have changed, slice by slice. */
import type { AgentId } from '../../../protocol/ids.ts'
import { OFFERS_UNANSWERED_MAX } from '../../../protocol/limits.ts'
import { isEmpty, listResources } from '../../../protocol/resources.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import { cut } from '../../parts/outbox.ts'
import { nextNumber } from '../../parts/session.ts'
import { frameworkOf } from '../books.ts'
import type { Framework } from '../entities.ts'
import { isOnTrial } from '../frameworks/lateness.ts'
import { memberTerms } from '../frameworks/terms.ts'
import { liveFilters } from '../offers/filters.ts'
import { sumsOf } from '../roles/amounts.ts'
import { limitOf, termsOf } from '../roles/books.ts'
import type { AllocationAnswer, AllocatorLink, FilterKey } from '../state.ts'
import { fenceOf, type LeaderTurn } from '../turn.ts'

/** Figures of one turn: about ten milliseconds. */
const FIGURES_PER_TURN = 1_000
/** Answers of one figure. */
const ANSWERS_MAX = 4_096

export function agentFigure({ leader }: LeaderTurn, agentId: AgentId): AllocatorFigure {
  const agent = leader.agents.get(agentId)
  if (agent?.state !== 'registered') return { kind: 'agent-gone', agentId }
  return { kind: 'agent', agentId, version: agent.version, free: listResources(agent.free) }
}

/** None of one that has gone since. */
export function agentInfoFigure(
  { leader }: LeaderTurn,
  agentId: AgentId,
): AllocatorFigure | undefined {
  const agent = leader.agents.get(agentId)
  if (agent?.state !== 'registered' || agent.info === undefined) return undefined
  const { hostname, attributes, resources: total } = agent.info
  return { kind: 'agent-info', agentId, hostname, attributes, total }
}

export function roleFigure({ roles }: LeaderTurn['leader'], role: string): AllocatorFigure {
  const { weight, guarantee } = termsOf(roles, role)
  const limit = sumsOf(limitOf(roles, role))
  return { kind: 'role', role, weight, guarantee: sumsOf(guarantee), limit }
}

export function memberFigure(framework: Framework, name: string): AllocatorFigure {
  const { principal, frameworkId } = framework
  const role = framework.roles.get(name)
  // Its tasks may still be ending: what they have counts for the role until they have.
  const isOver = framework.state === 'ended' && (role === undefined || isEmpty(role.allocated))
  if (role === undefined || isOver)
    return { kind: 'member-gone', principal, frameworkId, role: name }
  return {
    kind: 'member',
    principal,
    frameworkId,
    role: name,
    // What it has counts while it is away or has left, but nothing is offered to it.
    suppressed: role.isLeft || role.isSuppressed || framework.state !== 'subscribed',
    allocated: listResources(role.allocated),
    declinedLast: role.isDeclinedLast,
    offers: isOnTrial(role) ? OFFERS_UNANSWERED_MAX - 1 + role.offers : role.offers,
  }
}

export function memberTermsFigure(framework: Framework, role: string): AllocatorFigure {
  const { principal, frameworkId } = framework
  return { kind: 'member-terms', principal, frameworkId, role, ...memberTerms(framework, role) }
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
  if (hasChanges(leader) || allocator.retelling !== undefined) return true
  if (!allocator.isTold) return true
  return allocator.figures.length + allocator.answers.length > 0
}

function hasChanges(leader: LeaderTurn['leader']): boolean {
  const { dirtyRoles, dirtyAgents, dirtyAgentInfos, dirtyMembers, dirtyFilters } = leader
  if (dirtyRoles.size > 0) return true
  return dirtyAgents.size + dirtyAgentInfos.size + dirtyMembers.size + dirtyFilters.size > 0
}

/**
 * Says what has changed, each answer after the figure of its agent. What is more than one turn may
 * say is said in the next ones: all that a large cluster has would take a second.
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
  if (!link.isTold && !hasChanges(leader)) {
    figures.push({ kind: 'complete' })
    link.isTold = true
  }
  if (link.isTold) retell(turn, left, figures)
  const answers = takeAnswers(leader, link)
  for (let from = 0; from < answers.length; from += ANSWERS_MAX) {
    figures.push({ kind: 'answered', answers: answers.slice(from, from + ANSWERS_MAX) })
  }
  const { id: session, heard } = link.session
  const { epoch, run } = fenceOf(turn)
  for (const list of cut(figures)) {
    const n = nextNumber(link.session)
    const body = { epoch, run, session, n, heard, figures: [...list] }
    turn.effects.push({ do: 'send-figures', body })
  }
}

/** What has changed goes before what is told once more: shadows wait for nobody else's sake. */
function retell(turn: LeaderTurn, countMax: number, into: AllocatorFigure[]): void {
  const link = turn.leader.allocator
  for (let left = countMax; link?.retelling !== undefined && left > 0; left--) {
    const { value, done } = link.retelling.next()
    if (done) link.retelling = undefined
    else into.push('kind' in value ? value : filterFigure(turn, value))
  }
}

/**
 * Takes what has changed, one by one. Roles come first: what was taken back for their sake is
 * allocated by their new terms. Filters come after the agent and the role of theirs.
 */
function* changes(turn: LeaderTurn): Generator<AllocatorFigure> {
  const { dirtyRoles, dirtyMembers, dirtyAgentInfos, dirtyAgents, dirtyFilters } = turn.leader
  for (const role of dirtyRoles) {
    dirtyRoles.delete(role)
    yield roleFigure(turn.leader, role)
  }
  for (const [framework, roles] of dirtyMembers) {
    for (const role of roles) {
      const terms = untoldTerms(turn, framework, role)
      // Perhaps the last figure of this turn: the member is still to be said then.
      if (terms !== undefined) yield terms
      roles.delete(role)
      if (roles.size === 0) dirtyMembers.delete(framework)
      yield changedMember(turn, framework, role)
    }
  }
  for (const agentId of dirtyAgentInfos) {
    dirtyAgentInfos.delete(agentId)
    const figure = agentInfoFigure(turn, agentId)
    if (figure !== undefined) yield figure
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

/**
 * An answer waits for its own agent alone: a leader that is always behind with some figure must not
 * keep the allocator from going on with the others.
 */
function takeAnswers(
  { dirtyAgents }: LeaderTurn['leader'],
  link: AllocatorLink,
): Omit<AllocationAnswer, 'agentId'>[] {
  if (link.answers.length === 0) return []
  const said = link.answers.filter(({ agentId }) => !dirtyAgents.has(agentId))
  link.answers = link.answers.filter(({ agentId }) => dirtyAgents.has(agentId))
  return said.map(({ allocation, outcome }) => ({ allocation, outcome }))
}

/** There is nobody to tell: whoever comes is told everything. */
export function forgetDirty({ leader }: LeaderTurn): void {
  leader.dirtyRoles.clear()
  leader.dirtyAgentInfos.clear()
  leader.dirtyAgents.clear()
  leader.dirtyMembers.clear()
  leader.dirtyFilters.clear()
}

/** The framework may be gone, and another be there by its name. */
function changedMember({ leader }: LeaderTurn, changed: Framework, role: string): AllocatorFigure {
  const { key, principal, frameworkId } = changed
  const framework = leader.frameworks.get(key)
  if (framework === undefined) return { kind: 'member-gone', principal, frameworkId, role }
  return memberFigure(framework, role)
}

function untoldTerms(
  { leader }: LeaderTurn,
  { key }: Framework,
  role: string,
): AllocatorFigure | undefined {
  const framework = leader.frameworks.get(key)
  const member = framework?.roles.get(role)
  if (framework === undefined || member === undefined || member.areTermsTold) return undefined
  member.areTermsTold = true
  return memberTermsFigure(framework, role)
}
