/** Servers as people install them: all on one agent at once, with checks, clients, and bad luck. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import test from 'ava'
import { rangesOf, resourcesOf } from '../../protocol/resources.ts'
import type { TaskItem } from '../../protocol/schema/operator.ts'
import { BOURSE, type Cluster, openCluster } from '../support/cluster.ts'
import { hasProgram, type Need, needs } from '../support/needs.ts'
import { cachedBy, pageOf, selectedBy, storedBy } from '../support/program-clients.ts'
import { untilListed } from '../support/until-listed.ts'

interface Program {
  readonly name: string
  readonly need: Need
  readonly flags: readonly string[]
  /** What a client gets from it. */
  readonly answer: (port: number) => Promise<string>
  readonly isAnswer: RegExp
  /** Its processes are called so, and get this signal. */
  readonly process: string
  readonly harm: 'SIGKILL' | 'SIGSTOP'
  /** What is told then: who has seen it. */
  readonly seen: RegExp
}

const POSTGRES = '/usr/lib/postgresql'
const isRoot = process.getuid?.() === 0
/** It does not run as root, and is nobody else's where there is no root. */
const USER = isRoot ? 'postgres' : (process.env['USER'] ?? 'postgres')

const AS_USER = isRoot ? ['--user', USER] : []

const debian = (program: string, found: boolean = hasProgram(program)): Need => ({
  name: program,
  found,
  install: `apt-get install --no-install-recommends ${program}`,
})

const PROGRAMS: readonly Program[] = [
  {
    name: 'memcached',
    need: debian('memcached'),
    flags: ['--mem', '128', '--check-tcp'],
    answer: (port) => cachedBy(port, 'hello'),
    isAnswer: /^hello$/,
    process: 'memcached',
    harm: 'SIGKILL',
    // Its task goes on: only the check sees it.
    seen: /health checks in a row failed.*nobody listens/,
  },
  {
    name: 'redis',
    need: debian('redis-server'),
    flags: ['--mem', '128', '--check', 'redis-cli -p "$PORT0" ping | grep -q PONG'],
    answer: (port) => storedBy(port, 'hello'),
    isAnswer: /^hello$/,
    process: 'redis-server',
    harm: 'SIGKILL',
    seen: /ended by SIGKILL/,
  },
  {
    name: 'nginx',
    need: debian('nginx'),
    flags: ['--mem', '128', '--check-http', '/'],
    answer: pageOf,
    isAnswer: /^hello from nginx-0\n$/,
    process: 'nginx',
    harm: 'SIGSTOP',
    seen: /health checks in a row failed.*it took longer than/,
  },
  {
    name: 'postgres',
    need: debian('postgresql', existsSync(POSTGRES)),
    flags: ['--mem', '256', '--check', 'pg_isready -q -h 127.0.0.1 -p "$PORT0"', ...AS_USER],
    answer: (port) => selectedBy(port, USER, 'SELECT 6 * 7'),
    isAnswer: /^42$/,
    process: 'postgres',
    harm: 'SIGKILL',
    seen: /ended by SIGKILL/,
  },
]
const TIMES = { delay: '200ms', interval: '1s', timeout: '2s', grace: '1m', failures: '2' }
const CHECK_FLAGS = Object.entries(TIMES).flatMap(([time, value]) => [`--check-${time}`, value])

/** Others of this kind may run beside it. */
const FIRST_PORT = 33_000 + (process.pid % 500) * 20

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
  /** Resolves with the first line of that kind. */
  says(kind: string): Promise<Readonly<Record<string, unknown>>>
}

let cluster: Cluster
const runs = new Map<string, Running>()
let allHealthy: Promise<ReadonlyMap<string, TaskItem>>

test.before(async (t) => {
  t.timeout(120_000)
  cluster = await openCluster()
  // Servers that run as somebody else go through it to their sandboxes.
  chmodSync(cluster.folder, 0o711)
  await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  const resources = `cpus:2;mem:1024;ports:[${FIRST_PORT}-${FIRST_PORT + 19}]`
  await cluster.start('agent', '--id', 'a1', '--resources', resources)
  for (const one of PROGRAMS) if (one.need.found) runs.set(one.name, started(one))
  const healthy = [...runs].map(async ([name, run]) => {
    const early = run.says('restarting').then(({ message }) => {
      throw new Error(`${name} has not begun well: ${String(message)}`)
    })
    return [name, await Promise.race([healthyTask(name), early])] as const
  })
  allHealthy = Promise.all(healthy).then((all) => new Map(all))
  allHealthy.catch(() => undefined)
})

test.after.always(async () => {
  for (const { child } of runs.values()) child.kill('SIGINT')
  await Promise.all([...runs.values()].map(({ ended }) => ended))
  await cluster?.close()
})

for (const one of PROGRAMS)
  test(`${one.name} is checked, answers clients, and is started again after a ${one.harm}`, async (t) => {
    t.timeout(120_000)
    if (!needs(t, one.need)) return
    const task = (await allHealthy).get(one.name) as TaskItem
    t.regex(await one.answer(portOf(task)), one.isAnswer)
    const pids = pidsOf(one)
    t.true(pids.length > 0)
    for (const pid of pids) process.kill(pid, one.harm)
    const { message } = (await runs.get(one.name)?.says('restarting')) ?? {}
    t.regex(String(message), one.seen)
    const again = await healthyTask(one.name, task.launch)
    t.regex(await one.answer(portOf(again)), one.isAnswer)
  })

function started({ name, flags }: Program): Running {
  const script = readFileSync(`examples/programs/${name}.sh`, 'utf8')
  const args = ['--json', '--name', name, '--ports', '1', '--restart', 'on-failure', ...flags]
  const child = spawn(
    process.execPath,
    [BOURSE, 'run', ...args, ...CHECK_FLAGS, '--', 'sh', '-c', script],
    { env: cluster.env, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const lines: Readonly<Record<string, unknown>>[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line))
    for (const look of waiting) look()
  })
  return {
    child,
    ended: once(child, 'close'),
    says: (kind) =>
      new Promise((resolve) => {
        const look = (): void => {
          const line = lines.find((said) => said['event'] === kind)
          if (line !== undefined) resolve(line)
        }
        waiting.add(look)
        look()
      }),
  }
}

/** Of another launch than that one. */
async function healthyTask(name: string, not?: string): Promise<TaskItem> {
  let found: TaskItem | undefined
  await untilListed(cluster.env, 'tasks', (all) => {
    found = all.find(
      (task) =>
        task.name === name &&
        task.state === 'TASK_RUNNING' &&
        task.healthy === true &&
        task.launch !== not,
    )
    return found !== undefined
  })
  return found as TaskItem
}

const portOf = ({ resources }: TaskItem): number => {
  const [[port] = [0]] = rangesOf(resourcesOf(resources), 'ports')
  return port
}

/** Those of its processes that are called so, told by their environment or their directory. */
function pidsOf({ name, process: called }: Program): readonly number[] {
  const isOf = (pid: string): boolean => {
    try {
      const where = `${readFileSync(`/proc/${pid}/environ`, 'utf8')} ${readlinkSync(`/proc/${pid}/cwd`)}`
      const comm = readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
      return where.includes(cluster.folder) && where.includes(`${name}-0`) && comm === called
    } catch {
      // It ended between two looks.
      return false
    }
  }
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && isOf(pid))
    .map(Number)
}
