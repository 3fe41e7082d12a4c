/**
 * Who leads: a record in the bus's store that is changed by compare-and-set only.
 *
 * Expiry is judged by one's own monotonic clock: a record that did not change for its lease time is
 * free. A silent leader may be challenged earlier, after a probe in vain: safety rests on epochs,
 * never on timing. The holder counts from before it sent the write that was confirmed last.
 */
import {
  LEADER_SILENCE_MS,
  LEASE_DEADLINE_PART,
  LEASE_RENEWAL_MS_MAX,
  LEASE_RENEWALS,
  PEER_BEAT_MS,
} from '../../../protocol/limits.ts'
import type { LeaseRecord } from '../../../protocol/schema/master.ts'
import { isHolding, type LeaseEvent, leaseStep } from '../lease-machine.ts'
import { readLog } from '../registry/reading.ts'
import { newTakeover } from '../registry/state.ts'
import { count, type Lease } from '../state.ts'
import { log, type Turn, warn } from '../turn.ts'
import { isBelievable, raiseEpoch } from './epochs.ts'
import { sendBeat } from './peer-beats.ts'

/** A log that could not be read at a takeover is asked again after this. */
const REGISTRY_RETRY_MS = 500
/** A store that did not answer is asked again after this, or sooner. */
const RETRY_MS_MAX = 500

export function newLease(): Lease {
  return {
    state: 'following',
    record: undefined,
    revision: 0,
    unchangedSinceMs: Number.POSITIVE_INFINITY,
    heldFromMs: Number.NEGATIVE_INFINITY,
    writing: undefined,
    isReading: false,
    isReadingOld: false,
    nextReadMs: 0,
    nextRenewalMs: Number.POSITIVE_INFINITY,
    nextPeerBeatMs: 0,
    leaderHeardAtMs: Number.NEGATIVE_INFINITY,
    slowestBeatMs: 0,
    ownEchoAtMs: Number.NEGATIVE_INFINITY,
    echoSinceMs: Number.POSITIVE_INFINITY,
    probedAtMs: Number.POSITIVE_INFINITY,
    consideredAtMs: Number.NEGATIVE_INFINITY,
    raisedAtMs: Number.NEGATIVE_INFINITY,
    registryRetryAtMs: Number.POSITIVE_INFINITY,
    hasResigned: false,
    resigned: undefined,
    pausedUntilMs: Number.NEGATIVE_INFINITY,
  }
}

/** True while this master may act as the holder of the lease. */
export function holdsLease(turn: Turn): boolean {
  return turn.now.monotonicMs < deadlineMs(turn)
}

function deadlineMs({ state }: Turn): number {
  return state.lease.heldFromMs + state.rules.leaseMs * LEASE_DEADLINE_PART
}

/**
 * Takes a step of the lifecycle and does what it asks for. False: illegal here, nothing is done.
 */
export function stepLease(turn: Turn, event: LeaseEvent): boolean {
  const { lease } = turn.state
  const step = leaseStep(lease.state, event)
  if (step === undefined) return false
  lease.state = step.state
  for (const action of step.actions) {
    if (action === 'probe') probe(turn)
    else if (action === 'claim') claim(turn)
    else if (action === 'recover') recover(turn)
    else if (action === 'follow') follow(turn)
  }
  return true
}

function probe(turn: Turn): void {
  const { lease } = turn.state
  lease.probedAtMs = turn.now.monotonicMs
  sendBeat(turn, { probe: true })
  // The second beat after it comes just when it has been unanswered for long enough.
  lease.nextPeerBeatMs = turn.now.monotonicMs + PEER_BEAT_MS
}

function recover(turn: Turn): void {
  turn.state.registry.takeover = newTakeover(turn.now.monotonicMs)
  // Whoever is there says how far its copy goes.
  sendBeat(turn, { probe: true })
  readLog(turn, 'takeover')
}

/** What stands in memory was a leader's: from here on it is wrong. */
function follow(turn: Turn): void {
  const { state } = turn
  if (state.leader !== undefined) {
    warn(turn, 'lost the lead', { epoch: state.leader.epoch })
    count(state, 'lead-lost')
    // It was slow, or its store: the next leader may be as slow.
    state.lease.slowestBeatMs = LEADER_SILENCE_MS
    turn.effects.push({ do: 'stop-listening' })
  }
  state.leader = undefined
  state.registry.takeover = undefined
  state.registry.reading = undefined
  state.lease.writing = undefined
  state.lease.heldFromMs = Number.NEGATIVE_INFINITY
  state.lease.nextRenewalMs = Number.POSITIVE_INFINITY
  state.lease.registryRetryAtMs = Number.POSITIVE_INFINITY
  state.lease.leaderHeardAtMs = turn.now.monotonicMs
  readLease(turn)
}

/** From one renewal, or look at another's, to the next. */
function renewalMs({ state }: Turn): number {
  return Math.min(state.rules.leaseMs / LEASE_RENEWALS, LEASE_RENEWAL_MS_MAX)
}

/** A new taking is a new epoch, above all that anybody has told of. */
function claim(turn: Turn): void {
  const { state } = turn
  const epoch = Math.max(state.lease.record?.epoch ?? 0, state.highestEpoch) + 1
  write(turn, { holder: state.run, master: state.masterId, epoch, counter: 0 })
}

/** Gives the lease back for good, so that a planned change takes one round trip. */
export function resign(turn: Turn): void {
  turn.state.lease.hasResigned = true
  giveBack(turn)
}

