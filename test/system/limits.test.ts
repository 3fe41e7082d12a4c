/** Tasks that take all they can get: each ends alone, for a reason told, and leaves nothing. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { ContainerSpec } from '../../agent-runtime/containerizer/containerizer.ts'
import type { Containerizers } from '../../agent-runtime/containerizer/containerizers.ts'
import { parseLaunchHead } from '../../agent-runtime/containerizer/launch-file.ts'
import { readCgroupWorld } from '../../agent-runtime/isolator/cgroups/mounts.ts'
import type { Limits } from '../../agent-runtime/isolator/isolator.ts'
import { ContainerAgent } from '../support/container-agent.ts'
import {
  aContainer,
  EventLog,
  fileHolds,
  type Opened,
  opened,
  processesOf,
  type RealMachine,
  realMachine,
} from '../support/containers.ts'
import { cgroupsLeft } from '../support/left-over.ts'
import { needs } from '../support/needs.ts'

const MIB = 1024 * 1024

/** Takes memory without end, and touches it. */
const HOG = ['tail', '/dev/zero']
/** Forks what forks, and says when it could not. */
const BOMB = 'b() { b & b & wait; }; while :; do (b) 2>>refused; done & exec sleep 600'

function can(t: ExecutionContext, { isolators }: Containerizers, name: string): boolean {
  return needs(t, { name: `the right to hold tasks by ${name}`, found: isolators.includes(name) })
}

function aTaskOf(command: ContainerSpec['command'], limits: Limits, id = 'c-1'): ContainerSpec {
  return { ...aContainer({ containerId: id }), command, limits }
}

/** A file of the cgroup in which a container is held. */
function cgroupFile(machine: RealMachine, isolator: string, file: string): string {
  const text = readFileSync(join(machine.workDir, 'runtime', 'launches', 'c-1'), 'utf8')
  const hold = parseLaunchHead(text)?.holds?.find((one) => one.isolator === isolator)
  const path = hold !== undefined && 'path' in hold ? hold.path : ''
  return readFileSync(join(path, file), 'utf8').trim()
}

/** Removes all containers, then looks from outside. */
async function leavesNothing(
  t: ExecutionContext,
  machine: RealMachine,
  { containers, log }: Opened<Containerizers>,
): Promise<void> {
  await Promise.all(log.events.map(({ containerId }) => containers.destroy(containerId)))
  await containers.close()
  t.deepEqual(cgroupsLeft(machine), [])
}

test('what ran out of memory while its agent was dead is told with the reason', async (t) => {
  await using machine = realMachine()
  const { containers: probe } = await opened(machine)
  if (!can(t, probe, 'memory')) return
  await probe.close()
  const shell = `until [ -e go ]; do sleep 0.02; done; exec ${HOG.join(' ')}`
  const spec = aTaskOf({ shell }, { memBytes: 40 * MIB })
  const other = aTaskOf({ shell: 'exec sleep 600' }, { memBytes: 48 * MIB }, 'c-2')
  const agent = new ContainerAgent({ workDir: machine.workDir, launches: [spec, other] })
  await agent.until('started', 2)
  await agent.kill()
  writeFileSync(join(machine.sandboxPath(spec), 'go'), '')
  await machine.endUnseen('c-1')
  const log = new EventLog(machine)
  const containers = await machine.open(log.onEvent)
  const found = await containers.recover()
  const stateOf = (id: string) => found.find(({ containerId }) => containerId === id)?.state
  t.like(stateOf('c-1'), {
    kind: 'ended',
    exit: { signal: 'SIGKILL' },
    limit: { reason: 'CONTAINER_LIMITATION_MEMORY' },
  })
  t.deepEqual(stateOf('c-2'), { kind: 'running' })
  t.true(((await containers.usage('c-2'))?.memPeakBytes ?? 0) > 0, 'what runs on is counted on')
  await containers.destroy('c-1')
  await containers.destroy('c-2')
  await containers.close()
  t.deepEqual(cgroupsLeft(machine), [])
})

test('a fork bomb fills its own limit, and a kill ends all of it', async (t) => {
  await using machine = realMachine()
  const all = await opened(machine)
  const { containers, log } = all
  if (!can(t, containers, 'pids')) return
  const spec = aTaskOf({ shell: BOMB }, { pidsMax: 60, cpus: 0.1 })
  containers.launch(spec)
  await log.until('started', 'c-1')
  await fileHolds(join(machine.sandboxPath(spec), 'refused'), /fork/i)
  t.is(cgroupFile(machine, 'pids', 'pids.max'), '60')
  t.true(((await containers.usage('c-1'))?.pids ?? 0) <= 60)
  containers.launch({ ...aContainer({ containerId: 'c-2', exit: 0 }), limits: { pidsMax: 60 } })
  await log.until('ended', 'c-2')
  containers.kill('c-1', 0)
  await log.until('ended', 'c-1')
  const end = log.of('c-1').at(-1) as { exit?: unknown; limit?: { message: string } }
  t.deepEqual(end.exit, { signal: 'SIGKILL' })
  t.regex(end.limit?.message ?? '', /^its limit of 60 processes and threads kept it from starting/)
  t.deepEqual(processesOf(machine.workDir), [])
  await leavesNothing(t, machine, all)
})

test('shares and a quota of cpus are written, and what was used is counted', async (t) => {
  await using machine = realMachine()
  const all = await opened(machine)
  const { containers, log } = all
  if (!can(t, containers, 'cpu')) return
  // Much work: the kernel checks a quota at its ticks alone, and a few ms pass between two.
  const shell = 'i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done; echo worked; exec sleep 600'
  const spec = aTaskOf({ shell }, { cpus: 0.5, cpusMax: 0.02, memBytes: 64 * MIB })
  containers.launch(spec)
  await machine.written(spec)
  const isVersion1 = readCgroupWorld().mounts.some((one) => one.controllers.includes('cpu'))
  const read = (file: string) => cgroupFile(machine, 'cpu', file)
  if (isVersion1) t.deepEqual([read('cpu.shares'), read('cpu.cfs_quota_us')], ['512', '2000'])
  else t.deepEqual([read('cpu.weight'), read('cpu.max')], ['20', '2000 100000'])
  const usage = await containers.usage('c-1')
  t.true((usage?.throttledMs ?? 0) > 0)
  t.true((usage?.cpuMs ?? 0) > 0)
  t.true((usage?.memBytes ?? 0) > 0)
  t.is(usage?.pids, 1)
  t.is(await containers.usage('nobody'), undefined)
  containers.kill('c-1', 0)
  await log.until('ended', 'c-1')
  await leavesNothing(t, machine, all)
})

test('without cgroups a containerizer says what it holds nobody to, and runs tasks', async (t) => {
  await using machine = realMachine('session')
  const { containers, log } = await opened(machine)
  const inCgroups = ['pids', 'memory', 'cpu', 'devices']
  t.deepEqual(
    containers.isolators.filter((name) => inCgroups.includes(name)),
    [],
  )
  t.is(
    containers.missing[0],
    'tasks are held to no share of cpus, memory, processes or devices: that takes root, and cgroups that may be written',
  )
  containers.launch({ ...aContainer({ exit: 0 }), limits: { memBytes: MIB, pidsMax: 1 } })
  await log.until('ended', 'c-1')
  t.deepEqual(await containers.usage('c-1'), {})
})
