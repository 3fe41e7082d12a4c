/** This master's copy goes to its disk: one saving at a time, tried until it succeeds. */
import { LEADER_BEAT_MS } from '../../../protocol/limits.ts'
import { count } from '../state.ts'
import { log, type Turn, warn } from '../turn.ts'
import type { LogBatch } from './copy.ts'

/** A disk that took nothing is asked again after this. */
const RETRY_MS = LEADER_BEAT_MS / 2

/** Saved at once: a disk that takes nothing is not asked for more than so much each time. */
const BATCHES_MAX = 256

/** Behind what is there. */
export function saveBehind(turn: Turn, batch: LogBatch): void {
  const { disk } = turn.state.registry
  if (disk.lacksBeginning) return
  disk.waiting.push(batch)
  saveNext(turn)
}

/**
 * The copy in memory came from elsewhere: the disk keeps what it has until all is to stand there,
 * or a crash would leave the end of one copy behind the beginning of another.
 */
export function saveNothingBehind({ state }: Turn): void {
  state.registry.disk.lacksBeginning = true
}

/** The copy is whole, and the disk has the same, or will. */
export function isSound({ state }: Turn): boolean {
  const { copy, disk } = state.registry
  return !copy.hasGap && !disk.lacksBeginning
}

/** In the place of all that is there, or is on its way. */
export function saveInstead(turn: Turn, batches: readonly LogBatch[]): void {
  const { disk } = turn.state.registry
  disk.instead = batches
  disk.waiting.length = 0
  disk.lacksBeginning = false
  saveNext(turn)
}

/** Nothing is on its way to the disk. */
export function isSaved({ state }: Turn): boolean {
  const { saving, instead, waiting } = state.registry.disk
  return saving === undefined && instead === undefined && waiting.length === 0
}

function saveNext(turn: Turn): void {
  const { disk } = turn.state.registry
  const isFailing = disk.retryAtMs !== Number.POSITIVE_INFINITY
  if (disk.saving !== undefined || isFailing || isSaved(turn)) return
  const { instead } = disk
  const where = instead === undefined ? 'behind' : 'instead'
  const batches = instead ?? disk.waiting.splice(0, BATCHES_MAX)
  disk.saving = { where, batches, sinceMs: turn.now.monotonicMs }
  disk.instead = undefined
  turn.effects.push({ do: 'save-copy', where, batches })
}

export function copySaved(turn: Turn): void {
  const { disk } = turn.state.registry
  if (disk.isFailing) log(turn, 'the disk takes records of the registry again')
  disk.isFailing = false
  disk.saving = undefined
  saveNext(turn)
}

/** Nothing of it is on disk. What a leader wants to do waits, as for a log that does not answer. */
export function copyUnsaved(turn: Turn, problem: string): void {
  const { disk } = turn.state.registry
  const { saving } = disk
  disk.saving = undefined
  disk.retryAtMs = turn.now.monotonicMs + RETRY_MS
  count(turn.state, 'copies-unsaved')
  if (!disk.isFailing) {
    warn(turn, 'the disk takes no record of the registry: nothing is admitted', { problem })
  }
  disk.isFailing = true
  // What is to stand in the place of all has all of it.
  if (saving === undefined || disk.instead !== undefined) return
  if (saving.where === 'instead') disk.instead = saving.batches
  else disk.waiting.unshift(...saving.batches)
}

/** What time alone brings. */
export function wakeDisk(turn: Turn): void {
  const { disk } = turn.state.registry
  if (turn.now.monotonicMs < disk.retryAtMs) return
  disk.retryAtMs = Number.POSITIVE_INFINITY
  saveNext(turn)
}
