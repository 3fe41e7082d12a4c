/** Which cluster a command speaks to. */
import assert from 'node:assert/strict'
import { locateNats, type NatsLocation } from '../bus/nats/locate.ts'
import { ClusterError } from '../protocol/errors.ts'
import { isToken } from '../protocol/ids.ts'
import { devFilePath, readDevFile } from './dev-file.ts'
import { wrongUse } from './exit-code.ts'

export interface ClusterOptions {
  readonly nats?: string
  readonly cluster?: string
}

export interface FoundCluster {
  readonly location: NatsLocation
  readonly cluster: string
}

const CLUSTER_DEFAULT = 'bourse'

/**
 * By flag, NATS_URL, NATS context, or the `bourse dev` that runs here.
 *
 * @throws {ClusterError} `cli/no-cluster`; `cli/usage`; `bus/nats-url`; `bus/nats-context`.
 */
export function findCluster(
  options: ClusterOptions,
  env: Readonly<Record<string, string | undefined>>,
): FoundCluster {
  const named = clusterName(options)
  const location = locateNats(options.nats, env)
  if (location !== undefined) return { location, cluster: named ?? CLUSTER_DEFAULT }
  const dev = readDevFile(devFilePath(env))
  if (dev === undefined)
    throw noCluster('no cluster here: start one with `bourse dev`, or name one with --nats URL')
  if (dev.url === undefined) throw noCluster(`bourse dev (process ${dev.pid}) is not ready yet`)
  return { location: clusterAt(dev.url), cluster: named ?? dev.cluster }
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

const noCluster = (message: string): ClusterError =>
  new ClusterError('cli/no-cluster', 'later', message)
