/** An agent that comes back as another: with more, with other attributes, or with too little. */
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { AgentItem, TaskItem } from '../../protocol/schema/operator.ts'
import { type Cluster, openCluster, runBourse } from '../support/cluster.ts'
import { untilListed } from '../support/until-listed.ts'

async function list<T>(t: ExecutionContext, { env }: Cluster, what: string): Promise<readonly T[]> {
  const { stdout, stderr } = await runBourse(env, what, '--json')
  t.is(stderr, '')
  return JSON.parse(stdout)
}

const cpusOf = ({ total }: AgentItem): number | undefined =>
  total.find(({ name }) => name === 'cpus')?.scalar

test('restarted with more, an agent keeps its task and offers the new total; with too little it is refused', async (t) => {
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const { env } = cluster
  await cluster.start('master', '--work-dir', join(cluster.folder, 'm'))
  await cluster.start('allocator')
  const flags = ['agent', '--id', 'a1', '--work-dir', join(cluster.folder, 'a1')]
  const first = await cluster.start(...flags, '--resources', 'cpus:1;mem:512')
  const long = runBourse(env, 'run', '--name', 'long', '--cpus', '1', '--', 'sleep', '600')
  const taskOf = async () =>
    (await list<TaskItem>(t, cluster, 'tasks')).find(({ name }) => name === 'long')
  await untilListed(env, 'tasks', (all) =>
    all.some(({ name, state }) => name === 'long' && state === 'TASK_RUNNING'),
  )
  await first.end('SIGTERM')

  const less = await runBourse(env, ...flags, '--resources', 'cpus:0.5;mem:512')
  t.is(less.code, 78)
  t.regex(less.stderr, /task long-0 of an earlier start holds cpus 1.*, more than this agent has/)
  t.is((await taskOf())?.state, 'TASK_RUNNING')

  await cluster.start(...flags, '--resources', 'cpus:4', '--attributes', 'rack:new')
  const agentOf = async () => (await list<AgentItem>(t, cluster, 'agents'))[0] as AgentItem
  await untilListed(env, 'agents', ([agent]) => agent?.state === 'registered')
  t.is(cpusOf(await agentOf()), 4)
  const offered = (await agentOf()).total.map(({ name }) => name)
  t.true(
    ['mem', 'disk', 'ports'].every((name) => offered.includes(name)),
    'what was not named',
  )
  t.is((await taskOf())?.state, 'TASK_RUNNING')
  const wanted = ['--cpus', '3', '--constraint', 'rack=new', '--timeout', '20s']
  t.like(await runBourse(env, 'run', ...wanted, '--', 'echo', 'hi'), { code: 0, stdout: 'hi\n' })
  t.is((await runBourse(env, 'kill', (await taskOf())?.taskId ?? '')).code, 0)
  t.is((await long).code, 1)
})
