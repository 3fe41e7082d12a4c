/** What only real processes can show: what a task is given, and what a kill reaches. */
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ContainerSpec } from '../../agent-runtime/containerizer/containerizer.ts'
import { parseLaunchHead } from '../../agent-runtime/containerizer/launch-file.ts'
import {
  aContainer,
  aSandbox,
  opened,
  processesOf,
  type RealMachine,
  realMachine,
} from '../support/containers.ts'
import { needs } from '../support/needs.ts'

const ROOT = { name: 'the right of root', found: process.getuid?.() === 0 }

/** Runs one task to its end and reads its sandbox. */
async function filesOf(machine: RealMachine, spec: ContainerSpec) {
  const { containers, log } = await opened(machine)
  containers.launch(spec)
  await log.until('ended', spec.containerId)
  const path = machine.sandboxPath(spec)
  const read = (name: string) => readFileSync(join(path, name), 'utf8')
  return { path, ended: log.events.at(-1), stdout: read('stdout'), stderr: read('stderr'), read }
}

const ODD = [
  '',
  ' ',
  "'",
  '"',
  '`id`',
  '$(id)',
  '${HOME}',
  '\n',
  '\\',
  '*',
  '-n',
  '%s',
  'ü😀',
  '\x7f',
]

test('every word of a command arrives as it is', async (t) => {
  await using machine = realMachine()
  const command = { argv: ['printf', '%s\\0', ...ODD] }
  const { stdout } = await filesOf(machine, { ...aContainer({ exit: 0 }), command })
  t.deepEqual(stdout.split('\0'), [...ODD, ''])
})

test('every variable arrives as it is, under any name, and nothing else does', async (t) => {
  await using machine = realMachine()
  const odd = Object.fromEntries(ODD.map((value, index) => [`a b'$(id)\n${index}`, value]))
  const spec = { ...aContainer(), command: { argv: ['env', '-0'] }, ports: [31_000, 31_005] }
  const env = { ...odd, HOME: '/mine', IFS: 'x', OPTIND: 'x', BOURSE_TASK_ID: 'stolen' }
  const { stdout, path } = await filesOf(machine, { ...spec, env, role: 'web' })
  const expected = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    PORT0: '31000',
    PORT1: '31005',
    PORTS: '31000,31005',
    ...env,
    BOURSE_TASK_ID: 'task-of-c-1',
    BOURSE_FRAMEWORK_ID: 'f-1',
    BOURSE_AGENT_ID: 'agent-1',
    BOURSE_SANDBOX: path,
    BOURSE_ROLE: 'web',
  }
  const lines = Object.entries(expected).map(([name, value]) => `${name}=${value}`)
  t.deepEqual(stdout.split('\0').sort(), ['', ...lines].sort())
})

test('a task is alone: own directory, own session, no input, no signal ignored', async (t) => {
  await using machine = realMachine()
  const shell =
    'pwd; cat; ps -o sid= -p $$; echo $$; grep SigIgn /proc/self/status; echo $(ls /proc/$$/fd)'
  const { stdout, stderr, path } = await filesOf(machine, { ...aContainer(), command: { shell } })
  const [cwd, sid, pid, ignored, files] = stdout.trim().split(/\n\s*/)
  t.deepEqual(
    [cwd, stderr, ignored, files?.slice(0, 5)],
    [path, '', 'SigIgn:\t0000000000000000', '0 1 2'],
  )
  t.is(sid?.trim(), pid)
})

test('a program whose name looks like a variable is run all the same', async (t) => {
  await using machine = realMachine()
  const { ended, stderr } = await filesOf(machine, { ...aContainer(), command: { argv: ['no=x'] } })
  t.like(ended, { exit: { code: 127 } })
  t.regex(stderr, /no=x/)
})

test('root runs a task as the user it names, who owns its sandbox', async (t) => {
  if (!needs(t, ROOT)) return
  await using machine = realMachine()
  chmodSync(machine.workDir, 0o755)
  const shell = 'id -un; echo mine >file; grep CapEff /proc/self/status'
  const files = await filesOf(machine, { ...aContainer(), command: { shell }, user: 'nobody' })
  t.is(files.stderr, '')
  t.is(files.stdout, 'nobody\nCapEff:\t0000000000000000\n')
  t.is(files.read('file'), 'mine\n')
})

