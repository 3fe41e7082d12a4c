/** From holding the lease to leading: what earlier leaders wrote, and who is to come back. */
import { LEADER_BEAT_MS } from '../../../protocol/limits.ts'
import type { RegistryRecord } from '../../../protocol/schema/master.ts'
import { PROTOCOL_VERSIONS } from '../../../protocol/version.ts'
import { awaitAgents } from '../agents/inviting.ts'
import { recallAgent } from '../agents/recalling.ts'
import { memberOf } from '../books.ts'
import type { Framework } from '../entities.ts'
import { forgetEnded, newFramework, schedulePing, stepFramework } from '../frameworks/end.ts'
import { holdAnew, holderOf } from '../frameworks/instances.ts'
import { pickTerms } from '../frameworks/terms.ts'
import { tellWorld } from '../public-events.ts'
import type { Takeover } from '../registry/state.ts'
import { recordsOf } from '../registry/table.ts'
import { record } from '../registry.ts'
import { recallQuota, recallWeight } from '../roles/changes.ts'
import { shutLimits } from '../roles/recovery.ts'
import { count, newLeader } from '../state.ts'
import { fenceOf, type LeaderTurn, log, type Turn, warn } from '../turn.ts'
import { epochHeld } from './epochs.ts'
import { stepLease } from './lease.ts'

/** Takes over what this master's copy holds; a log that holds less gets all of it first. */
export function takeOver(turn: Turn, log: NonNullable<Takeover['log']>): void {
  const { state, now } = turn
  const { copy } = state.registry
  const leader = newLeader(epochHeld(state), now.wallMs, log.lastSequence)
  state.leader = leader
  const leaderTurn = { ...turn, leader }
  for (const fact of recordsOf(copy.table)) recall(leaderTurn, fact)
  if (!log.isWhole) {
    count(state, 'registry-reseeded')
    warn(turn, 'the log lacks records of the registry: all is written anew', { ...copy.position })
  }
  const after = { after: log.isWhole ? 'lead' : 'seed' } as const
  record(leaderTurn, { kind: 'epoch', after: copy.position }, after)
}

function recall(turn: LeaderTurn, fact: RegistryRecord): void {
  if ('agentId' in fact) recallAgent(turn, fact)
  else if (fact.kind === 'weights') {
    for (const weight of fact.weights) recallWeight(turn, weight)
  } else if (fact.kind === 'quotas') {
    for (const quota of fact.quotas) recallQuota(turn, quota)
  } else if ('principal' in fact) recallFramework(turn, fact)
}

type FrameworkFact = Extract<RegistryRecord, { principal: string }>

function recallFramework(turn: LeaderTurn, fact: FrameworkFact): void {
  const { frameworks, endedFrameworks } = turn.leader
  const fresh = newFramework(fact, 'before')
  const known = frameworks.get(fresh.key)
  // Written while its end, or the first secret's record, was still on its way.
  const isLate = known !== undefined && fact.kind === 'framework' && !isOf(known, fact.secretHash)
  if (isLate) return
  frameworks.delete(fresh.key)
  if (known !== undefined) endedFrameworks.delete(known)
  if (fact.kind === 'framework-forgotten') return
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
  state.registry.takeover = undefined
  log(turn, 'leads', { epoch: leader.epoch, agents: leader.agents.size })
  // Agents obey nobody of whom they have not heard that it leads: its invitations come after this.
  beat(turn)
  awaitAgents(turn)
  shutLimits(turn)
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
  forgetEnded(turn)
}
