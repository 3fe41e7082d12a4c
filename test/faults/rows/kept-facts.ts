/** What an operator has said, and the cluster may not forget: a quota, an agent that is gone. */
import { mkdirSync, rmSync } from 'node:fs'
import type { LabCluster } from '../../lab/contract.ts'
import { type Ended, runBourse } from '../../support/cluster.ts'
import { REWRITTEN } from '../../support/power-cut.ts'

const ROLE = 'kept'

/** Resolves when the registry has it. */
export async function setQuota({ env }: LabCluster, cpus: number, role = ROLE): Promise<void> {
  good(await runBourse(env, 'quota', 'set', role, '--limit', `cpus:${cpus}`))
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

/** Resolves when a leader says once more that it writes again what the store has lost. */
export async function rewritten({ masters }: LabCluster): Promise<void> {
  const all = masters.flatMap((one) =>
    REWRITTEN.map((message) => {
      const before = one.lines.filter((line) => line.message === message).length
      return one.says(message, before + 1)
    }),
  )
  await Promise.race(all)
}

/** All masters are killed, and lead again by what is stored and by their copies of the registry. */
export async function leadAgain({ masters }: LabCluster): Promise<void> {
  for (const one of masters) await one.kill()
  for (const one of masters) await one.start()
  await Promise.race(masters.map((one) => one.says('leads')))
}

/** As `leadAgain`, but the one that leads has no copy: it knows what is stored, nothing else. */
export async function leadWithoutCopy(lab: LabCluster): Promise<void> {
  // It is answered when it is stored, behind all that is written again.
  await setQuota(lab, 1, 'last')
  const [stranger, ...others] = lab.masters
  if (stranger === undefined) throw new Error('the lab has no master')
  for (const one of lab.masters) await one.kill()
  rmSync(stranger.workDir, { recursive: true })
  mkdirSync(stranger.workDir)
  await stranger.start()
  await stranger.says('leads')
  for (const one of others) await one.start()
}

/** Kills the last agent, and says that it will not come back. Resolves to its id. */
export async function loseLastAgent({ agents, env }: LabCluster): Promise<string> {
  const agent = agents.at(-1)
  if (agent === undefined) throw new Error('the lab has no agent')
  await agent.kill()
  good(await runBourse(env, 'gone', agent.name))
  return agent.name
}

/** Of the observer's sentences those on tasks that ran there, or were to. */
export const LOST_WITH_IT = / TASK_GONE_BY_OPERATOR \(AGENT_REMOVED_BY_OPERATOR\)/

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
