/**
 * The framework's side of a cluster, as a library: it subscribes and stays subscribed over changes
 * of the leader, hands over offers and statuses, acknowledges and reconciles. This file is the door:
 * what it exports is what frameworks may use.
 */
import type { BusSystem } from '../../bus/bus.ts'
import { type Clock, systemClock } from '../../bus/clock.ts'
import { openMessenger } from '../../bus/messenger.ts'
import { locateNats, type NatsLocation } from '../../bus/nats/locate.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { type RandomToken, randomToken } from '../../bus/random.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { type FrameworkId, type Principal, parseId, tokenFrom } from '../../protocol/ids.ts'
import { FRAMEWORK_FAILOVER_MS } from '../../protocol/limits.ts'
import { frameworkInbox } from '../../protocol/subjects.ts'
import { type LibraryDeps, Scheduler } from './library.ts'

export { ClusterError } from '../../protocol/errors.ts'
export type { TaskStatus } from '../../protocol/schema/common.ts'
export { isTerminal, type TaskState } from '../../protocol/task-state.ts'
export type { Outcome, OutputPiece } from './effects.ts'
export type {
  KillOptions,
  Listening,
  OutputOptions,
  Scheduler,
  StatusHandler,
} from './library.ts'
export type { Accepted, AnswerOptions, Offered } from './offered.ts'
export type { TaskWish } from './wishes.ts'

/** A bus with the clock and the chance that belong to it: a simulated one has its own. */
export interface World {
  readonly system: BusSystem
  readonly clock: Clock
  readonly randomToken: RandomToken
}

export interface SchedulerOptions {
  /** For people. */
  readonly name: string
  /** What its tasks count for. Default `['*']`. */
  readonly roles?: readonly string[]
  /** Default: NATS_URL, the selected NATS context, `nats://127.0.0.1:4222`. */
  readonly nats?: string | NatsLocation
  /** Default `bourse`. */
  readonly cluster?: string
  /** Whose credentials these are. Default `local`. */
  readonly principal?: string
  /**
   * Give one, always the same, with the same `secret`, to find the tasks of an earlier process again.
   * Default: the name and 64 random bits.
   */
  readonly frameworkId?: string
  /** 8 to 128 printable characters. Default: 128 random bits. */
  readonly secret?: string
  /** How long tasks outlive the absence of their framework. Default 10 min. */
  readonly failoverMs?: number
  /** Begins without offers, until `revive`. Default false. */
  readonly suppressed?: boolean
  /** Opening fails when no leader has answered for so long. Default 15 s. */
  readonly openTimeoutMs?: number
  /** Bad messages that were dropped, and what the server forbids. Default: nothing is done. */
  readonly onFault?: (fault: ClusterError) => void
  /** Default: NATS. With one, `nats` has no effect. */
  readonly world?: World
}

const CLUSTER_DEFAULT = 'bourse'
const PRINCIPAL_DEFAULT = 'local'
const NATS_DEFAULT = 'nats://127.0.0.1:4222'
const OPEN_TIMEOUT_MS = 15_000

/**
 * Connects and subscribes. Resolves when the leader has confirmed.
 *
 * @throws {ClusterError} `scheduler/option`: one of them is no good. `bus/no-server`,
 * `bus/no-access`. `scheduler/no-leader`. `scheduler/ended`: the leader refuses the framework, and
 * says why.
 */
export async function openScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { openTimeoutMs = OPEN_TIMEOUT_MS, onFault = () => undefined } = options
  const { system, clock, randomToken } = options.world ?? natsWorld(options)
  const identity = identify(options, randomToken)
  const bus = await system.connect({
    name: `framework-${identity.frameworkId}`,
    inbox: frameworkInbox(identity),
  })
  const messenger = openMessenger({
    bus,
    clock,
    randomToken,
    isOpen: false,
    onRefused: (subject, { name, message }) =>
      onFault(
        new ClusterError('scheduler/bad-message', 'never', `${subject}: ${name}: ${message}`),
      ),
  })
  const scheduler = new Scheduler({ ...identity, messenger, clock, randomToken })
  try {
    await scheduler.subscribed(openTimeoutMs)
  } catch (error) {
    await scheduler.close()
    throw error
  }
  return scheduler
}

function natsWorld({ nats, onFault }: SchedulerOptions): World {
  const location =
    typeof nats === 'object'
      ? nats
      : (locateNats(nats, process.env) ?? { servers: [NATS_DEFAULT], source: 'the default' })
  const system = natsSystem({ location, ...(onFault && { onFault }) })
  return { system, clock: systemClock, randomToken }
}

type Identity = Pick<LibraryDeps, 'cluster' | 'principal' | 'frameworkId' | 'settings'>

function identify(options: SchedulerOptions, random: RandomToken): Identity {
  const { name, cluster = CLUSTER_DEFAULT, principal = PRINCIPAL_DEFAULT, secret } = options
  const { frameworkId = `${tokenFrom(name)}-${random(64)}` } = options
  if (secret !== undefined && !/^[\x20-\x7e]{8,128}$/.test(secret))
    throw badOption('secret is not 8 to 128 printable characters')
  return {
    cluster: tokenOption('cluster', cluster),
    principal: tokenOption('principal', principal) as Principal,
    frameworkId: tokenOption('frameworkId', frameworkId) as FrameworkId,
    settings: {
      secret: secret ?? random(128),
      name,
      roles: options.roles ?? ['*'],
      failoverMs: options.failoverMs ?? FRAMEWORK_FAILOVER_MS,
      isSuppressed: options.suppressed ?? false,
      isReturning: options.frameworkId !== undefined,
    },
  }
}

function tokenOption(option: string, value: string): string {
  const parsed = parseId(option, value)
  if (typeof parsed === 'object') throw badOption(parsed.message)
  return parsed
}

const badOption = (message: string): ClusterError =>
  new ClusterError('scheduler/option', 'never', message)
