/** A master's decisions: no clock, no bus, no chance. Same inputs, same effects. */
import type { MasterId, RunId } from '../../protocol/ids.ts'
import type { Now } from '../../protocol/now.ts'
import type { CommonInput, Core } from '../parts/core.ts'
import { agentOf } from './agents/agents.ts'
import { agentIsForgotten, agentIsGone, forgetLost } from './agents/gone.ts'
import { inviteMore } from './agents/inviting.ts'
import { agentHasLeft } from './agents/leaving.ts'
import { agentIsLost, loseSome } from './agents/losing.ts'
import { pingAgent, returnIsOver } from './agents/pings.ts'
import { admitted, agentReports, hearAgent } from './agents/sessions.ts'
import { allocatorReports, pingAllocator } from './allocator/link.ts'
import { frameworkOf } from './books.ts'
import type { Effect } from './effects.ts'
import { explanationIsDue } from './explain/explaining.ts'
import { flush, wantsFlush } from './flush.ts'
import { frameworkCall } from './frameworks/calls.ts'
import { frameworkIsEnded } from './frameworks/end.ts'
import { latenessIsOver } from './frameworks/lateness.ts'
import { failoverIsOver, pingFramework, subscriptionIsRecorded } from './frameworks/subscribing.ts'
import { updateIsRecorded, updatesGoOn } from './frameworks/update.ts'
import type { Input } from './inputs.ts'
import {
  candidateUnsaved,
  candidateWakeAtMs,
  copyPageHeard,
  epochSaved,
  epochUnsaved,
  registryRead,
  wakeCandidate,
} from './lead/candidate.ts'
import { considerClaim, leaseWakeAtMs, peerBeat, wakeLease } from './lead/challenge.ts'
import { leaderClaims, noteBeat } from './lead/claims.ts'
import { epochHeld } from './lead/epochs.ts'
import {
  holdsLease,
  leaseConflict,
  leaseRead,
  leaseUnavailable,
  leaseWritten,
  newLease,
  registryUnread,
  resign,
  stepLease,
} from './lead/lease.ts'
import { lendPage } from './lead/peer-beats.ts'
import { considerSilentDisk } from './lead/silent-disk.ts'
import { beat, lead, recallSome } from './lead/takeover.ts'
import { isHolding } from './lease-machine.ts'
import { endOffer } from './offers/offers.ts'
import { operatorCall } from './operator.ts'
import type { LogBatch } from './registry/copy.ts'
import { copySaved, copyUnsaved, wakeDisk } from './registry/disk.ts'
import { dropReading } from './registry/reading.ts'
import { newRegistry } from './registry/state.ts'
import {
  appended,
  checkLog,
  conflicted,
  countWritten,
  readBack,
  uncertain,
  writeSnapshot,
  written as writtenBy,
} from './registry.ts'
import { rolesAreRecorded } from './roles/changes.ts'
import { openLimits } from './roles/recovery.ts'
import { type AfterWrite, count, type Due, type MasterRules, type MasterState } from './state.ts'
import { applyStatus } from './tasks.ts'
import type { LeaderTurn, Turn } from './turn.ts'

export interface MasterOptions {
  readonly masterId: MasterId
  readonly run: RunId
  readonly rules: MasterRules
  /** The highest epoch on this master's own disk; 0 for none. */
  readonly highestEpoch: number
  /** The registry as it stands there, oldest first. */
  readonly saved: readonly LogBatch[]
}

export function newMaster(options: MasterOptions): MasterState {
  const { masterId, run, rules, saved } = options
  const registry = newRegistry(saved)
  return {
    masterId,
    run,
    rules,
    highestEpoch: Math.max(options.highestEpoch, registry.copy.last?.epoch ?? 0),
    highestRun: undefined,
    epochTakenTwice: undefined,
    claimants: new Map(),
    jumpRefused: undefined,
    lease: newLease(),
    leader: undefined,
    registry,
    peers: new Map(),
    counters: new Map(),
  }
}

export const masterCore: Core<MasterState, Input, Effect> = {
  handle,
  wantsFlush: ({ leader, registry }) =>
    registry.lending !== undefined ||
    registry.takeover?.recalling !== undefined ||
    (leader !== undefined && wantsFlush(leader)),
  wakeAtMs: (state) => {
    const next = state.leader?.deadlines.nextMs() ?? Number.POSITIVE_INFINITY
    const { retryAtMs } = state.registry.disk
    const atMs = Math.min(leaseWakeAtMs(state), candidateWakeAtMs(state), retryAtMs, next)
    return atMs === Number.POSITIVE_INFINITY ? undefined : atMs
  },
}

