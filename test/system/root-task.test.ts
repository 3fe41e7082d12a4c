/** What a task finds in a root filesystem of its own, and what is left of it. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { ContainerSpec } from '../../agent-runtime/containerizer/containerizer.ts'
import type { OciContainer } from '../../protocol/schema/task-container.ts'
import { openCluster, runBourse } from '../support/cluster.ts'
import { aContainer, aSandbox, EventLog, type RealMachine } from '../support/containers.ts'
import { needs } from '../support/needs.ts'
import { makeRoot, ociMachine, ociNeed, tarOf } from '../support/oci-root.ts'

const need = await ociNeed()
const root = need.found ? makeRoot() : ''
test.after.always(() => {
  if (need.found) rmSync(root, { recursive: true })
})

interface Ran {
  readonly output: string
  readonly problem: string
  readonly events: EventLog['events']
  readonly machine: RealMachine
}

/** Runs a shell command in the root to its end. */
async function ran(
  machine: RealMachine,
  shell: string,
  more: Partial<ContainerSpec> = {},
): Promise<Ran> {
  const log = new EventLog(machine)
  const containers = await machine.open(log.onEvent)
  await containers.recover()
  const spec = { ...aContainer(), command: { shell }, ...more }
  containers.launch(spec)
  await machine.until(() => log.events.some(({ kind }) => kind !== 'started'))
  const said = (name: string) => {
    const path = join(machine.sandboxPath(spec), name)
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  }
  const result = { output: said('stdout'), problem: said('stderr'), events: log.events, machine }
  await containers.destroy(spec.containerId)
  await containers.close()
  return result
}

const inRoot = (more: Partial<OciContainer>): Partial<ContainerSpec> => ({
  container: { kind: 'oci', root, ...more },
})

const FINDS: readonly (readonly [
  what: string,
  shell: string,
  output: string | RegExp,
  more?: Partial<ContainerSpec>,
])[] = [
  ['the root, and nothing else of the machine', 'ls / | cat', 'bin\ndev\nmnt\nproc\ntmp'],
  ['its sandbox as its working directory', 'pwd; ls', '/mnt/bourse/sandbox\nstderr\nstdout'],
  [
    'its sandbox in its environment',
    'echo $BOURSE_SANDBOX $HOME',
    '/mnt/bourse/sandbox /mnt/bourse/sandbox',
  ],
  ['what its framework sets', 'echo "$A"', 'it\'s "b"', { env: { A: 'it\'s "b"' } }],
  ['a root that cannot be written to', 'echo x >/x || echo no', 'no'],
  ['a /tmp of its own', 'echo x >/tmp/x && cat /tmp/x', 'x'],
  ['no processes but its own', 'ps -o args | wc -l', /^[1-9]$/],
  [
    'no capabilities',
    'while read -r a b; do case $a in Cap*) echo $b;; NoNewPrivs:) echo $b;; esac; done </proc/self/status',
    /^(0{16}\n){5}1$/,
  ],
  ['files as many as its agent', 'ulimit -Hn', String(limitOf('Max open files'))],
  ["the machine's network", 'wc -l </proc/net/dev', /^([4-9]|\d\d+)$/],
  ['no network if it wants none', 'wc -l </proc/net/dev', '3', inRoot({ network: 'none' })],
  ['itself as the user that it names', 'id -u; echo x >y', '1234', { user: '1234' }],
]

function limitOf(name: string): number {
  const line = readFileSync('/proc/self/limits', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(name))
  return Number(line?.slice(name.length).trim().split(/\s+/)[1])
}

for (const [what, shell, output, more] of FINDS) {
  test.serial(`a task in a root finds ${what}`, async (t) => {
    if (!needs(t, need)) return
    await using machine = ociMachine(root)
    const found = await ran(machine, shell, more)
    t.like(found.events.at(-1), { kind: 'ended', exit: { code: 0 } }, found.problem)
    if (typeof output === 'string') t.is(found.output, output)
    else t.regex(found.output, output)
    t.deepEqual(readdirSync(root), ['bin'], 'nothing was written to the root')
  })
}

test.serial('volumes are where they were wished, and one is read-only', async (t) => {
  if (!needs(t, need)) return
  await using machine = ociMachine(root)
  const folder = join(machine.workDir, 'a:b, "c"')
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), 'seen')
  const volumes = [
    { hostPath: folder, containerPath: '/bin/x', readOnly: true },
    { hostPath: folder, containerPath: '/data' },
  ]
  const shell = 'cat /bin/x/file; echo x >/bin/x/y || echo x >/data/z'
  const { output } = await ran(machine, shell, inRoot({ volumes }))
  t.is(output, 'seen')
  t.deepEqual(readdirSync(folder).toSorted(), ['file', 'z'])
})

