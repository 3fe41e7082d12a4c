import test from 'ava'
import { equalShares } from '../../../cli/dev/shares.ts'
import { countRanges } from '../../../protocol/ranges.ts'
import {
  addResources,
  containsResources,
  rangesOf,
  resourcesOf,
} from '../../../protocol/resources.ts'
import type { ResourceList } from '../../../protocol/schema/common.ts'

const MACHINE: ResourceList = [
  { name: 'cpus', scalar: 2 },
  { name: 'mem', scalar: 1000 },
  {
    name: 'ports',
    ranges: [
      [31_000, 31_004],
      [32_000, 32_004],
    ],
  },
  { name: 'gpus', set: ['a', 'b'] },
]

test('a machine in three parts', (t) => {
  t.deepEqual(equalShares(MACHINE, 3)[1], [
    { name: 'cpus', scalar: 0.666 },
    { name: 'mem', scalar: 333 },
    {
      name: 'ports',
      ranges: [
        [31_003, 31_004],
        [32_000, 32_000],
      ],
    },
    { name: 'gpus', set: ['b'] },
  ])
})

for (const count of [1, 2, 3, 7, 20])
  test(`${count} parts together are no more than the machine`, (t) => {
    const parts = equalShares(MACHINE, count).map(resourcesOf)
    t.is(parts.length, count)
    for (const part of parts) t.is(countRanges(rangesOf(part, 'ports')), Math.floor(10 / count))
    t.true(containsResources(resourcesOf(MACHINE), parts.reduce(addResources)))
  })
