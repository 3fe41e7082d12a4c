/**
 * What must survive a leader: written before it is acted on. One batch is on its way at a time,
 * with the expected last sequence; a conflict or silence is read back.
 */
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { LEADER_BEAT_MS } from '../../protocol/limits.ts'
import type { Fence } from '../../protocol/schema/common.ts'
import type { RegistryBatch, RegistryRecord } from '../../protocol/schema/master.ts'
import { cut } from '../parts/outbox.ts'
import { isNear } from './lead/epochs.ts'
import type { AfterWrite } from './state.ts'
import type { LeaderTurn } from './turn.ts'

/** A store that did not answer is asked again after this. */
const RETRY_MS = LEADER_BEAT_MS / 2

const BATCH_RECORDS_MAX = 4_096

/**
 * Changes of one framework that may wait at once: while the store is away, it may not fill memory.
 */
const CHANGES_MAX = 4

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

function writeNext(turn: LeaderTurn): void {
  const { registry, epoch } = turn.leader
  if (registry.flying !== undefined || registry.queue.length === 0) return
  // No more than one batch may hold is looked at: after a takeover the queue is as long as the
  // cluster.
  const next = registry.queue.slice(0, BATCH_RECORDS_MAX)
  const records = cut(next.map((entry) => entry.record))[0] ?? []
  registry.n += 1
  registry.flying = { n: registry.n, count: records.length }
  append(turn, { epoch, run: turn.state.run, n: registry.n, records: [...records] })
}

function append(turn: LeaderTurn, batch: RegistryBatch): void {
  const { lastSequence } = turn.leader.registry
  turn.effects.push({ do: 'append-registry', batch, lastSequence })
}

/** Returns what is to be done now that it is written. */
export function appended(turn: LeaderTurn, sequence: number): readonly AfterWrite[] {
  const { registry } = turn.leader
  if (registry.flying === undefined) return []
  registry.lastSequence = sequence
  const written = registry.queue.splice(0, registry.flying.count)
  registry.flying = undefined
  for (const { after } of written) if ('key' in after) countWritten(turn, after.key)
  writeNext(turn)
  return written.map(({ after }) => after)
}

function countWritten(turn: LeaderTurn, key: string): void {
  const left = changesOf(turn, key) - 1
  if (left > 0) turn.leader.registry.changing.set(key, left)
  else turn.leader.registry.changing.delete(key)
}

/** It may have been written: the log says so. */
export function uncertain(turn: LeaderTurn): void {
  const atMs = turn.now.monotonicMs + RETRY_MS
  turn.leader.deadlines.set('registry-retry', atMs, { due: 'registry-retry' })
}

/** The log was read back: our batch is its last, or it is missing, or another leader wrote. */
export function readBack(
  turn: LeaderTurn,
  batches: readonly RegistryBatch[],
  lastSequence: number,
): readonly AfterWrite[] | 'superseded' {
  const { registry, epoch } = turn.leader
  const last = batches.at(-1)
  if (last !== undefined && isAbove(last, { epoch, run: turn.state.run })) return 'superseded'
  if (registry.flying === undefined) return []
  if (last?.epoch === epoch && last.n === registry.flying.n) {
    return appended(turn, lastSequence)
  }
  registry.lastSequence = lastSequence
  const records = registry.queue.slice(0, registry.flying.count).map((entry) => entry.record)
  append(turn, { epoch, run: turn.state.run, n: registry.flying.n, records })
  return []
}

/** Written by a leader that is not lower than `own`, and is another. */
const isAbove = (last: Fence, own: Fence): boolean =>
  last.epoch > own.epoch || (last.epoch === own.epoch && last.run !== own.run)

/**
 * Without those that no leader can have written: of an epoch absurdly far above all before it, and
 * above `known`, the highest that this master knows of (0: none).
 */
export function believable(
  batches: readonly RegistryBatch[],
  known: number,
): readonly RegistryBatch[] {
  let highest = known
  return batches.filter(({ epoch }) => {
    if (highest > 0 && !isNear(highest, epoch)) return false
    highest = Math.max(highest, epoch)
    return true
  })
}

/**
 * The records that count: one of an epoch lower than one before it was written by a deposed leader.
 */
export function fold(batches: readonly RegistryBatch[]): readonly RegistryRecord[] {
  let highest = 0
  const records: RegistryRecord[] = []
  for (const batch of batches) {
    if (batch.epoch < highest) continue
    highest = batch.epoch
    records.push(...batch.records)
  }
  return records
}

/** The highest epoch that ever wrote; 0 if none did. */
export function highestEpoch(batches: readonly RegistryBatch[]): number {
  return batches.reduce((highest, { epoch }) => Math.max(highest, epoch), 0)
}
