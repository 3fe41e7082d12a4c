/**
 * When a master that does not lead tries to: nobody holds the lease, its record did not change for
 * its time, or its holder is silent and a probe was in vain. And what time brings to who holds it.
 */
import type { MasterId } from '../../../protocol/ids.ts'
import {
  LEADER_SILENCE_MS,
  LEASE_DEADLINE_PART,
  LEASE_MS,
  PEER_BEAT_MS,
} from '../../../protocol/limits.ts'
import type { PeerBeat } from '../../../protocol/schema/master.ts'
import { isHolding } from '../lease-machine.ts'
import { compare, NOWHERE } from '../registry/copy.ts'
import { lend, notePosition } from '../registry/peers.ts'
import { readLog } from '../registry/reading.ts'
import type { Lease } from '../state.ts'
import type { Turn } from '../turn.ts'
import { noteClaim } from './claims.ts'
import { readLease, renew, stepLease } from './lease.ts'
import { ECHO_MS_MAX, notePeer, sendBeat } from './peer-beats.ts'

/** A leader that is alive answers a probe within this. */
const PROBE_MS = 2 * PEER_BEAT_MS

/**
 * Who was slow lately is given so many times as long as the longest pause between its beats, up to
 * LEASE_MS: a leader that has all agents come back would else be deposed for that, and the next
 * one.
 */
const PAUSES_MAX = 3
/** Of that pause so much still counts at the next beat: half of it after six seconds. */
const PAUSE_KEPT = 0.97

/** A silence that counts, when a probe was in vain in the last part of it. */
function silenceMs({ slowestBeatMs }: Lease): number {
  return Math.max(LEADER_SILENCE_MS, Math.min(PAUSES_MAX * slowestBeatMs, LEASE_MS))
}

/**
 * What this master could not hear while its own beats did not come back is nobody's silence. When
 * one comes, all that was waiting before it has been handled: only then a leader is judged.
 */
function ownBeat(turn: Turn): void {
  const { lease } = turn.state
  const nowMs = turn.now.monotonicMs
  if (nowMs - lease.ownEchoAtMs > ECHO_MS_MAX) {
    lease.leaderHeardAtMs = nowMs
    stepLease(turn, 'leader.heard')
    lease.echoSinceMs = nowMs
  }
  lease.ownEchoAtMs = nowMs
  considerProbe(turn)
}

/** The leader was silent for long enough, and did not answer. */
function considerProbe(turn: Turn): void {
  const { lease } = turn.state
  const nowMs = turn.now.monotonicMs
  if (lease.state !== 'probing' || !mayClaim(turn)) return
  if (nowMs - lease.leaderHeardAtMs < silenceMs(lease)) return
  if (nowMs - lease.probedAtMs >= PROBE_MS) stepLease(turn, 'probe.unanswered')
}

export function peerBeat(turn: Turn, masterId: MasterId, beat: PeerBeat): void {
  const { state } = turn
  const { lease } = state
  if (beat.run === state.run) return ownBeat(turn)
  if (masterId !== state.masterId) {
    notePeer(turn, masterId)
    hearOfRegistry(turn, masterId, beat)
  }
  if (beat.highest !== undefined) noteClaim(turn, beat.highest, `master ${masterId}`)
  if (beat.role === 'leader' && masterId !== state.masterId) {
    leaderHeard(turn)
  }
  const isAsked = beat.role === 'leader' || isHolding(lease.state)
  if (beat.probe === true && isAsked) sendBeat(turn)
  if (beat.resigned === true) state.peers.delete(masterId)
  if (beat.resigned === true && !isHolding(lease.state)) {
    const { epoch } = beat.highest ?? lease.record ?? { epoch: 0 }
    lease.resigned = { epoch, run: beat.run }
    readLease(turn)
  }
}

function leaderHeard(turn: Turn): void {
  const { lease } = turn.state
  const nowMs = turn.now.monotonicMs
  const kept = PAUSE_KEPT * lease.slowestBeatMs
  // Where this master was deaf, or stood still, nobody knows how long the leader was silent.
  const isEchoing = nowMs - lease.ownEchoAtMs <= ECHO_MS_MAX
  const pauseMs = nowMs - lease.leaderHeardAtMs
  const counts = isEchoing && Number.isFinite(pauseMs)
  lease.slowestBeatMs = Math.max(counts ? Math.min(pauseMs, LEASE_MS) : 0, kept)
  lease.leaderHeardAtMs = nowMs
  stepLease(turn, 'leader.heard')
}

