/** Which cluster a command speaks to. */
import assert from 'node:assert/strict'
import { locateNats, type NatsLocation } from '../bus/nats/locate.ts'
import { type LocatedCluster, locateCluster } from '../bus/nats/locate-cluster.ts'
import { isToken, type Principal, parseId } from '../protocol/ids.ts'
import { wrongUse } from './exit-code.ts'

export interface ClusterOptions {
  readonly nats?: string
  readonly cluster?: string
  /** A file with the seed of an nkey. */
  readonly nkey?: string
  /** A file with a JWT and its seed. */
  readonly creds?: string
  /** Who speaks: what the credentials are for. */
  readonly principal?: string
}

export type FoundCluster = LocatedCluster

/**
 * By flag, NATS_URL, NATS context, or the `bourse dev` that runs here.
 *
 * @throws {ClusterError} `bus/no-cluster`; `cli/usage`; `bus/nats-url`; `bus/nats-context`.
 */
export function findCluster(
  options: ClusterOptions,
  env: Readonly<Record<string, string | undefined>>,
): FoundCluster {
  const { nats, nkey, creds } = options
  return locateCluster({ nats, nkey, creds, cluster: clusterName(options) }, env)
}

/** Who speaks where nobody says who. */
export const LOCAL_PRINCIPAL = 'local' as Principal

/** By flag, BOURSE_PRINCIPAL, or `local`. @throws {ClusterError} `cli/usage`. */
export function principalOf(
  { principal }: ClusterOptions,
  env: Readonly<Record<string, string | undefined>>,
): Principal {
  const named = principal ?? (env['BOURSE_PRINCIPAL'] || LOCAL_PRINCIPAL)
  const parsed = parseId<Principal>('principal', named)
  if (typeof parsed === 'string') return parsed
  throw wrongUse(parsed.message)
}

/** What a URL alone says. @throws {ClusterError} `bus/nats-url`. */
export function clusterAt(url: string): NatsLocation {
  const location = locateNats(url, {})
  assert(location !== undefined, 'a URL is a location')
  return location
}

/** @throws {ClusterError} `cli/usage`. */
export function clusterName({ cluster }: ClusterOptions): string | undefined {
  if (cluster === undefined || isToken(cluster)) return cluster
  throw wrongUse(`--cluster "${cluster}" is not 1 to 64 letters, digits, _ or -`)
}
