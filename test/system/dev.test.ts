/** `bourse dev`: a cluster with one command, that leaves nothing behind but its state. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { allPids, readText } from '../../agent-runtime/isolator/proc.ts'
import { absentAgents } from '../../cli/dev/tasks-and-agents.ts'
import { clusterAt } from '../../cli/find-cluster.ts'
import type { AgentId } from '../../protocol/ids.ts'
import type { AgentItem, MasterReport, TaskItem } from '../../protocol/schema/operator.ts'
import { isTerminal, type TaskState } from '../../protocol/task-state.ts'
import { Actor, BOURSE, runBourse } from '../support/cluster.ts'
import { startTestServer } from '../support/nats.ts'

/** One after the other: together they would need more than a small machine has. */
const test = ava.serial

interface World {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** Starts `bourse dev ARGS`; ended when the test is over. */
  readonly dev: (...args: string[]) => Promise<Actor>
  readonly bourse: (...args: string[]) => ReturnType<typeof runBourse>
  readonly list: <T>(...args: string[]) => Promise<readonly T[]>
}

function aWorld(t: ExecutionContext): World {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-dev-'))
  const { NATS_URL: _url, NATS_CONTEXT: _context, ...rest } = process.env
  const env = { ...rest, BOURSE_STATE_DIR: folder, XDG_CONFIG_HOME: folder }
  const bourse = (...args: string[]) => runBourse(env, ...args)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return {
    folder,
    env,
    bourse,
    async dev(...args) {
      const dev = new Actor(['dev', ...args], env)
      t.teardown(async () => void (await dev.end()))
      await dev.start()
      return dev
    },
    async list(...args) {
      const { stdout, stderr } = await bourse(...args, '--json')
      t.is(stderr, '')
      return JSON.parse(stdout)
    },
  }
}

/** Processes that were started in that world, tasks included, which know their sandbox. */
const processesIn = (folder: string): readonly number[] =>
  allPids().filter((pid) => readText(`/proc/${pid}/environ`)?.includes(folder))

/** With a zero byte behind each word; empty of a process that has just gone. */
const commandOf = (pid: number): string => readText(`/proc/${pid}/cmdline`) ?? ''

const isListening = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** A run that is not waited for: its cluster goes away. */
function startRun(t: ExecutionContext, { env }: World, ...command: string[]): void {
  const run = spawn(process.execPath, [BOURSE, 'run', '--', ...command], { env, stdio: 'ignore' })
  t.teardown(() => void run.kill('SIGKILL'))
}

/** Looks until there is a task in that state. */
async function taskIn({ list }: World, wanted: TaskState): Promise<TaskItem> {
  for (;;) {
    const task = (await list<TaskItem>('tasks')).find(({ state }) => state === wanted)
    if (task !== undefined) return task
  }
}

