/** What every actor needs, made for one process. */
import type { Log } from '../actors/kit/logger.ts'
import { logRefusals, type OnRefused } from '../actors/kit/refusals.ts'
import type { BusSystem } from '../bus/bus.ts'
import { type Clock, systemClock } from '../bus/clock.ts'
import { isOpenLocation } from '../bus/nats/locate.ts'
import { natsSystem } from '../bus/nats/system.ts'
import { type RandomToken, randomToken } from '../bus/random.ts'
import type { ClusterError } from '../protocol/errors.ts'
import { leaderBeat } from '../protocol/subjects.ts'
import type { FoundCluster } from './find-cluster.ts'
import { tellOutages } from './outages.ts'

export interface ActorWorld {
  readonly cluster: string
  readonly system: BusSystem
  /** How many servers hold each of its stores. */
  readonly replicas: number
  readonly clock: Clock
  readonly randomToken: RandomToken
  /** The bus knows no credentials. */
  readonly isOpen: boolean
  readonly log: Log
  readonly onRefused: OnRefused
  /** Has `handle` hear what the bus forbids and breaks, beside the log. */
  readonly watchFaults: (handle: (fault: ClusterError) => void) => void
}

/**
 * With credentials of its own, an actor is forbidden only what the version that made them did not
 * know of.
 */
const OLD_USERS =
  ': are these the credentials of another one, or of an earlier version? Any `bourse auth add` or `remove` writes users.conf for this one; then nats-server --signal reload'

export interface WorldOptions {
  readonly found: FoundCluster
  readonly log: Log
  /** How many servers hold each store. Default 1. */
  readonly replicas?: number
}

export function actorWorld({ found, log, replicas = 1 }: WorldOptions): ActorWorld {
  const { location, cluster } = found
  const handlers: ((fault: ClusterError) => void)[] = []
  const onFault = (fault: ClusterError): void => {
    const { code, message } = fault
    log({ level: 'warn', message: code === 'bus/forbidden' ? message + OLD_USERS : message })
    for (const handle of handlers) handle(fault)
  }
  const leaderOn = leaderBeat.on({ cluster })
  const nats = natsSystem({ location, replicas, leaderOn, onFault })
  const where = location.servers.join(', ')
  const watch = tellOutages({ clock: systemClock, log, where })
  return {
    cluster,
    system: {
      ...nats,
      async connect(options) {
        const bus = await nats.connect(options)
        watch(bus)
        return bus
      },
    },
    replicas,
    clock: systemClock,
    randomToken,
    isOpen: isOpenLocation(location),
    log,
    onRefused: logRefusals(systemClock, log),
    watchFaults: (handle) => void handlers.push(handle),
  }
}