const REFUSED: readonly (readonly [string, Partial<ContainerSpec>, RegExp])[] = [
  ['a root that is not there', inRoot({ root: '/nothing' }), /there is no "\/nothing" on this/],
  ['a root below a file', inRoot({ root: '/etc/hostname/x' }), /cannot be looked at: ENOTDIR$/],
  ['a root that is a device', inRoot({ root: '/dev/null' }), /is neither a folder nor a tar$/],
  ['a root that is no tar', inRoot({ root: '/etc/hostname' }), /could not be unpacked: tar: /],
  ['a user of another root', { user: 'nobody' }, /there is no user "nobody" in its root/],
  [
    'a volume that is not there',
    inRoot({ volumes: [{ hostPath: '/nothing', containerPath: '/x' }] }),
    /there is no "\/nothing" on this machine to be a volume/,
  ],
  ['GPUs', { limits: { gpus: 1 } }, /^GPUs are given to processes/],
  ['a group', { group: { id: 'g', sharesNetwork: false } }, /^tasks of a group run as processes/],
]
for (const [what, more, why] of REFUSED) {
  test.serial(`${what} ends a task in a root before it starts`, async (t) => {
    if (!needs(t, need)) return
    await using machine = ociMachine(root)
    const { events } = await ran(machine, 'true', more)
    t.is(events.length, 1)
    const [event] = events
    t.regex(event?.kind === 'launch-failed' ? event.why : '', why)
  })
}

test.serial(
  'a program that is not there is told where the task writes, and its exit is 1',
  async (t) => {
    if (!needs(t, need)) return
    await using machine = ociMachine(root)
    const { events, problem } = await ran(machine, '', { command: { argv: ['nothing'] } })
    t.like(events.at(-1), { exit: { code: 1 } })
    t.regex(problem, /exec: "nothing": executable file not found in \$PATH/)
  },
)

test.serial('a tar is unpacked once, and again when it has changed', async (t) => {
  if (!needs(t, need)) return
  await using machine = ociMachine(root)
  const own = makeRoot()
  const runs = async (launch: string) => {
    const wish = {
      containerId: `c-${launch}`,
      sandbox: aSandbox(`task-${launch}`),
      ...inRoot({ root: `${own}.tar` }),
    }
    return await ran(machine, 'cat /what', wish)
  }
  try {
    writeFileSync(join(own, 'what'), 'one')
    tarOf(own)
    t.is((await runs('1')).output, 'one')
    t.is((await runs('2')).output, 'one')
    t.is(unpackedBy(machine).length, 1)
    writeFileSync(join(own, 'what'), 'two')
    tarOf(own)
    t.is((await runs('3')).output, 'two')
    t.is(unpackedBy(machine).length, 2)
  } finally {
    rmSync(own, { recursive: true })
    rmSync(`${own}.tar`, { force: true })
  }
})

const unpackedBy = ({ workDir }: RealMachine): readonly string[] =>
  readdirSync(join(workDir, 'roots')).filter((name) => !name.endsWith('.used'))

test.serial('what was unpacked goes when no task has used it for long, not before', async (t) => {
  if (!needs(t, need)) return
  await using machine = ociMachine(root)
  const own = makeRoot()
  try {
    const inTar = inRoot({ root: tarOf(own) })
    const spec = { ...aContainer({ output: 'hi' }), ...inTar }
    const begun = new EventLog(machine)
    const first = await machine.open(begun.onEvent)
    await first.recover()
    first.launch(spec)
    await begun.until('started', 'c-1')
    await machine.written(spec)
    await first.removeUnused(0)
    t.is(unpackedBy(machine).length, 1, 'a task uses it')
    await first.close()
    const log = new EventLog(machine)
    const next = await machine.open(log.onEvent)
    await next.recover()
    await next.removeUnused(0)
    t.is(unpackedBy(machine).length, 1, 'a task uses it, of an earlier agent')
    next.kill('c-1', 0)
    await log.until('ended', 'c-1')
    await next.removeUnused(3_600_000)
    t.is(unpackedBy(machine).length, 1, 'one has used it of late')
    await next.removeUnused(0)
    t.deepEqual(readdirSync(join(machine.workDir, 'roots')), [])
    next.launch({ ...aContainer({ containerId: 'c-2', exit: 0 }), ...inTar })
    await log.until('ended', 'c-2')
    t.like(log.of('c-2').at(-1), { exit: { code: 0 } })
  } finally {
    rmSync(own, { recursive: true })
    rmSync(`${own}.tar`, { force: true })
  }
})

const BAD_TARS: readonly (readonly [string, (folder: string) => readonly string[], RegExp])[] = [
  [
    'a member that climbs',
    (folder) => {
      writeFileSync(join(folder, 'climbs'), 'x')
      return ['--absolute-names', '--transform=s,^,../../,', 'climbs']
    },
    /Member name contains '\.\.'/,
  ],
  [
    'a device',
    (folder) => {
      execFileSync('mknod', [join(folder, 'null'), 'c', '1', '3'])
      return ['null']
    },
    /Cannot mknod: Operation not permitted/,
  ],
]
for (const [what, make, why] of BAD_TARS) {
  test.serial(`a tar with ${what} is refused, and nothing of it stays`, async (t) => {
    if (!needs(t, need)) return
    await using machine = ociMachine(root)
    const folder = join(machine.workDir, 'folder')
    mkdirSync(folder)
    const tar = join(machine.workDir, 'x.tar')
    execFileSync('tar', ['--create', `--file=${tar}`, `--directory=${folder}`, ...make(folder)])
    const { events } = await ran(machine, 'true', inRoot({ root: tar }))
    const [event] = events
    t.regex(event?.kind === 'launch-failed' ? event.why : '', why)
    t.deepEqual(readdirSync(join(machine.workDir, 'roots')), [])
    t.deepEqual(readdirSync(machine.workDir).includes('climbs'), false)
  })
}

