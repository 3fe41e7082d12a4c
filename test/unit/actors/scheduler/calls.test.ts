import test from 'ava'
import { refusal } from '../../../../protocol/errors.ts'
import type { TaskId } from '../../../../protocol/ids.ts'
import { anOffer, fence, Given } from './given.ts'

const twoOffers = (): Given => new Given().subscribed().offer(anOffer(1), anOffer(2))
const decline = (given: Given, offerId: string, fields: { refuseMs?: number } = {}) =>
  given.input({
    kind: 'framework.decline',
    ask: 0,
    offers: [offerId as never],
    reason: 'no',
    ...fields,
  })

test('calls are numbered on from the open, with session, epoch and an id of their own', (t) => {
  const given = twoOffers()
  given.accept([anOffer(1).offerId], ['t-1'])
  const first = given.call('accept').body
  t.like(first, { session: given.session, epoch: 1, n: 2 })
  given.accept([anOffer(2).offerId], ['t-2'])
  const second = given.call('accept').body
  t.is(second.n, 3)
  t.not(second.call, first.call)
})

test('an unanswered call is repeated as it was, later and later, until it is answered', (t) => {
  const given = twoOffers()
  given.accept([anOffer(1).offerId], ['t-1'])
  const { body, key } = given.call('accept')
  given.pass(1_000)
  t.deepEqual(given.call('accept').body, body)
  given.pass(1_000)
  t.is(given.calls('accept').length, 0)
  given.pass(1_000)
  t.deepEqual(given.call('accept').body, body)
  given.answer(key)
  t.is(given.pass(60_000).filter((e) => e.do === 'call' && e.verb === 'accept').length, 0)
})

test('calls of one turn are repeated in the order of their numbers', (t) => {
  const given = new Given().subscribed()
  for (let i = 0; i < 50; i++) {
    given.input({ kind: 'framework.kill', taskId: `t-${i}` as TaskId })
    if (i % 5 === 0) given.answer(given.call('kill').key)
  }
  given.pass(1_000)
  const numbers = given.calls('kill').map(({ body }) => body.n ?? 0)
  t.is(numbers.length, 40)
  t.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  )
})

for (const name of ['recovering', 'too-many'] as const)
  test(`a leader that answers ${name} is asked again, later and later`, (t) => {
    const given = twoOffers()
    given.accept([anOffer(1).offerId], ['t-1'])
    for (const waitMs of [1_000, 2_000, 4_000]) {
      given.answer(given.call('accept').key, refusal(name, ''))
      t.deepEqual(given.effects, [])
      given.pass(waitMs - 1)
      t.is(given.calls('accept').length, 0)
      given.pass(1)
      t.is(given.calls('accept').length, 1)
    }
  })

for (const name of ['stale-session', 'not-subscribed'] as const)
  test(`a call that is refused as ${name} opens a new session`, (t) => {
    const given = twoOffers()
    given.accept([anOffer(1).offerId], ['t-1'])
    given.nowMs += 500
    given.answer(given.call('accept').key, refusal(name, ''))
    t.is(given.calls('subscribe').length, 1)
  })

test('a decline is sent once, and again only when a later ping shows that it was not heard', (t) => {
  const given = twoOffers()
  decline(given, anOffer(1).offerId)
  given.flush()
  const [said] = given.calls('decline')
  t.like(said, { do: 'send', body: { n: 2 } })
  given.say([{ kind: 'ping' }], { heard: 1 })
  t.is(given.calls('decline').length, 0, 'it may be on its way')
  t.is(given.pass(2_000).length, 0)
  given.say([{ kind: 'ping' }], { heard: 1 })
  t.deepEqual(given.calls('decline')[0]?.body, said?.body)
  given.say([{ kind: 'ping' }], { heard: 2 })
  given.pass(2_000)
  given.say([{ kind: 'ping' }], { heard: 2 })
  t.is(given.calls('decline').length, 0)
})

