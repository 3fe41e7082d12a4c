/** What every actor needs, made for one process. */
import type { Log } from '../actors/kit/logger.ts'
import type { BusMessage, BusSystem } from '../bus/bus.ts'
import { type Clock, systemClock } from '../bus/clock.ts'
import { isOpenLocation } from '../bus/nats/locate.ts'
import { natsSystem } from '../bus/nats/system.ts'
import { type RandomToken, randomToken } from '../bus/random.ts'
import type { Refusal } from '../protocol/errors.ts'
import type { FoundCluster } from './find-cluster.ts'

export interface ActorWorld {
  readonly cluster: string
  readonly system: BusSystem
  readonly clock: Clock
  readonly randomToken: RandomToken
  /** The bus knows no credentials. */
  readonly isOpen: boolean
  readonly log: Log
  readonly onRefused: (subject: string, refused: Refusal, message: BusMessage) => void
}

export interface WorldOptions {
  readonly found: FoundCluster
  readonly log: Log
  /** How many servers hold each store. Default 1. */
  readonly replicas?: number
}

/** Strangers may send more bad messages than a disk has room for. */
const REFUSALS_LOG_MS = 1_000

export function actorWorld({ found, log, replicas = 1 }: WorldOptions): ActorWorld {
  const { location, cluster } = found
  const system = natsSystem({
    location,
    replicas,
    onFault: ({ message }) => log({ level: 'warn', message }),
  })
  return {
    cluster,
    system,
    clock: systemClock,
    randomToken,
    isOpen: isOpenLocation(location),
    log,
    onRefused: refusalLog(log, systemClock),
  }
}

/** Tells of one refused message a second, and how many there were before. */
export function refusalLog(log: Log, clock: Clock): ActorWorld['onRefused'] {
  let saidMs = Number.NEGATIVE_INFINITY
  let unsaid = 0
  return (subject, { name, message }) => {
    const { monotonicMs } = clock.now()
    if (monotonicMs - saidMs < REFUSALS_LOG_MS) {
      unsaid += 1
      return
    }
    log({
      level: 'warn',
      message: `refused a message: ${message}`,
      fields: { subject, refusal: name, ...(unsaid > 0 ? { unsaid } : {}) },
    })
    saidMs = monotonicMs
    unsaid = 0
  }
}