function handle(state: MasterState, input: Input | CommonInput, now: Now): readonly Effect[] {
  const turn: Turn = { state, now, effects: [] }
  // The lease is asked before anything is done with it: a pause must not slip one order through.
  const { lease } = state
  if (isHolding(lease.state) && !holdsLease(turn)) stepLease(turn, 'lease.lost')
  // Asked in an earlier lead: what it answers is not true of this one.
  if ('epoch' in input && input.epoch !== epochHeld(state)) {
    dropReading(turn, input.epoch)
    return turn.effects
  }
  if (!handleAnywhere(turn, input) && state.leader !== undefined) {
    const leaderTurn: LeaderTurn = { state, now, effects: turn.effects, leader: state.leader }
    if (lease.state === 'leading') handleLeading(leaderTurn, input)
    else handleRecovering(leaderTurn, input)
  }
  return turn.effects
}

/** What every master handles, whether it leads or not. */
function handleAnywhere(turn: Turn, input: Input | CommonInput): boolean {
  switch (input.kind) {
    case 'peer-beat':
      peerBeat(turn, input.masterId, input.body)
      if (input.body.copy !== undefined) copyPageHeard(turn, input.masterId, input.body.copy)
      wakeCandidate(turn)
      return true
    case 'leader-beat':
      // Whatever receivers may follow must stay within the reach of whoever leads next.
      if (input.connection !== 'control') return false
      if (input.body.run !== turn.state.run) noteBeat(turn, input.body)
      return true
    case 'lease.read':
      leaseRead(turn, input.record, input.revision)
      considerClaim(turn)
      return true
    case 'lease.written':
      leaseWritten(turn, input.record, input.revision)
      return true
    case 'lease.conflict':
      leaseConflict(turn)
      return true
    case 'lease.unavailable':
      leaseUnavailable(turn, input.asked)
      return true
    case 'resign':
      resign(turn)
      return true
    case 'refused':
      count(turn.state, `refused.${input.name}`, input.count)
      return true
    case 'wake':
      wakeLease(turn)
      wakeDisk(turn)
      considerSilentDisk(turn)
      wakeCandidate(turn)
      return false
    case 'flush':
      lendPage(turn)
      return false
    default:
      return handleKept(turn, input)
  }
}

/** What becomes of the registry, in the log and on this master's disk. */
function handleKept(turn: Turn, input: Input | CommonInput): boolean {
  switch (input.kind) {
    case 'registry.read':
      registryRead(turn, input)
      written(turn)
      return true
    case 'registry.unavailable':
      if (turn.state.leader !== undefined) return false
      registryUnread(turn)
      return true
    case 'epoch.saved':
      epochSaved(turn, input.epoch)
      return true
    case 'epoch.unsaved':
      epochUnsaved(turn, input.epoch, input.problem)
      return true
    case 'copy.saved':
      copySaved(turn)
      written(turn)
      return true
    case 'copy.unsaved':
      copyUnsaved(turn, input.problem)
      candidateUnsaved(turn, input.problem)
      return true
    default:
      return false
  }
}

/** Holds the lease and waits for the registry: only that counts. */
function handleRecovering(turn: LeaderTurn, input: Input | CommonInput): void {
  if (input.kind === 'registry.appended') {
    appended(turn, input)
    written(turn)
  } else if (input.kind === 'listening') lead(turn)
  else if (input.kind === 'registry.unavailable') uncertain(turn)
  else if (input.kind === 'registry.conflict') conflicted(turn, input)
  else if (input.kind === 'wake') wakeDue(turn)
  else if (input.kind === 'flush') recallSome(turn)
}

function handleLeading(turn: LeaderTurn, input: Input | CommonInput): void {
  switch (input.kind) {
    case 'leader-beat':
      return leaderBeat(turn, input)
    case 'agent-reports':
      return agentReports(turn, input.agentId, input.body)
    case 'status-updates':
      return statusUpdates(turn, input)
    case 'framework-call':
      return frameworkCall(turn, input.framework, input.call, input.reply)
    case 'allocator-reports':
      return allocatorReports(turn, input.body)
    case 'operator-call':
      return operatorCall(turn, input)
    case 'bus.connected':
      return checkLog(turn)
    case 'flush':
      return flush(turn)
    default:
      handleRecovering(turn, input)
  }
}

