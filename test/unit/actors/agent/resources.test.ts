import test from 'ava'
import { completeResources, cutGpus } from '../../../../actors/agent/main.ts'
import type { ResourceList } from '../../../../protocol/schema/common.ts'

const MACHINE: ResourceList = [
  { name: 'cpus', scalar: 8 },
  { name: 'mem', scalar: 4096 },
  { name: 'ports', ranges: [[31_000, 32_000]] },
  { name: 'gpus', scalar: 2 },
]

test('of what is not given there is what the machine has', (t) => {
  t.deepEqual(completeResources([], MACHINE), MACHINE)
  t.deepEqual(completeResources([{ name: 'cpus', scalar: 2 }], MACHINE), [
    { name: 'cpus', scalar: 2 },
    ...MACHINE.slice(1),
  ])
})

test('of what is given for a role nothing is added', (t) => {
  const given: ResourceList = [{ name: 'mem', role: 'web', scalar: 64 }]
  const found = completeResources(given, MACHINE)
  t.deepEqual(
    found.filter(({ name }) => name === 'mem'),
    given,
  )
  t.is(found.length, MACHINE.length)
})

test('of what is given as nothing there is nothing', (t) => {
  const given: ResourceList = [
    { name: 'gpus', scalar: 0 },
    { name: 'ports', ranges: [] },
  ]
  t.deepEqual(completeResources(given, MACHINE), MACHINE.slice(0, 2))
})

test('of GPUs that are wanted and have gone only those that there are are offered', (t) => {
  t.deepEqual(cutGpus(MACHINE, 2), { resources: MACHINE })
  const ofRole: ResourceList = [{ name: 'gpus', role: 'web', scalar: 2 }]
  t.deepEqual(cutGpus([...MACHINE, ...ofRole], 3), {
    resources: [...MACHINE, { name: 'gpus', role: 'web', scalar: 1 }],
    lacks: 'the agent is to offer 4 gpus, and /dev has 3',
  })
  t.deepEqual(cutGpus(MACHINE, 0).resources, MACHINE.slice(0, 3))
})
