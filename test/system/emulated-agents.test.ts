import { join } from 'node:path'
import test from 'ava'
import type { AgentItem } from '../../protocol/schema/operator.ts'
import { type Cluster, openCluster, runBourse } from '../support/cluster.ts'

let cluster: Cluster

test.before(async () => {
  cluster = await openCluster()
  await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
})

test.after.always(() => cluster?.close())

test('emulated agents with a work directory have it alone, and are known again', async (t) => {
  t.timeout(60_000)
  const workDir = join(cluster.folder, 'emulated')
  const args = ['agent', '--emulate', '2', '--id', 'e', '--work-dir', workDir]
  const first = await cluster.start(...args)
  t.deepEqual(await statesOf('registered'), { 'e-1': 'registered', 'e-2': 'registered' })
  const other = await runBourse(cluster.env, ...args)
  t.is(other.code, 78)
  t.regex(other.stderr, new RegExp(`${workDir} is in use by the agents with pid ${first.pid}`))
  t.is(await first.end(), 0)
  t.deepEqual(await statesOf('stopped'), { 'e-1': 'stopped', 'e-2': 'stopped' })
  await first.start()
  t.deepEqual(await statesOf('registered'), { 'e-1': 'registered', 'e-2': 'registered' })
})

/** Asked again until both are in `state`: the leader hears it a little later. */
async function statesOf(state: string): Promise<Record<string, string>> {
  for (let asked = 1; ; asked++) {
    const { stdout } = await runBourse(cluster.env, 'agents', '--json')
    const items: AgentItem[] = JSON.parse(stdout)
    if (asked === 20 || (items.length === 2 && items.every((agent) => agent.state === state)))
      return Object.fromEntries(items.map((agent) => [agent.agentId, agent.state]))
  }
}
