/** Epochs: the one that this master holds, and the highest that it has heard of. */
import { EPOCH_JUMP_MAX } from '../../../protocol/limits.ts'
import { count } from '../state.ts'
import { type Turn, warn } from '../turn.ts'

/** The epoch of the lead, or of the lease that is held before there is one. */
export function epochHeld({ leader, lease }: Turn['state']): number {
  return leader?.epoch ?? lease.record?.epoch ?? 0
}

/** Takes note of an epoch: it only ever rises. */
export function raiseEpoch({ state }: Turn, epoch: number): void {
  state.highestEpoch = Math.max(state.highestEpoch, epoch)
}

/** False of one that no master can have written. Who knows of none cannot tell. */
export function isBelievable(turn: Turn, epoch: number): boolean {
  const { highestEpoch } = turn.state
  if (highestEpoch === 0 || isNear(highestEpoch, epoch)) return true
  const { state } = turn
  count(state, 'epoch-jumps-refused')
  if (state.jumpRefused === epoch) return false
  state.jumpRefused = epoch
  warn(turn, 'the lease names an epoch that is absurdly high', { epoch, highest: highestEpoch })
  return false
}

/** False of an epoch that is absurdly far above another. */
export function isNear(highest: number, epoch: number): boolean {
  return epoch <= highest + EPOCH_JUMP_MAX
}
