/** An agent that an operator gives up, over real processes: its task ends when it is back. */
import { join } from 'node:path'
import test from 'ava'
import type { AgentItem } from '../../protocol/schema/operator.ts'
import { type Cluster, openCluster, runBourse } from '../support/cluster.ts'
import { untilListed } from '../support/until-listed.ts'

async function list<T>({ env }: Cluster, what: string): Promise<readonly T[]> {
  const { stdout } = await runBourse(env, what, '--json')
  return JSON.parse(stdout)
}

test('bourse gone: its tasks are over at once, and end when the agent is back and is refused', async (t) => {
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  await cluster.start('master', '--work-dir', join(cluster.folder, 'm'))
  await cluster.start('allocator')
  const workDir = join(cluster.folder, 'a')
  const agent = await cluster.start('agent', '--id', 'old-1', '--work-dir', workDir)
  await agent.says('ready')
  const { env } = cluster
  const run = runBourse(env, 'run', '--name', 'long', '--', 'sleep', '600')
  await untilListed(env, 'tasks', (all) =>
    all.some(({ name, state }) => name === 'long' && state === 'TASK_RUNNING'),
  )
  t.is(await agent.end('SIGKILL'), null)

  const unknown = await runBourse(env, 'gone', 'other')
  t.like(unknown, { code: 1, stderr: 'bourse: no agent has an id that begins with other\n' })
  const gone = await runBourse(env, 'gone', 'old', '--json')
  t.is(gone.code, 0, gone.stderr)
  t.like(JSON.parse(gone.stdout), { agentId: 'old-1', tasks: 1 })
  t.is((await run).code, 1)
  const again = await runBourse(env, 'gone', 'old-1')
  t.is(again.stdout, 'old-1 is gone already\n')
  const agents = await list<AgentItem>(cluster, 'agents')
  t.like(agents, [{ agentId: 'old-1', state: 'gone' }])

  await agent.start()
  const code = await agent.ended
  t.is(code, 78)
  const last = agent.lines.find(({ message }) => /refuses \(gone\)/.test(message))
  t.regex(last?.message ?? '', /this machine may join under another id, with another --work-dir$/)
  t.false(agent.lines.some(({ message }) => message === 'ready'))
})
