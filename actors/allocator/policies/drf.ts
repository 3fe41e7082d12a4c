/** Dominant resource fairness: whoever holds least, for its weight, is asked first. */
import type { Policy } from '../policy.ts'

export const drf: Policy = {
  name: 'drf',
  rankRole: ({ share, weight }) => share / weight,
  rankMember: ({ share }) => share,
}
