/**
 * What must survive a leader: written before it is acted on. One batch is on its way at a time, to
 * the log with the expected last sequence, and then to this master's own disk. A conflict or
 * silence is read back.
 */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { LEADER_BEAT_MS } from '../../protocol/limits.ts'
import type { RegistryBatch, RegistryRecord } from '../../protocol/schema/master.ts'
import { cut } from '../parts/outbox.ts'
import { isSaved } from './registry/disk.ts'
import { nextPage, openPages } from './registry/pages.ts'
import { checkLater, giveUpReading, holdsAll, readLog, take } from './registry/reading.ts'
import type { Flying, Reading } from './registry/state.ts'
import { sizeOf } from './registry/table.ts'
import { type AfterWrite, count } from './state.ts'
import { type LeaderTurn, log, warn } from './turn.ts'

/** A store that did not answer is asked again after this. */
const RETRY_MS = LEADER_BEAT_MS / 2

/**
 * A takeover reads what it must. So long after it the log is read whole, so that a hole does not
 * show only when no master with a copy is left.
 */
export const CHECK_MS = 5_000

/** What follows from one batch is one input: it may be as many admissions. */
const BATCH_RECORDS_MAX = 512
/** What the agents hold that it admits: each of their tasks is looked at then. */
const BATCH_TASKS_MAX = 10_000

/**
 * Changes of one framework that may wait at once: while the store is away, it may not fill memory.
 */
const CHANGES_MAX = 4

/** The log is written anew when it is so much longer than it must be, but not while it is short. */
const GROWTH_MAX = 4
const SHORT_RECORDS = 4_096

/** Writes `record`, then does what stands in `after`. */
export function record(turn: LeaderTurn, record: RegistryRecord, after: AfterWrite): void {
  const { registry } = turn.leader
  registry.queue.push({ record, after })
  if ('key' in after) registry.changing.set(after.key, changesOf(turn, after.key) + 1)
  writeNext(turn)
}

/** Subscriptions and ends of a framework that wait to be written. */
export function changesOf({ leader }: LeaderTurn, key: string): number {
  return leader.registry.changing.get(key) ?? 0
}

/** Says no to one more of them when there are too many. */
export function refuseChange(turn: LeaderTurn, key: string): Refusal | undefined {
  if (changesOf(turn, key) < CHANGES_MAX) return undefined
  return refusal('too-many', `${CHANGES_MAX} changes of ${key} wait for the registry`)
}

/** Writes all that there is once more, and then does what stands in `after`. */
export function writeSnapshot(turn: LeaderTurn, after: AfterWrite): void {
  const { registry } = turn.leader
  registry.snapshot = { pages: openPages(turn.state.registry.copy.table), after, sequence: 0 }
  writeNext(turn)
}

/** A page of a snapshot, or what has waited. */
function writeNext(turn: LeaderTurn): void {
  const { registry } = turn.leader
  if (registry.flying !== undefined) return
  if (registry.snapshot === undefined && isLong(turn)) {
    log(turn, 'writes the registry anew', { records: turn.state.registry.copy.records })
    return writeSnapshot(turn, { after: 'nothing' })
  }
  if (registry.snapshot !== undefined) {
    const { records, ...snapshot } = nextPage(registry.snapshot.pages)
    // No message is without records: this one is none that changes anything.
    const some: RegistryRecord[] = records.length > 0 ? records : [{ kind: 'epoch' }]
    return fly(turn, { records: some, snapshot }, 0)
  }
  if (registry.queue.length === 0) return
  const records = cut(nextOfQueue(turn))[0] ?? []
  fly(turn, { records: [...records] }, records.length)
}

/**
 * No more than one batch may hold is looked at: after a takeover the queue is as long as the
 * cluster. The first one always fits.
 */
function nextOfQueue({ leader }: LeaderTurn): readonly RegistryRecord[] {
  const records: RegistryRecord[] = []
  let tasks = 0
  for (const { record, after } of leader.registry.queue.slice(0, BATCH_RECORDS_MAX)) {
    if (after.after === 'admit')
      tasks += leader.agents.get(after.fact.agentId)?.opening?.tasks.length ?? 0
    if (records.length > 0 && tasks > BATCH_TASKS_MAX) break
    records.push(record)
  }
  return records
}

function isLong({ state }: LeaderTurn): boolean {
  const { records, table } = state.registry.copy
  if (state.lease.state !== 'leading' || records <= SHORT_RECORDS) return false
  return records > GROWTH_MAX * sizeOf(table)
}

function fly(
  turn: LeaderTurn,
  what: Pick<RegistryBatch, 'records' | 'snapshot'>,
  count: number,
): void {
  const { registry, epoch } = turn.leader
  registry.n += 1
  const batch = { epoch, run: turn.state.run, n: registry.n, ...what }
  registry.flying = { batch, count, snapshot: registry.snapshot, isStored: false }
  append(turn, batch)
}

/** What is on its way to the log, and may have got lost. */
export function writeAgain(turn: LeaderTurn): void {
  const { flying } = turn.leader.registry
  if (flying?.isStored === false) append(turn, flying.batch)
}

function append(turn: LeaderTurn, batch: RegistryBatch): void {
  const { lastSequence } = turn.leader.registry
  turn.effects.push({ do: 'append-registry', batch, lastSequence })
}

