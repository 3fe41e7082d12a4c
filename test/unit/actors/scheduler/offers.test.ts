import test from 'ava'
import { type Refusal, type RefusalName, refusal } from '../../../../protocol/errors.ts'
import type { TaskId } from '../../../../protocol/ids.ts'
import type { TaskInfo } from '../../../../protocol/schema/common.ts'
import { anOffer, aStatus, aTask, fence, Given, OTHER_AGENT } from './given.ts'

const first = anOffer(1)
const second = anOffer(2)
const launching = (...tasks: readonly TaskInfo[]) => [{ kind: 'launch', tasks } as const]
const offered = (): Given => new Given().subscribed().offer(first, second)
const refusalOf = (given: Given, ask = 1): Refusal | undefined => {
  const settled = given.all('settle').find((effect) => effect.ask === ask)
  return settled?.outcome.outcome === 'refused' ? settled.outcome.refusal : undefined
}
const refusedAs = (given: Given, ask = 1): RefusalName | undefined => refusalOf(given, ask)?.name

test('offers are handed over', (t) => {
  const given = new Given().subscribed()
  given.say([{ kind: 'offers', offers: [first, second] }])
  t.deepEqual(given.effects, [{ do: 'tell-offers', offers: [first, second] }])
})

test('accept: the tasks go to the leader, and the framework hears when it has them', (t) => {
  const given = offered()
  given.accept([first.offerId], ['t-1', 't-2'])
  const { body, key } = given.call('accept')
  t.like(body, {
    offers: [first.offerId],
    operations: [{ kind: 'launch', tasks: [aTask('t-1'), aTask('t-2')] }],
  })
  given.answer(key)
  t.deepEqual(given.effects, [{ do: 'settle', ask: 1, outcome: { outcome: 'done' } }])
})

test('a task whose id is in use is not this launch’s: the statuses of the other one count', (t) => {
  const given = offered()
  given.accept([first.offerId], ['t-1', 't-2'])
  const notLaunched = [{ taskId: 't-1' as TaskId, message: 'task id t-1 is in use' }]
  const { key } = given.call('accept')
  given.input({ kind: 'leader.answered', key, notLaunched })
  t.deepEqual(given.effects, [{ do: 'settle', ask: 1, outcome: { outcome: 'done', notLaunched } }])
  const message = { statuses: [aStatus('TASK_RUNNING')] }
  given.input({ kind: 'agent.statuses', agentId: OTHER_AGENT, message })
  t.is(given.all('tell-statuses').length, 1)
})

test('a kill of a task whose id is in use goes wherever that is', (t) => {
  const given = offered()
  given.accept([first.offerId], ['t-1'])
  const { key } = given.call('accept')
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  const notLaunched = [{ taskId: 't-1' as TaskId, message: 'task id t-1 is in use' }]
  given.input({ kind: 'leader.answered', key, notLaunched })
  t.is(given.call('kill').body.agentId, undefined)
})

test('an offer is answered once', (t) => {
  const given = offered()
  given.accept([first.offerId], ['t-1'])
  given.accept([first.offerId], ['t-2'], 2)
  t.is(refusedAs(given, 2), 'used')
  t.is(given.calls('accept').length, 0)
})

test('a rescinded offer is dead', (t) => {
  const given = offered()
  given.say([{ kind: 'rescind', offers: [first.offerId, 'unknown'], reason: 'timed-out' }])
  t.deepEqual(given.effects, [
    { do: 'tell-rescinded', offers: [first.offerId as never], reason: 'timed-out' },
  ])
  given.accept([first.offerId], ['t-1'])
  t.is(refusedAs(given), 'used')
  t.regex(refusalOf(given)?.message ?? '', /was taken back: it was not answered in time$/)
})

test('a new session of the same leader ends all offers', (t) => {
  const given = offered()
  given.nowMs += 1_000
  given.input({ kind: 'bus.connected' })
  t.deepEqual(given.all('tell-rescinded')[0]?.offers, [first.offerId, second.offerId] as never)
  given.subscribe(fence(1), 2)
  given.accept([first.offerId], ['t-1'])
  t.is(refusedAs(given), 'used')
})

test('an offer of an earlier leader is stale', (t) => {
  const given = offered()
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(2) })
  given.input({
    kind: 'framework.decline',
    ask: 1,
    offers: [first.offerId as never],
  })
  t.is(refusedAs(given), 'stale')
})

test('several offers are accepted together only of one agent and role', (t) => {
  const elsewhere = anOffer(3, { agentId: OTHER_AGENT })
  const given = offered().offer(elsewhere)
  given.accept([first.offerId, elsewhere.offerId], ['t-1'])
  t.is(refusedAs(given), 'invalid')
  given.accept([first.offerId, second.offerId], ['t-1'], 2)
  t.deepEqual(given.call('accept').body.offers, [first.offerId, second.offerId])
})

test('a task id is used once at a time', (t) => {
  const given = offered()
  given.accept([first.offerId], ['t-1', 't-1'])
  t.is(refusedAs(given), 'invalid')
  given.accept([first.offerId], ['t-1'])
  given.accept([second.offerId], ['t-1'], 2)
  t.is(refusedAs(given, 2), 'invalid')
})

test('what is too large is refused before it is sent, and the offer stays', (t) => {
  const given = offered()
  const shell = 'x'.repeat(32_000)
  const large = aTask('t-1', { command: { shell: 'x'.repeat(33_000) } })
  const tasks = Array.from({ length: 7 }, (_, i) => aTask(`t-${i}`, { command: { shell } }))
  const offers = [first.offerId as never]
  given.input({ kind: 'framework.accept', ask: 1, offers, operations: launching(large) })
  t.is(refusedAs(given), 'too-large')
  given.input({ kind: 'framework.accept', ask: 2, offers, operations: launching(...tasks) })
  t.is(refusedAs(given, 2), 'too-large')
  given.accept([first.offerId], ['t-1'])
  t.is(given.calls('accept').length, 1)
})