test('Ctrl-C ends tasks and server and keeps state; a second start goes on', async (t) => {
  const world = aWorld(t)
  const { bourse, list, dev, folder } = world
  const first = await dev('--agents', '2')
  const { ['url']: url } = await first.says('ready')
  const again = await bourse('dev')
  t.is(again.code, 78)
  t.regex(
    again.stderr,
    new RegExp(`^bourse: bourse dev runs already: process ${first.pid} at nats:`),
  )
  const elsewhere = { ...world.env, BOURSE_STATE_DIR: join(folder, 'other') }
  const { port } = new URL(String(url))
  const taken = await runBourse(elsewhere, 'dev', '--port', port)
  t.like(taken, {
    code: 78,
    stderr: `bourse: port ${port} is in use: give another one by --port, or use the server that is there by --nats with another --cluster\n`,
  })
  const same = await runBourse(elsewhere, 'dev', '--nats', String(url))
  t.like(same, {
    code: 78,
    stderr: `bourse: cluster bourse at ${String(url)} is led by master-1 already: start agents there with \`bourse agent\`, or a cluster of its own with --cluster NAME\n`,
  })
  const beside = new Actor(['dev', '--nats', String(url), '--cluster', 'beside'], elsewhere)
  t.teardown(async () => void (await beside.end('SIGKILL')))
  await beside.start()
  t.is(await beside.end('SIGINT'), 0)
  const workDir = join(folder, 'dev', 'masters', 'master-1')
  const master = await bourse('master', '--work-dir', workDir)
  t.like(master, {
    code: 78,
    stderr: `bourse: ${workDir} is in use by the master with pid ${first.pid}: another one needs its own --id\n`,
  })
  // Without a terminal a hangup is nothing: as with nohup.
  process.kill(first.pid, 'SIGHUP')
  const agents = await list<AgentItem>('agents')
  t.deepEqual(
    agents.map(({ agentId, state }) => `${agentId} ${state}`),
    ['agent-1 registered', 'agent-2 registered'],
  )
  const run = bourse('run', '--name', 'sleepy', '--', 'sleep', '600')
  await taskIn(world, 'TASK_RUNNING')
  t.is(await first.end('SIGINT'), 0)
  t.is((await run).code, 1)
  t.regex((await run).stderr, /sleepy-0 on agent-\d: TASK_KILLED/)
  t.deepEqual(processesIn(folder), [])
  t.false(await isListening(String(url)))
  t.is((await bourse('agents')).code, 69)

  const second = await dev('--agents', '1')
  await second.says('ready')
  t.deepEqual(
    (await list<AgentItem>('agents')).map(({ agentId }) => agentId),
    ['agent-1'],
    'the other has left with the first',
  )
  t.is(await second.end('SIGTERM'), 0)

  const third = await dev('--agents', '2')
  const report: MasterReport = JSON.parse((await bourse('status', '--json')).stdout)
  t.true(report.epoch > 1)
  const back = await list<AgentItem>('agents')
  t.deepEqual(
    back.map(({ agentId, state, total }) => ({ agentId, state, total })),
    agents.map(({ agentId, state, total }) => ({ agentId, state, total })),
  )
  t.is(await third.end('SIGINT'), 0)
})

test('a dev with fewer agents than one that was killed says what becomes of the others', async (t) => {
  const { dev, env } = aWorld(t)
  const first = await dev('--agents', '2')
  const own = new Actor(['agent', '--id', 'own', '--emulate', '1'], env)
  t.teardown(() => own.end())
  await own.start()
  await own.says('ready')
  await own.end('SIGKILL')
  await first.end('SIGKILL')
  const second = await dev('--agents', '1')
  await second.says(
    'of an earlier start, and not started now: agent-2; what runs there is not counted, and ends 15m after that start did, or with --fresh',
  )
  await second.says('not back, and listed until then or --fresh: own-1')
  t.pass()
})

test('an agent that was given up is not waited for, nor counted', async (t) => {
  const world = aWorld(t)
  const first = await world.dev('--agents', '2')
  t.is((await world.bourse('gone', 'agent-2')).code, 0)
  t.is(await first.end('SIGINT'), 0)
  const second = await world.dev('--agents', '2')
  await second.says(
    'given up with `bourse gone`, and refused for ever: agent-2; --fresh begins a cluster anew, with all of them',
  )
  t.like(await second.says('ready'), { agents: 1 })
  t.is(await second.end('SIGINT'), 0)
})

test('tasks outlive a dev that was killed; the next one finds them and ends them', async (t) => {
  const world = aWorld(t)
  const first = await world.dev()
  startRun(t, world, 'sleep', '600')
  const { taskId } = await taskIn(world, 'TASK_RUNNING')
  await first.end('SIGKILL')
  const nobody = await world.bourse('tasks')
  t.is(nobody.code, 69)
  t.regex(nobody.stderr, /^bourse: no cluster here: the `bourse dev` .* died; its tasks run on/)
  const second = await world.dev()
  await second.says('1 task of an earlier start runs on')
  const [task] = await world.list<TaskItem>('tasks', taskId)
  t.is(task?.state, 'TASK_RUNNING')
  t.is((await world.bourse('kill', taskId)).code, 0)
  t.is(await second.end('SIGINT'), 0)
  const own = processesIn(world.folder).map(commandOf)
  t.deepEqual(
    own.filter((command) => command.startsWith('sleep')),
    [],
  )
  await world.dev('--fresh')
  t.deepEqual(await world.list<TaskItem>('tasks'), [])
})

