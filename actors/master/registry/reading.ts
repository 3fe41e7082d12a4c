/**
 * Reading the log: from where this master's copy ends, if the log goes on from there; else all of
 * it, into a copy of its own.
 */
import { LEADER_BEAT_MS } from '../../../protocol/limits.ts'
import type { Fence } from '../../../protocol/schema/common.ts'
import { epochHeld, isNear } from '../lead/epochs.ts'
import { count } from '../state.ts'
import type { Turn } from '../turn.ts'
import { compare, counts, follows, type LogBatch, newCopy, takeBatch } from './copy.ts'
import { isSound, saveBehind, saveInstead } from './disk.ts'
import type { Reading, ReadingReason } from './state.ts'

/** As long as a leader that has a thousand agents in a batch may be busy with one part. */
const CHECK_PART_SEQUENCES = 8
/** Whoever does not lead yet has nothing else to do. */
const PART_SEQUENCES = 128
/** A check of the log that something else has kept from its end is made up for after this. */
const CHECK_AGAIN_MS = LEADER_BEAT_MS / 2

/** One part of the log, as it was asked for. */
export interface LogPart {
  readonly epoch: number
  /** The number of the reading that it is part of. */
  readonly reading: number
  readonly batches: readonly LogBatch[]
  /** From where to go on; above `lastSequence`: that was all. */
  readonly next: number
  readonly lastSequence: number
}

/** Asks for the log, in the epoch that is held, and for nothing else any more. */
export function readLog(turn: Turn, why: ReadingReason): void {
  const { registry, highestEpoch } = turn.state
  const { copy } = registry
  // Else it may end as the log does, and yet lack what the log or the disk holds.
  const isTrusted = why === 'read-back' || (why !== 'check' && isSound(turn))
  const from = isTrusted ? (copy.last?.sequence ?? 0) : 0
  giveUpReading(turn)
  registry.readings += 1
  registry.reading = {
    number: registry.readings,
    why,
    epoch: epochHeld(turn.state),
    from: Math.max(1, from),
    least: copy.position,
    isFirst: true,
    anew: from > 0 ? undefined : { copy: newCopy(), batches: [] },
    highest: highestEpoch,
    isSuperseded: false,
    found: undefined,
  }
  ask(turn, registry.reading)
}

function ask({ effects }: Turn, { number, why, epoch, from }: Reading): void {
  const max = why === 'check' ? CHECK_PART_SEQUENCES : PART_SEQUENCES
  effects.push({ do: 'read-registry', epoch, reading: number, from, max })
}

/** What was asked is nobody's any more. */
export function giveUpReading(turn: Turn): void {
  const { registry } = turn.state
  if (registry.reading?.why === 'check') checkLater(turn)
  registry.reading = undefined
}

/** A leader reads the log whole in a while. */
export function checkLater({ state, now }: Turn, delayMs = CHECK_AGAIN_MS): void {
  state.leader?.deadlines.set('registry-check', now.monotonicMs + delayMs, {
    due: 'registry-check',
  })
}

/** What was asked in another epoch is not answered any more. */
export function dropReading({ state }: Turn, epoch: number): void {
  if (state.registry.reading?.epoch === epoch) state.registry.reading = undefined
}

/** Returns the reading when it is done. */
export function partRead(turn: Turn, part: LogPart): Reading | undefined {
  const { reading } = turn.state.registry
  if (reading === undefined || reading.number !== part.reading) return
  const batches = part.batches.filter((entry) => isBelievable(turn, reading, entry))
  if (!takePart(turn, reading, batches)) return readAnew(turn, reading)
  reading.isFirst = false
  reading.from = part.next
  if (part.next <= part.lastSequence) {
    ask(turn, reading)
    return
  }
  turn.state.registry.reading = undefined
  return reading
}

/** Nobody can have written one of an epoch absurdly far above all before it (0: none is known). */
function isBelievable({ state }: Turn, reading: Reading, { batch }: LogBatch): boolean {
  if (reading.highest > 0 && !isNear(reading.highest, batch.epoch)) {
    count(state, 'registry-batches-absurd')
    return false
  }
  reading.highest = Math.max(reading.highest, batch.epoch)
  return true
}

/** False: the log does not go on from this master's copy. */
function takePart(turn: Turn, reading: Reading, batches: readonly LogBatch[]): boolean {
  const { state } = turn
  const { copy } = state.registry
  const isKnown = reading.anew === undefined && reading.isFirst
  if (isKnown && !isLast(turn, batches[0])) return false
  const taken: LogBatch[] = []
  for (const entry of isKnown ? batches.slice(1) : batches) {
    const { batch } = entry
    if (isOwn(turn, batch)) {
      if (batch.n === state.leader?.registry.flying?.batch.n) reading.found = entry.sequence
      if (reading.anew === undefined) continue
    } else if (batch.epoch >= reading.epoch) reading.isSuperseded = true
    if (reading.anew !== undefined) takeAnew(reading.anew, entry)
    else if (counts(copy, batch) && reading.why !== 'read-back') {
      if (!follows(copy, batch)) return false
      taken.push(entry)
      take(turn, entry)
    }
  }
  return true
}

/** It is the batch that this master's copy ends with. */
function isLast({ state }: Turn, entry: LogBatch | undefined): boolean {
  const { last } = state.registry.copy
  if (entry === undefined || last === undefined || entry.sequence !== last.sequence) return false
  const { epoch, run, n } = entry.batch
  return epoch === last.epoch && run === last.run && n === last.n
}

/** Written by this very lead. */
const isOwn = ({ state }: Turn, { epoch, run }: Fence): boolean =>
  run === state.run && epoch === epochHeld(state)

/** A batch that goes on from this master's copy: into it, and to the disk. */
export function take(turn: Turn, entry: LogBatch): void {
  const { registry } = turn.state
  const snapshot = takeBatch(registry.copy, entry)
  registry.lending = undefined
  if (snapshot === undefined) saveBehind(turn, entry)
  else saveInstead(turn, snapshot)
}

type Anew = NonNullable<Reading['anew']>

function takeAnew(anew: Anew, entry: LogBatch): void {
  const snapshot = takeBatch(anew.copy, entry)
  if (snapshot === undefined) anew.batches.push(entry)
  else anew.batches = [...snapshot]
}

function readAnew(turn: Turn, reading: Reading): undefined {
  reading.anew = { copy: newCopy(), batches: [] }
  reading.from = 1
  ask(turn, reading)
}

/** The log, of which all was read, has what this master's copy had when it was asked. */
export const holdsAll = ({ anew, least }: Reading): boolean =>
  anew !== undefined && !anew.copy.hasGap && compare(anew.copy.position, least) >= 0

/** Takes the log for this master's copy, if it is whole and not older. */
export function adoptLog(turn: Turn, anew: Anew | undefined): boolean {
  const { registry } = turn.state
  if (anew === undefined) return true
  if (anew.copy.hasGap || compare(anew.copy.position, registry.copy.position) < 0) return false
  registry.copy = anew.copy
  registry.lending = undefined
  saveInstead(turn, anew.batches)
  return true
}