test.serial('links of a tar lead out of it for nobody', async (t) => {
  if (!needs(t, need)) return
  await using machine = ociMachine(root)
  const own = makeRoot()
  // In the root its name means something else, too: not where /tmp would be.
  const outside = mkdtempSync('/var/tmp/bourse-outside-')
  symlinkSync(outside, join(own, 'mnt'))
  symlinkSync(outside, join(own, 'tmp'))
  chmodSync(own, 0o755)
  try {
    const { events, problem } = await ran(machine, 'echo x >/tmp/x', inRoot({ root: tarOf(own) }))
    t.like(events.at(-1), { kind: 'ended', exit: { code: 0 } }, problem)
    t.deepEqual(readdirSync(outside), [])
  } finally {
    rmSync(outside, { recursive: true })
    rmSync(own, { recursive: true })
    rmSync(`${own}.tar`, { force: true })
  }
})

test.serial('who needs more memory than it has is ended for it, and nothing is left', async (t) => {
  if (!needs(t, need)) return
  await using machine = ociMachine(root)
  const before = traces()
  const hog = 'a=x; while :; do a=$a$a; done'
  const { events } = await ran(machine, hog, { limits: { memBytes: 32 * 1024 * 1024 } })
  t.like(events.at(-1), { kind: 'ended', limit: { reason: 'CONTAINER_LIMITATION_MEMORY' } })
  t.deepEqual(traces(), before)
})

test.serial('it is in the cgroups of its task, and runc makes none', async (t) => {
  if (!needs(t, need)) return
  await using machine = ociMachine(root)
  const before = traces()
  const { output } = await ran(machine, 'cat /proc/self/cgroup', { limits: { memBytes: 2 ** 26 } })
  for (const name of ['pids', 'memory']) {
    t.regex(output, new RegExp(`:${name}:.*/c-1$|^0::.*/c-1$`, 'm'))
  }
  t.deepEqual(traces(), before)
})

test.serial('what it leaves running ends with it', async (t) => {
  if (!needs(t, need)) return
  await using machine = ociMachine(root)
  const before = traces()
  const { events } = await ran(machine, 'trap "" TERM; (sleep 601 &) ; exit 4')
  t.like(events.at(-1), { kind: 'ended', exit: { code: 4 } })
  t.deepEqual(traces(), before)
})

/** What of such tasks could be anywhere: mounts, cgroups that runc makes. */
function traces(): readonly string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  // Those of others come and go while it looks.
  const cgroups = spawnSync('find', ['/sys/fs/cgroup', '-type', 'd', '-name', 'task']).stdout
  return [...mounts.filter((one) => one.includes('/oci')), ...cgroups.toString().split('\n')]
}

test.serial('`bourse run --root` takes agents that can, and says what it refuses', async (t) => {
  if (!needs(t, need)) return
  const cluster = await openCluster()
  try {
    await cluster.start('master', '--id', 'm1')
    await cluster.start('allocator')
    const resources = ['--resources', 'cpus:4;mem:1024', '--container-service', 'none']
    await cluster.start(
      'agent',
      '--id',
      'a1',
      '--work-dir',
      join(cluster.folder, 'a1'),
      ...resources,
    )
    const run = (...args: string[]) => runBourse(cluster.env, 'run', ...args)
    const seen = await run('--root', root, '--', 'sh', '-c', 'ls / | cat; exit 3')
    t.deepEqual([seen.code, seen.stdout], [1, 'bin\ndev\nmnt\nproc\ntmp\n'], seen.stderr)
    for (const [args, sentence] of [
      [['--root', 'a', '--', 'true'], /a root is an absolute path without "\.\."/],
      [['--root', '/a/../b', '--', 'true'], /a root is an absolute path without "\.\."/],
      [['--root', '/a', '--image', 'b', '--', 'true'], /--image or --root/],
      [['--root', '/a', '--publish', '80', '--', 'true'], /--publish is for images/],
      [['--root', '/a', '--network', 'bridge', '--', 'true'], /host or none, not bridge/],
      [['--root', '/a'], /the command is empty/],
    ] as const) {
      const { code, stderr } = await run(...args)
      t.is(code, 64, stderr)
      t.regex(stderr, sentence)
    }
    const lost = await run('--root', '/nothing', '--', 'true')
    t.regex(lost.stderr, /there is no "\/nothing" on this machine/)
  } finally {
    await cluster.close()
  }
})
