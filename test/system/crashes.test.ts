/**
 * Every part of a cluster is killed while tasks run: all tasks finish, once, and nothing is left.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { TaskStatus } from '../../protocol/schema/common.ts'
import { leftOf, tracesOf } from '../../tools/left-behind.ts'
import { type Actor, type Cluster, openCluster } from '../support/cluster.ts'

const TASKS = 20
const SECONDS = 20
const FRAMEWORK = fileURLToPath(new URL('../support/patient-framework.js', import.meta.url))

test('while 20 tasks run, master, agent, launcher, framework and nats-server are killed in turn', async (t) => {
  t.timeout(150_000)
  const folder = mkdtempSync(join(tmpdir(), 'bourse-crashes-'))
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const masters = [
    await cluster.start('master', '--id', 'm1', '--work-dir', join(folder, 'm1')),
    await cluster.start('master', '--id', 'm2', '--work-dir', join(folder, 'm2')),
  ]
  await cluster.start('allocator')
  const agents = [await startAgent(cluster, folder, 'a1'), await startAgent(cluster, folder, 'a2')]
  const framework = await startFramework(cluster, folder)
  await statusesReach(folder, (all) => inState(all, 'TASK_RUNNING').size === TASKS)
  const traces = tracesOf([folder, cluster.folder, cluster.server.folder])
  const { processes, cgroups, ports } = traces
  t.true(processes.length > TASKS && ports.length > 0)
  t.log(
    `${TASKS} tasks: ${processes.length} processes, ${cgroups.length} cgroups, ${ports.length} ports`,
  )

  await killLeader(t, masters as [Actor, Actor])
  const [first, second] = agents as [Actor, Actor]
  await first.end('SIGKILL')
  await first.start()
  t.log('an agent was killed and is back')
  process.kill(launcherOf(second), 'SIGKILL')
  t.log('a launcher was killed')
  framework.kill('SIGKILL')
  await once(framework, 'exit')
  const again = await startFramework(cluster, folder)
  t.log('the framework was killed and is back')
  await cluster.server.end('SIGKILL')
  await cluster.server.restart('kept')
  t.log('nats-server was killed and is back')

  const [code] = await once(again, 'exit')
  t.is(code, 0, 'the framework has ended')
  const all = statuses(folder)
  const expected = ['TASK_FINISHED', 'TASK_FAILED', 'TASK_FAILED'] as const
  for (let i = 0; i < TASKS; i++) {
    const ends = all.filter((s) => s.taskId === `t-${i}` && s.state === expected[i % 3])
    t.true(ends.length > 0, `t-${i} ended as ${expected[i % 3]}`)
    const exit = ends[0]?.exit
    t.deepEqual(exit, [{ code: 0 }, { code: 3 }, { signal: 9 }][i % 3], `t-${i} ended so`)
    t.is(readFileSync(join(folder, 'starts', `t-${i}`), 'utf8'), 'started\n', `t-${i} started once`)
  }
  t.is(readdirSync(join(folder, 'starts')).length, TASKS)
  t.true(all.every((status) => !/LOST|GONE|DROPPED/.test(status.state)))

  await cluster.close()
  rmSync(folder, { recursive: true, force: true })
  const left = leftOf(traces)
  t.deepEqual(left, [])
  t.log(`left behind: ${left.length}`)
})

const RESOURCES = 'cpus:1;mem:512;disk:100;ports:[31000-31099]'

function startAgent(cluster: Cluster, folder: string, id: string): Promise<Actor> {
  const where = join(folder, id)
  return cluster.start('agent', '--id', id, '--work-dir', where, '--resources', RESOURCES)
}

async function startFramework({ env }: Cluster, folder: string): Promise<ChildProcess> {
  const args = [FRAMEWORK, folder, String(TASKS), String(SECONDS)]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

const statuses = (folder: string): readonly TaskStatus[] => {
  const path = join(folder, 'statuses')
  if (!existsSync(path)) return []
  // A line that is being written has no end yet.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line): TaskStatus => JSON.parse(line))
}

const inState = (all: readonly TaskStatus[], state: string): ReadonlySet<string> =>
  new Set(all.filter((status) => status.state === state).map(({ taskId }) => taskId))

/** Resolves when the statuses that were written down satisfy `isThere`. */
function statusesReach(
  folder: string,
  isThere: (all: readonly TaskStatus[]) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(folder, () => look())
    const look = (): void => {
      if (!isThere(statuses(folder))) return
      watcher.close()
      resolve()
    }
    look()
  })
}

async function killLeader(t: ExecutionContext, [m1, m2]: [Actor, Actor]): Promise<void> {
  const isLeading = m1.lines.some(({ message }) => message === 'leads')
  const [leader, standby] = isLeading ? [m1, m2] : [m2, m1]
  const killedAtMs = performance.now()
  await leader.end('SIGKILL')
  await standby.says('leads')
  t.log(`a standby leads after ${Math.round(performance.now() - killedAtMs)} ms`)
  await leader.start()
}

/** The agent's child that runs the launcher's script. */
function launcherOf(agent: Actor): number {
  const children = readFileSync(`/proc/${agent.pid}/task/${agent.pid}/children`, 'utf8').trim()
  const pid = children
    .split(' ')
    .find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('launcher'))
  if (pid === undefined) throw new Error(`agent ${agent.pid} has no launcher`)
  return Number(pid)
}
