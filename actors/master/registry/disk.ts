/** This master's copy goes to its disk: one saving at a time, tried until it succeeds. */
import { LEADER_BEAT_MS } from '../../../protocol/limits.ts'
import { count } from '../state.ts'
import { log, type Turn, warn } from '../turn.ts'
import type { LogBatch } from './copy.ts'

/** A disk that took nothing is asked again after this. */
const RETRY_MS = LEADER_BEAT_MS / 2

/** Behind what is there. */
export function saveBehind(turn: Turn, batches: readonly LogBatch[]): void {
  const { disk } = turn.state.registry
  disk.waiting = { ...disk.waiting, batches: [...disk.waiting.batches, ...batches] }
  saveNext(turn)
}

/** In the place of all that is there, or is on its way. */
export function saveInstead(turn: Turn, batches: readonly LogBatch[]): void {
  turn.state.registry.disk.waiting = { where: 'instead', batches }
  saveNext(turn)
}

/** All that this master's copy holds is on its disk. */
export function isSaved({ state }: Turn): boolean {
  const { saving, waiting } = state.registry.disk
  return saving === undefined && waiting.batches.length === 0
}

function saveNext({ state, effects }: Turn): void {
  const { disk } = state.registry
  const isFailing = disk.retryAtMs !== Number.POSITIVE_INFINITY
  if (disk.saving !== undefined || disk.waiting.batches.length === 0 || isFailing) return
  disk.saving = disk.waiting
  disk.waiting = { where: 'behind', batches: [] }
  effects.push({ do: 'save-copy', ...disk.saving })
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
  const { saving, waiting } = disk
  disk.saving = undefined
  disk.retryAtMs = turn.now.monotonicMs + RETRY_MS
  count(turn.state, 'copies-unsaved')
  if (!disk.isFailing) {
    warn(turn, 'the disk takes no record of the registry: nothing is admitted', { problem })
  }
  disk.isFailing = true
  if (saving === undefined || waiting.where === 'instead') return
  disk.waiting = { ...saving, batches: [...saving.batches, ...waiting.batches] }
}

/** What time alone brings. */
export function wakeDisk(turn: Turn): void {
  const { disk } = turn.state.registry
  if (turn.now.monotonicMs < disk.retryAtMs) return
  disk.retryAtMs = Number.POSITIVE_INFINITY
  saveNext(turn)
}
