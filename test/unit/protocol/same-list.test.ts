import test from 'ava'
import fc from 'fast-check'
import { isSameList } from '../../../protocol/same-list.ts'
import type { ResourceEntry, ResourceList } from '../../../protocol/schema/common.ts'

const range = fc.tuple(fc.nat(2), fc.nat(2)).map((ends): [number, number] => ends)
const amount = fc.oneof(
  fc.record({ scalar: fc.nat(2) }),
  fc.record({ ranges: fc.array(range, { maxLength: 2 }) }),
  fc.record({ set: fc.array(fc.constantFrom('red', 'green'), { maxLength: 1 }) }),
)
const traits = fc.constantFrom<Partial<ResourceEntry>>({}, {}, {}, { role: 'a' }, { shared: true })
const entry = fc
  .tuple(fc.constantFrom('cpus', 'mem'), amount, traits)
  .map(([name, how, more]): ResourceEntry => ({ name, ...how, ...more }))
const list: fc.Arbitrary<ResourceList> = fc.array(entry, { maxLength: 3 })

const isBare = ({ set, role, shared }: ResourceEntry): boolean =>
  set === undefined && role === undefined && shared === undefined

test('lists that are said to be the same are equal', (t) => {
  let same = 0
  fc.assert(
    fc.property(list, list, (a, b) => {
      if (!isSameList(a, b)) return
      same += 1
      t.deepEqual(a, b)
    }),
    { numRuns: 2_000 },
  )
  t.true(same > 20, `${same}`)
})

test('a copy of a list of bare entries is the same', (t) => {
  fc.assert(
    fc.property(list, (a) => {
      t.is(isSameList(a, structuredClone(a)), a.every(isBare))
    }),
  )
})
