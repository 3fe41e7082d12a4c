/** Version 1 by the kernel; version 2 on files only: no kernel of it has run this yet. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { openIsolators } from '../../../agent-runtime/isolator/isolators.ts'
import { CGROUP_ISOLATORS, ISOLATORS } from '../../../agent-runtime/isolator/order.ts'
import { BARE_MACHINE, CONTAINER, filesPlace, kernelPlace } from '../../support/isolators.ts'
import { byCgroups, cgroupsContract } from './cgroups.ts'
import { isolatorContract } from './contract.ts'
import { privateFiles } from './private-files.ts'
import { rights } from './rights.ts'
import { SAMPLES } from './samples.ts'

for (const isolator of ISOLATORS) {
  isolatorContract(test, isolator.name, isolator, kernelPlace)
}
for (const isolator of CGROUP_ISOLATORS) {
  isolatorContract(test, `${isolator.name}, v2 as files`, isolator, filesPlace)
}
cgroupsContract(test, 'cgroups v1', kernelPlace)
cgroupsContract(test, 'cgroups v2, as files', filesPlace)
privateFiles(test)
rights(test)

test('every isolator is in the list, once, and has a sample', (t) => {
  const names = ISOLATORS.map(({ name }) => name)
  t.deepEqual(names.toSorted(), Object.keys(SAMPLES).toSorted())
  for (const { proofs } of Object.values(SAMPLES)) t.true(proofs.length > 0)
})

test('on a machine that has nothing, what a task may ask for is refused by the name of it', async (t) => {
  const world = { mounts: [], own: '' }
  const isolators = await openIsolators({ ...BARE_MACHINE, name: 'x', killBase: undefined, world })
  t.is(isolators.problem({ gpus: 1 }), 'it was given GPUs, and this machine has none')
  t.is(isolators.problem({}), undefined)
  t.is(isolators.missing.filter((sentence) => /cgroups/.test(sentence)).length, 1, 'said once')
})

test('cgroups v2, as files: usage is in milliseconds and bytes', async (t) => {
  await using place = filesPlace()
  const held = (await place.open())?.prepare({ containerId: CONTAINER, sandboxPath: '/' })
  t.deepEqual(typeof held === 'object' && held.held.usage(), {
    cpuMs: 1.5,
    throttledMs: 2.5,
    memBytes: 4096,
    memPeakBytes: 8192,
    pids: 1,
  })
})

test('cgroups v2, as files: where the agent is in the way, the uppermost cgroup is used', async (t) => {
  await using place = filesPlace()
  const bases = [...((await place.open())?.bases ?? [])]
  const root = place.world.mounts[0]?.mount ?? ''
  t.deepEqual(bases, [join(root, 'bourse', 'agent-1')])
  t.is(readFileSync(join(root, 'cgroup.subtree_control'), 'utf8'), '+cpu +memory +pids')
  t.false(existsSync(join(root, 'agent.slice', 'bourse')), 'nothing is left of the first try')
})

test('cgroups v2, as files: where the own cgroup has fewer controllers, the uppermost is used', async (t) => {
  await using place = filesPlace()
  const root = place.world.mounts[0]?.mount ?? ''
  const own = join(root, 'agent.slice')
  writeFileSync(join(own, 'cgroup.controllers'), '\n')
  rmSync(join(own, 'cgroup.subtree_control'), { recursive: true })
  writeFileSync(join(own, 'cgroup.subtree_control'), '')
  const isolators = await place.open()
  t.deepEqual(byCgroups(isolators?.names ?? []), ['pids', 'memory', 'cpu'])
  t.deepEqual([...(isolators?.bases ?? [])], [join(root, 'bourse', 'agent-1')])
  t.is(readFileSync(join(own, 'cgroup.subtree_control'), 'utf8'), '', 'it is left as it was')
})

test('each controller that is not there is named, once', async (t) => {
  const world = { mounts: [], own: '' }
  const isolators = await openIsolators({
    ...BARE_MACHINE,
    name: 'x',
    killBase: '/nowhere',
    world,
  })
  t.deepEqual(byCgroups(isolators.names), [])
  t.deepEqual(
    isolators.missing.filter((sentence) => sentence.includes('cgroups')),
    [
      'tasks are not held to a number of processes: no cgroups of pids are mounted',
      'tasks are not held to their memory: no cgroups of memory are mounted',
      'tasks get no share of the cpus: no cgroups of cpu are mounted',
      'tasks can open every device that their user may: no cgroups of devices are mounted, and version 2 takes eBPF for it',
    ],
  )
})
