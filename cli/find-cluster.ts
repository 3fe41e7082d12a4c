/** Which cluster a command speaks to. */
import assert from 'node:assert/strict'
import { locateNats, type NatsLocation } from '../bus/nats/locate.ts'
import { type LocatedCluster, locateCluster } from '../bus/nats/locate-cluster.ts'
import { isToken } from '../protocol/ids.ts'
import { wrongUse } from './exit-code.ts'

export interface ClusterOptions {
  readonly nats?: string
  readonly cluster?: string
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
  return locateCluster({ nats: options.nats, cluster: clusterName(options) }, env)
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
