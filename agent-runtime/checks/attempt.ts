/** One run of a check: it is told of once, or stopped; who takes too long has failed. */
import type { Clock, Timer } from '../../bus/clock.ts'
import type { CheckSeen } from '../containerizer/containerizer.ts'

/** A run that has begun. */
export interface Attempt {
  /** Ends it; `done` when nothing of it is left. Of one that has ended, too. */
  stop(done: () => void): void
}

/** Begins a run; what it saw is told at most once, also from inside the call. */
export type Begin = (tell: (seen: CheckSeen) => void) => Attempt

export interface Timed {
  readonly clock: Clock
  /** 0: it may take any time. */
  readonly timeoutMs: number
  readonly begin: Begin
  readonly tell: (seen: CheckSeen) => void
}

/** After `stop` nothing is told. */
export function runTimed({ clock, timeoutMs, begin, tell }: Timed): { stop(): void } {
  let phase: 'open' | 'late' | 'over' = 'open'
  let timer: Timer | undefined
  const end = (seen: CheckSeen): void => {
    phase = 'over'
    timer?.cancel()
    tell(seen)
  }
  const attempt = begin((seen) => {
    // That it was late says nothing of the task where it could not be made.
    if (phase === 'open' || (phase === 'late' && 'unmade' in seen)) end(seen)
  })
  const giveUp = (): void => {
    phase = 'late'
    attempt.stop(() => {
      if (phase === 'late') end({ failed: `it took longer than ${timeoutMs} ms` })
    })
  }
  if (timeoutMs > 0 && phase === 'open') timer = clock.after(timeoutMs, giveUp)
  return {
    stop() {
      const wasOver = phase === 'over'
      phase = 'over'
      timer?.cancel()
      if (!wasOver) attempt.stop(() => {})
    },
  }
}
