/** The kill of one container: SIGTERM when it is asked for, SIGKILL when its grace is over. */
import type { Clock, Timer } from '../../bus/clock.ts'

export interface KillingSteps {
  /** SIGTERM, once. */
  readonly terminate: () => void
  /** SIGKILL, again and again, less and less often, until `stop`. */
  readonly kill: () => void
  readonly againMsMin: number
  readonly againMsMax: number
}

/** Asked for at any time, it begins when there is something to be killed. */
export class Killing {
  readonly #clock: Clock
  readonly #steps: KillingSteps
  #hasBegun = false
  #isTerminated = false
  /** When SIGKILL is due, once a kill was asked for. */
  #atMs: number | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, steps: KillingSteps) {
    this.#clock = clock
    this.#steps = steps
  }

  /** May be repeated: only a shorter remaining time counts. */
  askFor(graceMs: number): void {
    const atMs = this.#clock.now().monotonicMs + graceMs
    if (this.#atMs !== undefined && atMs >= this.#atMs) return
    this.#atMs = atMs
    this.#goOn()
  }

  /** Its process is there. */
  begin(): void {
    this.#hasBegun = true
    this.#goOn()
  }

  stop(): void {
    this.#hasBegun = false
    this.#timer?.cancel()
  }

  #goOn(): void {
    if (!this.#hasBegun || this.#atMs === undefined) return
    this.#timer?.cancel()
    const leftMs = this.#atMs - this.#clock.now().monotonicMs
    if (leftMs <= 0) return this.#kill()
    if (!this.#isTerminated) this.#steps.terminate()
    this.#isTerminated = true
    this.#timer = this.#clock.after(leftMs, () => this.#kill())
  }

  #kill(againMs = this.#steps.againMsMin): void {
    this.#steps.kill()
    if (!this.#hasBegun) return
    const nextMs = Math.min(againMs * 2, this.#steps.againMsMax)
    this.#timer = this.#clock.after(againMs, () => this.#kill(nextMs))
  }
}
