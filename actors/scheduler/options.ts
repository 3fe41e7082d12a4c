/** What a scheduler is opened with. */
import type { BusSystem } from '../../bus/bus.ts'
import type { Clock } from '../../bus/clock.ts'
import type { NatsLocation } from '../../bus/nats/locate.ts'
import type { RandomToken } from '../../bus/random.ts'
import type { ClusterError } from '../../protocol/errors.ts'
import { type FrameworkId, type InstanceId, type Principal, tokenFrom } from '../../protocol/ids.ts'
import { FRAMEWORK_FAILOVER_MS, INSTANCE_LEASE_MS } from '../../protocol/limits.ts'
import type { Standing } from './contract.ts'
import type { OfferTerms } from './contract-terms.ts'
import {
  badOption,
  DURATION,
  FUNCTION,
  isFields,
  LEASE,
  NAME,
  ROLES,
  type Rules,
  requireGood,
  SECRET,
  shown,
  TOKEN,
  YES_OR_NO,
} from './rules.ts'
import type { Settings } from './state.ts'
import { requireTerms, TERMS_RULES, termsOf } from './terms.ts'

/**
 * NATS servers with what they want to see: a token, user and password, or a file of credentials.
 */
export type NatsServers = Omit<NatsLocation, 'source'>

export interface SchedulerOptions extends OfferTerms {
  /** For people; 1 to 256 characters. */
  readonly name: string
  /** What its tasks count for. Default `['*']`. */
  readonly roles?: readonly string[]
  /**
   * Where NATS is: one URL or several with commas. Default: NATS_URL, else the NATS context, else
   * the `bourse dev` that runs here.
   */
  readonly nats?: string | NatsServers
  /** Default: that of the `bourse dev` that was found, else `bourse`. */
  readonly cluster?: string
  /** Whose credentials these are. Default: BOURSE_PRINCIPAL, else `local`. */
  readonly principal?: string
  /**
   * Give one, always the same, with the same `secret`, to find the tasks of an earlier process
   * again. Default: the name and 64 random bits.
   */
  readonly frameworkId?: string
  /** 8 to 128 printable ASCII characters; the first one binds. Default: 128 random bits. */
  readonly secret?: string
  /** How long tasks outlive the absence of their framework, in milliseconds. Default 10 min. */
  readonly failoverMs?: number
  /**
   * One of several processes with the same `frameworkId` and `secret`: one leads, the others stand
   * by and go on with its tasks when it leaves or is not heard any more. Opening then resolves when
   * this one leads. Default false, unless `instance` is given.
   */
  readonly standby?: boolean
  /** Which of them this is: no two have the same. Default: the name and 64 random bits. */
  readonly instance?: string
  /**
   * An instance that leads may be silent for so long, in milliseconds, 1000 to 600000: then another
   * one leads. Default 5 s. Without `standby` it has no effect.
   */
  readonly leaseMs?: number
  /** With `standby`: told whenever this process begins to stand by, or to lead. */
  readonly onStanding?: (standing: Standing, message: string) => void
  /** Begins without offers, until `revive`. Default false. */
  readonly suppressed?: boolean
  /** Opening fails when no leader has answered for so long, in milliseconds. Default 15 s. */
  readonly openTimeoutMs?: number
  /**
   * Calls the opening off: for who stands by, above all. Once open it has no effect: `close` it.
   */
  readonly signal?: AbortSignal
  /** Bad messages that were dropped, and what the server forbids. Default: nothing is done. */
  readonly onFault?: (fault: ClusterError) => void
  /** A simulated cluster, for tests. Default: NATS. With one, `nats` has no effect. */
  readonly world?: World
}

/** A bus with the clock and the chance that belong to it: a simulated one has its own. */
export interface World {
  readonly system: BusSystem
  readonly clock: Clock
  readonly randomToken: RandomToken
}

const RULES: Rules<SchedulerOptions> = {
  name: NAME,
  roles: ROLES,
  nats: {
    what: 'a URL like nats://127.0.0.1:4222, or { servers: [URL, …] }',
    isGood: (value) => typeof value === 'string' || (isFields(value) && isLocation(value)),
  },
  cluster: TOKEN,
  principal: TOKEN,
  frameworkId: TOKEN,
  secret: SECRET,
  failoverMs: DURATION,
  ...TERMS_RULES,
  suppressed: YES_OR_NO,
  standby: YES_OR_NO,
  instance: TOKEN,
  leaseMs: LEASE,
  onStanding: FUNCTION,
  openTimeoutMs: DURATION,
  signal: { what: 'an AbortSignal', isGood: (value) => value instanceof AbortSignal },
  onFault: FUNCTION,
  world: { what: 'a simulated cluster', isGood: isFields },
}

function isLocation({ servers }: Readonly<Record<string, unknown>>): boolean {
  const isList = Array.isArray(servers) && servers.length > 0
  return isList && servers.every((url) => typeof url === 'string')
}

/**
 * Takes what an author wrote for options, or says all that is wrong with it.
 * @throws {ClusterError} `scheduler/option`.
 */
export function requireOptions(options: SchedulerOptions): void {
  const where = 'openScheduler'
  requireGood(where, options, RULES)
  const unknown = Object.keys(options).find((option) => !(option in RULES))
  if (unknown !== undefined) throw badOption(`${where}: there is no option ${shown(unknown)}`)
  requireTerms(where, options, options.roles ?? ['*'])
  const isLone = options.frameworkId === undefined || options.secret === undefined
  if (hasStandby(options) && isLone)
    throw badOption(
      `${where}: instances of one framework have its frameworkId and secret in common`,
    )
}

const hasStandby = ({ standby, instance }: SchedulerOptions): boolean =>
  standby ?? instance !== undefined

interface Identity {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly settings: Settings
}

const PRINCIPAL_DEFAULT = 'local'

/** Who the framework is. The options were checked. */
export function identify(options: SchedulerOptions, random: RandomToken): Identity {
  const { name, principal = PRINCIPAL_DEFAULT, secret = random(128) } = options
  const { frameworkId = `${tokenFrom(name)}-${random(64)}` } = options
  const { instance = `${tokenFrom(name)}-${random(64)}`, leaseMs = INSTANCE_LEASE_MS } = options
  const holder = hasStandby(options) ? { instance: instance as InstanceId, leaseMs } : undefined
  return {
    principal: principal as Principal,
    frameworkId: frameworkId as FrameworkId,
    settings: {
      secret,
      name,
      roles: options.roles ?? ['*'],
      failoverMs: options.failoverMs ?? FRAMEWORK_FAILOVER_MS,
      terms: termsOf(options),
      isSuppressed: options.suppressed ?? false,
      isReturning: options.frameworkId !== undefined,
      holder,
    },
  }
}
