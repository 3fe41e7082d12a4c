/** `bourse run` over real processes: where it puts what, what it starts again, what outlives it. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import ava from 'ava'
import { sleep } from '../../bus/clock.ts'
import { WATCHER_COMMAND, type WatcherOrder, type WatcherWord } from '../../cli/watcher.ts'
import type { FrameworkItem, TaskItem } from '../../protocol/schema/operator.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { type Actor, BOURSE, type Cluster, openCluster, runBourse } from '../support/cluster.ts'
import { untilListed } from '../support/until-listed.ts'

/** One after the other: together they would need more than a small machine has. */
const test = ava.serial

let cluster: Cluster
let master: Actor
const bourse = (...args: string[]) => runBourse(cluster.env, ...args)
const run = (...args: string[]) => bourse('run', ...args)
const sh = (script: string): readonly string[] => ['--', 'sh', '-c', script]

test.before(async () => {
  cluster = await openCluster()
  master = await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  for (const [id, rack, port] of [
    ['a1', 'r1', '31000'],
    ['b2', 'r2', '32000'],
  ] as const) {
    const resources = `cpus:1;mem:512;ports:[${port}-${Number(port) + 9}]`
    const where = ['--work-dir', join(cluster.folder, id), '--hostname', `host-${id}`]
    const about = ['--resources', resources, '--attributes', `rack:${rack}`]
    await cluster.start('agent', '--id', id, ...where, ...about)
  }
})
test.after.always(() => cluster.close())

const tasksOf = async (prefix: string): Promise<readonly TaskItem[]> =>
  JSON.parse((await bourse('tasks', prefix, '--json')).stdout)

interface Started {
  readonly child: ChildProcess
  /** Resolves with the first line of standard error that matches. */
  readonly says: (pattern: RegExp) => Promise<string>
  readonly ended: Promise<number | null>
}

function startRun(...args: string[]): Started {
  const child = spawn(process.execPath, [BOURSE, 'run', ...args], {
    env: cluster.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.resume()
  const lines: string[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    for (const look of waiting) look()
  })
  return {
    child,
    says: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          const line = lines.find((one) => pattern.test(one))
          if (line !== undefined) resolve(line)
        }
        waiting.add(look)
        look()
      }),
    ended: once(child, 'close').then(([code]) => code),
  }
}

/** Looks until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

/** A task of that name. */
const untilRunning = (name: string): Promise<void> =>
  untilListed(cluster.env, 'tasks', (all) =>
    all.some((task) => task.name === name && task.state === 'TASK_RUNNING'),
  )

