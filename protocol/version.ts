/** Which versions of the protocol are spoken here. */
import type { VersionRange } from './schema/common.ts'

export const PROTOCOL_VERSION = 1
export const PROTOCOL_VERSIONS: VersionRange = { min: 1, max: PROTOCOL_VERSION }

/** The highest version that both speak; undefined: none. Absent means ours. */
export function commonVersion(theirs: VersionRange | undefined): number | undefined {
  if (theirs === undefined) return PROTOCOL_VERSION
  const highest = Math.min(theirs.max, PROTOCOL_VERSIONS.max)
  return highest >= Math.max(theirs.min, PROTOCOL_VERSIONS.min) ? highest : undefined
}
