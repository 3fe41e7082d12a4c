/** What a shadow knows: an allocator's books of its own, and what it has compared. */
import type { SessionId } from '../../../protocol/ids.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import type { Fence } from '../../../protocol/schema/common.ts'
import { type Random, seededRandom } from '../../parts/random.ts'
import type { Session } from '../../parts/session.ts'
import type { Policy } from '../policy.ts'
import { type Comparison, newComparison } from './comparison.ts'
import type { Rehearsal } from './rehearsal.ts'

export interface ShadowState {
  readonly random: Random
  policy: Policy
  /** The policy that it was to have, and why it has the default one instead. */
  failed: { readonly policy: string; readonly problem: string } | undefined
  /** The highest leader ever heard. */
  highest: Fence | undefined
  /** The allocator that its last beat named: without one there is nothing to be told. */
  named: SessionId | undefined
  /** The session whose figures are heard, from wherever it was. */
  followed: Session | undefined
  /** Since it was told everything, or is being told; undefined: it misses something. */
  rehearsal: Rehearsal | undefined
  isTold: boolean
  /** Figures that the rehearsal hears when it has decided on those before. */
  readonly heard: AllocatorFigure[][]
  askAtMs: number | undefined
  reportAtMs: number | undefined
  sinceWallMs: number | undefined
  comparison: Comparison
}

/** `seed`: 128 random bits as 32 hexadecimal digits. */
export const newShadow = (seed: string, policy: Policy): ShadowState => ({
  random: seededRandom(seed),
  policy,
  failed: undefined,
  highest: undefined,
  named: undefined,
  followed: undefined,
  rehearsal: undefined,
  isTold: false,
  heard: [],
  askAtMs: undefined,
  reportAtMs: undefined,
  sinceWallMs: undefined,
  comparison: newComparison(),
})
