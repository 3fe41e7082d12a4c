/** What members want of agents, ready to be compared with them. */
import type { Attribute } from '../../../protocol/schema/common.ts'
import type { Judge } from '../../parts/constraints.ts'
import type { Scalars } from '../books/scalars.ts'

/** What a member wants of offers. */
export interface MemberTerms {
  /** As they came, as text: those that are told again change nothing. */
  readonly key: string
  readonly usesGpus: boolean
  readonly knowsRegions: boolean
  /** Undefined: any agent will do. */
  readonly constraints: ConstraintSet | undefined
  /** Undefined: the cluster's hold. */
  readonly least: Least | undefined
  /** What `least` speaks of, likewise: see `essentialsOf`. */
  readonly essentials: Readonly<Scalars> | undefined
}

export const NO_TERMS: MemberTerms = {
  key: '',
  usesGpus: false,
  knowsRegions: false,
  constraints: undefined,
  least: undefined,
  essentials: undefined,
}

/** What constraints are judged by: one for all agents that say the same. */
export interface Attributes {
  readonly key: string
  readonly list: readonly Attribute[]
}

/** Constraints of one member or several, with what they were found to say. */
export interface ConstraintSet {
  readonly key: string
  readonly judge: Judge
  /** Agents of the same attributes may differ by it. */
  readonly isOfHostname: boolean
  /** By attributes; by agents if it is about their hostnames. */
  readonly verdicts: WeakMap<object, boolean>
}

/** Alternatives: what is offered contains one of them. None: whatever there is. */
export type Least = readonly Alternative[]
export type Alternative = readonly Amount[]

export interface Amount {
  readonly name: string
  readonly number: number
  readonly thousandths: number
}
