/** Opens the framework of a run: the time that is left for placing is all that this may take. */
import {
  ClusterError,
  openScheduler,
  type Scheduler,
  type SchedulerOptions,
} from '../../actors/scheduler/scheduler.ts'
import { systemClock } from '../../bus/clock.ts'
import type { NatsLocation } from '../../bus/nats/locate.ts'

/** Twice the longest lease of a leader: another one leads by then. */
const OPEN_TIMEOUT_MS = 30_000

interface Opening
  extends Pick<SchedulerOptions, 'principal' | 'world' | 'openTimeoutMs' | 'onFault'> {
  readonly nats: NatsLocation
  readonly cluster: string
  /** What was allowed for placing, and when that is over; absent and `Infinity`: it waits. */
  readonly timeoutMs?: number | undefined
  readonly endMs: number
}

/**
 * Is not called off: a leader that has heard of the framework must also hear that it is over.
 *
 * @throws {ClusterError} as `openScheduler`; `run/unplaced`: nobody has answered in time.
 */
export async function openRun(
  framework: SchedulerOptions,
  { endMs, timeoutMs = Number.POSITIVE_INFINITY, ...options }: Opening,
): Promise<Scheduler> {
  const { nats, cluster, principal, world, onFault, openTimeoutMs = OPEN_TIMEOUT_MS } = options
  const clock = world?.clock ?? systemClock
  const leftMs = Math.max(1, Math.ceil(endMs - clock.now().monotonicMs))
  try {
    return await openScheduler({
      ...framework,
      nats,
      cluster,
      openTimeoutMs: Math.min(openTimeoutMs, leftMs),
      ...(principal !== undefined && { principal }),
      ...(world !== undefined && { world }),
      ...(onFault !== undefined && { onFault }),
    })
  } catch (cause) {
    const isLate = cause instanceof ClusterError && cause.code === 'scheduler/no-leader'
    if (!isLate || leftMs > openTimeoutMs) throw cause
    const message = `nothing could be placed within ${timeoutMs / 1000} s: no leader of cluster ${cluster} has answered`
    throw new ClusterError('run/unplaced', 'later', message, { cause })
  }
}
