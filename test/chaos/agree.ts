/** When nothing runs any more, the leader's books say the same. */
import { sleep } from '../../bus/clock.ts'
import type { AgentItem } from '../../protocol/schema/operator.ts'
import type { LabCluster } from '../lab/contract.ts'
import { runBourse } from '../support/cluster.ts'

const LOOK_MS = 300

/** Resolves when the leader knows all agents, and holds no task and no framework. */
export async function agree(lab: LabCluster, onDiffering: (why: string) => void): Promise<void> {
  for (;;) {
    const why = await difference(lab)
    if (why === undefined) return
    onDiffering(why)
    await sleep(LOOK_MS)
  }
}

/** The first thing in which the leader's books differ from what is so. */
async function difference({ env, agents }: LabCluster): Promise<string | undefined> {
  const known = await list<AgentItem>(env, 'agents')
  if (known === undefined) return 'no leader answers'
  for (const { name } of agents) {
    const item = known.find(({ agentId }) => agentId === name)
    if (item?.state !== 'registered') return `${name} is ${item?.state ?? 'not known'}`
    if (item.tasks > 0 || item.used.length > 0)
      return `${name} is said to run ${item.tasks} tasks with ${JSON.stringify(item.used)}`
  }
  const frameworks = await list<object>(env, 'frameworks')
  if (frameworks?.length !== 0) return `frameworks are there: ${JSON.stringify(frameworks)}`
  return undefined
}

async function list<Item>(
  env: NodeJS.ProcessEnv,
  what: string,
): Promise<readonly Item[] | undefined> {
  const { code, stdout } = await runBourse(env, what, '--json')
  return code === 0 ? JSON.parse(stdout) : undefined
}
