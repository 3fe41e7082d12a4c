import test from 'ava'
import fc from 'fast-check'
import { nextInteger, seededRandom, shuffle } from '../../../actors/parts/random.ts'
import { check } from '../../../protocol/check.ts'
import { AGENT_BYTES_MAX, RESOURCE_PARTS_MAX, SCALAR_MAX } from '../../../protocol/limits.ts'
import {
  addResources,
  containsResources,
  describeResources,
  isEmpty,
  listResources,
  NO_RESOURCES,
  parseResources,
  putInto,
  type ResourceBook,
  type Resources,
  rangesOf,
  resourcesOf,
  scalarOf,
  subtractResources,
  takeFrom,
} from '../../../protocol/resources.ts'
import { fromThousandths, toThousandths } from '../../../protocol/scalar.ts'
import type { ResourceEntry, ResourceList } from '../../../protocol/schema/common.ts'
import { spellResources } from '../../../protocol/spell-resources.ts'
import { wireBytes } from '../../../protocol/wire-size.ts'

const SEED = '0123456789abcdef0123456789abcdef'

const traits = fc.constantFrom<Partial<ResourceEntry>>(
  {},
  { role: 'a/b' },
  { revocable: true },
  { reservations: [{ role: 'a' }] },
  { disk: { source: { type: 'mount', root: '/data' } } },
)
const thousandths = fc.integer({ min: 0, max: 1_000_000 })
const scalarEntry = fc
  .tuple(fc.constantFrom('cpus', 'mem'), thousandths, traits)
  .map(([name, n, more]) => ({ name, scalar: n / 1000, ...more }))
const range = fc
  .tuple(fc.nat(60), fc.nat(5))
  .map(([from, length]): [number, number] => [from, from + length])
const rangesEntry = fc
  .tuple(fc.array(range, { maxLength: 5 }), traits)
  .map(([ranges, more]) => ({ name: 'ports', ranges, ...more }))
const setEntry = fc
  .tuple(fc.uniqueArray(fc.constantFrom('red', 'green', 'blue')), traits)
  .map(([set, more]) => ({ name: 'colours', set, ...more }))
const entry: fc.Arbitrary<ResourceEntry> = fc.oneof(scalarEntry, rangesEntry, setEntry)
const resources = fc.array(entry, { maxLength: 8 }).map(resourcesOf)
const scalars = fc.array(scalarEntry, { maxLength: 8 }).map(resourcesOf)

const isSame = (a: Resources, b: Resources): boolean =>
  a.size === b.size && containsResources(a, b) && containsResources(b, a)

test('scalars: taking away what was added gives what was there', (t) => {
  fc.assert(
    fc.property(scalars, scalars, (a, b) => {
      const left = subtractResources(addResources(a, b), b)
      t.true(left !== undefined && isSame(left, a))
    }),
  )
})

test('whatever is contained can be taken away and added again', (t) => {
  fc.assert(
    fc.property(resources, resources, (a, b) => {
      const whole = addResources(a, b)
      const left = subtractResources(whole, b)
      t.true(left !== undefined && isSame(addResources(left, b), whole))
    }),
  )
})

test('what is not contained cannot be taken away, not even in part', (t) => {
  fc.assert(
    fc.property(resources, resources, (a, b) => {
      t.is(subtractResources(a, b) === undefined, !containsResources(a, b))
    }),
  )
})

test('adding has no order', (t) => {
  fc.assert(
    fc.property(resources, resources, resources, (a, b, c) => {
      t.true(isSame(addResources(a, b), addResources(b, a)))
      t.true(isSame(addResources(addResources(a, b), c), addResources(a, addResources(b, c))))
    }),
  )
})

test('arithmetic changes neither operand', (t) => {
  fc.assert(
    fc.property(resources, resources, (a, b) => {
      const before = JSON.stringify([listResources(a), listResources(b)])
      addResources(a, b)
      subtractResources(a, b)
      subtractResources(addResources(a, b), b)
      t.is(JSON.stringify([listResources(a), listResources(b)]), before)
    }),
  )
})

