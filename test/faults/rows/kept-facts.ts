/** What an operator has said, and the cluster may not forget: a quota, an agent that is gone. */
import type { LabCluster } from '../../lab/contract.ts'
import { type Ended, runBourse } from '../../support/cluster.ts'

const ROLE = 'kept'

/** Resolves when the registry has it. */
export async function setQuota({ env }: LabCluster, cpus: number): Promise<void> {
  good(await runBourse(env, 'quota', 'set', ROLE, '--limit', `cpus:${cpus}`))
}

/** What the leader says that it is. Empty: as wanted. */
export async function quotaProblems(
  { env }: LabCluster,
  wanted: number,
): Promise<readonly string[]> {
  const { stdout } = good(await runBourse(env, 'quota', 'get', '--json'))
  const quotas: readonly { role: string; limit?: { cpus?: number } }[] = JSON.parse(stdout)
  const cpus = quotas.find(({ role }) => role === ROLE)?.limit?.cpus
  return cpus === wanted ? [] : [`a quota of ${wanted} cpus is ${cpus ?? 'forgotten'} now`]
}

/** Kills the last agent, and says that it will not come back. Resolves to its id. */
export async function loseLastAgent({ agents, env }: LabCluster): Promise<string> {
  const agent = agents.at(-1)
  if (agent === undefined) throw new Error('the lab has no agent')
  await agent.kill()
  good(await runBourse(env, 'gone', agent.name))
  return agent.name
}

/** Empty: the leader knows that it is gone. */
export async function goneProblems(
  { env }: LabCluster,
  agentId: string,
): Promise<readonly string[]> {
  const { stdout } = good(await runBourse(env, 'agents', '--json'))
  const agents: readonly { agentId: string; state: string }[] = JSON.parse(stdout)
  const state = agents.find((agent) => agent.agentId === agentId)?.state
  return state === 'gone' ? [] : [`an agent that is gone is ${state ?? 'forgotten'} now`]
}

function good(ended: Ended): Ended {
  if (ended.code === 0) return ended
  throw new Error(`bourse ended with ${ended.code}: ${ended.stderr}`)
}