test('a task of another user reads neither environments nor sandboxes of others', async (t) => {
  if (!needs(t, ROOT)) return
  await using machine = realMachine()
  chmodSync(machine.workDir, 0o755)
  const { containers, log } = await opened(machine)
  const first = aContainer({ exit: 0, output: 'private' })
  containers.launch(first)
  await log.until('ended', 'c-1')
  const files = ['launches/c-1', 'records/c-1'].map((name) => `${machine.workDir}/runtime/${name}`)
  const argv = ['cat', join(machine.sandboxPath(first), 'stdout'), ...files]
  const second = { ...aContainer({ containerId: 'c-2' }), command: { argv }, user: 'nobody' }
  containers.launch(second)
  await log.until('ended', 'c-2')
  const read = (name: string) => readFileSync(join(machine.sandboxPath(second), name), 'utf8')
  t.is(read('stdout'), '')
  t.is(read('stderr').match(/Permission denied/g)?.length, 3)
})

test('a user who is not there fails the launch by name, and a kill meanwhile is no fault', async (t) => {
  await using machine = realMachine()
  const { containers, log } = await opened(machine)
  containers.launch({ ...aContainer(), user: 'no-such-user' })
  containers.launch({ ...aContainer({ containerId: 'c-2' }), user: '$(id)' })
  containers.launch({ ...aContainer({ containerId: 'c-3' }), user: 'no-such-user' })
  containers.kill('c-3', 0)
  await log.until('launch-failed', 'c-1', 'c-2', 'c-3')
  const whys = log.events.map((event) => 'why' in event && `${event.containerId}: ${event.why}`)
  t.deepEqual(sorted(whys.map(String)), [
    'c-1: there is no user "no-such-user" on this machine',
    'c-2: there is no user "$(id)" on this machine',
    'c-3: it was killed before its process was there',
  ])
  t.deepEqual(await machine.sandboxes().readOutput({ ...PART, sandbox: aSandbox('x') }), undefined)
})

const sorted = (texts: readonly string[]) => texts.toSorted((a, b) => a.localeCompare(b))

const PART = { stream: 'stdout', offset: 0, bytesMax: 100 } as const
/** Escapes from parent, session and SIGTERM. */
const DAEMON = '(setsid sh -c \'trap "" TERM; sleep 600 & sleep 600\' &)'
const HUNDRED =
  'i=0; while [ $i -lt 100 ]; do i=$((i+1)); (trap "" TERM; sleep 600) & done; sleep 600'

for (const [isolation, what, shell] of [
  [undefined, 'a daemon that left its session', `${DAEMON}; sleep 600`],
  ['pid-namespace', 'a daemon that left its session', `${DAEMON}; sleep 600`],
  [undefined, 'a hundred children that ignore SIGTERM', HUNDRED],
  ['pid-namespace', 'a hundred children that ignore SIGTERM', HUNDRED],
  ['session', 'a hundred children that ignore SIGTERM', HUNDRED],
] as const) {
  test(`a kill reaches ${what} (${isolation ?? 'the strongest isolation'})`, async (t) => {
    await using machine = realMachine(isolation)
    const { containers, log } = await opened(machine)
    if (!canHold(t, containers.isolation, shell)) return
    const spec = { ...aContainer(), command: { shell: shell.replace(/sleep 600$/, READY) } }
    containers.launch(spec)
    await log.until('started', 'c-1')
    await machine.written(spec)
    t.true(processesOf(machine.workDir).length >= 3)
    // Its own end comes at once, and ends the others; in time for a machine that is busy.
    containers.kill('c-1', 10_000)
    await log.until('ended', 'c-1')
    t.deepEqual(processesOf(machine.workDir), [])
    t.like(log.events.at(-1), { exit: { signal: 'SIGTERM' } })
  })
}

const READY = 'echo ready; sleep 600'

test('what a task leaves behind is dead before its end is told', async (t) => {
  await using machine = realMachine()
  const { containers, log } = await opened(machine)
  if (!canHold(t, containers.isolation, DAEMON)) return
  containers.launch({ ...aContainer(), command: { shell: `${DAEMON}; sleep 600 & exit 4` } })
  await log.until('ended', 'c-1')
  t.deepEqual(processesOf(machine.workDir), [])
  t.like(log.events.at(-1), { exit: { code: 4 } })
})

