/** Kill scopes in every kind of cgroup hierarchy that this machine has, the worse ones too. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  onlyDevices,
  shareDevices,
  unshareDevices,
} from '../../agent-runtime/isolator/cgroups/device-lists.ts'
import {
  type CgroupMount,
  readCgroupWorld,
  removeBase,
} from '../../agent-runtime/isolator/cgroups/mounts.ts'
import { GpuPool } from '../../agent-runtime/isolator/gpu-pool.ts'
import { openIsolators } from '../../agent-runtime/isolator/isolators.ts'
import {
  type CgroupKind,
  cgroupScope,
  killingMounts,
  openCgroupHierarchy,
} from '../../agent-runtime/isolator/kill/cgroup.ts'
import { needs } from '../support/needs.ts'

/** Ignore SIGTERM, leave their session and fork all the time. */
const RESTLESS =
  'echo 0 >"$1/cgroup.procs" || exit 1; trap "" TERM; i=0; while [ $i -lt 8 ]; do i=$((i+1));' +
  ' setsid sh -c "while :; do sh -c :; done" & done; echo ready; while :; do sh -c :; done'

const WORLD = readCgroupWorld()
const MOUNTS = killingMounts(WORLD.mounts)
const isRoot = process.getuid?.() === 0

for (const { title, controller, kind } of [
  { title: 'version 2', controller: '', kind: undefined },
  { title: 'version 2 without its kill file', controller: '', kind: 'one-by-one' },
  { title: 'version 1 with a freezer', controller: 'freezer', kind: 'freezer' },
  { title: 'version 1 without a freezer', controller: 'pids', kind: 'one-by-one' },
] as const) {
  test.serial(`a kill ends all that never stops forking: cgroups of ${title}`, async (t) => {
    const mount = MOUNTS.find(({ controllers }) => controllers.includes(controller))
    const name = `test-${process.pid}`
    const opened =
      mount && isRoot ? openCgroupHierarchy(name, { ...WORLD, mounts: [mount] }) : undefined
    if (!needs(t, { name: `the right to make cgroups of ${title}`, found: opened !== undefined }))
      return
    if (opened === undefined) return
    const wanted: CgroupKind = kind ?? opened.kind
    if (kind !== undefined && controller !== '') t.is(opened.kind, kind)
    const path = join(opened.base, 'c-1')
    mkdirSync(path)
    const task = spawn('/bin/sh', ['-c', RESTLESS, 'sh', path], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const ended = once(task, 'exit')
    await once(task.stdout, 'data')
    const scope = cgroupScope(path, wanted)
    scope.terminate()
    t.false(scope.isEmpty())
    t.false(scope.remove())
    while (!scope.isEmpty()) {
      scope.kill()
      await new Promise(setImmediate)
    }
    t.deepEqual((await ended)[1], 'SIGKILL')
    t.true(scope.isEmpty())
    // What has just died may hold its cgroup for a moment more.
    while (!scope.remove()) await new Promise(setImmediate)
    removeBase(opened.base)
    t.false(existsSync(opened.base))
  })
}

test('what every task may open is said once, unless somebody is below already', async (t) => {
  const found = WORLD.mounts.find(({ controllers }) => controllers.includes('devices'))
  const base = join(found?.mount ?? '', `test-devices-${process.pid}`)
  if (!needs(t, { name: 'the right to make cgroups of devices', found: isRoot && !!found })) return
  const task = join(base, 'c-1')
  const listed = (path: string) => readFileSync(join(path, 'devices.list'), 'utf8')
  mkdirSync(task, { recursive: true })
  t.false(shareDevices(base))
  t.is(listed(task), 'a *:* rwm\n')
  rmdirSync(task)
  // What has just been removed is below for a moment more.
  while (!shareDevices(base)) await new Promise(setImmediate)
  mkdirSync(task)
  t.regex(listed(task), /^c 1:3 rwm$/m)
  t.notRegex(listed(task), /^a/m)
  t.true(shareDevices(base), 'the next agent finds it so, with tasks in it')
  rmdirSync(task)
  while (listed(base) !== 'a *:* rwm\n') {
    unshareDevices(base, [])
    await new Promise(setImmediate)
  }
  rmdirSync(base)
})

test('GPUs that come while tasks run can be given to the next ones', async (t) => {
  const found = WORLD.mounts.find(({ controllers }) => controllers.includes('devices'))
  const base = join(found?.mount ?? '', `test-gpus-${process.pid}`)
  if (!needs(t, { name: 'the right to make cgroups of devices', found: isRoot && !!found })) return
  const [earlier, later] = [join(base, 'c-1'), join(base, 'c-2')]
  const listed = (path: string) => readFileSync(join(path, 'devices.list'), 'utf8')
  const gpu = { major: 195, minor: 0 }
  mkdirSync(base)
  try {
    t.true(shareDevices(base))
    mkdirSync(earlier)
    t.true(unshareDevices(base, [gpu]))
    mkdirSync(later)
    for (const { file, text } of onlyDevices([gpu])) writeFileSync(join(later, file), text)
    t.regex(listed(later), /^c 195:0 rwm$/m)
    t.notRegex(listed(earlier), /195/)
    t.false(unshareDevices(earlier, [{ major: 195, minor: 1 }]), 'its parent has it not')
  } finally {
    for (const path of [earlier, later, base]) if (existsSync(path)) rmdirSync(path)
  }
})

test('GPUs that its cgroups may not open are refused by name, and told of at start', async (t) => {
  const found = WORLD.mounts.find(({ controllers }) => controllers.includes('devices'))
  const dev = mkdtempSync(join(tmpdir(), 'bourse-gpus-'))
  const mount = join(found?.mount ?? '', `test-no-gpus-${process.pid}`)
  try {
    const isDevice = spawnSync('mknod', [join(dev, 'nvidia0'), 'c', '195', '0']).status === 0
    const need = { name: 'the right to make devices and cgroups of them', found: isDevice }
    if (!needs(t, { ...need, found: isDevice && isRoot && !!found })) return
    mkdirSync(mount)
    t.true(shareDevices(mount))
    const isolators = await openIsolators({
      name: 'x',
      killBase: '/nowhere',
      world: { mounts: [{ mount, controllers: ['devices'] }], own: '' },
      defaultDiskBytes: 1,
      gpus: new GpuPool(dev),
    })
    const why = isolators.problem({ gpus: 1 }) ?? ''
    t.regex(why, /^no task can be given a GPU: /)
    t.true(isolators.missing.includes(why))
    t.is(isolators.problem({}), undefined)
    isolators.close()
  } finally {
    rmSync(dev, { recursive: true })
    if (existsSync(mount)) rmdirSync(mount)
  }
})

test('a cgroup that is called by another name outside is not made up here', (t) => {
  const nowhere: CgroupMount = { mount: '/proc/no-such-mount', controllers: ['freezer'] }
  t.is(openCgroupHierarchy('x', { mounts: [nowhere], own: '' }), undefined)
})
