import test from 'ava'
import { refusal } from '../../../../protocol/errors.ts'
import type { InstanceId, SessionId, TaskId } from '../../../../protocol/ids.ts'
import { anOffer, fence, Given, OTHER_RUN, RUN, subscribed } from './given.ts'

test('start → subscribe with a new session, number 1, the secret and what is wanted', (t) => {
  const given = new Given({ roles: ['a', 'b'], isSuppressed: true })
  given.input({ kind: 'start' })
  t.like(given.call('subscribe').body, {
    session: given.session,
    n: 1,
    secret: 'a secret',
    name: 'test',
    roles: ['a', 'b'],
    suppressed: ['a', 'b'],
    failoverMs: 5_000,
    version: { min: 1, max: 1 },
  })
  t.is(given.call('subscribe').body.epoch, undefined, 'no leader is known')
})

test('an open that is not confirmed is repeated, byte-equal, later and later', (t) => {
  const given = new Given()
  given.input({ kind: 'start' })
  const { body } = given.call('subscribe')
  given.pass(1_000)
  t.deepEqual(given.call('subscribe').body, body)
  given.pass(1_999)
  t.deepEqual(given.effects, [])
  given.pass(1)
  t.deepEqual(given.call('subscribe').body, body)
})

test('an answer alone confirms nothing: only `subscribed` in the session does', (t) => {
  const given = new Given()
  given.input({ kind: 'start' })
  given.answer(given.call('subscribe').key)
  t.is(given.state.link.phase, 'opening')
  given.subscribe()
  t.is(given.state.link.phase, 'open')
  t.deepEqual(given.all('tell-subscribed')[0]?.subscription, { epoch: 1, count: 1 })
})

for (const name of ['wrong-secret', 'torn-down', 'no-common-version'] as const)
  test(`an open that is refused as ${name} ends the scheduler`, (t) => {
    const given = new Given()
    given.input({ kind: 'start' })
    given.answer(given.call('subscribe').key, refusal(name, 'because'))
    t.deepEqual(given.effects, [{ do: 'end', reason: { name, message: 'because' } }])
    t.deepEqual(given.pass(100_000), [])
  })

test('an open that is refused for now is repeated', (t) => {
  const given = new Given()
  given.input({ kind: 'start' })
  given.answer(given.call('subscribe').key, refusal('recovering', 'wait'))
  given.pass(1_000)
  t.is(given.calls('subscribe').length, 1)
})

test('the first beat repeats an open that nobody heard, in the same session', (t) => {
  const given = new Given()
  given.input({ kind: 'start' })
  const { body } = given.call('subscribe')
  given.input({ kind: 'leader.beat', beat: fence(1) })
  t.deepEqual(given.call('subscribe').body, body)
  given.input({ kind: 'leader.beat', beat: fence(1) })
  t.deepEqual(given.effects, [])
})

test('an open that nobody listened to is said again soon, byte-equal, then later and later', (t) => {
  const given = new Given()
  given.input({ kind: 'start' })
  const { key, body } = given.call('subscribe')
  for (const [i, delayMs] of [100, 200, 400, 800, 1_600, 3_200, 6_400, 8_000].entries()) {
    given.input({ kind: 'leader.unheard', key })
    t.deepEqual(given.pass(delayMs - 1), [], `${i}`)
    for (let ms = 0; ms <= delayMs && given.effects.length === 0; ms++) given.pass(1)
    t.deepEqual(given.call('subscribe').body, body)
  }
  given.pass(999)
  t.deepEqual(given.effects, [], 'whoever has heard it has time to answer')
  given.pass(1)
  t.is(given.calls('subscribe').length, 1)
})

test('a beat of the leader that is known has an open said again that nobody listened to, once', (t) => {
  const given = new Given().subscribed()
  given.nowMs += 1_000
  given.input({ kind: 'bus.connected' })
  const { key, body } = given.call('subscribe')
  const beat = () => given.input({ kind: 'leader.beat', beat: fence(1) })
  t.deepEqual(beat(), [], 'it may be on its way')
  given.input({ kind: 'leader.unheard', key })
  beat()
  t.deepEqual(given.call('subscribe').body, body)
  t.deepEqual(beat(), [])
  given.subscribe()
  t.is(given.state.link.phase, 'open')
})

test('that nobody listened to anything but the open changes nothing', (t) => {
  const given = new Given().subscribed().launched('t-1')
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  const { key } = given.call('kill')
  t.deepEqual(given.input({ kind: 'leader.unheard', key }), [])
  t.deepEqual(given.pass(999), [])
  given.pass(1)
  t.is(given.call('kill').key, key)
})

test('the beat of a new leader opens a new session, for its epoch', (t) => {
  const given = new Given().subscribed()
  const before = given.session
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(2, OTHER_RUN) })
  t.not(given.session, before)
  t.like(given.call('subscribe').body, { n: 1, epoch: 2 })
})

test('events of a leader whose beat was never heard win nobody over', (t) => {
  const given = new Given().subscribed()
  given.nowMs += 1_000
  given.say([{ kind: 'offers', offers: [anOffer(1)] }], fence(2))
  t.deepEqual(given.effects, [])
  t.deepEqual(given.state.highest, fence(1))
  t.is(given.state.counts.unknownLeader, 1)
})