test('--fresh ends the detached runs of an earlier dev', async (t) => {
  const world = aWorld(t)
  const watchers = (): readonly number[] =>
    processesIn(world.folder).filter((pid) => commandOf(pid).includes('\0watch-run'))
  const first = await world.dev()
  t.is((await world.bourse('run', '--detach', '--', 'sleep', '600')).code, 0)
  await first.end('SIGKILL')
  t.is(watchers().length, 1)
  await world.dev('--fresh')
  t.deepEqual(watchers(), [])
  t.deepEqual(await world.list('frameworks'), [])
})

test('who watches a task finds the next dev where the killed one was, and sees it end', async (t) => {
  const world = aWorld(t)
  const first = await world.dev()
  const { ['url']: url } = await first.says('ready')
  const go = join(world.folder, 'go')
  const wait = `echo begun; while [ ! -e ${go} ]; do sleep 0.1; done; echo ended`
  const run = world.bourse('run', '--', 'sh', '-c', wait)
  await taskIn(world, 'TASK_RUNNING')
  await first.end('SIGKILL')
  const second = await world.dev()
  t.is((await second.says('ready'))['url'], url)
  writeFileSync(go, '')
  t.like(await run, { code: 0, stdout: 'begun\nended\n' })
})

test('with a process for each actor, one that is killed is back, and its tasks run on', async (t) => {
  const world = aWorld(t)
  const dev = await world.dev('--agents', '1', '--processes')
  startRun(t, world, 'sleep', '2')
  const before = await taskIn(world, 'TASK_RUNNING')
  const agent = processesIn(world.folder).find((pid) =>
    commandOf(pid).includes('\0agent\0--id\0agent-1'),
  )
  process.kill(Number(agent), 'SIGKILL')
  await dev.says('agent-1 ended (killed by SIGKILL): starts again in 100ms')
  const after = await taskIn(world, 'TASK_FINISHED')
  t.is(after.launch, before.launch)
  t.is(await dev.end('SIGTERM'), 0)
  const left = processesIn(world.folder).map((pid) => commandOf(pid).replaceAll('\0', ' '))
  t.deepEqual(
    left.filter((command) => !command.includes(' run -- ')),
    [],
  )
})

test('a server that was killed is started again, and how it ended is told', async (t) => {
  const world = aWorld(t)
  const dev = await world.dev()
  const pid = readFileSync(join(world.folder, 'dev', 'nats-server.pid'), 'utf8')
  process.kill(Number(pid), 'SIGKILL')
  await dev.says('nats-server ended (killed by SIGKILL): starts again in 100ms')
  while ((await world.bourse('agents')).code !== 0);
  t.is(await dev.end('SIGINT'), 0)
})

test('emulated agents take tasks that only pretend', async (t) => {
  const world = aWorld(t)
  const first = await world.dev('--emulate', '50')
  const agents = await world.list<AgentItem>('agents')
  t.is(agents.length, 50)
  const { code } = await world.bourse(
    'run',
    '--instances',
    '100',
    '--cpus',
    '4',
    '--',
    'sleep',
    '0',
  )
  t.is(code, 0)
  const tasks = await world.list<TaskItem>('tasks')
  t.true(tasks.every(({ state }) => isTerminal(state)))
  t.is(await first.end('SIGINT'), 0)
  await world.dev()
  const left = await world.list<AgentItem>('agents')
  t.deepEqual(
    left.map(({ agentId }) => agentId),
    ['agent-1'],
    'what only pretended is not listed any more',
  )
})

test('who is told to end while nobody leads does not wait for a leader', async (t) => {
  t.timeout(60_000)
  const server = await startTestServer()
  t.teardown(() => server.close())
  let asked = 0
  const found = { location: clusterAt(server.url), cluster: 'bourse' }
  const agentIds = ['agent-1' as AgentId]
  const absent = await absentAgents(found, agentIds, () => ++asked > 0)
  t.deepEqual(absent, { missing: agentIds, gone: [] })
  t.is(asked, 1)
})
