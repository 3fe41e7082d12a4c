/** The end of a run: nothing of its framework stays behind. */
import type { Scheduler } from '../../actors/scheduler/scheduler.ts'
import type { Clock } from '../../bus/clock.ts'

/** A leader that does not take the teardown in: the failover does the same. */
const TEARDOWN_MS = 3_000

/** Tears the framework down. False: the leader has not heard it. */
export async function isTornDown(scheduler: Scheduler, clock: Clock): Promise<boolean> {
  const late = new Promise<undefined>((resolve) =>
    clock.after(TEARDOWN_MS, () => resolve(undefined)),
  )
  const answer = await Promise.race([scheduler.teardown(), late])
  return answer?.outcome === 'done'
}
