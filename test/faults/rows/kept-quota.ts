/** A quota that an operator has set: what the cluster may not forget. */

import type { LabCluster } from '../../lab/contract.ts'
import { type Ended, runBourse } from '../../support/cluster.ts'

const ROLE = 'kept'

/** Resolves when the registry has it. */
export async function setQuota({ env }: LabCluster, cpus: number): Promise<void> {
  good(await runBourse(env, 'quota', 'set', ROLE, '--limit', `cpus:${cpus}`))
}

/** What the leader says that it is. Empty: there is none. */
export async function quotaProblems(
  { env }: LabCluster,
  wanted: number,
): Promise<readonly string[]> {
  const { stdout } = good(await runBourse(env, 'quota', 'get', '--json'))
  const quotas: readonly { role: string; limit?: { cpus?: number } }[] = JSON.parse(stdout)
  const cpus = quotas.find(({ role }) => role === ROLE)?.limit?.cpus
  return cpus === wanted ? [] : [`a quota of ${wanted} cpus is ${cpus ?? 'forgotten'} now`]
}

function good(ended: Ended): Ended {
  if (ended.code === 0) return ended
  throw new Error(`bourse quota ended with ${ended.code}: ${ended.stderr}`)
}
