/** Which cluster, and where: what was asked for, or the `bourse dev` that runs here. */
import { ClusterError } from '../../protocol/errors.ts'
import { type Claimer, readDeadClaim } from './claimed-file.ts'
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
  const path = devFilePath(env)
  const dev = readDevFile(path)
  if (dev === undefined) throw noCluster(whyNone(readDeadClaim(path)))
  if (dev.url === undefined) throw noCluster(`bourse dev (process ${dev.pid}) is not ready yet`)
  const location = withFiles({ servers: [dev.url], source: 'bourse dev' }, files)
  return { location, cluster: cluster ?? dev.cluster }
}

const whyNone = (dead: Claimer | undefined): string =>
  dead === undefined
    ? 'no cluster here: start one with `bourse dev`, or set NATS_URL'
    : `no cluster here: the \`bourse dev\` that was here (process ${dead.pid}) died; its tasks run on, and the next \`bourse dev\` finds them if it comes within 15 minutes`

const noCluster = (message: string): ClusterError =>
  new ClusterError('bus/no-cluster', 'later', message)