const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`)
/** Asks the cluster something each time, so as not to look too often. */
const untilEnded = (pid: number): Promise<void> =>
  until(async () => (await bourse('status')).code !== null && !isRunning(pid))
const watcherOf = (stderr: string): number => Number(/process (\d+) sees to it/.exec(stderr)?.[1])
const logsOfRuns = (): readonly string[] => readdirSync(join(cluster.folder, 'runs'))

test('constraints: each instance is where all of them hold', async (t) => {
  const on = async (...constraints: string[]) => {
    const flags = constraints.flatMap((constraint) => ['--constraint', constraint])
    const all = ['--name', 'where', '--instances', '2', '--json', ...flags]
    const { code, stdout, stderr } = await run(...all, '--', 'true')
    t.is(code, 0, stderr)
    const { instances } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    return instances.map(({ agentId }: { agentId: string }) => agentId).sort()
  }
  t.deepEqual(await on('rack=r2'), ['b2', 'b2'])
  t.deepEqual(await on('rack!=r2', 'hostname~host-.*'), ['a1', 'a1'])
  t.deepEqual(await on('agent!~a.*'), ['b2', 'b2'])
})

test('hostname:unique: one on each; the third waits for an end, and is told why', async (t) => {
  const flags = ['--name', 'unique', '--instances', '3', '--constraint', 'hostname:unique']
  const file = join(cluster.folder, 'go')
  const started = startRun(...flags, ...sh(`until test -e ${file}; do sleep 0.1; done`))
  const why = /^bourse: waiting: no agent fits hostname:unique: .* on hostname host-a1, host-b2$/
  await started.says(why)
  const placed = (await tasksOf('unique')).map(({ agentId }) => agentId).sort()
  t.deepEqual(placed, ['a1', 'b2'] as never)
  await run('--constraint', 'agent=a1', '--', 'touch', file)
  t.is(await started.ended, 0)
  t.is((await tasksOf('unique')).length, 3)
})

test('what fits nowhere is told why while it waits, and in the end', async (t) => {
  const { code, stderr } = await run('--cpus', '2', '--timeout', '2s', '--', 'true')
  t.is(code, 2)
  const why = 'no agent offers cpus 2: the most is 1, on a1 (of 2 agents that offered)'
  t.deepEqual(stderr.trim().split('\n').slice(0, 3), [
    `bourse: waiting: ${why}`,
    'bourse: 1 instance of 1 could not be placed within 2 s',
    `bourse: ${why}`,
  ])
  const rack = await run('--constraint', 'rack=r9', '--timeout', '1s', '--', 'true')
  t.is(rack.code, 2)
  t.regex(rack.stderr, /^bourse: no agent fits rack=r9: where there are offers, rack is r1, r2$/m)
})

test('ports are those that were offered, and the command is given them', async (t) => {
  const script = 'echo "$PORT0 $PORT1"'
  const flags = ['--name', 'ports', '--ports', '2', '--constraint', 'rack=r2', '--json']
  const { stdout } = await run(...flags, ...sh(script))
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const { text } = events.find(({ event }) => event === 'output')
  const [{ ports }] = events.at(-1).instances
  t.is(text, `${ports.join(' ')}\n`)
  t.true(ports.every((port: number) => port >= 32_000 && port < 32_010))
  t.regex((await bourse('status', 'ports-0')).stdout, /^ports +32\d{3}(?:, |-)32\d{3}$/m)
})

test('--env NAME is what it is here', async (t) => {
  const env = { ...cluster.env, FROM_HERE: 'of mine' }
  const flags = ['--env', 'FROM_HERE', '--env', 'OTHER=1=2']
  const given = await runBourse(env, 'run', ...flags, ...sh('echo "$FROM_HERE $OTHER"'))
  t.is(given.stdout, 'of mine 1=2\n')
  const { code, stderr } = await run('--env', 'NOT_SET_HERE', '--', 'true')
  t.is(code, 64)
  t.is(stderr, 'bourse: --env NOT_SET_HERE: it is not set here; write NOT_SET_HERE=VALUE\n')
})

test('--user: an agent of root runs it as that user, any other says why not', async (t) => {
  const { code, stdout, stderr } = await run('--user', 'nobody', '--', 'id', '-un')
  if (process.getuid?.() === 0) t.is(stdout, 'nobody\n', stderr)
  else {
    t.is(code, 1)
    t.regex(stderr, /TASK_FAILED, only root can run tasks as another user, here "nobody"$/m)
  }
})

test('--restart on-failure: until it finishes, each attempt by the same name', async (t) => {
  const file = join(cluster.folder, 'second-try')
  const script = `echo try; test -e ${file} || { touch ${file}; exit 3; }`
  const flags = ['--name', 'again', '--restart', 'on-failure', '--constraint', 'agent=a1']
  const { code, stdout, stderr } = await run(...flags, ...sh(script))
  t.is(code, 0, stderr)
  t.is(stdout, 'try\ntry\n')
  t.regex(stderr, /again-0 on a1: TASK_FAILED, .* status 3; starts again in 1s$/m)
  const tasks = await tasksOf('again')
  t.deepEqual(tasks.map(({ taskId }) => taskId).sort(), ['again-0', 'again-0'] as never)
})

test('--restart on-failure:1: the last attempt counts', async (t) => {
  const { code, stderr } = await run('--restart', 'on-failure:1', ...sh('exit 4'))
  t.is(code, 1)
  t.regex(stderr, /TASK_FAILED, command exited with status 4 \(restarted once\)$/m)
})

test('what a person killed is not started again', async (t) => {
  const started = startRun('--name', 'killed', '--restart', 'on-failure', '--', 'sleep', '60')
  await untilRunning('killed')
  t.is((await bourse('kill', 'killed-0')).code, 0)
  t.is(await started.ended, 1)
  t.is((await tasksOf('killed')).length, 1)
})

test('--detach: tasks run on, are listed, read and killed, and nothing is left', async (t) => {
  const script = 'echo begun; exec sleep 60'
  const { code, stdout, stderr } = await run('--detach', '--instances', '2', ...sh(script))
  t.is(code, 0, stderr)
  const names = stdout.trim().split('\n')
  t.is(names.length, 2)
  const [first = '', second = ''] = names
  t.regex(first, /^sh-\w{16}\/sh-0$/)
  const watcher = watcherOf(stderr)
  t.true(isRunning(watcher))
  t.is((await bourse('logs', first)).stdout, 'begun\n')
  t.is((await bourse('kill', first, second)).code, 0)
  await untilEnded(watcher)
  const frameworks: readonly FrameworkItem[] = JSON.parse(
    (await bourse('frameworks', first.split('/')[0] ?? '', '--json')).stdout,
  )
  t.deepEqual(
    frameworks.filter(({ state }) => state !== 'ended'),
    [],
  )
  t.deepEqual(logsOfRuns(), [])
})

test('--detach: an instance is started again with nobody there', async (t) => {
  const file = join(cluster.folder, 'fails')
  const script = `until test -e ${file}; do sleep 0.1; done; exit 5`
  const flags = ['--detach', '--json', '--name', 'alone', '--restart', 'on-failure:1']
  const { code, stdout } = await run(...flags, '--constraint', 'agent=a1', ...sh(script))
  t.is(code, 0)
  const told = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  t.like(told, { event: 'detached', instances: [{ taskId: 'alone-0', agentId: 'a1' }] })
  await run('--', 'touch', file)
  await untilEnded(told.pid)
  const tasks = await tasksOf('alone')
  t.deepEqual(tasks.map(({ taskId }) => taskId).sort(), ['alone-0', 'alone-0'] as never)
  t.true(tasks.every(({ state }) => isTerminal(state)))
})

test('--detach: SIGTERM to the process that is left ends the tasks', async (t) => {
  const { stdout, stderr } = await run('--detach', '--name', 'ended', '--', 'sleep', '60')
  t.regex(stdout, /^ended-\w{16}\/ended-0\n$/)
  const watcher = watcherOf(stderr)
  process.kill(watcher, 'SIGTERM')
  await untilEnded(watcher)
  t.deepEqual(
    (await tasksOf('ended')).map(({ state }) => state),
    ['TASK_KILLED'],
  )
})

const logOf = (name: string): string => readFileSync(join(cluster.folder, 'runs', name), 'utf8')

/** Begins a detached run, loses its leader, and tells the run to end; gives its process and log. */
async function endWithoutLeader(name: string): Promise<{ watcher: number; log: string }> {
  const { stderr } = await run('--detach', '--name', name, '--', 'sleep', '60')
  const watcher = watcherOf(stderr)
  const [log = ''] = logsOfRuns().filter((one) => one.endsWith('.txt'))
  await master.end('SIGKILL')
  process.kill(watcher, 'SIGTERM')
  while (!/^bourse: waiting for a leader: none has heard yet/m.test(logOf(log))) await sleep(100)
  return { watcher, log }
}

test('--detach: told to end without a leader it stays until one has heard it', async (t) => {
  const { watcher } = await endWithoutLeader('stays')
  await master.start()
  await untilEnded(watcher)
  await until(async () => (await tasksOf('stays')).every(({ state }) => state === 'TASK_KILLED'))
  t.deepEqual(logsOfRuns(), [])
})

test('--detach: told so again it leaves at once, and says what stays', async (t) => {
  const { watcher, log } = await endWithoutLeader('leaves')
  process.kill(watcher, 'SIGTERM')
  while (isRunning(watcher)) await sleep(20)
  const [, id = ''] =
    /^bourse: `bourse teardown (leaves-\w{16})` ends both$/m.exec(logOf(log)) ?? []
  await master.start()
  await until(async () => (await tasksOf('leaves')).some(({ state }) => state === 'TASK_RUNNING'))
  t.is((await bourse('teardown', id)).code, 0)
  rmSync(join(cluster.folder, 'runs', log))
})

test('a run that begins between two leaders says so, and waits for the next', async (t) => {
  await master.end('SIGKILL')
  const started = startRun('--', 'true')
  await started.says(/^bourse: no master leads cluster bourse just now; waiting for a leader$/)
  await master.start()
  t.is(await started.ended, 0)
})

for (const flags of [[], ['--detach']])
  test(`Ctrl-C while a run waits for a leader ${flags.join()}: the next one holds nothing of it`, async (t) => {
    await master.end('SIGKILL')
    const started = startRun(...flags, '--name', 'called-off', '--', 'sleep', '60')
    await started.says(/; waiting for a leader$/)
    started.child.kill('SIGINT')
    await started.says(/^bourse: waiting for a leader to hear that this run is over; Ctrl-C once/)
    await master.start()
    t.is(await started.ended, 130)
    t.deepEqual(await tasksOf('called-off'), [])
    const { stdout } = await bourse('frameworks', 'called-off', '--json')
    t.deepEqual(JSON.parse(stdout), [])
  })

test('--detach: Ctrl-C in the same breath as the order is heard', async (t) => {
  const watcher = fork(BOURSE, [WATCHER_COMMAND], { env: cluster.env, serialization: 'advanced' })
  const words: WatcherWord[] = []
  watcher.on('message', (word: WatcherWord) => words.push(word))
  const nats = { servers: [cluster.server.url], source: 'the test' }
  const wish = { command: ['sleep', '60'], cpus: 0.1, mem: 32 }
  const logPath = join(cluster.folder, 'runs', 'breath.txt')
  const options = { ...wish, nats, cluster: 'bourse' }
  watcher.send({ options, constraints: [], where: '', logPath } satisfies WatcherOrder)
  watcher.send('stop')
  await once(watcher, 'close')
  t.like(words.at(-1), { say: 'result', result: { isInterrupted: true } })
})

test('--detach: of a run that was torn down nothing is left', async (t) => {
  const { stdout, stderr } = await run('--detach', '--name', 'torn', '--', 'sleep', '60')
  const watcher = watcherOf(stderr)
  t.is((await bourse('teardown', stdout.replace(/\/.*\n$/, ''))).code, 0)
  await untilEnded(watcher)
  t.deepEqual(logsOfRuns(), [])
})

test('--detach: what fails at once is told as without it', async (t) => {
  const { code, stdout, stderr } = await run('--detach', '--', 'no-such-program')
  t.is(code, 1)
  t.regex(stdout, /^no-such-program-\w{16}\/no-such-program-0\n$/)
  t.regex(stderr, /TASK_FAILED, command exited with status 127$/m)
  t.deepEqual(logsOfRuns(), [])
})

test('--detach: what ends at once is named all the same', async (t) => {
  const { code, stdout, stderr } = await run('--detach', '--', 'true')
  t.is(code, 0, stderr)
  t.regex(stdout, /^true-\w{16}\/true-0\n$/)
})

/** Without end, and no faster than it can be read. */
const UNENDING = 'while echo more; do sleep 0.05; done'

test('a reader that has seen enough ends the run, without a word', async (t) => {
  const child = spawn(
    process.execPath,
    [BOURSE, 'run', '--name', 'piped', '--', 'sh', '-c', UNENDING],
    {
      env: cluster.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  child.stdout.once('data', () => child.stdout.destroy())
  const [code] = await once(child, 'close')
  t.is(code, 0)
  t.is(said, '')
  t.deepEqual(
    (await tasksOf('piped')).map(({ state }) => state),
    ['TASK_KILLED'],
  )
})

test('--detach: Ctrl-C before all is placed ends it', async (t) => {
  const started = startRun('--detach', '--cpus', '2', '--', 'sleep', '60')
  await started.says(/^bourse: waiting: /)
  started.child.kill('SIGINT')
  t.is(await started.ended, 130)
  t.deepEqual(logsOfRuns(), [])
})

test('--detach: if its process dies before all is placed, the command says so', async (t) => {
  const started = startRun('--detach', '--cpus', '2', '--', 'sleep', '60')
  await started.says(/^bourse: waiting: /)
  const { pid } = started.child
  process.kill(Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')), 'SIGKILL')
  const sentence = await started.says(/^bourse: the process that runs it ended: see /)
  t.is(await started.ended, 1)
  rmSync(sentence.replace(/^.*: see /, ''))
})

test('--detach: what cannot be placed in time is told, exit code 2', async (t) => {
  const { code, stderr } = await run('--detach', '--cpus', '2', '--timeout', '1s', '--', 'true')
  t.is(code, 2)
  t.regex(stderr, /^bourse: no agent offers cpus 2: /m)
})

test('a cluster that goes away is worth a word, and so is its return', async (t) => {
  const started = startRun('--name', 'cut', '--', 'sleep', '60')
  await untilRunning('cut')
  await cluster.server.end('SIGKILL')
  await started.says(/^bourse: no cluster at nats:\S+ for [34]s; still trying$/)
  await cluster.server.restart('kept')
  await started.says(/^bourse: the cluster at nats:\S+ is back after \d+s$/)
  started.child.kill('SIGINT')
  t.is(await started.ended, 130)
  t.deepEqual(
    (await tasksOf('cut')).map(({ state }) => state),
    ['TASK_KILLED'],
  )
})

test('Ctrl-C while the cluster is away: leaves after the grace, and says what becomes of it', async (t) => {
  const started = startRun('--name', 'away', '--', 'sleep', '60')
  await untilRunning('away')
  await cluster.server.end('SIGKILL')
  await started.says(/^bourse: no cluster at /)
  started.child.kill('SIGINT')
  t.is(await started.ended, 130)
  await cluster.server.restart('kept')
  await started.says(
    /^bourse: the leader did not hear of it: what still runs ends at most 25s after /,
  )
  // A leader that has just come back does not know the task before its agent is back, too.
  await until(async () => (await bourse('kill', 'away-0')).code === 0)
})

const WRONG: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['--', ''], /^bourse: the command is empty\n$/],
  [['--name', 'x'.repeat(257), '--', 'true'], /^bourse: the name has 257 characters/],
  [['--role', 'a b', '--', 'true'], /^bourse: role "a b" is neither/],
  [['--user', 'a b', '--', 'true'], /^bourse: user "a b" is no name of a user/],
  [['--cpus', '0', '--mem', '0', '--', 'true'], /^bourse: an instance needs some cpus/],
  [['--constraint', 'rack~(', '--', 'true'], /^bourse: [^\n]*holds no regular expression\n$/],
  [
    ['--restart', 'always', '--', 'true'],
    /^bourse: [^\n]*none of never, on-failure or on-failure:N\n$/,
  ],
  [['--', 'echo', 'x'.repeat(40_000)], /^bourse: command and environment take 400\d\d bytes/],
]
for (const [args, message] of WRONG)
  test(`run ${args.join(' ').slice(0, 40)}: one sentence, before anybody is asked`, async (t) => {
    const env = { ...cluster.env, NATS_URL: 'nats://127.0.0.1:1' }
    const { code, stdout, stderr } = await runBourse(env, 'run', ...args)
    t.is(code, 64)
    t.is(stdout, '')
    t.regex(stderr, message)
    t.is(stderr.split('\n').length, 2)
  })

test('an instance whose HTTP check fails is killed and started again', async (t) => {
  const script = [
    'import http.server as h, os, sys',
    'class Once(h.BaseHTTPRequestHandler):',
    '  def do_GET(self):',
    '    ill = os.path.exists("ill")',
    '    open("ill", "w").close()',
    '    self.send_response(503 if ill else 204)',
    '    self.end_headers()',
    'h.HTTPServer(("127.0.0.1", int(os.environ["PORT0"])), Once).serve_forever()',
  ].join('\n')
  const checks = ['--check-http', '/', '--check-delay', '0s', '--check-interval', '1s']
  const often = [...checks, '--check-failures', '2', '--ports', '1', '--name', 'unwell']
  const started = startRun(...often, '--restart', 'on-failure', '--', 'python3', '-c', script)
  const line = await started.says(/starts again/)
  t.regex(line, /2 health checks in a row failed, at last: it answered 503/)
  const isBack = ({ name, state, healthy }: TaskItem): boolean =>
    name === 'unwell' && state === 'TASK_RUNNING' && healthy === true
  await untilListed(cluster.env, 'tasks', (all) => all.some(isBack))
  started.child.kill('SIGINT')
  await started.ended
})
