/** The command line over real processes: what it prints, and how it exits. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import ava from 'ava'
import type { AgentItem, TaskItem } from '../../protocol/schema/operator.ts'
import { BOURSE, type Cluster, openCluster, runBourse } from '../support/cluster.ts'

/** One after the other: together they would need more than a small machine has. */
const test = ava.serial

let cluster: Cluster
const bourse = (...args: string[]) => runBourse(cluster.env, ...args)

test.before(async () => {
  cluster = await openCluster()
  await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  const resources = 'cpus:4;mem:1024;ports:[31000-31099]'
  await cluster.start('agent', '--id', 'a1', '--resources', resources)
  const folder = join(cluster.folder, 'second')
  const about = ['--resources', 'cpus:0.5;mem:512', '--attributes', 'rack:a']
  await cluster.start('agent', '--id', 'b2', '--work-dir', folder, ...about)
})
test.after.always(() => cluster.close())

/** What `bourse ARGS` prints until its first line of output; it runs on. */
async function startBourse(...args: string[]): Promise<{ child: ChildProcess; first: string }> {
  const child = spawn(process.execPath, [BOURSE, ...args], {
    env: cluster.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines = createInterface({ input: child.stdout })
  // A stream that ends has had no line.
  const [first] = await Promise.race([once(lines, 'line'), once(lines, 'close')])
  return { child, first: String(first) }
}

/** An environment in which there is no cluster. */
function nowhere(t: { teardown(fn: () => void): void }): NodeJS.ProcessEnv {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-cli-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const { NATS_URL: _url, NATS_CONTEXT: _context, ...env } = process.env
  return { ...env, BOURSE_STATE_DIR: folder, XDG_CONFIG_HOME: folder }
}

test('a reader that comes late gets all that a run has printed', async (t) => {
  const args = ['run', '--name', 'late', '--', 'seq', '100000']
  const child = spawn(process.execPath, [BOURSE, ...args], { env: cluster.env })
  // The task has written all before the first of it is read.
  for (let state = ''; state !== 'TASK_FINISHED'; ) {
    const [task]: readonly TaskItem[] = JSON.parse((await bourse('tasks', 'late', '--json')).stdout)
    state = task?.state ?? ''
  }
  const pieces: Buffer[] = []
  for await (const piece of child.stdout) pieces.push(piece as Buffer)
  const lines = Buffer.concat(pieces).toString().trimEnd().split('\n')
  t.is(lines.length, 100_000)
  t.is(lines.at(-1), '100000')
})

test('a reader that has seen enough ends the run and its task', async (t) => {
  const { child } = await startBourse('run', '--name', 'enough', '--', 'yes')
  child.stdout?.destroy()
  await once(child, 'exit')
  const listed = await bourse('tasks', 'enough', '--json')
  const [task]: readonly TaskItem[] = JSON.parse(listed.stdout)
  t.is(task?.state, 'TASK_KILLED')
})

test('wrong use is one sentence, exit code 64', async (t) => {
  const { code, stdout, stderr } = await bourse('logs', 'a.b')
  t.is(code, 64)
  t.is(stdout, '')
  t.is(stderr, 'bourse: "a.b" is neither TASK nor FRAMEWORK/TASK\n')
})

for (const args of [['agents'], ['run', '--', 'true'], ['agent']])
  test(`bourse ${args.join(' ')} where no cluster is: one sentence, exit code 69`, async (t) => {
    const { code, stderr } = await runBourse(nowhere(t), ...args)
    t.is(code, 69, stderr)
    t.regex(stderr, /^bourse: no cluster here: start one with `bourse dev`[^\n]*\n$/)
  })

test('where nobody leads: one sentence, exit code 69', async (t) => {
  const { code, stderr } = await bourse('--cluster', 'other', 'agents')
  t.is(code, 69, stderr)
  t.is(stderr, 'bourse: no master leads cluster other just now\n')
})

test('bourse run says that nobody leads, and waits for one', async (t) => {
  const { code, stderr } = await bourse('--cluster', 'other', 'run', '--timeout=5s', '--', 'true')
  t.is(code, 2, stderr)
  t.deepEqual(stderr.trimEnd().split('\n'), [
    'bourse: no master leads cluster other just now; waiting for a leader',
    'bourse: nothing could be placed within 5 s: no leader of cluster other has answered',
  ])
})

test('bourse agents lists them, for people and for programs', async (t) => {
  const { code, stdout } = await bourse('agents')
  t.is(code, 0)
  const [titles, ...lines] = stdout.trim().split('\n')
  t.regex(titles ?? '', /^AGENT +HOST +STATE +CPUS +MEM +PORTS +TASKS +FOR$/)
  t.deepEqual(
    lines.map((line) => line.split(/\s+/)[0]),
    ['a1', 'b2'],
  )
  const items: AgentItem[] = JSON.parse((await bourse('agents', 'b', '--json')).stdout)
  t.deepEqual(
    items.map(({ agentId, state }) => `${agentId} ${state}`),
    ['b2 registered'],
  )
  t.true(items[0]?.attributes.some(({ name, text }) => name === 'rack' && text === 'a'))
})

test('a reader that has seen enough ends a listing quietly', async (t) => {
  const child = spawn(process.execPath, [BOURSE, 'agents'], { env: cluster.env })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  const [code] = await once(child, 'close')
  t.is(code, 0)
  t.is(stderr, '')
})

test('a full disk under the output is a sentence, exit code 1', async (t) => {
  const full = openSync('/dev/full', 'w')
  const child = spawn(process.execPath, [BOURSE, 'agents'], {
    env: cluster.env,
    stdio: ['ignore', full, 'pipe'],
  })
  closeSync(full)
  let stderr = ''
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  t.deepEqual(await once(child, 'close'), [1, null])
  t.is(stderr, 'bourse: cannot write: no space is left on the disk\n')
})

test('of two tasks with one id the newest is shown and read, and the other one named', async (t) => {
  for (const word of ['before', 'now']) await bourse('run', '--name', 'twin', '--', 'echo', word)
  const { code, stdout, stderr } = await bourse('status', 'twin-0')
  t.is(code, 0)
  t.regex(stderr, /^bourse: another one has that id: twin-[0-9a-f]+\/twin-0\n$/)
  const [, framework] = /^framework +(\S+) /m.exec(stdout) ?? []
  t.is((await bourse('status', `${framework}/twin-0`)).stderr, '')
  t.is((await bourse('logs', 'twin-0')).stdout, 'now\n')
  const [, other = ''] = /(twin-\S+)$/m.exec(stderr) ?? []
  t.like(await bourse('logs', other), { stdout: 'before\n', stderr: '' })
})

test('Ctrl-C ends what is followed, and is no failure', async (t) => {
  const { child } = await startBourse('run', '--name', 'read', '--', 'sh', '-c', 'echo x; sleep 60')
  const follower = await startBourse('logs', '--follow', 'read')
  t.is(follower.first, 'x')
  follower.child.kill('SIGINT')
  t.deepEqual(await once(follower.child, 'exit'), [0, null])
  child.kill('SIGINT')
  await once(child, 'exit')
})

test('20 instances print 20 outputs', async (t) => {
  const command = ['sh', '-c', 'echo "$GREETING from $BOURSE_TASK_ID"; echo aside >&2']
  const flags = ['--instances', '20', '--name', 'many', '--env', 'GREETING=hello']
  const { code, stdout, stderr } = await bourse('run', ...flags, '--', ...command)
  t.is(code, 0, stderr)
  const expected = Array.from({ length: 20 }, (_, i) => `hello from many-${i}`)
  t.deepEqual(stdout.trim().split('\n').sort(), expected.sort())
  t.is(stderr.match(/^aside$/gm)?.length, 20)
  t.regex(stderr, /^bourse: 20 finished after [^\n]+\n$/m)
})

test('a command that exits 3 is TASK_FAILED with its status, exit code 1', async (t) => {
  const { code, stderr } = await bourse('run', '--name', 'three', '--', 'sh', '-c', 'exit 3')
  t.is(code, 1)
  t.regex(
    stderr,
    /^bourse: three-\w{16}\/three-0 on (?:a1|b2): TASK_FAILED, command exited with status 3$/m,
  )
  const status = await bourse('status', 'three-0')
  t.is(status.code, 0)
  t.regex(status.stdout, /^state +TASK_FAILED/m)
  t.regex(status.stdout, /^why +command exited with status 3$/m)
  const found = JSON.parse((await bourse('status', 'three-0', '--json')).stdout)
  const [task] = found.tasks as TaskItem[]
  t.deepEqual(task?.exit, { code: 3 })
})

test('what no agent can hold is not placed in time: why, exit code 2', async (t) => {
  const args = ['run', '--cpus', '1000', '--timeout', '2s', '--', 'true']
  const { code, stdout, stderr } = await bourse(...args)
  t.is(code, 2)
  t.is(stdout, '')
  t.regex(stderr, /^bourse: 1 instance of 1 could not be placed within 2 s$/m)
  t.regex(
    stderr,
    /^bourse: no agent offers cpus 1000: the most is 4, on a1 \(of 2 agents that offered\)$/m,
  )
})

test('a task is found by the begin of its id, read, followed and killed', async (t) => {
  const script = 'echo begun; echo aside >&2; exec sleep 60'
  const { child, first } = await startBourse('run', '--name', 'sleepy', '--', 'sh', '-c', script)
  t.is(first, 'begun')
  t.is((await bourse('logs', 'sleepy')).stdout, 'begun\n')
  t.is((await bourse('logs', 'sleepy-0', '--stderr')).stdout, 'aside\n')
  const follower = await startBourse('logs', '--follow', 'sleepy')
  t.is(follower.first, 'begun')
  const ended = Promise.all([once(child, 'exit'), once(follower.child, 'exit')])
  const killed = await bourse('kill', 'sleepy')
  t.is(killed.stdout, 'killing sleepy-0\n')
  t.deepEqual(await ended, [
    [1, null],
    [0, null],
  ])
  const again = await bourse('kill', 'sleepy', 'nothing')
  t.is(again.code, 1)
  t.is(again.stdout, 'sleepy-0 is TASK_KILLED already\n')
  t.is(again.stderr, 'bourse: no task has an id that begins with nothing\n')
})

test('a framework is found by the begin of its id, and ended with its tasks', async (t) => {
  const run = ['run', '--name', 'doomed', '--instances', '2', '--', 'sh', '-c', 'echo on; sleep 60']
  const { child } = await startBourse(...run)
  const ended = once(child, 'exit')
  const { code, stdout } = await bourse('teardown', 'doomed-')
  t.is(code, 0)
  t.regex(stdout, /^ending doomed-\w{16} and what of its [12] tasks? still runs\n$/)
  t.deepEqual(await ended, [1, null])
  const again = await bourse('teardown', 'doomed-')
  t.is(again.code, 1)
  t.is(again.stderr, 'bourse: no framework has an id that begins with doomed-\n')
})

test('a teardown says as JSON what it ends', async (t) => {
  const { child } = await startBourse(
    'run',
    '--name',
    'spare',
    '--',
    'sh',
    '-c',
    'echo on; sleep 60',
  )
  const ended = once(child, 'exit')
  const { code, stdout } = await bourse('teardown', 'spare-', '--json')
  const { frameworkId, ...others } = JSON.parse(stdout) as Record<string, unknown>
  t.is(code, 0)
  t.regex(String(frameworkId), /^spare-\w{16}$/)
  t.deepEqual(others, { principal: 'local', tasks: 1 })
  t.deepEqual(await ended, [1, null])
})

test('Ctrl-C kills the tasks of a run, and says how they ended', async (t) => {
  const script = 'trap "exit 7" TERM; echo begun; while true; do sleep 0.1; done'
  const { child } = await startBourse('run', '--name', 'looping', '--', 'sh', '-c', script)
  let stderr = ''
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString()
  })
  const ended = once(child, 'close')
  child.kill('SIGINT')
  t.deepEqual(await ended, [130, null])
  t.regex(
    stderr,
    /^bourse: looping-\w{16}\/looping-0 on (?:a1|b2): TASK_KILLED, command exited with status 7$/m,
  )
})

test('a run as events for programs', async (t) => {
  const { stdout } = await bourse('run', '--json', '--name', 'json', '--', 'echo', 'hello')
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.true(
    events.some(({ event, stream, text }) => event === 'output' && text === 'hello\n' && stream),
  )
  t.like(events.at(-1), { event: 'result', instances: [{ state: 'TASK_FINISHED' }] })
})
