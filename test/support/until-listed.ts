/**
 * Looks at what a cluster lists until it is so, over one connection: a `bourse` for each look would
 * take half a second of CPU from all that is waited for.
 */

import { sleep } from '../../bus/clock.ts'
import { findCluster } from '../../cli/find-cluster.ts'
import {
  type Item,
  type ListingVerb,
  type OperatorClient,
  openOperatorClient,
} from '../../cli/operator-client.ts'

const LOOK_MS = 20

/** `env`: names the cluster, as for the command. */
export async function untilListed<V extends ListingVerb>(
  env: NodeJS.ProcessEnv,
  verb: V,
  isSo: (all: readonly Item<V>[]) => boolean,
): Promise<void> {
  const client = await openOperatorClient(findCluster({}, env))
  try {
    while (!isSo(await listed(client, verb))) await sleep(LOOK_MS)
  } finally {
    await client.close()
  }
}

/** Nothing while nobody leads. */
async function listed<V extends ListingVerb>(
  client: OperatorClient,
  verb: V,
): Promise<readonly Item<V>[]> {
  const all: Item<V>[] = []
  try {
    for await (const items of client.list(verb)) all.push(...items)
    return all
  } catch (error) {
    if (String((error as { readonly code?: unknown }).code) === 'cli/no-leader') return []
    throw error
  }
}
