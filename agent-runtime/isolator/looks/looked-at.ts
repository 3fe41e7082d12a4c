/** What those who look at containers see of one. */
import type { Hold, LimitHit } from '../hold.ts'
import type { Place } from '../kill/kill.ts'

export interface LookedAt {
  readonly id: string
  readonly holds: readonly Hold[]
  /** Where its processes are; undefined: it has none now. */
  readonly place: Place | 'elsewhere' | undefined
  /** The kernel tells nobody of its limits. */
  readonly needsLook: boolean
  lookAtLimits(): void
  /** It was found beyond a limit that ends it. */
  limited(hit: LimitHit): void
}

export function holdOf<Name extends Hold['isolator']>(
  { holds }: Pick<LookedAt, 'holds'>,
  name: Name,
): Extract<Hold, { isolator: Name }> | undefined {
  const found = holds.find(({ isolator }) => isolator === name)
  return found as Extract<Hold, { isolator: Name }> | undefined
}
