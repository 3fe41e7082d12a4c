/** From holding the lease to leading: what earlier leaders wrote, and who is to come back. */
import { LEADER_BEAT_MS } from '../../../protocol/limits.ts'
import { PROTOCOL_VERSIONS } from '../../../protocol/version.ts'
import { inviteAll } from '../agents/inviting.ts'
import { recallAgent } from '../agents/recalling.ts'
import { memberOf } from '../books.ts'
import { forgetEnded, newFramework, schedulePing, stepFramework } from '../frameworks/end.ts'
import { holdAnew, holderOf } from '../frameworks/instances.ts'
import { pickTerms } from '../frameworks/terms.ts'
import { tellWorld } from '../public-events.ts'
import { checkLater } from '../registry/reading.ts'
import type { LogRead } from '../registry/state.ts'
import { type FrameworkFact, recordsOf, type TableRecord } from '../registry/table.ts'
import { CHECK_MS, record } from '../registry.ts'
import { recallQuota, recallWeight } from '../roles/changes.ts'
import { shutLimits } from '../roles/recovery.ts'
import { count, newLeader } from '../state.ts'
import { fenceOf, type LeaderTurn, log, type Turn, warn } from '../turn.ts'
import { epochHeld } from './epochs.ts'
import { stepLease } from './lease.ts'

/** In one turn: the lease must be renewed meanwhile. */
const RECALLED_PER_TURN = 2_000

/** Takes over what this master's copy holds, a part in each turn. */
export function takeOver(turn: Turn, { lastSequence }: LogRead): void {
  const { state, now } = turn
  const { copy, takeover } = state.registry
  if (takeover === undefined) return
  const leader = newLeader(epochHeld(state), now.wallMs, lastSequence)
  state.leader = leader
  takeover.recalling = recordsOf(copy.table)
  recallSome({ ...turn, leader })
}

/** When nothing is left the first record is written; a log that holds less gets all before more. */
export function recallSome(turn: LeaderTurn): void {
  const { state } = turn
  const { copy, takeover } = state.registry
  if (takeover?.recalling === undefined) return
  for (let i = 0; i < RECALLED_PER_TURN; i++) {
    const { done, value } = takeover.recalling.next()
    if (done === true) {
      takeover.recalling = undefined
      break
    }
    recall(turn, value)
  }
  if (takeover.recalling !== undefined) return
  const isWhole = takeover.log?.isWhole === true
  if (!isWhole) {
    count(state, 'registry-reseeded')
    warn(turn, 'the log lacks records of the registry: all is written anew', { ...copy.position })
  }
  record(turn, { kind: 'epoch', after: copy.position }, { after: isWhole ? 'lead' : 'seed' })
}

function recall(turn: LeaderTurn, fact: TableRecord): void {
  if (fact.kind === 'weights') {
    for (const weight of fact.weights) recallWeight(turn, weight)
  } else if (fact.kind === 'quotas') {
    for (const quota of fact.quotas) recallQuota(turn, quota)
  } else if ('agentId' in fact) recallAgent(turn, fact)
  else recallFramework(turn, fact)
}

function recallFramework(turn: LeaderTurn, fact: FrameworkFact): void {
  const fresh = newFramework(fact, 'before')
  turn.leader.frameworks.set(fresh.key, fresh)
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

/** Its epoch is in the log: from here on it speaks. */
export function lead(turn: LeaderTurn): void {
  const { leader, state } = turn
  if (!stepLease(turn, 'registry.ready')) return
  state.registry.takeover = undefined
  log(turn, 'leads', { epoch: leader.epoch, agents: leader.agents.size })
  // Agents obey nobody of whom they have not heard that it leads: its invitations come after this.
  beat(turn)
  inviteAll(turn)
  shutLimits(turn)
  checkLater(turn, CHECK_MS)
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
      ...(leader.recovery.uninvited.size > 0 && { inviting: true }),
    },
  })
  leader.deadlines.set('leader-beat', now.monotonicMs + LEADER_BEAT_MS, { due: 'leader-beat' })
  forgetEnded(turn)
}
