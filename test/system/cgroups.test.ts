/** Kill scopes in every kind of cgroup hierarchy that this machine has, the worse ones too. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import {
  type CgroupKind,
  cgroupScope,
  killingMounts,
  openCgroupHierarchy,
} from '../../agent-runtime/isolator/cgroup.ts'
import {
  type CgroupMount,
  readCgroupWorld,
  removeBase,
} from '../../agent-runtime/isolator/cgroup-mounts.ts'
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

test('a cgroup that is called by another name outside is not made up here', (t) => {
  const nowhere: CgroupMount = { mount: '/proc/no-such-mount', controllers: ['freezer'] }
  t.is(openCgroupHierarchy('x', { mounts: [nowhere], own: '' }), undefined)
})
