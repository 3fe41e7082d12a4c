/** The leader's side of the allocator's session: who it is, and what it allocates. */
import type { SessionId } from '../../../protocol/ids.ts'
import { ALLOCATOR_PING_MS, ALLOCATOR_PINGS_MISSED_MAX } from '../../../protocol/limits.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import type { AllocatorReport, AllocatorReports } from '../../../protocol/schema/master.ts'
import { commonVersion, PROTOCOL_VERSION } from '../../../protocol/version.ts'
import { hear, newSession } from '../../parts/session.ts'
import { isEchoing } from '../agents/agents.ts'
import { touchMember } from '../books.ts'
import { endExplanations, takeExplained } from '../explain/explaining.ts'
import { touchFilter } from '../offers/filters.ts'
import { makeOffer } from '../offers/offers.ts'
import { tellWorld } from '../public-events.ts'
import { type AllocatorLink, count } from '../state.ts'
import { fenceOf, type LeaderTurn, log, warn } from '../turn.ts'
import { flushFigures, forgetDirty } from './figures.ts'
import { clusterRules, startRetelling } from './retelling.ts'

export function allocatorReports(turn: LeaderTurn, body: AllocatorReports): void {
  const { leader } = turn
  const first = body.reports[0]
  if (first?.kind === 'complaint') return count(turn.state, 'complaints')
  if (first?.kind === 'shadow') return startRetelling(turn)
  if (body.session === undefined || body.n === undefined) {
    return count(turn.state, 'reports-without-session')
  }
  if (first?.kind === 'open' && body.n === 1) {
    if (leader.allocator?.session.id === body.session) return
    if (leader.closedSessions.has(body.session)) return refuseClosed(turn, body.session)
    return open(turn, body.session, first)
  }
  const link = leader.allocator
  if (link?.session.id !== body.session) return count(turn.state, 'allocator-messages-foreign')
  const heard = hear(link.session, body.n)
  if (heard === 'repeated') return count(turn.state, 'allocator-messages-repeated')
  if (heard === 'gap') return close(turn)
  link.missed = 0
  for (const report of body.reports) handle(turn, report)
}

const newLink = (session: SessionId, policy: string | undefined): AllocatorLink => ({
  session: newSession(session),
  policy,
  missed: 0,
  figures: [],
  answers: [],
  isTold: false,
  retelling: undefined,
  retoldAtMs: undefined,
})

/** The newest one is the allocator; it is told everything. */
function open(
  turn: LeaderTurn,
  session: SessionId,
  { version, policy }: Extract<AllocatorReport, { kind: 'open' }>,
): void {
  const { leader } = turn
  if (commonVersion(version) === undefined) {
    return count(turn.state, 'allocators-refused')
  }
  if (leader.allocator !== undefined) close(turn)
  const link = newLink(session, policy)
  link.session.heard = 1
  leader.allocator = link
  say(turn, [
    {
      kind: 'opened',
      version: PROTOCOL_VERSION,
      pingMs: ALLOCATOR_PING_MS,
      pingsMissedMax: ALLOCATOR_PINGS_MISSED_MAX,
      ...clusterRules(turn),
    },
  ])
  touchEverything(turn)
  schedulePing(turn)
  log(turn, 'an allocator has opened a session', policy === undefined ? undefined : { policy })
}

/**
 * Said again, or a copy that comes late. If the session began anew, its numbers would come a second
 * time, and an allocator that has heard some of the first would drop as many of the new messages.
 * This ends one that has heard none, and another one by its silence; what each does then, the beats
 * say.
 */
function refuseClosed(turn: LeaderTurn, session: SessionId): void {
  count(turn.state, 'allocators-late')
  const body = { ...fenceOf(turn), session, n: 1, heard: 1, figures: [{ kind: 'closed' as const }] }
  turn.effects.push({ do: 'send-figures', body })
}

/** All is news to it. */
function touchEverything(turn: LeaderTurn): void {
  const { leader } = turn
  forgetDirty(turn)
  for (const role of leader.roles.terms.keys()) leader.dirtyRoles.add(role)
  for (const { agentId, state } of leader.agents.values()) {
    if (state !== 'registered') continue
    leader.dirtyAgentInfos.add(agentId)
    leader.dirtyAgents.add(agentId)
  }
  for (const framework of leader.frameworks.values()) {
    for (const [name, role] of framework.roles) {
      role.areTermsTold = false
      touchMember(turn, framework, name)
      for (const agentId of role.filters.keys()) touchFilter(turn, framework, name, agentId)
    }
  }
}

/** A message was lost, its pings were not answered, or another one came: it must open anew. */
function close(turn: LeaderTurn): void {
  const { leader } = turn
  say(turn, [{ kind: 'closed' }])
  flushFigures(turn)
  if (leader.allocator !== undefined) leader.closedSessions.set(leader.allocator.session.id, true)
  leader.allocator = undefined
  leader.deadlines.clear('allocator-ping')
  endExplanations(turn)
}

function handle(turn: LeaderTurn, report: AllocatorReport): void {
  const { leader } = turn
  if (report.kind === 'explained') return takeExplained(turn, report)
  if (report.kind === 'policy-failed') return tellOfPolicy(turn, report)
  if (report.kind !== 'allocate') return
  for (const allocation of report.allocations) {
    const outcome = makeOffer(turn, allocation) ? 'made' : 'refused'
    count(turn.state, `allocations-${outcome}`)
    const { agentId } = allocation
    leader.allocator?.answers.push({ agentId, allocation: allocation.allocation, outcome })
    // Refused from an old view: it is told the new one.
    if (outcome === 'refused' && leader.agents.has(agentId)) leader.dirtyAgents.add(agentId)
  }
}

/** The allocator says so at each open: who missed it the last time hears it now. */
function tellOfPolicy(
  turn: LeaderTurn,
  { policy, problem }: Extract<AllocatorReport, { kind: 'policy-failed' }>,
): void {
  count(turn.state, 'policies-failed')
  warn(turn, "the allocator's policy failed, it goes on with the default", { policy, problem })
  const subject = { kind: 'allocator', what: 'policy-failed' } as const
  tellWorld(turn, subject, { name: policy, message: problem })
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
