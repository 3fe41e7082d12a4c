/** Which cluster, and where: what was asked for, or the `bourse dev` that runs here. */
import { ClusterError } from '../../protocol/errors.ts'
import { devFilePath, readDevFile } from './dev-file.ts'
import { type CredentialFiles, locateNats, type NatsLocation, withFiles } from './locate.ts'

export interface ClusterWish extends CredentialFiles {
  /** A URL of its NATS server. */
  readonly nats?: string | undefined
  /** Its name. */
  readonly cluster?: string | undefined
}

export interface LocatedCluster {
  readonly location: NatsLocation
  readonly cluster: string
}

/** What a cluster is called when nobody names it. */
export const CLUSTER_DEFAULT = 'bourse'

/**
 * By `nats`, NATS_URL, NATS context, or the `bourse dev` that runs here. Its name is the wished
 * one, that of the dev, or the default.
 *
 * @throws {ClusterError} `bus/no-cluster` (later): none of them. `bus/nats-url`,
 * `bus/nats-context`.
 */
export function locateCluster(
  { nats, cluster, ...files }: ClusterWish,
  env: Readonly<Record<string, string | undefined>>,
): LocatedCluster {
  const named = locateNats(nats, env, files)
  if (named !== undefined) return { location: named, cluster: cluster ?? CLUSTER_DEFAULT }
  const dev = readDevFile(devFilePath(env))
  if (dev === undefined)
    throw noCluster('no cluster here: start one with `bourse dev`, or set NATS_URL')
  if (dev.url === undefined) throw noCluster(`bourse dev (process ${dev.pid}) is not ready yet`)
  const location = withFiles({ servers: [dev.url], source: 'bourse dev' }, files)
  return { location, cluster: cluster ?? dev.cluster }
}

const noCluster = (message: string): ClusterError =>
  new ClusterError('bus/no-cluster', 'later', message)
