/** A framework changes what it has subscribed with. */
import test from 'ava'
import type { UpdateInput } from '../../../../actors/scheduler/inputs.ts'
import { refusal } from '../../../../protocol/errors.ts'
import { fence, Given, OTHER_RUN } from './given.ts'

const CONSTRAINTS = { '*': [[{ attribute: 'rack', equals: 'r1' }]] }

const update = (given: Given, changes: UpdateInput['changes'], ask = 1) => {
  given.input({ kind: 'framework.update', ask, changes })
  return given.flush()
}

test('what is wanted of offers is said with each subscription', (t) => {
  const terms = {
    capabilities: ['GPU_RESOURCES' as const],
    constraints: CONSTRAINTS,
    minAllocatable: { '*': [{ cpus: 4 }] },
  }
  const given = new Given({ terms })
  given.input({ kind: 'start' })
  t.like(given.call('subscribe').body, terms)
  given.subscribe()
  given.input({ kind: 'leader.beat', beat: fence(2, OTHER_RUN) })
  given.pass(250)
  t.like(given.call('subscribe').body, terms)
})

test('update: it is asked of the leader, and kept when that has taken it in', (t) => {
  const given = new Given().subscribed()
  update(given, { constraints: CONSTRAINTS, failoverMs: 60_000 })
  const { key, body } = given.call('update')
  t.like(body, { constraints: CONSTRAINTS, failoverMs: 60_000, session: given.session })
  t.deepEqual(given.state.settings.terms, {}, 'not yet')
  given.answer(key)
  t.deepEqual(given.all('settle'), [{ do: 'settle', ask: 1, outcome: { outcome: 'done' } }])
  t.like(given.state.settings, { failoverMs: 60_000, terms: { constraints: CONSTRAINTS } })
  given.pass(60_000)
  t.is(given.calls('update').length, 0)
})

test('update: a refusal is told, and changes nothing', (t) => {
  const given = new Given().subscribed()
  update(given, { constraints: CONSTRAINTS })
  const refused = refusal('invalid', 'an expression is too long')
  given.answer(given.call('update').key, refused)
  const outcome = { outcome: 'refused', refusal: refused } as const
  t.deepEqual(given.all('settle'), [{ do: 'settle', ask: 1, outcome }])
  t.deepEqual(given.state.settings.terms, {})
})

test('update: one that has no shape is refused without a word to the leader', (t) => {
  const given = new Given().subscribed()
  given.input({ kind: 'framework.update', ask: 1, changes: { roles: [] } })
  t.like(given.all('settle')[0], { outcome: { outcome: 'refused' } })
  t.is(given.flush().length, 0)
})

test('update: without an answer it is said again to the next leader, after its subscription', (t) => {
  const given = new Given().subscribed()
  update(given, { constraints: CONSTRAINTS })
  given.input({ kind: 'leader.beat', beat: fence(2, OTHER_RUN) })
  given.pass(250)
  t.false('constraints' in given.call('subscribe').body)
  given.subscribe(fence(2, OTHER_RUN))
  given.flush()
  given.answer(given.call('update').key)
  t.is(given.all('settle').length, 1)
  given.input({ kind: 'leader.beat', beat: fence(3) })
  given.pass(250)
  t.like(given.call('subscribe').body, { constraints: CONSTRAINTS })
})

test('update: changes are said one after the other, also of what is suppressed', (t) => {
  const given = new Given({ roles: ['a', 'b'] }).subscribed()
  given.input({ kind: 'framework.suppress', roles: ['a', 'b'] })
  given.input({ kind: 'framework.update', ask: 1, changes: { roles: ['b', 'c'] } })
  given.input({ kind: 'framework.revive', roles: ['a'] })
  given.flush()
  t.is(given.calls('update').length, 0)
  given.answer(given.call('suppress').key)
  given.flush()
  t.is(given.calls('revive').length, 0)
  given.answer(given.call('update').key)
  t.deepEqual([...given.state.suppressed], ['b'])
  given.flush()
  t.is(given.calls('revive').length, 0, 'a is none of its roles any more')
  given.input({ kind: 'framework.suppress', roles: ['c'] })
  given.flush()
  t.like(given.call('suppress').body, { roles: ['c'] })
})

test('update: what was wanted of a role goes with it', (t) => {
  const terms = {
    constraints: { a: CONSTRAINTS['*'], b: CONSTRAINTS['*'] },
    minAllocatable: { a: [{ cpus: 1 }] },
  }
  const given = new Given({ roles: ['a', 'b'], terms }).subscribed()
  update(given, { roles: ['b'] })
  given.answer(given.call('update').key)
  t.deepEqual(given.state.settings.terms, {
    constraints: { b: CONSTRAINTS['*'] },
    minAllocatable: {},
  })
})

test('update: what was suppressed of a role goes with it', (t) => {
  const given = new Given({ roles: ['a', 'b'] }).subscribed()
  given.input({ kind: 'framework.suppress', roles: ['a'] })
  given.flush()
  given.answer(given.call('suppress').key)
  update(given, { roles: ['b'] })
  given.answer(given.call('update').key)
  given.input({ kind: 'leader.beat', beat: fence(2, OTHER_RUN) })
  given.pass(250)
  t.like(given.call('subscribe').body, { roles: ['b'], suppressed: [] })
})
