/** The end of a run: nothing of its framework stays behind. */
import type { Scheduler } from '../../actors/scheduler/scheduler.ts'
import type { Clock } from '../../bus/clock.ts'
import { AWAY_MS, type Presence } from './presence.ts'

/** A leader that is there mostly takes the teardown in much sooner. */
const TEARDOWN_MS = 3_000

interface Ending {
  readonly scheduler: Scheduler
  readonly presence: Presence
  readonly clock: Clock
  /** A leader that is silent for longer is not waited for. */
  readonly patienceMs: number
  /** Called once, if it is waited for. */
  readonly onUnheard: () => void
}

/** Tears the framework down. False: no leader has heard it. */
export async function isTornDown(ending: Ending): Promise<boolean> {
  const { scheduler, presence, clock, patienceMs, onUnheard } = ending
  const tornDown = scheduler.teardown().then(({ outcome }) => outcome === 'done')
  const within = (timeoutMs: number): Promise<boolean | undefined> => {
    const late = new Promise<undefined>((resolve) =>
      clock.after(timeoutMs, () => resolve(undefined)),
    )
    return Promise.race([tornDown, late])
  }
  const isAway = presence.silenceMs() >= AWAY_MS
  const isDone = isAway ? undefined : await within(TEARDOWN_MS)
  const leftMs = patienceMs - presence.silenceMs()
  if (isDone !== undefined || leftMs <= 0) return isDone === true
  onUnheard()
  return (await within(leftMs)) === true
}
