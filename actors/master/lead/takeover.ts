/** From holding the lease to leading: what earlier leaders wrote, and who is to come back. */
import { LEADER_BEAT_MS } from '../../../protocol/limits.ts'
import type { RegistryBatch, RegistryRecord } from '../../../protocol/schema/master.ts'
import { PROTOCOL_VERSIONS } from '../../../protocol/version.ts'
import { agentOf, invite, scheduleReturn, stepAgent } from '../agents/agents.ts'
import { memberOf } from '../books.ts'
import type { Framework } from '../entities.ts'
import { forgetEnded, newFramework, schedulePing, stepFramework } from '../frameworks/end.ts'
import { holdAnew, holderOf } from '../frameworks/instances.ts'
import { pickTerms } from '../frameworks/terms.ts'
import { tellWorld } from '../public-events.ts'
import { believable, fold, highestEpoch, readBack, record } from '../registry.ts'
import { recallQuota, recallWeight } from '../roles/changes.ts'
import { awaitAgents } from '../roles/recovery.ts'
import { type AfterWrite, count, newLeader } from '../state.ts'
import { fenceOf, type LeaderTurn, log, type Turn } from '../turn.ts'
import { epochHeld, raiseEpoch } from './epochs.ts'
import { stepLease } from './lease.ts'

/** Invitations at once; the others have their turn at the next beat. */
const INVITED_PER_BEAT = 2_000

/** The log was read: at a takeover it is taken over, later it tells a write's fate. */
export function registryRead(
  turn: Turn,
  written: readonly RegistryBatch[],
  lastSequence: number,
): readonly AfterWrite[] {
  const { state, now } = turn
  const batches = believable(written, state.highestEpoch)
  const absurd = written.length - batches.length
  if (absurd > 0) count(state, 'registry-batches-absurd', absurd)
  const epoch = epochHeld(state)
  const hasBegun = batches.some((batch) => batch.epoch === epoch && batch.run === state.run)
  // Before its first record is written, a leader knows nothing that the log has not told it.
  if (state.leader !== undefined && (hasBegun || state.lease.state === 'leading')) {
    const outcome = readBack({ ...turn, leader: state.leader }, batches, lastSequence)
    if (outcome !== 'superseded') return outcome
    raiseEpoch(turn, highestEpoch(batches))
    stepLease(turn, 'lease.lost')
    return []
  }
  if (state.lease.state !== 'recovering') return []
  if (highestEpoch(batches) >= epoch) {
    // The lease's record was lost and began anew: take it again, above what the log has seen.
    raiseEpoch(turn, highestEpoch(batches))
    stepLease(turn, 'lease.lost')
    return []
  }
  const leader = newLeader(epoch, now.wallMs, lastSequence)
  state.leader = leader
  const leaderTurn = { ...turn, leader }
  for (const fact of fold(batches)) recall(leaderTurn, fact)
  record(leaderTurn, { kind: 'epoch' }, { after: 'lead' })
  return []
}

function recall(turn: LeaderTurn, fact: RegistryRecord): void {
  const { leader } = turn
  if (fact.kind === 'agent-admitted') {
    const agent = agentOf(turn, fact.agentId)
    if (agent.state === 'unreachable') leader.agents.delete(fact.agentId)
    const known = agentOf(turn, fact.agentId)
    known.isAdmitted = true
    if (known.state === 'unknown') stepAgent(turn, known, 'registry.known')
  } else if (fact.kind === 'agent-unreachable') {
    leader.agents.delete(fact.agentId)
    const agent = agentOf(turn, fact.agentId)
    agent.unreachableAtMs = fact.atMs
    stepAgent(turn, agent, 'registry.unreachable')
  } else if (fact.kind === 'agent-left') {
    leader.agents.delete(fact.agentId)
    leader.absent.delete(fact.agentId)
  } else if (fact.kind === 'weights') {
    for (const weight of fact.weights) recallWeight(turn, weight)
  } else if (fact.kind === 'quotas') {
    for (const quota of fact.quotas) recallQuota(turn, quota)
  } else if ('principal' in fact) recallFramework(turn, fact)
}

type FrameworkFact = Extract<RegistryRecord, { principal: string }>

function recallFramework(turn: LeaderTurn, fact: FrameworkFact): void {
  const { frameworks } = turn.leader
  const fresh = newFramework(fact, 'before')
  if (fact.kind === 'framework-forgotten') {
    frameworks.delete(fresh.key)
    return
  }
  const known = frameworks.get(fresh.key)
  // Written while its end, or the first secret's record, was still on its way.
  const isLate = known !== undefined && fact.kind === 'framework' && !isOf(known, fact.secretHash)
  if (isLate) return
  frameworks.set(fresh.key, fresh)
  if (fact.kind === 'framework-ended') {
    stepFramework(turn, fresh, 'registry.ended')
    return
  }
  fresh.name = fact.name
  fresh.secretHash = fact.secretHash
  fresh.failoverMs = fact.failoverMs
  fresh.terms = pickTerms(fact)
  fresh.holder = holderOf(fact)
  for (const role of fact.roles) memberOf(fresh, role).isLeft = false
  stepFramework(turn, fresh, 'registry.known')
}

/** An ended framework takes no more terms, and no framework those of another secret. */
function isOf({ state, secretHash }: Framework, hash: string): boolean {
  return state !== 'ended' && secretHash === hash
}

/** Its epoch is in the log: from here on it speaks. */
export function lead(turn: LeaderTurn): void {
  const { leader, state } = turn
  if (!stepLease(turn, 'registry.ready')) return
  log(turn, 'leads', { epoch: leader.epoch, agents: leader.agents.size })
  for (const agent of leader.agents.values()) {
    if (agent.state !== 'recovering') continue
    leader.uninvited.add(agent.agentId)
    scheduleReturn(turn, agent, state.rules.reregisterMs)
  }
  awaitAgents(turn)
  beat(turn)
  for (const framework of leader.frameworks.values()) {
    if (framework.state === 'ended') continue
    leader.events.add(framework.key, framework, { kind: 'ping' })
    holdAnew(turn, framework)
    schedulePing(turn, framework)
  }
  tellWorld(turn, { kind: 'master', what: 'leads' }, { name: state.masterId })
}

/** Says that it leads; the next is due after LEADER_BEAT_MS. */
export function beat(turn: LeaderTurn): void {
  const { leader, state, now } = turn
  const { session } = leader.allocator ?? {}
  turn.effects.push({
    do: 'send-leader-beat',
    body: {
      ...fenceOf(turn),
      master: state.masterId,
      version: PROTOCOL_VERSIONS,
      ...(session !== undefined && { allocator: session.id }),
    },
  })
  leader.deadlines.set('leader-beat', now.monotonicMs + LEADER_BEAT_MS, { due: 'leader-beat' })
  inviteSome(turn)
  forgetEnded(turn)
}

/** A recovering agent is invited once; if that is lost it comes by itself. */
function inviteSome(turn: LeaderTurn): void {
  let left = INVITED_PER_BEAT
  for (const agentId of turn.leader.uninvited) {
    if (left === 0) return
    left -= 1
    turn.leader.uninvited.delete(agentId)
    const agent = turn.leader.agents.get(agentId)
    if (agent?.state === 'recovering') invite(turn, agent)
  }
}