/** Gives the lease back, and leaves it to others for as long as it lasts. */
export function pause(turn: Turn): void {
  const { lease, rules } = turn.state
  lease.pausedUntilMs = turn.now.monotonicMs + rules.leaseMs
  giveBack(turn)
}

function giveBack(turn: Turn): void {
  const { lease } = turn.state
  const { record, state } = lease
  if (!isHolding(state) || record === undefined) return
  const { holder: _, master: __, ...free } = record
  write(turn, { ...free, counter: record.counter + 1 })
  lease.writing = undefined
  stepLease(turn, 'lease.lost')
  // As a follower: whoever stands by takes the lease, and does not wait for its next look at it.
  sendBeat(turn, { resigned: true })
}

export function renew(turn: Turn): void {
  const { record } = turn.state.lease
  if (record !== undefined) write(turn, { ...record, counter: record.counter + 1 })
}

function write(turn: Turn, said: Omit<LeaseRecord, 'leaseMs'>): void {
  const { lease, rules } = turn.state
  const record = { ...said, leaseMs: rules.leaseMs }
  lease.writing = { sentAtMs: turn.now.monotonicMs, record }
  // Read back only when no answer has come for as long as a renewal takes to be due.
  lease.nextReadMs = turn.now.monotonicMs + renewalMs(turn)
  turn.effects.push({ do: 'write-lease', record, revision: lease.revision })
}

export function readLease(turn: Turn): void {
  const { lease } = turn.state
  lease.nextReadMs = turn.now.monotonicMs + renewalMs(turn)
  if (lease.isReading) return
  lease.isReading = true
  turn.effects.push({ do: 'read-lease' })
}

export function leaseRead(turn: Turn, found: LeaseRecord | undefined, revision: number): void {
  const { state } = turn
  // A record that no master wrote is none: it is overwritten.
  const record = found !== undefined && isBelievable(turn, found.epoch) ? found : undefined
  const { lease } = state
  lease.isReading = false
  if (lease.isReadingOld) {
    lease.isReadingOld = false
    if (lease.writing !== undefined) readLease(turn)
    return
  }
  if (revision !== lease.revision || lease.unchangedSinceMs === Number.POSITIVE_INFINITY) {
    lease.unchangedSinceMs = turn.now.monotonicMs
  }
  lease.record = record
  lease.revision = revision
  if (record !== undefined) raiseEpoch(turn, record.epoch, record.holder)
  // Only a record of this run counts as one's own, and only if it is the one being written.
  const { writing } = lease
  if (writing !== undefined) {
    lease.writing = undefined
    const isDone = record !== undefined && isSameWrite(record, writing.record)
    if (isDone) taken(turn, writing)
    else if (record?.holder !== state.run || lease.state === 'claiming') {
      stepLease(turn, 'lease.lost')
    } else {
      lease.nextRenewalMs = turn.now.monotonicMs
      // An older record of this run: the store went back, and the log with it.
      if (state.lease.state === 'leading') readLog(turn, 'read-back')
    }
  } else if (isHolding(lease.state) && record?.holder !== state.run) {
    stepLease(turn, 'lease.lost')
  }
}

function isSameWrite(a: LeaseRecord, b: LeaseRecord): boolean {
  return a.holder === b.holder && a.epoch === b.epoch && a.counter === b.counter
}

/** The answer to an earlier write than the one under way says nothing about it. */
export function leaseWritten(turn: Turn, record: LeaseRecord, revision: number): void {
  const { lease } = turn.state
  const { writing } = lease
  if (writing === undefined || !isSameWrite(writing.record, record)) return
  lease.writing = undefined
  lease.record = writing.record
  lease.revision = revision
  lease.unchangedSinceMs = turn.now.monotonicMs
  lease.isReadingOld = lease.isReading
  taken(turn, writing)
}

function taken(turn: Turn, writing: NonNullable<Lease['writing']>): void {
  const { state } = turn
  const { lease } = state
  lease.heldFromMs = writing.sentAtMs
  lease.nextRenewalMs = writing.sentAtMs + renewalMs(turn)
  if (lease.state !== 'claiming') return
  const { epoch } = writing.record
  raiseEpoch(turn, epoch, state.run)
  turn.effects.push({ do: 'save-epoch', epoch })
  log(turn, 'took the lease', { epoch })
  stepLease(turn, 'lease.taken')
}

/** Somebody else wrote, or an earlier try of this one did: the store's leader knows. */
export function leaseConflict(turn: Turn): void {
  readLease(turn)
}

/** It may have been written or not; asked again when the next renewal or reading is due. */
export function leaseUnavailable(turn: Turn, asked: 'read-lease' | 'write-lease'): void {
  const { lease } = turn.state
  if (asked === 'read-lease') {
    lease.isReading = false
    lease.isReadingOld = false
  }
  lease.nextReadMs = turn.now.monotonicMs + Math.min(renewalMs(turn) / 2, RETRY_MS_MAX)
  if (lease.writing !== undefined) lease.nextRenewalMs = Number.POSITIVE_INFINITY
}

/** The log could not be read: without it nobody leads, so it is asked again. */
export function registryUnread({ state, now }: Turn): void {
  state.registry.reading = undefined
  if (state.lease.state !== 'recovering') return
  state.lease.registryRetryAtMs = now.monotonicMs + REGISTRY_RETRY_MS
}
