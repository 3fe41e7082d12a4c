import test from 'ava'
import fc from 'fast-check'
import { Recent } from '../../../../actors/parts/recent.ts'

test('so many are remembered, and no more', (t) => {
  const recent = new Recent<string, number>(2)
  recent.set('a', 1)
  recent.set('b', 2)
  t.true(recent.has('a'))
  recent.set('c', 3)
  t.is(recent.get('a'), undefined)
  t.is(recent.get('b'), 2)
  t.is(recent.get('c'), 3)
})

test('what came again is as late as it came last', (t) => {
  const recent = new Recent<string, number>(3)
  recent.set('a', 1)
  recent.set('b', 2)
  recent.set('a', 3)
  recent.set('c', 4)
  t.is(recent.get('a'), 3)
  recent.set('d', 5)
  t.false(recent.has('b'))
  t.is(recent.get('a'), 3)
  recent.set('e', 6)
  t.false(recent.has('a'))
})

test('who sets one hears what was forgotten for it', (t) => {
  const recent = new Recent<string, number>(2)
  t.is(recent.set('a', 1), undefined)
  t.is(recent.set('b', 2), undefined)
  t.is(recent.set('c', 3), 'a')
  recent.delete('b')
  t.is(recent.set('d', 4), undefined)
  t.is(recent.set('c', 5), undefined)
})

test('cleared, it begins anew', (t) => {
  const recent = new Recent<string, number>(2)
  for (const key of ['a', 'b', 'c']) recent.set(key, 1)
  recent.clear()
  t.false(recent.has('c'))
  recent.set('d', 1)
  t.is(recent.set('e', 1), undefined)
  t.is(recent.set('f', 1), 'd')
})

test('what was deleted is gone, and may come again', (t) => {
  const recent = new Recent<string, number>(2)
  recent.set('a', 1)
  recent.delete('a')
  t.false(recent.has('a'))
  recent.set('a', 2)
  recent.set('b', 3)
  t.is(recent.get('a'), 2)
})

test('the latest are remembered, whatever was set and deleted before', (t) => {
  const step = fc.record({ key: fc.nat(6), isDeleted: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 5 }), (steps, max) => {
      const recent = new Recent<number, number>(max)
      const sets: { key: number; isLive: boolean }[] = []
      for (const [i, { key, isDeleted }] of steps.entries()) {
        for (const before of sets) if (before.key === key) before.isLive = false
        if (isDeleted) recent.delete(key)
        else {
          recent.set(key, i)
          sets.push({ key, isLive: true })
        }
      }
      const live = new Set(
        sets
          .slice(-max)
          .filter(({ isLive }) => isLive)
          .map(({ key }) => key),
      )
      for (let key = 0; key <= 6; key++) t.is(recent.has(key), live.has(key))
    }),
  )
})