function leaderBeat(turn: LeaderTurn, input: Extract<Input, { kind: 'leader-beat' }>): void {
  const { body, connection } = input
  if (body.run === turn.state.run && body.epoch === turn.leader.epoch) {
    turn.leader.echoAtMs.set(connection, turn.now.monotonicMs)
  } else leaderClaims(turn, body)
}

function statusUpdates(turn: LeaderTurn, input: Extract<Input, { kind: 'status-updates' }>): void {
  const { agentId, body } = input
  if (body.session === undefined || body.n === undefined) {
    return count(turn.state, 'updates-without-session')
  }
  const agent = agentOf(turn, agentId)
  if (!hearAgent(turn, agent, body.session, body.n)) return
  const framework = frameworkOf(turn, input.framework)
  if (framework === undefined) return count(turn.state, 'statuses-of-unknown-tasks')
  const source = { agent, framework, subscription: body.subscription }
  for (const status of body.statuses) applyStatus(turn, source, status)
}

/** What was waiting for the registry goes on. */
function written(turn: Turn): void {
  const { leader: before } = turn.state
  const done = before === undefined ? [] : writtenBy({ ...turn, leader: before })
  for (const then of done) {
    const { leader } = turn.state
    if (leader === undefined) return
    const leaderTurn = { ...turn, leader }
    countWritten(leaderTurn, then)
    afterWrite(leaderTurn, then)
  }
}

function afterWrite(turn: LeaderTurn, then: AfterWrite): void {
  switch (then.after) {
    case 'nothing':
      return
    case 'seed':
      return writeSnapshot(turn, { after: 'lead' })
    case 'lead':
      turn.effects.push({ do: 'listen', epoch: turn.leader.epoch })
      return
    case 'admit':
      return admitted(turn, then.fact)
    case 'subscribe':
      subscriptionIsRecorded(turn, then.key, then.request)
      return updatesGoOn(turn, turn.leader.frameworks.get(then.key))
    case 'update':
      return updateIsRecorded(turn, turn.leader.frameworks.get(then.key), then)
    case 'lose-agent':
      return agentIsLost(turn, then.agentId, then.atMs)
    case 'forget-agent':
      return agentHasLeft(turn, then.agentId)
    case 'forget-lost':
      return agentIsForgotten(turn, then.agentId)
    case 'bury-agent':
      return agentIsGone(turn, then.burial)
    case 'change-roles':
      return rolesAreRecorded(turn, then.judged)
    case 'end-framework': {
      const framework = turn.leader.frameworks.get(then.key)
      frameworkIsEnded(turn, then.key, then)
      return updatesGoOn(turn, framework)
    }
  }
}

/** Deadlines that are due, as many as one input may take: the rest asks to be woken at once. */
const DUE_PER_INPUT = 1_000

function wakeDue(turn: LeaderTurn): void {
  const { deadlines } = turn.leader
  for (let i = 0; i < DUE_PER_INPUT; i++) {
    const due = deadlines.takeDue(turn.now.monotonicMs)
    if (due === undefined || turn.state.leader !== turn.leader) return
    handleDue(turn, due)
  }
}

function handleDue(turn: LeaderTurn, due: Due): void {
  const { leader } = turn
  switch (due.due) {
    case 'leader-beat':
      return beat(turn)
    case 'agent-ping':
      return pingAgent(turn, agentOf(turn, due.agentId))
    case 'agent-return':
      return returnIsOver(turn, agentOf(turn, due.agentId))
    case 'framework-ping': {
      const framework = leader.frameworks.get(due.key)
      if (framework !== undefined) pingFramework(turn, framework)
      return
    }
    case 'framework-failover': {
      const framework = leader.frameworks.get(due.key)
      if (framework !== undefined) failoverIsOver(turn, framework)
      return
    }
    case 'late': {
      const framework = leader.frameworks.get(due.key)
      if (framework !== undefined) latenessIsOver(turn, framework, due.role)
      return
    }
    case 'offer':
      endOffer(turn, due.offerId, 'timer.timed-out')
      return
    case 'explain':
      return explanationIsDue(turn, due.id)
    case 'agents-awaited':
      return openLimits(turn)
    case 'agent-removals':
      return loseSome(turn)
    case 'lost-agents':
      return forgetLost(turn)
    case 'invitations':
      return inviteMore(turn)
    case 'allocator-ping':
      return pingAllocator(turn)
    case 'registry-retry':
      return readBack(turn)
    case 'registry-check':
      checkLog(turn)
  }
}
