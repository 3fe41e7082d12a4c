/** What a shadow knows: an allocator's books of its own, and what it has compared. */
import type { AgentId, SessionId } from '../../../protocol/ids.ts'
import type { AllocatorFigure } from '../../../protocol/schema/allocator.ts'
import type { Fence } from '../../../protocol/schema/common.ts'
import { type Random, seededRandom } from '../../parts/random.ts'
import type { Session } from '../../parts/session.ts'
import type { Policy } from '../policy.ts'
import { type Comparison, newComparison } from './comparison.ts'
import type { RealDecision } from './deciding.ts'
import type { Rehearsal } from './rehearsal.ts'

export type Heard =
  | { readonly figures: readonly AllocatorFigure[] }
  /** To be asked about together. */
  | { readonly decisions: readonly RealDecision[] }

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
  /** What leader and allocator have said, in the order in which it was heard. */
  readonly heard: Heard[]
  /** Decisions on figures that are still to come: there is no order between the two speakers. */
  readonly early: Map<AgentId, RealDecision>
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
  early: new Map(),
  askAtMs: undefined,
  reportAtMs: undefined,
  sinceWallMs: undefined,
  comparison: newComparison(),
})
