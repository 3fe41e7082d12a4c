/** Connections to a NATS server and the stores in it. */

import assert from 'node:assert/strict'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { ClusterError } from '../../protocol/errors.ts'
import { MESSAGE_BYTES_MAX } from '../../protocol/limits.ts'
import { BARE_INBOX } from '../../protocol/subjects.ts'
import type { Bus, BusSystem } from '../bus.ts'
import { systemClock } from '../clock.ts'
import { randomToken } from '../random.ts'
import { cutOff, dialInOrder, serverOf, setDialTimeout } from './client-internals.ts'
import { natsBus } from './connection.ts'
import { credentialsOf } from './credentials.ts'
import { natsHistory } from './history.ts'
import type { NatsLocation } from './locate.ts'
import { dialTimeoutMs, type RedialPace, redialPace } from './redial.ts'
import { anyRound, roundAfter, roundFrom } from './round.ts'
import { SilenceWatch } from './silence.ts'

/** A dead server is noticed after two unanswered pings, and dialled again for ever. */
const PING_MS = 500
const PINGS_OUT_MAX = 2
/** A busy machine lets one pass. One that refuses is asked once. */
const DIAL_TRIES = 3
/** A message with its headers. */
const PAYLOAD_BYTES_MIN = MESSAGE_BYTES_MAX + 4096

export interface NatsSystemOptions {
  readonly location: NatsLocation
  /** How many servers hold each store. Default 1; 3 in a NATS cluster. */
  readonly replicas?: number
  /** How long a store may take to answer. Default 1 s. */
  readonly storeTimeoutMs?: number
  /**
   * The subject on which all who connect hear a leader at least once a second. When one of them
   * hears none for long, all try another of several servers. Default: they stay where they are.
   */
  readonly leaderOn?: string
  /** What the servers forbid or break. Default: nothing is done. */
  readonly onFault?: (fault: ClusterError) => void
}

/**
 * The bus on NATS.
 *
 * `connect` throws `bus/no-server` (later) when no server answers, `bus/no-access` (never) when it
 * does not know us, `bus/credentials` (never) when a file of them is no good, `bus/unfit-server`
 * (never) when it is too old or takes too small messages.
 */
export function natsSystem(options: NatsSystemOptions): BusSystem {
  const { location, replicas = 1, storeTimeoutMs = 1_000, leaderOn: subject } = options
  const { onFault = () => undefined } = options
  const round = anyRound(location.servers)
  let [begin = ''] = round
  const silence =
    subject === undefined || round.length < 2
      ? undefined
      : new SilenceWatch({ subject, round, clock: systemClock, onFault })
  const onStoreFault = eachOnce(onFault)
  const connections = new WeakMap<Bus, NatsConnection>()
  const storeOptions = (bus: Bus) => {
    const connection = connections.get(bus)
    assert(connection !== undefined, `${bus.name} is a connection of another system`)
    return { bus, connection, replicas, timeoutMs: storeTimeoutMs, onFault: onStoreFault }
  }
  return {
    async connect({ name, inbox = newInbox(location) }) {
      const own = { name, inboxPrefix: inbox }
      const { connection, pace } = await dial(location, roundFrom(round, begin), own)
      await requireAbilities(connection)
      // The next one begins where this one is.
      begin = serverOf(connection, round)
      const bus = natsBus(connection, { name, inbox, clock: systemClock, onFault })
      bus.onState((state) => state === 'connected' && pace.begin())
      silence?.add({
        bus,
        server: () => serverOf(connection, round),
        goTo(server) {
          begin = server
          dialInOrder(connection, roundFrom(round, server))
          if (bus.state === 'connected') cutOff(connection)
        },
      })
      connections.set(bus, connection)
      return bus
    },
    // Imported when first needed: most commands need no store, and start faster without.
    async keyValue(bus, bucket) {
      const { openKeyValue } = await import('./key-value.ts')
      return openKeyValue({ ...storeOptions(bus), bucket })
    },
    async log(bus, name) {
      const { openLog } = await import('./log.ts')
      return openLog({ ...storeOptions(bus), name })
    },
    async keepHistory(bus, settings) {
      const { keepHistory } = await import('./keep-history.ts')
      return keepHistory(storeOptions(bus), settings)
    },
    history: (bus, kept) => natsHistory(storeOptions(bus), kept),
  }
}

