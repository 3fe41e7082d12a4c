/** Sees to it that public events are kept. Nothing else waits for that: a cluster runs without. */
import type { Bus, BusSystem, HistoryLimits } from '../../bus/bus.ts'
import type { Clock, Timer } from '../../bus/clock.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { EVENT_AGE_MS, EVENT_BYTES_MAX } from '../../protocol/limits.ts'
import { allEvents, eventStream } from '../../protocol/subjects.ts'
import type { Effect } from './effects.ts'

/** Somebody may remove the stream. */
const CHECK_MS = 60_000
const RETRY_MS = 5_000

export interface KeptEventsDeps {
  readonly cluster: string
  readonly system: BusSystem
  /** The connection that publishes them. */
  readonly bus: Bus
  readonly clock: Clock
  /** What an operator wants; the rest is as it was, or has its default. */
  readonly chosen: Partial<HistoryLimits>
  readonly onLog: (entry: Extract<Effect, { do: 'log' }>) => void
}

export interface KeptEvents {
  /** Resolves when they are kept, or cannot be for now. */
  readonly tried: Promise<void>
  stop(): void
}

/** Makes the stream, and makes it again when it or its server was lost. */
export function keepEvents(deps: KeptEventsDeps): KeptEvents {
  const { cluster, system, bus, clock, chosen, onLog } = deps
  const settings = {
    name: eventStream(cluster),
    pattern: allEvents(cluster),
    limits: { ageMsMax: EVENT_AGE_MS, bytesMax: EVENT_BYTES_MAX },
    chosen,
  }
  let isStopped = false
  let problem: string | undefined
  let timer: Timer | undefined
  const again = (afterMs: number): void => {
    timer?.cancel()
    if (!isStopped) timer = clock.after(afterMs, () => void keep())
  }
  const keep = async (): Promise<void> => {
    try {
      await system.keepHistory(bus, settings)
      problem = undefined
      again(CHECK_MS)
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      const { message, retry } = error
      if (message !== problem && !isStopped)
        onLog({ do: 'log', level: 'warn', message: `events are not kept: ${message}` })
      problem = message
      again(retry === 'later' ? RETRY_MS : CHECK_MS)
    }
  }
  const states = bus.onState((state) => {
    if (state === 'connected') again(0)
  })
  return {
    tried: keep(),
    stop() {
      isStopped = true
      timer?.cancel()
      states.close()
    },
  }
}
