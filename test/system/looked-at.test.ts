/** What the kernel does not hold tasks to: disk, ports, GPUs, beside their contract. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { ContainerSpec } from '../../agent-runtime/containerizer/containerizer.ts'
import { findGpus, GpuPool } from '../../agent-runtime/isolator/gpu-pool.ts'
import type { Limits } from '../../agent-runtime/isolator/isolator.ts'
import { systemClock } from '../../bus/clock.ts'
import { aContainer, type EventLog, fileHolds, opened, realMachine } from '../support/containers.ts'
import { needs } from '../support/needs.ts'

const MIB = 1024 * 1024

function aTaskOf(shell: string, limits: Limits = {}, id = 'c-1'): ContainerSpec {
  return { ...aContainer({ containerId: id }), command: { shell }, limits }
}

const limitOf = (log: EventLog, id: string) => {
  const event = log.of(id).at(-1)
  return event?.kind === 'ended' ? event.limit : undefined
}

test('on a disk that is almost full the one that fills it is ended, within its limit or not', async (t) => {
  const disk = mkdtempSync(join(tmpdir(), 'bourse-small-'))
  const found = process.getuid?.() === 0 && mounted(disk)
  if (!needs(t, { name: 'the right to mount', found })) return rmSync(disk, { recursive: true })
  try {
    const workDir = join(disk, 'agent')
    mkdirSync(workDir)
    await using machine = realMachine(undefined, systemClock, { workDir })
    // Of 64 MiB the limit is 6.4 and the reserve 1.28.
    writeFileSync(join(disk, 'others'), Buffer.alloc(59 * MIB))
    const { containers, log } = await opened(machine)
    containers.launch(aContainer({ containerId: 'c-2', output: 'calm' }))
    await log.until('started', 'c-2')
    const shell = 'head -c 4500000 /dev/zero >full; exec sleep 600'
    containers.launch(aTaskOf(shell))
    await log.until('ended', 'c-1')
    t.is(limitOf(log, 'c-1')?.reason, 'CONTAINER_LIMITATION_DISK')
    t.regex(
      limitOf(log, 'c-1')?.message ?? '',
      /^the agent's disk was almost full, with .* no disk/,
    )
    t.is(log.of('c-2').at(-1)?.kind, 'started')
  } finally {
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true, force: true })
  }
})

function mounted(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', path])
    return true
  } catch {
    // In a container that is often forbidden.
    return false
  }
}

/** Listens on a free port that it was not given, says which, and on the one that it was. */
const LISTENER = `
const server = require('node:net').createServer()
server.listen(0, '127.0.0.1', () => {
  require('node:fs').writeFileSync('port', server.address().port + '\\n')
})
require('node:net').createServer().listen(Number(process.env.PORT0), '127.0.0.1')
`
const listener = (port: number): ContainerSpec => ({
  ...aContainer(),
  command: { argv: [process.execPath, '-e', LISTENER] },
  ports: [port],
})

test('where that is enforced, it is ended for it', async (t) => {
  const other = { portsLookMs: 250, enforcesPorts: true }
  await using machine = realMachine(undefined, systemClock, other)
  const { containers, log } = await opened(machine)
  containers.launch(listener(31_989))
  await log.until('ended', 'c-1')
  t.like(limitOf(log, 'c-1'), { reason: 'CONTAINER_LIMITATION_PORTS', ends: true })
})

test('each GPU is one task’s, also after a restart of the agent, until it has ended', async (t) => {
  const devPath = mkdtempSync(join(tmpdir(), 'bourse-dev-'))
  for (const name of ['nvidia0', 'nvidia1', 'nvidia2']) writeFileSync(join(devPath, name), '')
  t.deepEqual(findGpus(devPath), [0, 1, 2])
  const other = {
    // Of each agent its own: who has which is to be found in the files.
    get gpus() {
      return new GpuPool(devPath)
    },
  }
  await using machine = realMachine(undefined, systemClock, other)
  const first = await opened(machine)
  const gpuTask = (id: string, gpus: number) =>
    aTaskOf('echo "$NVIDIA_VISIBLE_DEVICES" >gpus; exec sleep 600', { gpus }, id)
  const told = async (id: string) => {
    const file = join(machine.sandboxPath(gpuTask(id, 0)), 'gpus')
    await fileHolds(file, /\n/)
    return readFileSync(file, 'utf8').trim()
  }
  t.true(first.containers.isolators.includes('gpus'))
  first.containers.launch(gpuTask('c-1', 2))
  first.containers.launch(gpuTask('c-2', 0))
  await first.log.until('started', 'c-1', 'c-2')
  t.deepEqual([await told('c-1'), await told('c-2')], ['0,1', 'void'])
  await first.containers.close()
  const { containers, log } = await opened(machine)
  containers.launch(gpuTask('c-3', 2))
  await log.until('launch-failed', 'c-3')
  t.like(log.of('c-3'), [{ why: 'it was given 2 GPUs, and so many are not free here' }])
  containers.launch(gpuTask('c-4', 1))
  await log.until('started', 'c-4')
  t.is(await told('c-4'), '2')
  containers.kill('c-1', 0)
  await log.until('ended', 'c-1')
  containers.launch(gpuTask('c-5', 2))
  await log.until('started', 'c-5')
  t.is(await told('c-5'), '0,1')
  rmSync(devPath, { recursive: true })
})