/** A stream is opened again and again, and is held by as few each time. */
function eachOnce(onFault: (fault: ClusterError) => void): (fault: ClusterError) => void {
  const told = new Set<string>()
  return (fault) => {
    const { code, message } = fault
    if (told.has(message)) return
    if (code === 'bus/store-replicas') told.add(message)
    onFault(fault)
  }
}

/**
 * Do servers there keep streams together? Tells it from what the first that answers says of itself.
 * @throws {ClusterError} as `connect`.
 */
export async function isNatsCluster(location: NatsLocation, name: string): Promise<boolean> {
  const own = { name, inboxPrefix: newInbox(location) }
  const { connection } = await dial(location, location.servers, own)
  const { cluster } = connection.info ?? {}
  await connection.close()
  return cluster !== undefined
}

const newInbox = ({ inboxPrefix }: NatsLocation): string =>
  `${inboxPrefix === undefined ? BARE_INBOX : `${inboxPrefix}.`}${randomToken(96)}`

interface Dialled {
  readonly connection: NatsConnection
  readonly pace: RedialPace
}

/** `round`: the location's servers in the order in which they are tried. */
async function dial(
  location: NatsLocation,
  round: readonly string[],
  own: { readonly name: string; readonly inboxPrefix: string },
): Promise<Dialled> {
  const servers = [...round]
  const credentials = await credentialsOf(location)
  let made: NatsConnection | undefined
  const pace = redialPace(servers.length, (ms) => made && setDialTimeout(made, ms))
  const { delayMs: reconnectDelayHandler } = pace
  // Of one name that has several addresses any is tried.
  const order = { servers, noRandomize: servers.length > 1, reconnectDelayHandler }
  const options = { ...own, ...credentials, ...DIAL_OPTIONS, ...order }
  for (let tries = 1; ; tries++) {
    try {
      made = await connect({ ...options, timeout: dialTimeoutMs(tries - 1) })
      pace.begin()
      dialInOrder(made, roundAfter(round, serverOf(made, round)))
      return { connection: made, pace }
    } catch (cause) {
      const name = cause instanceof Error ? cause.name : ''
      if (name === 'TimeoutError' && tries < DIAL_TRIES) continue
      const where = location.servers.join(', ')
      if (name === 'AuthorizationError')
        throw new ClusterError('bus/no-access', 'never', `${where} refuses ${own.name}`, { cause })
      // A name that nobody knows, a certificate that nobody trusts.
      const why = name === 'Error' ? `: ${(cause as Error).message}` : ''
      const message = `no NATS server answers at ${where}${why}`
      throw new ClusterError('bus/no-server', 'later', message, { cause })
    }
  }
}

const DIAL_OPTIONS = {
  maxReconnectAttempts: -1,
  ignoreAuthErrorAbort: true,
  // A server names all addresses that it has, also those that are not for us: each costs a dial.
  ignoreClusterUpdates: true,
  pingInterval: PING_MS,
  maxPingOut: PINGS_OUT_MAX,
}

/** @throws {ClusterError} `bus/unfit-server` (never). */
async function requireAbilities(connection: NatsConnection): Promise<void> {
  const { version = '', max_payload: bytesMax = 0 } = connection.info ?? {}
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const problem =
    major < 2 || (major === 2 && minor < 9)
      ? `is version ${version}, not 2.9 or newer`
      : bytesMax < PAYLOAD_BYTES_MIN
        ? `takes ${bytesMax} bytes in one message, not ${PAYLOAD_BYTES_MIN}`
        : undefined
  if (problem === undefined) return
  const where = connection.getServer()
  await connection.close()
  throw new ClusterError('bus/unfit-server', 'never', `the NATS server at ${where} ${problem}`)
}
