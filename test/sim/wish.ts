/**
 * What one process of a framework wants, by what it has said itself: whether something that is free
 * is rightly not on offer is judged by this, not by what the leader believes.
 */
import type { OfferId } from '../../protocol/ids.ts'
import { DECLINE_FILTER_MS, DECLINE_PAUSE_MS } from '../../protocol/limits.ts'
import { containsResources, type Resources, resourcesOf } from '../../protocol/resources.ts'
import type { MinAllocatable } from '../../protocol/schema/common.ts'
import type { Offer } from '../../protocol/schema/scheduler.ts'

/** The leader hears of it later, and its clock may be slow. */
const LATE_MS = 500

interface Declined {
  readonly agentId: string
  readonly role: string
  readonly resources: Resources
  readonly untilMs: number
}

export interface WishParts {
  readonly roles: readonly string[]
  /** It has no use for less. */
  readonly least: Readonly<Record<string, MinAllocatable>>
  /** Of the world. */
  readonly nowMs: () => number
}

export class Wish {
  readonly #parts: WishParts
  /** Those it has not answered. */
  readonly #held = new Map<OfferId, Offer>()
  #isSuppressed = false
  #declined: Declined[] = []

  constructor(parts: WishParts) {
    this.#parts = parts
  }

  get isSuppressed(): boolean {
    return this.#isSuppressed
  }

  suppress(): void {
    this.#isSuppressed = true
  }

  /** It wants everything again, also what it has declined. */
  revive(): void {
    this.#isSuppressed = false
    this.#declined = []
  }

  offered(offer: Offer): void {
    this.#held.set(offer.offerId as OfferId, offer)
  }

  /** What was not answered in time counts as declined. */
  rescinded(offers: readonly OfferId[], reason: string): void {
    for (const offerId of offers) {
      const offer = this.#held.get(offerId)
      if (offer !== undefined && reason === 'timed-out') this.declined(offer)
      this.#held.delete(offerId)
    }
  }

  /** It does not want what it was offered, or what it has left of it. */
  declined({ offerId, agentId, role, resources }: Offer, refuseMs = DECLINE_FILTER_MS): void {
    const nowMs = this.#parts.nowMs()
    const untilMs = nowMs + Math.max(refuseMs, DECLINE_PAUSE_MS) + LATE_MS
    this.#held.delete(offerId as OfferId)
    this.#declined = this.#declined.filter((one) => one.untilMs > nowMs)
    this.#declined.push({ agentId, role, resources: resourcesOf(resources), untilMs })
  }

  /** A role in which it wants what is free there. */
  roleFor(agentId: string, free: Resources): string | undefined {
    if (this.#isSuppressed) return undefined
    const { roles, least } = this.#parts
    return roles.find((role) => {
      const isMuch = least[role]?.some((one) => containsResources(free, resourcesOf(one))) ?? true
      return isMuch && !this.#isDeclined(agentId, role, free)
    })
  }

  #isDeclined(agentId: string, role: string, free: Resources): boolean {
    const nowMs = this.#parts.nowMs()
    return this.#declined.some(
      (one) =>
        one.agentId === agentId &&
        one.role === role &&
        one.untilMs > nowMs &&
        containsResources(one.resources, free),
    )
  }
}
