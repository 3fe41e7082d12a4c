/** Which agents are given first. */
import type { Policy } from '../policy.ts'

export type Placement = Required<Pick<Policy, 'rankAgent'>>

/** The emptiest first: what one machine's end takes along is little. */
export const spread: Placement = { rankAgent: ({ fill }) => fill }

/** The fullest first: whole machines stay free for what needs one. */
export const binpack: Placement = { rankAgent: ({ fill }) => -fill }
