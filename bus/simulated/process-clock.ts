/**
 * The clock of one simulated process: frozen with it, ended with it. It may run too fast or too
 * slow, it does not begin at the simulation's zero, and its wall may be wrong.
 */
import type { Now } from '../../protocol/now.ts'
import type { Clock, Timer } from '../clock.ts'

/** A timer is never early by what numbers lose when they are divided. */
const ROUNDING_MS = 1e-6

export class ProcessClock implements Clock {
  readonly #clock: Clock
  /** Its time now is so much plus what has passed since, at its rate. */
  #fromMs: number
  #sinceMs: number
  #rate = 1
  #wallOffsetMs: number
  #late: (() => void)[] | undefined
  #isEnded = false

  /** `originMs`: what its monotonic clock shows at the start. Default: what `clock` does. */
  constructor(clock: Clock, wallOffsetMs = 0, originMs = clock.now().monotonicMs) {
    this.#clock = clock
    this.#wallOffsetMs = wallOffsetMs
    this.#sinceMs = clock.now().monotonicMs
    this.#fromMs = originMs
  }

  now(): Now {
    const { monotonicMs, wallMs } = this.#clock.now()
    return { monotonicMs: this.#at(monotonicMs), wallMs: wallMs + this.#wallOffsetMs }
  }

  /** So many seconds pass here in one. Timers that are set keep their time. */
  runAt(rate: number): void {
    const { monotonicMs } = this.#clock.now()
    this.#fromMs = this.#at(monotonicMs)
    this.#sinceMs = monotonicMs
    this.#rate = rate
  }

  /** Somebody sets the clock on the wall. */
  setWall(offsetMs: number): void {
    this.#wallOffsetMs = offsetMs
  }

  after(delayMs: number, fn: () => void): Timer {
    let isCancelled = false
    const waitMs = this.#isPlain ? delayMs : delayMs / this.#rate + ROUNDING_MS
    const timer = this.#clock.after(waitMs, () =>
      this.run(() => {
        if (!isCancelled) fn()
      }),
    )
    return {
      cancel() {
        isCancelled = true
        timer.cancel()
      },
    }
  }

  soon(fn: () => void): void {
    this.#clock.soon(() => this.run(fn))
  }

  /** Something happens to the process: it runs, waits while frozen, is nothing after the end. */
  run(fn: () => void): void {
    if (this.#isEnded) return
    if (this.#late === undefined) fn()
    else this.#late.push(fn)
  }

  /** Like SIGSTOP: time goes on outside. */
  freeze(): void {
    this.#late ??= []
  }

  /** Like SIGCONT: all that was due meanwhile happens now, in order. */
  thaw(): void {
    const late = this.#late
    this.#late = undefined
    for (const fn of late ?? []) this.soon(fn)
  }

  /** Like SIGKILL. */
  end(): void {
    this.#isEnded = true
    this.#late = undefined
  }

  /** It shows what the simulation's clock does. */
  get #isPlain(): boolean {
    return this.#rate === 1 && this.#fromMs === this.#sinceMs
  }

  #at(monotonicMs: number): number {
    if (this.#isPlain) return monotonicMs
    return this.#fromMs + (monotonicMs - this.#sinceMs) * this.#rate
  }
}
