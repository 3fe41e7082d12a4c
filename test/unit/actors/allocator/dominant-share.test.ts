import test from 'ava'
import {
  addScalars,
  ResourceNames,
  readHolding,
  type Scalars,
  scalarsOfQuantities,
  takeScalars,
} from '../../../../actors/allocator/books/scalars.ts'
import { dominantShare } from '../../../../actors/allocator/roles/dominant-share.ts'

const names = new ResourceNames()
const scalars = (wanted: Record<string, number>): Scalars => scalarsOfQuantities(names, wanted)

test('who holds nothing has share 0', (t) => {
  t.is(dominantShare([], scalars({ cpus: 9 })), 0)
})

test('the share is that of the resource held most', (t) => {
  const total = scalars({ cpus: 10, mem: 1000 })
  t.is(dominantShare(scalars({ cpus: 1, mem: 500 }), total), 0.5)
  t.is(dominantShare(scalars({ cpus: 7, mem: 500 }), total), 0.7)
})

test('a resource that the cluster does not have does not count', (t) => {
  const total = scalars({ cpus: 10 })
  t.is(dominantShare(scalars({ cpus: 1, gpus: 8 }), total), 0.1)
  t.is(dominantShare(scalars({ gpus: 8 }), []), 0)
})

test('entries of one name count together, ranges and sets do not count', (t) => {
  const own = new ResourceNames()
  const { scalars: sum, unreserved } = readHolding(own, [
    { name: 'cpus', scalar: 1 },
    { name: 'cpus', scalar: 2, revocable: true },
    { name: 'cpus', scalar: 4, role: 'web' },
    { name: 'ports', ranges: [[1, 1000]] },
    { name: 'colours', set: ['red'] },
  ])
  t.deepEqual(own.names, ['cpus'])
  t.deepEqual(sum, [7000])
  t.deepEqual(unreserved, [1000])
})

test('what is added and taken away again leaves nothing', (t) => {
  const sum: Scalars = []
  addScalars(sum, scalars({ mem: 5 }))
  takeScalars(sum, scalars({ mem: 5 }))
  t.true(sum.every((thousandths) => thousandths === 0))
})

test("the paper's example: 9 CPUs and 18 GB end as 3 tasks of A and 2 of B, 2/3 each", (t) => {
  const total = scalars({ cpus: 9, mem: 18 })
  const users = [
    { task: scalars({ cpus: 1, mem: 4 }), tasks: 0, held: [] as Scalars },
    { task: scalars({ cpus: 3, mem: 1 }), tasks: 0, held: [] as Scalars },
  ]
  const free = scalars({ cpus: 9, mem: 18 })
  for (;;) {
    const next = users.reduce((a, b) =>
      dominantShare(a.held, total) <= dominantShare(b.held, total) ? a : b,
    )
    if (next.task.some((amount, i) => amount > (free[i] ?? 0))) break
    takeScalars(free, next.task)
    addScalars(next.held, next.task)
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
