/** Epochs: the one that this master holds, and the highest that it has heard of. */
import type { RunId } from '../../../protocol/ids.ts'
import { EPOCH_JUMP_MAX } from '../../../protocol/limits.ts'
import type { Fence } from '../../../protocol/schema/common.ts'
import { count } from '../state.ts'
import { type Turn, warn } from '../turn.ts'

/** The epoch of the lead, or of the lease that is held before there is one. */
export function epochHeld({ leader, lease }: Turn['state']): number {
  return leader?.epoch ?? lease.record?.epoch ?? 0
}

/** Takes note of an epoch, and of the run that has taken it: it only ever rises. */
export function raiseEpoch({ state }: Turn, epoch: number, run?: RunId): void {
  if (epoch < state.highestEpoch) return
  state.highestRun = epoch > state.highestEpoch ? run : (state.highestRun ?? run)
  state.highestEpoch = epoch
}

/** Two runs have taken the highest epoch: with a store that was lost the lease began anew. */
export function isTakenTwice({ state }: Turn, { epoch, run }: Fence): boolean {
  const { highestEpoch, highestRun } = state
  return epoch === highestEpoch && highestRun !== undefined && run !== highestRun
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
