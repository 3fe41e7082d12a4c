/** A leader's disk that does not answer: what it is given is neither there nor refused. */
import { isSavedElsewhere } from '../registry/peers.ts'
import { type Turn, warn } from '../turn.ts'
import { pause } from './lease.ts'

/** A disk that is only busy takes some seconds; each change of the lead costs all offers. */
export const SILENT_MS = 15_000

/** It is told once. Another master leads if its disk has taken what this one's does not. */
export function considerSilentDisk(turn: Turn): void {
  const { lease, registry } = turn.state
  const { disk } = registry
  if (lease.state !== 'leading' || disk.saving === undefined) return
  const silentMs = turn.now.monotonicMs - disk.saving.sinceMs
  if (silentMs < SILENT_MS) return
  const problem = `asked ${silentMs} ms ago`
  if (!disk.isFailing) warn(turn, 'the disk does not answer: nothing is admitted', { problem })
  disk.isFailing = true
  if (isSavedElsewhere(turn)) pause(turn)
}
