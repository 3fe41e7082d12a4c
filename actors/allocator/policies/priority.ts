/** Strict order: of siblings the one of more weight always comes first, whatever it holds. */
import type { Policy } from '../policy.ts'

/** A share as so many parts: what is less apart counts as equal. */
const SHARE_PARTS = 2 ** 20
const bits = new DataView(new ArrayBuffer(4))

/**
 * Weights are told apart as floats of 32 bits are: the bits of a positive one, read as an integer,
 * are in the order of the numbers. With the share below them they are an integer of 52 bits.
 */
function rank(weight: number, share: number): number {
  bits.setFloat32(0, weight)
  return Math.floor(Math.min(share, 1) * SHARE_PARTS) - bits.getUint32(0) * (2 * SHARE_PARTS)
}

export const priority: Policy = {
  name: 'priority',
  rankRole: ({ weight, share }) => rank(weight, share),
  rankMember: ({ share }) => share,
}
