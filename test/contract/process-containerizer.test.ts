/** Each kind of isolation that this machine and this user allow; a weaker one stands in else. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { readCgroupWorld } from '../../agent-runtime/isolator/cgroups/mounts.ts'
import { killingMounts } from '../../agent-runtime/isolator/kill/cgroup.ts'
import { disksNeed } from '../lab/small-disk.ts'
import { aContainer, EventLog, processesOf, realMachine } from '../support/containers.ts'
import { needs } from '../support/needs.ts'
import { containerizerContract } from './containerizer-contract.ts'

containerizerContract(test, 'processes', () => realMachine())
containerizerContract(test, 'processes in a pid namespace', () => realMachine('pid-namespace'))
containerizerContract(test, 'processes in a session', () => realMachine('session'))

test('output that is too long loses its begin, and a reader is told how much', async (t) => {
  await using machine = realMachine()
  const log = new EventLog(machine)
  const containers = await machine.open(log.onEvent)
  await containers.recover()
  const { sandbox, ...spec } = aContainer({ exit: 0 })
  const env = { CONTAINER_LOGGER_MAX_STDOUT_SIZE: '64KB' }
  const command = { shell: 'i=0; while [ $i -lt 30000 ]; do echo $i; i=$((i+1)); done' }
  containers.launch({ ...spec, sandbox, env, command })
  await log.until('ended', 'c-1')
  await containers.close()
  const next = await machine.open(log.onEvent)
  await next.recover()
  const read = (offset: number) =>
    machine.sandboxes().readOutput({ sandbox, stream: 'stdout', offset, bytesMax: 1_000_000 })
  const all = Array.from({ length: 30_000 }, (_, i) => `${i}\n`).join('')
  const { goneBytes = 0, bytes, end } = (await read(10)) ?? { bytes: new Uint8Array(), end: false }
  t.true(goneBytes > 0 || all.length <= 65_536)
  t.is(Buffer.from(bytes).toString(), all.slice(10 + goneBytes))
  t.true(end)
  t.is((await read(all.length))?.goneBytes, undefined)
  await machine.sandboxes().remove(sandbox)
  const left = readdirSync(join(machine.workDir, 'sandboxes'))
  t.deepEqual(left, [], 'the note of it goes with the sandbox')
})

test('a size of output that is none is refused by name', async (t) => {
  await using machine = realMachine()
  const log = new EventLog(machine)
  const containers = await machine.open(log.onEvent)
  await containers.recover()
  containers.launch({ ...aContainer(), env: { CONTAINER_LOGGER_MAX_STDERR_SIZE: 'much' } })
  await log.until('launch-failed', 'c-1')
  t.like(log.events[0], {
    why: 'environment variable CONTAINER_LOGGER_MAX_STDERR_SIZE is no size from 8KB to 1GB',
  })
})

test('what is mounted in a sandbox is not removed with it', async (t) => {
  if (!needs(t, disksNeed())) return
  await using machine = realMachine()
  const log = new EventLog(machine)
  const containers = await machine.open(log.onEvent)
  await containers.recover()
  const { sandbox, ...spec } = aContainer({ exit: 0 })
  containers.launch({ ...spec, sandbox })
  await log.until('ended', 'c-1')
  const precious = join(machine.workDir, 'precious')
  mkdirSync(precious)
  writeFileSync(join(precious, 'file'), 'precious')
  const inside = join(machine.sandboxPath({ ...spec, sandbox }), 'a b')
  mkdirSync(inside)
  execFileSync('mount', ['--bind', precious, inside])
  await machine.sandboxes().remove(sandbox)
  t.deepEqual(readdirSync(join(machine.workDir, 'sandboxes')), [])
  t.is(readFileSync(join(precious, 'file'), 'utf8'), 'precious')
})

const { mounts } = readCgroupWorld()
const LEAVE_WHAT_KILLS = killingMounts(mounts)
  .filter(({ controllers }) => !controllers.includes('pids'))
  .map(({ mount }) => `echo 0 >'${mount}/cgroup.procs'`)
  .join('; ')

for (const [title, shell] of [
  ['a task', `${LEAVE_WHAT_KILLS}; echo out; exec sleep 600`],
  ['what a task left behind', `(${LEAVE_WHAT_KILLS}; echo out; exec sleep 600) & wait`],
] as const) {
  test(`${title} that left what a kill reaches, as root may, ends in what limits it`, async (t) => {
    const found = process.getuid?.() === 0 && mounts.some((one) => one.controllers.includes('pids'))
    if (!needs(t, { name: 'the right to use cgroups of version 1', found })) return
    await using machine = realMachine()
    const log = new EventLog(machine)
    const containers = await machine.open(log.onEvent)
    await containers.recover()
    const spec = { ...aContainer(), command: { shell } }
    containers.launch(spec)
    await machine.written(spec)
    containers.kill('c-1', 0)
    await log.until('ended', 'c-1')
    t.deepEqual(processesOf(machine.workDir), [])
    await containers.destroy('c-1')
  })
}