test('declines of one turn that say the same travel together, before a revive', (t) => {
  const given = twoOffers()
  decline(given, anOffer(1).offerId)
  given.input({ kind: 'framework.revive' })
  decline(given, anOffer(2).offerId)
  const effects = given.flush()
  t.deepEqual(
    effects.map((effect) => 'verb' in effect && effect.verb),
    ['decline', 'revive'],
  )
  t.deepEqual(given.calls('decline')[0]?.body.offers, [anOffer(1).offerId, anOffer(2).offerId])
})

test('a decline that is repeated after a revive filters nothing', (t) => {
  const given = twoOffers()
  decline(given, anOffer(1).offerId, { refuseMs: 60_000 })
  given.flush()
  given.input({ kind: 'framework.revive' })
  given.flush()
  given.pass(2_000)
  given.say([{ kind: 'ping' }], { heard: 1 })
  t.is(given.calls('decline')[0]?.body.refuseMs, 0)
})

test('nor does what an accept leaves, if it is repeated after a revive', (t) => {
  const given = twoOffers()
  const offers = [anOffer(1).offerId as never]
  given.input({ kind: 'framework.accept', ask: 1, offers, operations: [], refuseMs: 60_000 })
  const { key } = given.call('accept')
  given.input({ kind: 'framework.revive' })
  given.flush()
  given.pass(1_000)
  t.like(given.call('accept'), { key, body: { call: key, refuseMs: 0 } })
})

test('suppress and revive: the second waits for the answer to the first', (t) => {
  const given = new Given().subscribed()
  given.input({ kind: 'framework.suppress' })
  given.flush()
  const { key } = given.call('suppress')
  given.input({ kind: 'framework.revive' })
  given.flush()
  t.deepEqual(given.effects, [])
  given.answer(key)
  given.flush()
  t.deepEqual(given.call('revive').body.roles, ['*'])
})

test('suppress and revive of one turn: only the last is said', (t) => {
  const given = new Given({ roles: ['a', 'b'] }).subscribed()
  given.input({ kind: 'framework.suppress' })
  given.input({ kind: 'framework.revive', roles: ['a'] })
  given.flush()
  const { key, body } = given.call('suppress')
  t.deepEqual(body.roles, ['b'])
  given.answer(key)
  given.flush()
  t.deepEqual(given.call('revive').body.roles, ['a'])
})

test('what is wanted outlives the session', (t) => {
  const given = new Given().subscribed()
  given.input({ kind: 'framework.suppress' })
  given.flush()
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(2) })
  t.deepEqual(given.call('subscribe').body.suppressed, ['*'])
  given.subscribe(fence(2))
  given.flush()
  t.is(given.calls('suppress').length, 1)
})

test('a call that is stale for its leader waits for the next session', (t) => {
  const given = new Given().subscribed()
  given.input({ kind: 'framework.suppress' })
  given.flush()
  given.answer(given.call('suppress').key, refusal('stale', 'epoch 1 is not 2'))
  given.flush()
  t.deepEqual(given.effects, [])
  given.input({ kind: 'leader.beat', beat: fence(2) })
  given.pass(1_000)
  given.subscribe(fence(2))
  given.flush()
  t.is(given.calls('suppress').length, 1)
})

test('of an accept that a deposed leader calls stale the number is said until it is answered', (t) => {
  const given = twoOffers()
  given.accept([anOffer(1).offerId], ['t-1'])
  const { key, body } = given.call('accept')
  given.answer(key, refusal('stale', 'epoch 1 is not 0'))
  given.answer(given.call('reconcile').key)
  given.pass(2_000)
  const { n, session, epoch } = body
  t.deepEqual(given.calls('pong')[0]?.body, { n, session, epoch } as typeof body)
  given.answer(key, refusal('stale', 'epoch 1 is not 0'))
  given.pass(4_000)
  t.is(given.call('pong').key, key)
  t.deepEqual(given.answer(key), [])
  given.pass(60_000)
  t.deepEqual([given.calls('pong'), given.calls('accept')], [[], []])
})
