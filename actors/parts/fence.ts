/** Which leader counts: the highest epoch ever obeyed, and within it the first run. */
import { EPOCH_JUMP_MAX } from '../../protocol/limits.ts'
import type { Fence, Subscription } from '../../protocol/schema/common.ts'

/**
 * `higher`: a new leader. `current`: the one obeyed. `lower`: an older one, or another run of the
 * same epoch. `absurd`: an epoch so far above the highest that whoever claims it is broken. Who has
 * heard none cannot tell: an old cluster's first is as high as it is.
 */
export function compareFence(
  highest: Fence | undefined,
  given: Fence,
): 'higher' | 'current' | 'lower' | 'absurd' {
  if (highest === undefined) return 'higher'
  if (given.epoch > highest.epoch + EPOCH_JUMP_MAX) return 'absurd'
  if (given.epoch > highest.epoch) return 'higher'
  return given.epoch === highest.epoch && given.run === highest.run ? 'current' : 'lower'
}

/** Negative, zero or positive, as for sorting: by epoch, then count. */
export function compareSubscription(a: Subscription, b: Subscription): number {
  return a.epoch - b.epoch || a.count - b.count
}
