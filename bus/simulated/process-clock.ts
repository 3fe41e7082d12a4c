/** The clock of one simulated process: frozen with it, ended with it, and its wall may be wrong. */
import type { Now } from '../../protocol/now.ts'
import type { Clock, Timer } from '../clock.ts'

export class ProcessClock implements Clock {
  readonly #clock: Clock
  readonly #wallOffsetMs: number
  #late: (() => void)[] | undefined
  #isEnded = false

  constructor(clock: Clock, wallOffsetMs = 0) {
    this.#clock = clock
    this.#wallOffsetMs = wallOffsetMs
  }

  now(): Now {
    const { monotonicMs, wallMs } = this.#clock.now()
    return { monotonicMs, wallMs: wallMs + this.#wallOffsetMs }
  }

  after(delayMs: number, fn: () => void): Timer {
    let isCancelled = false
    const timer = this.#clock.after(delayMs, () =>
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
}
