import test from 'ava'
import fc from 'fast-check'
import {
  addRanges,
  containsRanges,
  countRanges,
  normalizeRanges,
  type Range,
  type Ranges,
  subtractRanges,
} from '../../../protocol/ranges.ts'

const SIZE = 40
const end = fc.integer({ min: 0, max: SIZE })
const anyRanges: fc.Arbitrary<Ranges> = fc.array(fc.tuple(end, end), { maxLength: 8 })
const ranges = anyRanges.map(normalizeRanges)

/** The naive model: the integers themselves. */
function modelOf(list: Ranges): Set<number> {
  const model = new Set<number>()
  for (const [from, to] of list) for (let i = from; i <= to; i++) model.add(i)
  return model
}

function rangesOf(model: ReadonlySet<number>): Ranges {
  const list: Range[] = []
  for (let i = 0; i <= SIZE; i++) {
    if (!model.has(i)) continue
    const from = i
    while (model.has(i + 1)) i++
    list.push([from, i])
  }
  return list
}

test('any list becomes the one canonical list of the same integers', (t) => {
  fc.assert(
    fc.property(anyRanges, (list) => t.deepEqual(normalizeRanges(list), rangesOf(modelOf(list)))),
  )
})

test('adding is the union', (t) => {
  fc.assert(
    fc.property(ranges, ranges, (a, b) =>
      t.deepEqual(addRanges(a, b), rangesOf(new Set([...modelOf(a), ...modelOf(b)]))),
    ),
  )
})

test('subtracting is the difference', (t) => {
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      const taken = modelOf(b)
      const left = new Set([...modelOf(a)].filter((i) => !taken.has(i)))
      t.deepEqual(subtractRanges(a, b), rangesOf(left))
    }),
  )
})

test('containing and counting are those of sets', (t) => {
  fc.assert(
    fc.property(ranges, ranges, (a, b) => {
      const [whole, part] = [modelOf(a), modelOf(b)]
      t.is(
        containsRanges(a, b),
        [...part].every((i) => whole.has(i)),
      )
      t.is(countRanges(a), whole.size)
    }),
  )
})

test('half of all ports, taken from many ranges, cost one pass and not one for each', (t) => {
  const every = (step: number, from: number): Ranges =>
    Array.from({ length: 30_000 }, (_, i): Range => [from + i * step, from + i * step])
  const left = subtractRanges(every(2, 0), every(4, 0))
  t.is(countRanges(left), 15_000)
  t.true(containsRanges(every(2, 0), left))
  t.false(containsRanges(left, every(2, 0)))
})