test('a leader that was never heard may confirm the open', (t) => {
  const given = new Given()
  given.input({ kind: 'start' })
  given.subscribe(fence(7))
  t.is(given.state.link.phase, 'open')
  t.deepEqual(given.state.highest, fence(7))
})

for (const [what, lower] of [
  ['a lower epoch', fence(1)],
  ['another run of the same epoch', fence(2, OTHER_RUN)],
] as const)
  test(`events of ${what} are refused, and their sender is told`, (t) => {
    const given = new Given()
    given.input({ kind: 'start' })
    given.subscribe(fence(2))
    given.say([{ kind: 'offers', offers: [anOffer(1)] }], lower)
    t.deepEqual(given.effects, [
      { do: 'send', verb: 'complain', body: { highest: fence(2), refused: lower } },
    ])
    given.say([{ kind: 'ping' }], lower)
    t.deepEqual(given.effects, [], 'once a second at most')
    t.is(given.state.counts.refusedLeader, 2)
  })

test('an epoch that nobody can have reached is not believed', (t) => {
  const given = new Given().subscribed()
  given.input({ kind: 'leader.beat', beat: fence(2 ** 40) })
  t.deepEqual(given.effects, [])
  t.deepEqual(given.state.highest, fence(1))
})

test('events of a foreign session are dropped', (t) => {
  const given = new Given().subscribed()
  given.say([{ kind: 'offers', offers: [anOffer(1)] }], { session: '00000000000000ff' as never })
  t.deepEqual(given.effects, [])
  t.is(given.state.counts.foreignSession, 1)
})

test('a number that was heard before is dropped', (t) => {
  const given = new Given().subscribed()
  given.say([{ kind: 'offers', offers: [anOffer(1)] }], { n: 1 })
  t.deepEqual(given.effects, [])
})

test("a gap in the leader's numbers opens a new session", (t) => {
  const given = new Given().subscribed()
  const before = given.session
  given.nowMs += 1_000
  given.say([{ kind: 'ping' }], { n: 3 })
  t.not(given.session, before)
  t.is(given.calls('pong').length, 0, 'what came after the gap is not obeyed')
  t.is(given.calls('subscribe').length, 1)
})

for (const name of ['stale-session', 'not-subscribed'] as const)
  test(`the error ${name} opens a new session`, (t) => {
    const given = new Given().subscribed()
    given.nowMs += 1_000
    given.say([{ kind: 'error', name, message: '' }])
    t.is(given.calls('subscribe').length, 1)
  })

test('a leader that knows of no session is answered with an open', (t) => {
  const given = new Given().subscribed()
  given.nowMs += 1_000
  given.input({ kind: 'leader.events', message: { ...fence(1), events: [{ kind: 'ping' }] } })
  t.is(given.calls('subscribe').length, 1)
})

test('a reconnect opens a new session', (t) => {
  const given = new Given().subscribed()
  given.nowMs += 1_000
  given.input({ kind: 'bus.connected' })
  t.is(given.calls('subscribe').length, 1)
})

test('sessions that end at once are not opened faster than four a second', (t) => {
  const given = new Given().subscribed()
  given.say([{ kind: 'error', name: 'not-subscribed', message: '' }])
  t.deepEqual(given.calls('subscribe'), [])
  given.pass(250)
  t.is(given.calls('subscribe').length, 1)
})

test('a ping is answered in its session and for its epoch', (t) => {
  const given = new Given().subscribed()
  given.say([{ kind: 'ping' }])
  t.deepEqual(given.effects, [
    { do: 'send', verb: 'pong', body: { session: given.session, epoch: 1 } },
  ])
})

test('silence counts after three pings, and only if our own echo comes back', (t) => {
  const given = new Given().subscribed()
  given.pass(5_000)
  given.say([{ kind: 'ping' }])
  given.pass(14_999)
  t.deepEqual(given.all('echo'), [])
  given.pass(1)
  t.is(given.all('echo').length, 1)
  const before = given.session
  given.input({ kind: 'bus.silent' })
  t.is(given.session, before, 'it is our connection that is dead')
  given.pass(15_000)
  given.input({ kind: 'bus.echoed' })
  t.not(given.session, before)
  t.is(given.state.counts.silence, 1)
})

test('what waited while we were frozen is heard before the silence counts', (t) => {
  const given = new Given().subscribed()
  const before = given.session
  given.pass(15_000)
  given.say([{ kind: 'ping' }])
  given.input({ kind: 'bus.echoed' })
  t.is(given.session, before)
})

test('another process that takes the framework over ends this one', (t) => {
  const given = new Given().subscribed()
  given.say([{ kind: 'error', name: 'failed-over', message: 'another instance' }])
  t.deepEqual(given.all('end'), [])
  const events = [subscribed(1, 2)]
  given.input({
    kind: 'leader.events',
    message: { ...fence(1), session: '00000000000000ff' as never, n: 1, events },
  })
  t.deepEqual(given.effects, [
    { do: 'end', reason: { name: 'failed-over', message: 'another instance' } },
  ])
})

