/** What those who look at containers see of one. */
import type { Held } from './held.ts'
import type { Hold, LimitHit } from './isolator.ts'
import type { Place } from './kill.ts'

export interface LookedAt {
  readonly id: string
  readonly held: Held
  /** Where its processes are; undefined: it has none now. */
  readonly place: Place | undefined
  /** The kernel tells nobody of its limits. */
  readonly needsLook: boolean
  lookAtLimits(): void
  /** It was found beyond a limit that ends it. */
  limited(hit: LimitHit): void
}

export function holdOf<Name extends Hold['isolator']>(
  { held }: LookedAt,
  name: Name,
): Extract<Hold, { isolator: Name }> | undefined {
  const found = held.holds.find(({ isolator }) => isolator === name)
  return found as Extract<Hold, { isolator: Name }> | undefined
}
