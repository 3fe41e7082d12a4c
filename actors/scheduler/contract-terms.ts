/** What a framework wants of offers before they are made, and what it may change of itself. */
import type { Capability } from '../../protocol/schema/common.ts'

/**
 * What must hold of an agent's attribute; `hostname` counts as one. `exists`, `equals` and
 * `matches` hold if any attribute of that name does so, `notEquals` and `notMatches` if none does.
 * Numbers are compared as text. A regular expression (RE2's syntax) must match the whole text.
 */
export type OfferConstraint = { readonly attribute: string } & (
  | { readonly exists: boolean }
  | { readonly equals: string }
  | { readonly notEquals: string }
  | { readonly matches: string }
  | { readonly notMatches: string }
)

/** What offers are made at all. Whoever says nothing is offered what there is. */
export interface OfferTerms {
  /**
   * What it can deal with: only who says so is offered agents with GPUs (`GPU_RESOURCES`), and
   * agents in another region than the masters (`REGION_AWARE`). Default: none of it.
   */
  readonly capabilities?: readonly Capability[]
  /**
   * By role: groups, of which one must hold for an agent; of a group all must. Other agents are
   * never offered. Default, and without a group: every agent will do.
   */
  readonly constraints?: Readonly<Record<string, readonly (readonly OfferConstraint[])[]>>
  /**
   * By role: amounts of which an agent's free resources must have all of one, `[{ cpus: 4, mem:
   * 8192 }]`. Less is not offered. Default: what the cluster says; `[]`: anything.
   */
  readonly minAllocatable?: Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>
}

/** What is named is replaced as a whole, what is absent stays. */
export interface FrameworkUpdate extends OfferTerms {
  /** As in the options. */
  readonly name?: string
  /** Offers of roles that are left are taken back, others stay; new ones are wanted at once. */
  readonly roles?: readonly string[]
  /** As in the options. */
  readonly failoverMs?: number
}
