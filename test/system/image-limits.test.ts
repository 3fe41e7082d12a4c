/** By what the kernel holds an image's task: a cgroup that is called as its service calls it. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { Told } from '../../agent-runtime/containerizer/docker/found.ts'
import { DockerLimits, holdsOf } from '../../agent-runtime/containerizer/docker/limits.ts'
import { readCgroupWorld, removeCgroup } from '../../agent-runtime/isolator/cgroups/mounts.ts'
import type { LimitHit } from '../../agent-runtime/isolator/hold.ts'
import { systemClock } from '../../bus/clock.ts'
import { needs } from '../support/needs.ts'

const DISK: LimitHit = { reason: 'CONTAINER_LIMITATION_DISK', message: 'too much', ends: true }
const FORKS = 'echo 0 >"$1/cgroup.procs"; sleep 0 & wait'

test('a refused fork does not hide for what limit an image’s task is ended', async (t) => {
  const found = readCgroupWorld().mounts.find(({ controllers }) => controllers.includes('pids'))
  const id = process.pid.toString(16).padStart(64, '0')
  const path = join(found?.mount ?? '', id)
  const isRoot = process.getuid?.() === 0
  if (!needs(t, { name: 'the right to make cgroups of pids', found: isRoot && !!found })) return
  mkdirSync(path)
  const task = spawn('sleep', ['600'], { stdio: 'ignore' })
  const ended = once(task, 'exit')
  const pid = task.pid ?? 0
  try {
    writeFileSync(join(path, 'pids.max'), '1')
    writeFileSync(join(path, 'cgroup.procs'), String(pid))
    spawnSync('/bin/sh', ['-c', FORKS, 'sh', path])
    t.notRegex(readFileSync(join(path, 'pids.events'), 'utf8'), /^max 0$/m)
    const isSeen = holdsOf(pid).some(({ isolator }) => isolator === 'pids')
    if (!needs(t, { name: 'a view of the own cgroups', found: isSeen })) return
    const told = { id, pid, isOutOfMemory: false, memBytes: 0 } as Told
    const killed = { signal: 'SIGKILL' } as const
    for (const looks of [true, false]) {
      const limits = new DockerLimits()
      limits.watch(told, systemClock, () => {})
      if (looks) t.false(limits.look(), 'it only was refused something')
      limits.note(DISK)
      t.true(limits.look())
      t.is(await limits.hit(killed, told), DISK)
      limits.unwatch()
    }
  } finally {
    task.kill('SIGKILL')
    await ended
    // What has just died may hold its cgroup for a moment more.
    while (!removeCgroup(path)) await new Promise(setImmediate)
  }
})