test('a book changes in place as resources are added and taken, and changes nothing else', (t) => {
  fc.assert(
    fc.property(resources, resources, resources, (a, b, c) => {
      const before = JSON.stringify([a, b, c].map(listResources))
      const book: ResourceBook = new Map(a)
      putInto(book, b)
      t.true(isSame(book, addResources(a, b)))
      const left = subtractResources(addResources(a, b), c)
      t.is(takeFrom(book, c), left !== undefined)
      t.true(isSame(book, left ?? addResources(a, b)))
      t.is(JSON.stringify([a, b, c].map(listResources)), before)
    }),
  )
})

test('what is listed is parsed back as the same', (t) => {
  fc.assert(fc.property(resources, (a) => t.true(isSame(resourcesOf(listResources(a)), a))))
})

test('100,000 random thousandths, added and taken away in other orders, leave nothing behind', (t) => {
  const random = seededRandom(SEED)
  const parts = Array.from({ length: 100_000 }, () => nextInteger(random, 1, 10_000) / 1000)
  let sum = NO_RESOURCES
  for (const part of parts) sum = addResources(sum, resourcesOf({ cpus: part }))
  t.is(
    scalarOf(sum, 'cpus'),
    parts.reduce((all, part) => all + Math.round(part * 1000), 0),
  )
  for (const part of shuffle(random, parts)) {
    const left = subtractResources(sum, resourcesOf({ cpus: part }))
    if (left === undefined) return t.fail(`${part} is not there any more`)
    sum = left
  }
  t.true(isEmpty(sum))
})

test('0.1 and 0.2 cpus are 0.3 cpus', (t) => {
  const sum = addResources(resourcesOf({ cpus: 0.1 }), resourcesOf({ cpus: 0.2 }))
  t.deepEqual(listResources(sum), [{ name: 'cpus', scalar: 0.3 }])
})

test('every number of thousandths comes back as it was', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: SCALAR_MAX * 1000 }), (n) => {
      t.is(toThousandths(fromThousandths(n)), n)
    }),
  )
})

test('entries add up only when all their traits agree', (t) => {
  const sum = resourcesOf([
    { name: 'cpus', scalar: 1 },
    { name: 'cpus', scalar: 2, shared: false },
    { name: 'cpus', scalar: 4, revocable: true },
    { name: 'cpus', scalar: 8, role: 'a' },
    { name: 'cpus', scalar: 16, reservations: [{ role: 'a' }] },
    { name: 'cpus', scalar: 32, reservations: [{ role: 'b' }] },
  ])
  t.deepEqual(
    listResources(sum).map(({ scalar }) => scalar),
    [3, 4, 8, 16, 32],
  )
  t.is(scalarOf(sum, 'cpus'), 63_000)
  t.is(scalarOf(sum, 'mem'), 0)
})

test('what is nothing is not there', (t) => {
  t.true(
    isEmpty(
      resourcesOf([
        { name: 'cpus', scalar: 0 },
        { name: 'mem', scalar: 0.0001 },
        { name: 'ports', ranges: [] },
        { name: 'colours', set: [] },
      ]),
    ),
  )
})

test('the short form is a list of scalars', (t) => {
  t.true(
    isSame(
      resourcesOf({ cpus: 0.5, mem: 32 }),
      resourcesOf([
        { name: 'mem', scalar: 32 },
        { name: 'cpus', scalar: 0.5 },
      ]),
    ),
  )
})

const wrong: Readonly<Record<string, ResourceEntry[]>> = {
  'resource cpus has not exactly one of scalar, ranges, set': [
    { name: 'mem', scalar: 1 },
    { name: 'cpus' },
  ],
  'resource disk has not exactly one of scalar, ranges, set': [
    { name: 'disk', scalar: 1, set: ['a'] },
  ],
  'resource ports has a range 5-4': [
    {
      name: 'ports',
      ranges: [
        [1, 2],
        [5, 4],
      ],
    },
  ],
  'resource gpus is given as two kinds': [
    { name: 'gpus', scalar: 1 },
    { name: 'gpus', set: ['a'] },
  ],
}
for (const [message, list] of Object.entries(wrong)) {
  test(`refused: ${message}`, (t) => {
    t.deepEqual(parseResources(list), { code: 400, name: 'invalid', message })
    t.throws(() => resourcesOf(list), { instanceOf: RangeError, message })
  })
}

test('one name may be of two kinds where the traits differ', (t) => {
  const both = parseResources([
    { name: 'gpus', scalar: 1 },
    { name: 'gpus', set: ['a'], role: 'x' },
  ])
  t.false('code' in both)
})

