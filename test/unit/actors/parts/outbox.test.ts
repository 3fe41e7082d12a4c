import test from 'ava'
import fc from 'fast-check'
import { cut, Outbox } from '../../../../actors/parts/outbox.ts'
import { encode } from '../../../../bus/codec.ts'
import { LIST_BYTES_MAX, MESSAGE_BYTES_MAX, STATUS_BYTES_MAX } from '../../../../protocol/limits.ts'
import { wireBytes } from '../../../../protocol/wire-size.ts'

const text = fc.integer({ min: 0, max: STATUS_BYTES_MAX - 8 }).map((length) => 'x'.repeat(length))
const items = fc.array(text, { maxLength: 100, size: 'max' })

test('the parts of a list are the list, in order, and each fits into a message', (t) => {
  let parts = 0
  fc.assert(
    fc.property(items, (list) => {
      const lists = cut(list)
      t.deepEqual(lists.flat(), list)
      for (const part of lists) {
        t.true(part.length > 0)
        t.true(encode(part).length <= LIST_BYTES_MAX)
      }
      parts += lists.length
    }),
    { numRuns: 50 },
  )
  t.true(parts > 75)
})

test('parts that are measured exactly are as large as they may be', (t) => {
  fc.assert(
    fc.property(items, (list) => {
      const lists = cut(list, wireBytes)
      for (const [i, part] of lists.entries()) {
        const next = lists[i + 1]?.[0]
        if (next === undefined) continue
        t.true(encode([...part, next]).length > LIST_BYTES_MAX - 200)
      }
    }),
    { numRuns: 50 },
  )
})

test('one item alone goes as it is, an empty list not at all', (t) => {
  const large = 'x'.repeat(MESSAGE_BYTES_MAX)
  t.deepEqual(cut([large]), [[large]])
  t.deepEqual(cut([large, 'a']), [[large], ['a']])
  t.deepEqual(cut([]), [])
})

test('no part has more items than the schemas allow', (t) => {
  const lists = cut(Array.from({ length: 10_000 }, () => 1))
  t.deepEqual(
    lists.map(({ length }) => length),
    [4_096, 4_096, 1_808],
  )
})

test('an outbox keeps the order of what is said to one receiver, and who was first', (t) => {
  const outbox = new Outbox<string, number>()
  t.true(outbox.isEmpty)
  outbox.add('b', 'to b', 1)
  outbox.add('a', 'to a', 2)
  outbox.add('b', 'to b', 3)
  t.false(outbox.isEmpty)
  t.deepEqual(outbox.takeAll(), [
    { to: 'to b', lists: [[1, 3]] },
    { to: 'to a', lists: [[2]] },
  ])
  t.true(outbox.isEmpty)
  t.deepEqual(outbox.takeAll(), [])
})

test('what was to be said to one can be taken back', (t) => {
  const outbox = new Outbox<string, number>()
  outbox.add('a', 'to a', 1)
  outbox.add('b', 'to b', 2)
  outbox.drop('a')
  outbox.drop('c')
  t.deepEqual(outbox.takeAll(), [{ to: 'to b', lists: [[2]] }])
})
