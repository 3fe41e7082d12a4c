/** Time as actors see it. The only file of the product that reads a clock or starts a timer. */
import type { Now } from '../protocol/now.ts'

export interface Timer {
  /** After this the function does not run. Repeats are harmless. */
  cancel(): void
}

export interface Clock {
  now(): Now
  /** Runs `fn` once, `delayMs` (>= 0) from now. The timer alone does not keep a process alive. */
  after(delayMs: number, fn: () => void): Timer
  /** Runs `fn` once, when what has already arrived in this turn of the event loop is handled. */
  soon(fn: () => void): void
}

/** setTimeout fires at once for delays above this; longer ones are cut into pieces. */
const DELAY_MS_MAX = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
  after(delayMs, fn) {
    const piece = Math.min(delayMs, DELAY_MS_MAX)
    let timer: Timer | NodeJS.Timeout = setTimeout(
      () => {
        if (delayMs > piece) timer = systemClock.after(delayMs - piece, fn)
        else fn()
      },
      Math.max(0, piece),
    )
    timer.unref()
    return {
      cancel: () => ('cancel' in timer ? timer.cancel() : clearTimeout(timer)),
    }
  },
  soon: (fn) => void setImmediate(fn),
}

/** Waits; unlike a timer of the clock it keeps the process alive meanwhile. */
export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, delayMs))
}
