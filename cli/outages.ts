/** An actor dials its server for ever: somebody must hear that it is gone, and back. */
import type { Log } from '../actors/kit/logger.ts'
import type { Bus } from '../bus/bus.ts'
import type { Clock, Timer } from '../bus/clock.ts'
import { formatDuration } from './duration.ts'

/** One that is over sooner is not worth a word. */
const AWAY_MS = 3_000

export interface OutageDeps {
  readonly clock: Clock
  readonly log: Log
  /** Its servers. */
  readonly where: string
}

interface Outage {
  readonly sinceMs: number
  readonly timer: Timer
  isTold: boolean
}

/**
 * Tells once of each outage, and once that it is over, over all connections that the function which
 * it returns was given: one lasts until none of them is disconnected.
 */
export function tellOutages({ clock, log, where }: OutageDeps): (bus: Bus) => void {
  const away = new Set<Bus>()
  let outage: Outage | undefined
  const begin = (): Outage => ({
    sinceMs: clock.now().monotonicMs,
    isTold: false,
    timer: clock.after(AWAY_MS, () => {
      if (outage !== undefined) outage.isTold = true
      const message = `no NATS server at ${where} for ${formatDuration(AWAY_MS)}; still trying`
      log({ level: 'warn', message })
    }),
  })
  const end = ({ sinceMs, timer, isTold }: Outage, isBack: boolean): void => {
    timer.cancel()
    if (!isTold || !isBack) return
    const time = formatDuration(clock.now().monotonicMs - sinceMs)
    log({ level: 'info', message: `the NATS server at ${where} is back after ${time}` })
  }
  return (bus) =>
    void bus.onState((state) => {
      if (state === 'disconnected') away.add(bus)
      else away.delete(bus)
      if (away.size > 0) {
        outage ??= begin()
        return
      }
      if (outage !== undefined) end(outage, state === 'connected')
      outage = undefined
    })
}
