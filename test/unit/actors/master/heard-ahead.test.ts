import test from 'ava'
import fc from 'fast-check'
import { HeardAhead } from '../../../../actors/master/frameworks/heard-ahead.ts'
import { aStage } from '../../../support/master-actors.ts'

test('whatever is heard in whatever order, up to where it was heard is what a set says', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 120 }), (numbers) => {
      const ahead = new HeardAhead()
      const model = new Set<number>()
      let heard = 0
      for (const n of numbers) {
        model.add(n)
        if (n > heard + 1) t.true(ahead.add(n))
        else if (n === heard + 1) heard = ahead.closeGap(n)
        let expected = 0
        while (model.has(expected + 1)) expected += 1
        t.is(heard, expected)
      }
    }),
  )
})

test('any number of calls may be heard ahead of one that was lost', (t) => {
  const { master, framework } = aStage()
  for (let n = 30_000; n > 2; n--) framework.call('suppress', { n })
  t.is(master.framework().session?.heard, 1)
  framework.call('suppress', { n: 2 })
  t.is(master.framework().session?.heard, 30_000)
})

test('a call behind more gaps than are remembered is refused, and done when it is repeated', (t) => {
  const { master, framework } = aStage()
  const refused = { refused: { code: 429, name: 'too-many' } }
  let n = 3
  while ('ok' in (framework.call('suppress', { n }) ?? {})) n += 2
  t.like(framework.call('revive', { n }), refused)
  t.is(master.framework().roles.get('*')?.isSuppressed, true, 'it has changed nothing')
  t.deepEqual(framework.call('suppress', { n: n - 1 }), { ok: {} }, 'it makes no gap more')
  t.deepEqual(framework.call('suppress', { n: 2 }), { ok: {} })
  t.is(master.framework().session?.heard, 3)
  t.deepEqual(framework.call('revive', { n }), { ok: {} })
  t.is(master.framework().roles.get('*')?.isSuppressed, false)
})
