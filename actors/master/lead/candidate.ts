/**
 * From holding the lease to the first record: what earlier leaders wrote is taken from the log,
 * from this master's own copy or from another master's, whichever goes furthest.
 */
import type { MasterId } from '../../../protocol/ids.ts'
import type { PeerBeat } from '../../../protocol/schema/master.ts'
import { compare, newCopy, tableOf } from '../registry/copy.ts'
import { saveNothingBehind } from '../registry/disk.ts'
import { askForCopy, newerPeer, takePage } from '../registry/peers.ts'
import { adoptLog, type LogPart, partRead, readLog } from '../registry/reading.ts'
import type { LogRead, Reading, Takeover } from '../registry/state.ts'
import { goOn, logChecked, stored, writeAgain } from '../registry.ts'
import { count } from '../state.ts'
import { log, type Turn, warn } from '../turn.ts'
import { epochHeld, raiseEpoch } from './epochs.ts'
import { pause, stepLease } from './lease.ts'
import { ECHO_MS_MAX, sendBeat, standbys, unheardUntilMs } from './peer-beats.ts'
import { takeOver } from './takeover.ts'

/** A candidate that does not hear itself waits for others this many times as long. */
const DEAF_WAITS_MAX = 3

type CopyPage = NonNullable<PeerBeat['copy']>

/** A part of the log was read. */
export function registryRead(turn: Turn, part: LogPart): void {
  const reading = partRead(turn, part)
  if (reading === undefined) return
  const { state } = turn
  if (reading.why === 'follow') adoptLog(turn, reading.anew)
  else if (reading.isSuperseded) superseded(turn, reading)
  else if (reading.why === 'takeover') logIsRead(turn, reading, part.lastSequence)
  else if (state.leader !== undefined) {
    const leaderTurn = { ...turn, leader: state.leader }
    if (reading.why === 'check') logChecked(leaderTurn, reading, part.lastSequence)
    else goOn(leaderTurn, reading, part.lastSequence)
  }
}

/** The lease's record was lost and began anew: it is taken again, above what the log has seen. */
function superseded(turn: Turn, { highest }: Reading): void {
  raiseEpoch(turn, highest)
  stepLease(turn, 'lease.lost')
}

function logIsRead(turn: Turn, reading: Reading, lastSequence: number): void {
  const { state } = turn
  const { registry, leader } = state
  const { takeover } = registry
  if (state.lease.state !== 'recovering' || takeover === undefined) return
  if (leader !== undefined) {
    const leaderTurn = { ...turn, leader }
    // The first record was written, and the answer to it got lost.
    if (reading.found !== undefined) return stored(leaderTurn, reading.found)
    // It may still arrive: another of the same epoch must not come to stand for it.
    if (lastSequence === leader.registry.lastSequence) return writeAgain(leaderTurn)
  }
  state.leader = undefined
  const isWhole = adoptLog(turn, reading.anew) || adoptHoles(turn, reading)
  takeover.log = { lastSequence, isWhole, atMs: turn.now.monotonicMs }
  proceed(turn)
}

/** A log with holes is better than a copy that ends before the first of them. */
function adoptHoles(turn: Turn, { anew }: Reading): false {
  const { registry } = turn.state
  const { position, hasGap, last } = registry.copy
  if (anew === undefined || !anew.copy.hasGap) return false
  const further = compare(anew.copy.position, position)
  // Behind the hole the log has what a copy with the same hole has, and perhaps more.
  if (further < 0 || (further === 0 && !hasGap && last !== undefined)) return false
  count(turn.state, 'registry-gaps')
  warn(turn, 'the log lacks records of the registry', { ...anew.copy.position })
  registry.copy = anew.copy
  saveNothingBehind(turn)
  return false
}

/** The epoch is on this master's disk: it is never used again. */
export function epochSaved(turn: Turn, epoch: number): void {
  const { takeover } = turn.state.registry
  if (takeover === undefined || epoch !== epochHeld(turn.state)) return
  takeover.isEpochSaved = true
  proceed(turn)
}

/** The epoch is not on this master's disk: nothing is said in it. Another may have space. */
export function epochUnsaved(turn: Turn, epoch: number, problem: string): void {
  if (epoch !== epochHeld(turn.state)) return
  count(turn.state, 'epochs-unsaved')
  cannotLead(turn, 'the disk does not take the epoch', problem)
}

/** Nobody leads before its disk has all records: whoever cannot must not keep others from it. */
export function candidateUnsaved(turn: Turn, problem: string): void {
  cannotLead(turn, 'the disk takes no record of the registry', problem)
}

function cannotLead(turn: Turn, why: string, problem: string): void {
  const { lease } = turn.state
  if (lease.state !== 'recovering') return
  warn(turn, `cannot lead: ${why}`, { epoch: epochHeld(turn.state), problem })
  pause(turn)
}