/** Where a session is all there is, what leaves it is lost by design. */
function canHold(t: Parameters<typeof needs>[0], isolation: string, shell: string): boolean {
  const found = isolation !== 'session' || shell === HUNDRED
  return needs(t, { name: 'the right to make cgroups or pid namespaces', found })
}

test('a sandbox full of traps shows nothing of the rest of the machine', async (t) => {
  await using machine = realMachine()
  const { containers, log } = await opened(machine)
  const traps = {
    link: 'rm stdout; ln -s /etc/passwd stdout',
    pipe: 'rm stdout; mkfifo stdout',
    directory: 'rm stdout; mkdir stdout',
    none: 'rm stdout',
  }
  const specs = Object.entries(traps).map(([containerId, shell]) => ({
    ...aContainer({ containerId }),
    command: { shell },
  }))
  for (const spec of specs) containers.launch(spec)
  await log.until('ended', ...Object.keys(traps))
  for (const { sandbox } of specs) {
    const part = await machine.sandboxes().readOutput({ ...PART, sandbox })
    t.deepEqual([part?.sizeBytes, part?.end], [0, true])
    await machine.sandboxes().remove(sandbox)
  }
  t.true(existsSync('/etc/passwd'))
  const outside = { ...aSandbox('t'), taskId: '../../..' } as ReturnType<typeof aSandbox>
  t.is(await machine.sandboxes().readOutput({ ...PART, sandbox: outside }), undefined)
})

test('a sandbox that is deeper than a path may be long can be removed', async (t) => {
  await using machine = realMachine()
  const { containers, log } = await opened(machine)
  const name = 'd'.repeat(200)
  const shell = `i=0; while [ $i -lt 30 ]; do i=$((i+1)); mkdir ${name}; cd -P ./${name} || exit 1; done`
  const spec = { ...aContainer(), command: { shell } }
  containers.launch(spec)
  await log.until('ended', 'c-1')
  t.like(log.events.at(-1), { exit: { code: 0 } })
  await machine.sandboxes().remove(spec.sandbox)
  t.false(existsSync(machine.sandboxPath(spec)))
})

test('when all is destroyed and closed, nothing is left but the sandboxes', async (t) => {
  await using machine = realMachine()
  const { containers, log } = await opened(machine)
  containers.launch(aContainer({ exit: 0 }))
  containers.launch(aContainer({ containerId: 'c-2' }))
  containers.launch({ ...aContainer({ containerId: 'c-3' }), user: 'no-such-user' })
  containers.launch(aContainer({ containerId: 'c-4' }))
  containers.kill('c-4', 0)
  await log.until('ended', 'c-1')
  await log.until('launch-failed', 'c-3', 'c-4')
  const cgroups = cgroupsOf(machine)
  t.is(cgroups.filter((path) => existsSync(path)).length, containers.isolation === 'cgroup' ? 3 : 0)
  await Promise.all(['c-1', 'c-2', 'c-3', 'c-4'].map((id) => containers.destroy(id)))
  const launcher = containers.launcherPid
  await containers.close()
  const left = readdirSync(join(machine.workDir, 'runtime'), { recursive: true })
  t.deepEqual(sorted(left.map(String)), [
    'boot-id',
    'checks',
    'ended',
    'launcher.sh',
    'launches',
    'limits',
    ...(containers.kinds.includes('oci') ? ['oci', 'oci.pl'] : []),
    'records',
    'watch',
  ])
  t.deepEqual(processesOf(machine.workDir), [])
  t.false(existsSync(`/proc/${launcher}`))
  t.deepEqual(
    cgroups.filter((path) => existsSync(path)),
    [],
  )
})

/** One for each container that was begun. */
function cgroupsOf({ workDir }: RealMachine): string[] {
  const launches = join(workDir, 'runtime', 'launches')
  return readdirSync(launches).flatMap((name) => {
    const hold = parseLaunchHead(readFileSync(join(launches, name), 'utf8'))?.hold
    return hold?.kind === 'cgroup' ? [hold.path] : []
  })
}
