/** A leader's disk that does not answer: what it is given is neither there nor refused. */
import { type Turn, warn } from '../turn.ts'
import { pause } from './lease.ts'
import { standbys } from './peer-beats.ts'

/** It is told once. If another master stands by, that one leads: its disk may answer. */
export function considerSilentDisk(turn: Turn): void {
  const { lease, registry, rules } = turn.state
  const { disk } = registry
  const silentMs = turn.now.monotonicMs - (disk.saving?.sinceMs ?? turn.now.monotonicMs)
  if (lease.state !== 'leading' || silentMs < rules.leaseMs) return
  const problem = `asked ${silentMs} ms ago`
  if (!disk.isFailing) warn(turn, 'the disk does not answer: nothing is admitted', { problem })
  disk.isFailing = true
  if (standbys(turn).length > 0) pause(turn)
}
