/** An agent that is ended politely: nobody waits for it, and its task runs on. */
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { AgentItem, TaskItem } from '../../protocol/schema/operator.ts'
import { type Actor, type Cluster, openCluster, runBourse } from '../support/cluster.ts'
import { untilListed } from '../support/until-listed.ts'

async function list<T>(t: ExecutionContext, { env }: Cluster, what: string): Promise<readonly T[]> {
  const { stdout, stderr } = await runBourse(env, what, '--json')
  t.is(stderr, '')
  return JSON.parse(stdout)
}

function startAgent(cluster: Cluster, id: string, ...more: readonly string[]): Promise<Actor> {
  const workDir = join(cluster.folder, id)
  return cluster.start('agent', '--id', id, '--work-dir', workDir, ...more)
}

test('what a stopped agent offered is placed elsewhere at once, and its task is found again', async (t) => {
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  await cluster.start('master', '--work-dir', join(cluster.folder, 'm'))
  await cluster.start('allocator')
  const large = await startAgent(cluster, 'large', '--resources', 'cpus:8;mem:1024')
  const { env } = cluster
  const run = runBourse(env, 'run', '--name', 'long', '--cpus', '4', '--', 'sleep', '600')
  const states = async (): Promise<readonly string[]> =>
    (await list<TaskItem>(t, cluster, 'tasks')).map(({ name, state }) => `${name} ${state}`)
  await untilListed(env, 'tasks', (all) =>
    all.some(({ name, state }) => name === 'long' && state === 'TASK_RUNNING'),
  )
  const idle = await startAgent(cluster, 'idle', '--leave-when-idle', '--resources', 'cpus:8')
  await startAgent(cluster, 'small', '--resources', 'cpus:1;mem:1024')

  const agents = async (): Promise<readonly string[]> =>
    (await list<AgentItem>(t, cluster, 'agents')).map(({ agentId, state }) => `${agentId} ${state}`)
  const isRegistered = ({ state }: AgentItem): boolean => state === 'registered'
  await untilListed(env, 'agents', (all) => all.filter(isRegistered).length === 3)
  t.is(await idle.end('SIGTERM'), 0)
  t.is(await large.end('SIGTERM'), 0)
  t.deepEqual(await agents(), ['large stopped', 'small registered'])
  t.like(await runBourse(env, 'run', '--', 'echo', 'hi'), { code: 0, stdout: 'hi\n' })
  t.true((await states()).includes('long TASK_RUNNING'))
  const unread = await runBourse(env, 'logs', 'long')
  const why = 'bourse: agent large is stopped: what its tasks wrote can be read when it is back\n'
  t.like(unread, { code: 1, stderr: why })

  await large.start()
  await untilListed(env, 'agents', (all) =>
    all.some((agent) => agent.agentId === 'large' && isRegistered(agent)),
  )
  const { taskId } = (await list<TaskItem>(t, cluster, 'tasks')).find(
    ({ name, state }) => name === 'long' && state === 'TASK_RUNNING',
  ) as TaskItem
  t.is((await runBourse(env, 'kill', taskId)).code, 0)
  t.is((await run).code, 1)
})