/** A disk that does not answer is one that takes nothing, if there is another master's. */
function considerDisk(turn: Turn, { sinceMs, isEpochSaved }: Takeover): void {
  const { registry, rules } = turn.state
  const copySinceMs = Math.max(sinceMs, registry.disk.saving?.sinceMs ?? turn.now.monotonicMs)
  const waitedMs = turn.now.monotonicMs - (isEpochSaved ? copySinceMs : sinceMs)
  if (waitedMs < rules.leaseMs || standbys(turn).length === 0) return
  cannotLead(turn, 'the disk does not answer', `asked ${waitedMs} ms ago`)
}

/** What time alone brings to a candidate. */
export function wakeCandidate(turn: Turn): void {
  const { takeover } = turn.state.registry
  const fetching = takeover?.fetching
  if (takeover === undefined) return
  if (fetching !== undefined && turn.now.monotonicMs >= fetching.untilMs) {
    takeover.fetching = undefined
  }
  considerDisk(turn, takeover)
  proceed(turn)
}

export function candidateWakeAtMs({ registry, leader }: Turn['state']): number {
  const { takeover } = registry
  if (leader !== undefined || takeover?.log === undefined || !takeover.isEpochSaved) {
    return Number.POSITIVE_INFINITY
  }
  return takeover.fetching?.untilMs ?? takeover.waitsUntilMs
}

/** Begins when all is known that can be known. */
function proceed(turn: Turn): void {
  const { state } = turn
  const { takeover } = state.registry
  if (takeover?.log === undefined || !takeover.isEpochSaved) return
  if (state.lease.state !== 'recovering' || state.leader !== undefined) return
  if (takeover.fetching !== undefined || !hasHeardPeers(turn, takeover, takeover.log)) return
  const { highestEpoch, epochTakenTwice } = state
  const held = epochHeld(state)
  if ((highestEpoch > held || epochTakenTwice === held) && claimHigher(turn, highestEpoch)) return
  const peer = newerPeer(turn)
  if (peer === undefined) takeOver(turn, takeover.log)
  else if (takeover.hasReadAgain) fetch(turn, takeover, peer)
  else {
    // It may have written to the log after that was read.
    takeover.hasReadAgain = true
    takeover.log = undefined
    readLog(turn, 'takeover')
  }
}

/**
 * The lease's record was lost, and this one's epoch is not above what others have seen: it is taken
 * again. Once in a lease's time: a master that lies may not keep everybody from leading.
 */
function claimHigher(turn: Turn, epoch: number): boolean {
  const { lease, rules } = turn.state
  if (turn.now.monotonicMs - lease.raisedAtMs < rules.leaseMs) return false
  lease.raisedAtMs = turn.now.monotonicMs
  raiseEpoch(turn, epoch)
  stepLease(turn, 'lease.lost')
  return true
}

/**
 * Whoever is there has said how far its copy goes: masters say so all the time, and those that were
 * there lately are asked once more, as the store may have lost what the last leader has just done.
 * While one's own beats do not come back, one does not hear the others' either: that time does not
 * count. A candidate whose beats never come back does not wait for ever; but only once the log was
 * read, as until then the server itself may have been away.
 */
function hasHeardPeers(turn: Turn, takeover: Takeover, { atMs }: LogRead): boolean {
  const { lease, rules } = turn.state
  const nowMs = turn.now.monotonicMs
  const isEchoing = nowMs - lease.ownEchoAtMs <= ECHO_MS_MAX
  const deafUntilMs = atMs + DEAF_WAITS_MAX * rules.peersWaitMs
  const heardUntilMs = Math.max(
    lease.echoSinceMs + rules.peersWaitMs,
    unheardUntilMs(turn, takeover.sinceMs),
  )
  takeover.waitsUntilMs = isEchoing ? Math.min(heardUntilMs, deafUntilMs) : deafUntilMs
  return nowMs >= takeover.waitsUntilMs
}

function fetch(turn: Turn, takeover: Takeover, peer: MasterId): void {
  takeover.fetching = askForCopy(turn, takeover, peer)
  const { snapshot } = takeover.fetching
  log(turn, 'fetches the registry of another master', { master: peer })
  sendBeat(turn, { asks: { master: peer, snapshot } })
}

/** A page of the copy that was asked for. */
export function copyPageHeard(turn: Turn, from: MasterId, page: CopyPage): void {
  const { registry } = turn.state
  const { takeover } = registry
  if (takeover?.fetching?.from !== from || takeover.log === undefined) return
  if (!takePage(turn, takeover.fetching, page)) return
  const { epoch, run, n } = page
  const { records } = takeover.fetching
  takeover.fetching = undefined
  const isAbove = epoch >= epochHeld(turn.state)
  if (isAbove && claimHigher(turn, epoch)) return
  if (isAbove || compare(page, registry.copy.position) <= 0) return proceed(turn)
  const table = tableOf(records)
  registry.copy = {
    ...newCopy(),
    table,
    position: { epoch, n },
    last: { epoch, run, n, sequence: 0 },
  }
  // Neither the log nor this master's disk has it.
  saveNothingBehind(turn)
  takeover.log = { ...takeover.log, isWhole: false }
  count(turn.state, 'registry-fetched')
  proceed(turn)
}