test('ranges of one name are joined whatever their traits', (t) => {
  const both = resourcesOf([
    { name: 'ports', ranges: [[1, 4]] },
    { name: 'ports', ranges: [[5, 9]], role: 'a' },
  ])
  t.deepEqual(rangesOf(both, 'ports'), [[1, 9]])
})

test('for people: amounts by name, ranges and sets counted', (t) => {
  t.is(
    describeResources(
      resourcesOf([
        { name: 'cpus', scalar: 1.5 },
        { name: 'ports', ranges: [[31000, 31009]] },
        { name: 'colours', set: ['red', 'blue'] },
      ]),
    ),
    'cpus 1.5, ports 10, colours 2',
  )
  t.is(describeResources(NO_RESOURCES), 'nothing')
})

test('where it counts which, ranges and sets are spelled out, of long ones the beginning', (t) => {
  const odd = Array.from({ length: 20 }, (_, i): [number, number] => [2 * i + 1, 2 * i + 1])
  const spelled = (ranges: [number, number][]) =>
    spellResources(
      resourcesOf([
        { name: 'cpus', scalar: 1.5 },
        { name: 'ports', ranges },
      ]),
    )
  t.is(
    spelled([
      [80, 80],
      [31000, 31499],
    ]),
    'cpus 1.5, ports [80-80, 31000-31499]',
  )
  t.is(spelled(odd), 'cpus 1.5, ports [1-1, 3-3, 5-5, 7-7, 9-9, 11-11, 13-13, 15-15, … 20 in all]')
  t.is(spellResources(resourcesOf([{ name: 'colours', set: ['red'] }])), 'colours {red}')
  t.is(spellResources(NO_RESOURCES), 'nothing')
})

test('entries that add up to more than one may say are refused', (t) => {
  const evens = (from: number): [number, number][] =>
    Array.from({ length: RESOURCE_PARTS_MAX }, (_, i) => [from + 2 * i, from + 2 * i])
  const mem = { name: 'mem', scalar: SCALAR_MAX }
  t.false('code' in parseResources([mem]))
  t.like(parseResources([mem, { ...mem, scalar: 0.001 }]), { name: 'invalid' })
  const ports = { name: 'ports', ranges: evens(0) }
  t.false('code' in parseResources([ports]))
  t.like(parseResources([ports, { ...ports, ranges: evens(5_000) }]), { name: 'invalid' })
})

/** As an agent's figure, which holds it twice. */
function isTaken(list: ResourceList): boolean {
  const figure = { kind: 'agent', agentId: 'a', version: 1, total: list, free: list }
  const message = { epoch: 1, run: '0'.repeat(16), session: '0'.repeat(16), n: 1, heard: 0 }
  return check('AllocatorFigures', { ...message, figures: [figure] }).ok
}

test('what arithmetic makes of resources is listed as far as a receiver takes it', (t) => {
  const names = Array.from({ length: 250 }, (_, i) => `port-${i}`)
  const whole = resourcesOf([
    { name: 'mem', scalar: SCALAR_MAX },
    ...names.map((name): ResourceEntry => ({ name, ranges: [[0, 65_535]] })),
  ])
  const everyOther = names.map(
    (name): ResourceEntry => ({
      name,
      ranges: Array.from({ length: 1_024 }, (_, i) => [10 * i, 10 * i]),
    }),
  )
  let left = addResources(whole, resourcesOf({ mem: 1, gpus: 1 }))
  for (const entry of everyOther) {
    const { name, ranges = [] } = entry
    left = subtractResources(left, resourcesOf([entry])) ?? NO_RESOURCES
    const more = ranges.map(([at]): [number, number] => [at + 15_000, at + 15_000])
    left = subtractResources(left, resourcesOf([{ name, ranges: more }])) ?? NO_RESOURCES
  }
  const list = listResources(left)
  t.true(isTaken(list))
  t.true(wireBytes(list) <= AGENT_BYTES_MAX)
  t.true(containsResources(left, resourcesOf(list)))
  t.deepEqual(list.slice(0, 2), [
    { name: 'mem', scalar: SCALAR_MAX },
    { name: 'gpus', scalar: 1 },
  ])
  t.true(rangesOf(resourcesOf(list), 'port-0').some(([, end]) => end === 65_535))
})