/** How far its copy goes; what it asks, and what it was asked for. */
function hearOfRegistry(turn: Turn, masterId: MasterId, beat: PeerBeat): void {
  const { state } = turn
  const { registry } = state
  notePosition(turn, masterId, beat)
  lend(turn, beat)
  const { position = NOWHERE } = registry.positions.get(masterId) ?? {}
  const isBehind = compare(position, registry.copy.position) > 0
  const isFollowing = !isHolding(state.lease.state)
  if (beat.role !== 'leader' || !isBehind || !isFollowing || registry.reading !== undefined) return
  readLog(turn, 'follow')
}

/** Free: nobody holds it, this very run does (and does not lead), or it did not change for long. */
export function considerClaim(turn: Turn): void {
  const { state, now } = turn
  const { lease } = state
  lease.consideredAtMs = now.monotonicMs
  if (lease.state !== 'following' && lease.state !== 'probing') return
  if (!mayClaim(turn)) return
  const { record } = lease
  const { holder } = record ?? {}
  const nobody = holder === undefined || holder === state.run || isGivenBack(lease)
  const expired = now.monotonicMs - lease.unchangedSinceMs >= (record?.leaseMs ?? 0)
  if (nobody || expired) stepLease(turn, 'lease.free')
  else considerSilence(turn)
}

/**
 * Who has said that it resigns may not have written it yet, or its record is still on its way. A
 * later epoch of the same run is another lead: one that could not begin may try again.
 */
function isGivenBack({ record, resigned }: Lease): boolean {
  if (record === undefined || resigned === undefined) return false
  return record.holder === resigned.run && record.epoch <= resigned.epoch
}

function mayClaim({ state, now }: Turn): boolean {
  const { lease } = state
  const isUnread = lease.unchangedSinceMs === Number.POSITIVE_INFINITY
  // A reading under way could not tell what became of a claim that was made meanwhile.
  if (isUnread || lease.isReading || lease.hasResigned) return false
  return now.monotonicMs >= lease.pausedUntilMs
}

function considerSilence(turn: Turn): void {
  const { lease } = turn.state
  const nowMs = turn.now.monotonicMs
  const isEchoing = nowMs - lease.ownEchoAtMs <= ECHO_MS_MAX
  if (lease.state !== 'following' || !isEchoing) return
  if (nowMs >= probeDueMs(lease)) stepLease(turn, 'leader.silent')
}

/** What time alone brings. */
export function wakeLease(turn: Turn): void {
  const { state, now } = turn
  const { lease } = state
  const isHolder = isHolding(lease.state)
  if (now.monotonicMs >= lease.nextPeerBeatMs) {
    lease.nextPeerBeatMs = now.monotonicMs + PEER_BEAT_MS
    sendBeat(turn)
  }
  if (isHolder && now.monotonicMs >= lease.nextRenewalMs && lease.writing === undefined) {
    lease.nextRenewalMs = Number.POSITIVE_INFINITY
    renew(turn)
  }
  if (now.monotonicMs >= lease.registryRetryAtMs) {
    lease.registryRetryAtMs = Number.POSITIVE_INFINITY
    readLog(turn, 'takeover')
  }
  const mustRead = !isHolder || lease.writing !== undefined
  if (mustRead && now.monotonicMs >= lease.nextReadMs) readLease(turn)
  considerClaim(turn)
}

export function leaseWakeAtMs({ lease, rules }: Turn['state']): number {
  const isHolder = isHolding(lease.state)
  const deadline = isHolder
    ? lease.heldFromMs + rules.leaseMs * LEASE_DEADLINE_PART
    : Number.POSITIVE_INFINITY
  const read = isHolder && lease.writing === undefined ? Number.POSITIVE_INFINITY : lease.nextReadMs
  const { nextPeerBeatMs, nextRenewalMs, registryRetryAtMs } = lease
  const probe = probeAtMs(lease)
  return Math.min(nextPeerBeatMs, nextRenewalMs, registryRetryAtMs, deadline, read, probe)
}

/** What was considered already is considered again with the next beat. */
function probeAtMs(lease: Lease): number {
  const atMs = probeDueMs(lease)
  const isNews = lease.state === 'following' && atMs > lease.consideredAtMs
  return isNews ? atMs : Number.POSITIVE_INFINITY
}

const probeDueMs = (lease: Lease): number => lease.leaderHeardAtMs + silenceMs(lease) - PROBE_MS