test('a late repeat of an open of our own is no other process', (t) => {
  const given = new Given().subscribed()
  const old = given.session
  given.nowMs += 1_000
  given.input({ kind: 'bus.connected' })
  given.subscribe(fence(1), 2)
  given.nowMs += 1_000
  given.say([{ kind: 'error', name: 'failed-over', message: '' }])
  const message = { ...fence(1), session: old, n: 1, events: [subscribed(1, 3)] }
  given.input({ kind: 'leader.events', message })
  t.deepEqual(given.all('end'), [])
  t.is(given.calls('subscribe').length, 1)
})

test('teardown: ends when the leader has answered', (t) => {
  const given = new Given().subscribed()
  given.input({ kind: 'framework.teardown', ask: 9 })
  given.answer(given.call('teardown').key)
  t.deepEqual(given.effects, [
    { do: 'settle', ask: 9, outcome: { outcome: 'done' } },
    { do: 'end' },
  ])
})

test('teardown: said again in the next session, until the leader says that it was done', (t) => {
  const given = new Given().subscribed()
  given.input({ kind: 'framework.teardown', ask: 9 })
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(2, RUN) })
  given.subscribe(fence(2))
  t.is(given.calls('teardown').length, 1)
  given.say([{ kind: 'error', name: 'torn-down', message: '' }], fence(2))
  t.deepEqual(given.effects, [
    { do: 'settle', ask: 9, outcome: { outcome: 'done' } },
    { do: 'end' },
  ])
})

test('a framework that others tear down ends with that reason', (t) => {
  const given = new Given().subscribed()
  given.say([{ kind: 'error', name: 'torn-down', message: 'by an operator' }])
  t.deepEqual(given.effects, [
    { do: 'end', reason: { name: 'torn-down', message: 'by an operator' } },
  ])
})

test('a kill that is asked of an instance that stands by is not kept for when it leads', (t) => {
  const given = new Given({ holder: { instance: 'a' as InstanceId, leaseMs: 15_000 } })
  given.input({ kind: 'start' })
  const kill = () => given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  given.answer(given.call('subscribe').key, refusal('held', 'b has it'))
  t.is(given.state.link.phase, 'standing-by')
  t.deepEqual(kill(), [])
  t.is(given.state.counts.killAside, 1)
  given.pass(60_000)
  given.subscribe()
  t.deepEqual(given.calls('kill'), [])
  t.is(given.state.tasks.size, 0)
  kill()
  t.is(given.call('kill').body.taskId, 't-1' as TaskId, 'who leads kills')
})

test('an instance that has heard another one lead knows the framework', (t) => {
  const given = new Given({ holder: { instance: 'a' as InstanceId, leaseMs: 15_000 } })
  const isKnown = () => given.call('subscribe').body.known
  const session = '00000000000000ff' as SessionId
  given.input({ kind: 'start' })
  given.answer(given.call('subscribe').key, refusal('held', 'b has it'))
  given.input({ kind: 'leader.beat', beat: fence(1) })
  given.pass(1_500)
  t.is(isKnown(), undefined, 'who holds it may not be known to the next leader')
  given.answer(given.call('subscribe').key, refusal('held', 'b has it'))
  const message = { ...fence(1), session, n: 9, events: [{ kind: 'ping' } as const] }
  given.input({ kind: 'leader.events', message })
  given.pass(1_500)
  t.true(isKnown())
})

test('who was subscribed says so from then on, and ends where the framework is no more', (t) => {
  const given = new Given()
  given.input({ kind: 'start' })
  t.is(given.call('subscribe').body.known, undefined, 'it begins')
  given.subscribe()
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(2, RUN) })
  t.true(given.call('subscribe').body.known)
  given.answer(given.call('subscribe').key, refusal('torn-down', 'it is no more'))
  t.like(given.all('end'), [{ reason: { name: 'torn-down', message: 'it is no more' } }])
})

test('who stands by ends with the one that leads', (t) => {
  const given = new Given({ holder: { instance: 'a' as InstanceId, leaseMs: 15_000 } })
  const session = '00000000000000ff' as SessionId
  given.input({ kind: 'start' })
  given.answer(given.call('subscribe').key, refusal('held', 'b has it'))
  given.input({ kind: 'leader.beat', beat: fence(1) })
  const events = [{ kind: 'error', name: 'torn-down', message: 'over' } as const]
  given.input({ kind: 'leader.events', message: { ...fence(1), session, n: 9, events } })
  t.deepEqual(given.effects, [{ do: 'end', reason: { name: 'torn-down', message: 'over' } }])
})

test('a kill that is asked of an instance while it asks again is not kept either', (t) => {
  const given = new Given({ holder: { instance: 'a' as InstanceId, leaseMs: 15_000 } })
  given.input({ kind: 'start' })
  given.answer(given.call('subscribe').key, refusal('held', 'b has it'))
  given.pass(2_000)
  t.is(given.state.link.phase, 'opening')
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  given.subscribe()
  t.deepEqual(given.calls('kill'), [])
})