/** The answer to what was given up meanwhile says nothing of what is on its way now. */
const isFlying = ({ leader }: LeaderTurn, n: number): boolean =>
  leader.registry.flying?.batch.n === n

/** The log has it. */
export function appended(
  turn: LeaderTurn,
  { n, sequence }: { readonly n: number; readonly sequence: number },
): void {
  if (!isFlying(turn, n)) return
  stored(turn, sequence)
  const { reading } = turn.state.registry
  // What is being read was asked before it stood there.
  if (reading !== undefined && reading.why !== 'check') readBack(turn)
}

/** Somebody else wrote, or an earlier try of this very batch did. */
export function conflicted(turn: LeaderTurn, { n }: { readonly n: number }): void {
  if (isFlying(turn, n)) readBack(turn)
}

/** The log has what is on its way. It counts when this master's own disk has it, too. */
export function stored(turn: LeaderTurn, sequence: number): void {
  const { registry } = turn.leader
  const { flying, snapshot } = registry
  if (flying === undefined || flying.isStored) return
  flying.isStored = true
  registry.lastSequence = sequence
  if (flying.batch.snapshot?.page === 1 && snapshot !== undefined) snapshot.sequence = sequence
  take(turn, { sequence, batch: flying.batch })
}

/** Returns what is to be done when the batch on its way is in the log and on the disk. */
export function written(turn: LeaderTurn): readonly AfterWrite[] {
  const { registry } = turn.leader
  const { flying } = registry
  if (flying?.isStored !== true || !isSaved(turn)) return []
  registry.flying = undefined
  const done = flying.count > 0 ? queueWritten(turn, flying.count) : pageWritten(turn, flying)
  writeNext(turn)
  return done
}

const queueWritten = ({ leader }: LeaderTurn, count: number): readonly AfterWrite[] =>
  leader.registry.queue.splice(0, count).map(({ after }) => after)

function pageWritten(
  turn: LeaderTurn,
  { batch, snapshot }: Flying<AfterWrite>,
): readonly AfterWrite[] {
  const { registry } = turn.leader
  // Begun anew meanwhile.
  if (snapshot === undefined || snapshot !== registry.snapshot) return []
  if (batch.snapshot?.last !== true) return []
  registry.snapshot = undefined
  turn.effects.push({ do: 'trim-registry', below: snapshot.sequence })
  return [snapshot.after]
}

/** One of what was written together has its turn: those behind it are still to be done. */
export function countWritten(turn: LeaderTurn, after: AfterWrite): void {
  if (!('key' in after)) return
  const left = changesOf(turn, after.key) - 1
  if (left > 0) turn.leader.registry.changing.set(after.key, left)
  else turn.leader.registry.changing.delete(after.key)
}

/** It may have been written: the log says so. */
export function uncertain(turn: LeaderTurn): void {
  giveUpReading(turn)
  const atMs = turn.now.monotonicMs + RETRY_MS
  turn.leader.deadlines.set('registry-retry', atMs, { due: 'registry-retry' })
}

/** Somebody else wrote, or it did itself, or the log is not the one that it was. */
export function readBack(turn: LeaderTurn): void {
  readLog(turn, hasWritten(turn) ? 'read-back' : 'takeover')
}

/** Reads the log whole, once nothing else is being read and no snapshot is half written. */
export function checkLog(turn: LeaderTurn): void {
  const isBusy =
    turn.state.registry.reading !== undefined || turn.leader.registry.snapshot !== undefined
  if (isBusy) checkLater(turn)
  else readLog(turn, 'check')
}

/**
 * All of the log was read. What it lacks of this master's copy is written again, if it lacks it a
 * second time: some may have been removed, behind a snapshot, while it was read.
 */
export function logChecked(turn: LeaderTurn, reading: Reading, lastSequence: number): void {
  const { registry } = turn.leader
  const isDoubted = !holdsAll(reading)
  const isCertain = isDoubted && registry.isDoubted
  registry.isDoubted = isDoubted && !isCertain
  if (!isDoubted) return
  if (registry.snapshot !== undefined) checkLater(turn)
  else if (isCertain) reseed(turn, lastSequence)
  else readLog(turn, 'check')
}

/** Its first record is in the log. */
export function hasWritten({ state, leader }: LeaderTurn): boolean {
  const { last } = state.registry.copy
  return last?.epoch === leader.epoch && last.run === state.run
}

/** The log was read back, and nobody else leads: the batch is there, or is missing, or all is. */
export function goOn(turn: LeaderTurn, reading: Reading, lastSequence: number): void {
  const { registry } = turn.leader
  const { flying } = registry
  if (reading.anew !== undefined && reading.found === undefined) return reseed(turn, lastSequence)
  registry.lastSequence = lastSequence
  if (flying === undefined || flying.isStored) return
  if (reading.found === undefined) append(turn, flying.batch)
  else {
    stored(turn, reading.found)
    registry.lastSequence = lastSequence
  }
}

/** The store has lost what it had: it gets all of it once more. */
function reseed(turn: LeaderTurn, lastSequence: number): void {
  const { registry } = turn.leader
  count(turn.state, 'registry-reseeded')
  warn(turn, 'the log has lost records of the registry: they are written again', { lastSequence })
  registry.lastSequence = lastSequence
  const after = registry.snapshot?.after ?? { after: 'nothing' }
  // Its number is not given to another: it may still arrive.
  if (registry.flying?.isStored === false) registry.flying = undefined
  writeSnapshot(turn, after)
}