test('what the leader could not read is refused by its field before it is sent', (t) => {
  const given = offered()
  const offers = [first.offerId as never]
  const tasks = [aTask('t-1', { resources: { cpus: -1 } })]
  given.input({ kind: 'framework.accept', ask: 1, offers, operations: launching(...tasks) })
  t.like(given.all('settle')[0]?.outcome, { outcome: 'refused', refusal: { name: 'invalid' } })
  t.regex(JSON.stringify(given.effects), /operations\.0\.tasks\.0\.resources/)
  given.input({ kind: 'framework.decline', ask: 2, offers, refuseMs: 0.5 })
  t.is(refusedAs(given, 2), 'invalid')
  given.accept([first.offerId], ['t-1'], 3)
  t.is(given.call('accept').body.n, 2, 'no number was used for what was refused')
})

test('an offer in a session that is not confirmed is none', (t) => {
  const given = new Given()
  given.input({ kind: 'start' })
  given.offer(first)
  t.deepEqual(given.effects, [])
  given.accept([first.offerId], ['t-1'])
  t.is(refusedAs(given), 'used')
  t.is(given.state.counts.foreignSession, 1)
})

test('a long reason is cut off', (t) => {
  const given = offered()
  const reason = 'x'.repeat(1_000)
  given.input({ kind: 'framework.decline', ask: 1, offers: [first.offerId as never], reason })
  given.flush()
  t.is(given.calls('decline')[0]?.body.reason?.length, 256)
})

for (const name of ['invalid', 'too-large'] as const)
  test(`an accept that the leader refuses as ${name} has launched nothing`, (t) => {
    const given = offered()
    given.accept([first.offerId], ['t-1'])
    given.answer(given.call('accept').key, refusal(name, ''))
    t.is(refusedAs(given), name)
    t.is(given.state.tasks.size, 0)
  })

for (const name of ['used', 'stale'] as const)
  test(`an accept that the leader refuses as ${name}: reconciliation decides`, (t) => {
    const given = offered()
    given.accept([first.offerId], ['t-1'])
    given.answer(given.call('accept').key, refusal(name, ''))
    t.deepEqual(given.all('settle')[0]?.outcome, { outcome: 'unknown' })
    t.deepEqual(given.call('reconcile').body.tasks, [
      { taskId: 't-1' as TaskId, agentId: first.agentId },
    ])
  })

test('accept: tasks and groups of them go to the leader in their order', (t) => {
  const given = offered()
  const operations = [
    { kind: 'launch', tasks: [aTask('t-1')] },
    { kind: 'launch-group', tasks: [aTask('t-2'), aTask('t-3')] },
    { kind: 'launch', tasks: [aTask('t-4')] },
  ] as const
  const offers = [first.offerId as never]
  given.input({ kind: 'framework.accept', ask: 1, offers, operations })
  t.deepEqual(given.call('accept').body.operations as unknown, operations)
  t.deepEqual([...given.state.tasks.keys()], ['t-1', 't-2', 't-3', 't-4'] as never)
})

test('an accept of an empty group, or of a task that stands in two operations, is refused', (t) => {
  const given = offered()
  const offers = [first.offerId as never]
  const none = [{ kind: 'launch-group', tasks: [] }] as const
  given.input({ kind: 'framework.accept', ask: 1, offers, operations: none })
  t.is(refusedAs(given), 'invalid')
  const tasks = [aTask('t-1')]
  const twice = [
    { kind: 'launch', tasks },
    { kind: 'launch-group', tasks },
  ] as const
  given.input({ kind: 'framework.accept', ask: 2, offers, operations: twice })
  t.is(refusalOf(given, 2)?.message, 'task t-1 is there already and has not ended')
  t.true(given.state.offers.has(first.offerId as never))
})

test('an accept that the session took along is not repeated: its tasks are asked about', (t) => {
  const given = offered()
  given.accept([first.offerId], ['t-1'])
  given.nowMs += 500
  given.input({ kind: 'leader.beat', beat: fence(2) })
  t.deepEqual(given.all('settle')[0]?.outcome, { outcome: 'unknown' })
  given.subscribe(fence(2))
  t.is(given.calls('accept').length, 0)
  t.deepEqual(given.call('reconcile').body.tasks, [
    { taskId: 't-1' as TaskId, agentId: first.agentId },
  ])
  const gone = aStatus('TASK_GONE', { source: 'master', reason: 'RECONCILIATION' })
  given.say([{ kind: 'status', status: gone }], fence(2))
  t.deepEqual(given.all('tell-statuses')[0]?.statuses, [gone])
  t.is(given.pass(8_000).filter((e) => e.do === 'call' && e.verb === 'accept').length, 0)
})

test('declines that the session took along are forgotten', (t) => {
  const given = offered()
  given.input({ kind: 'framework.decline', ask: 1, offers: [first.offerId as never] })
  given.nowMs += 500
  given.input({ kind: 'leader.beat', beat: fence(2) })
  given.subscribe(fence(2))
  t.deepEqual(given.flush(), [])
})

test('dead offers beside live ones are passed over in a decline', (t) => {
  const given = offered()
  const offers = [first.offerId, 'dead'] as never[]
  given.input({ kind: 'framework.decline', ask: 1, offers, refuseMs: 7 })
  t.deepEqual(given.effects, [{ do: 'settle', ask: 1, outcome: { outcome: 'done' } }])
  given.flush()
  t.like(given.calls('decline')[0]?.body, { offers: [first.offerId], refuseMs: 7 })
})
