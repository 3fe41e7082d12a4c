/** Since when the newest leader leads without standing still: until then it may be late. */
import type { Leader, MasterState } from '../../actors/master/state.ts'

/** A leader does something more often. */
const STILL_MS = 3_000

export class Awake {
  sinceMs = 0
  #leader: Leader | undefined
  #stepAtMs = 0

  /** A step of who leads in the highest epoch. */
  step({ leader, lease }: MasterState, nowMs: number): void {
    const isAwake = leader === this.#leader && nowMs < this.#stepAtMs + STILL_MS
    if (!isAwake || lease.state !== 'leading') this.sinceMs = nowMs
    this.#leader = leader
    this.#stepAtMs = nowMs
  }
}
