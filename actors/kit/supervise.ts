/**
 * Keeps one process running: one that ends is started again, later and later if it ends at once.
 */
import type { Clock, Timer } from '../../bus/clock.ts'

/** How a process ended; `failed`: it never began. */
export type Ending =
  | { readonly code: number }
  | { readonly signal: string }
  | { readonly failed: string }

export interface Child {
  readonly ended: Promise<Ending>
  /** Nothing happens when it has ended. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
}

export interface SupervisorDeps {
  readonly start: () => Child
  readonly clock: Clock
  /** `againMs`: when it is started again; absent: never, it would only end again. */
  readonly onEnded: (ending: Ending, againMs?: number) => void
}

export interface Supervisor {
  /** SIGTERM, SIGKILL after `graceMs`. Resolves when it has ended. Idempotent. */
  stop(graceMs: number): Promise<void>
}

const AGAIN_MS = 100
const AGAIN_MS_MAX = 10_000
/** What ran for so long has not ended at once. */
const STEADY_MS = 10_000
/**
 * Wrong use and wrong configuration, as `sysexits.h` numbers them: another start changes nothing.
 */
const FINAL_CODES: ReadonlySet<number> = new Set([64, 78])

export function supervise({ start, clock, onEnded }: SupervisorDeps): Supervisor {
  let child: Child | undefined
  let timer: Timer | undefined
  let isStopped = false
  let againMs = AGAIN_MS

  const begin = (): void => {
    const begunMs = clock.now().monotonicMs
    const begun = start()
    child = begun
    void begun.ended.then((ending) => {
      child = undefined
      if (isStopped) return
      if ('failed' in ending || ('code' in ending && FINAL_CODES.has(ending.code)))
        return onEnded(ending)
      if (clock.now().monotonicMs - begunMs >= STEADY_MS) againMs = AGAIN_MS
      onEnded(ending, againMs)
      timer = clock.after(againMs, begin)
      againMs = Math.min(againMs * 2, AGAIN_MS_MAX)
    })
  }
  begin()
  return {
    async stop(graceMs) {
      isStopped = true
      timer?.cancel()
      if (child === undefined) return
      const stopping = child
      stopping.signal('SIGTERM')
      const kill = clock.after(graceMs, () => stopping.signal('SIGKILL'))
      await stopping.ended
      kill.cancel()
    },
  }
}
