import test from 'ava'
import {
  addScalars,
  dominantShare,
  type Scalars,
} from '../../../../actors/allocator/dominant-share.ts'
import { resourcesOf } from '../../../../protocol/resources.ts'

const scalars = (wanted: Record<string, number>): Scalars => {
  const sum: Scalars = new Map()
  addScalars(sum, resourcesOf(wanted), 1)
  return sum
}

test('who holds nothing has share 0', (t) => {
  t.is(dominantShare(new Map(), scalars({ cpus: 9 })), 0)
})

test('the share is that of the resource held most', (t) => {
  const total = scalars({ cpus: 10, mem: 1000 })
  t.is(dominantShare(scalars({ cpus: 1, mem: 500 }), total), 0.5)
  t.is(dominantShare(scalars({ cpus: 7, mem: 500 }), total), 0.7)
})

test('a resource that the cluster does not have does not count', (t) => {
  const total = scalars({ cpus: 10 })
  t.is(dominantShare(scalars({ cpus: 1, gpus: 8 }), total), 0.1)
  t.is(dominantShare(scalars({ gpus: 8 }), new Map()), 0)
})

test('entries of one name count together, ranges and sets do not count', (t) => {
  const sum: Scalars = new Map()
  const list = resourcesOf([
    { name: 'cpus', scalar: 1 },
    { name: 'cpus', scalar: 2, revocable: true },
    { name: 'ports', ranges: [[1, 1000]] },
    { name: 'colours', set: ['red'] },
  ])
  addScalars(sum, list, 1)
  t.deepEqual([...sum], [['cpus', 3000]])
  addScalars(sum, list, -1)
  t.deepEqual([...sum], [])
})

test("the paper's example: 9 CPUs and 18 GB end as 3 tasks of A and 2 of B, 2/3 each", (t) => {
  const total = scalars({ cpus: 9, mem: 18 })
  const users = [
    { task: { cpus: 1, mem: 4 }, tasks: 0, held: new Map() as Scalars },
    { task: { cpus: 3, mem: 1 }, tasks: 0, held: new Map() as Scalars },
  ]
  const free = scalars({ cpus: 9, mem: 18 })
  for (;;) {
    const next = users.reduce((a, b) =>
      dominantShare(a.held, total) <= dominantShare(b.held, total) ? a : b,
    )
    const task = resourcesOf(next.task)
    const fits = [...scalars(next.task)].every(([name, amount]) => amount <= (free.get(name) ?? 0))
    if (!fits) break
    addScalars(free, task, -1)
    addScalars(next.held, task, 1)
    next.tasks += 1
  }
  t.deepEqual(
    users.map(({ tasks }) => tasks),
    [3, 2],
  )
  t.deepEqual(
    users.map(({ held }) => dominantShare(held, total)),
    [2 / 3, 2 / 3],
  )
})
