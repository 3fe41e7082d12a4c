/** What a scheduler is opened with. */
import type { BusSystem } from '../../bus/bus.ts'
import type { Clock } from '../../bus/clock.ts'
import type { NatsLocation } from '../../bus/nats/locate.ts'
import type { RandomToken } from '../../bus/random.ts'
import type { ClusterError } from '../../protocol/errors.ts'
import { type FrameworkId, type Principal, tokenFrom } from '../../protocol/ids.ts'
import { FRAMEWORK_FAILOVER_MS } from '../../protocol/limits.ts'
import type { OfferTerms } from './contract-terms.ts'
import {
  badOption,
  DURATION,
  FUNCTION,
  isFields,
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
   * the
   * `bourse dev` that runs here.
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
  /** Begins without offers, until `revive`. Default false. */
  readonly suppressed?: boolean
  /** Opening fails when no leader has answered for so long, in milliseconds. Default 15 s. */
  readonly openTimeoutMs?: number
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
  openTimeoutMs: DURATION,
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
}

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
    },
  }
}
