/** How frameworks come, change hands, change and go, on a whole simulated cluster. */
import test from 'ava'
import type { SessionId } from '../../protocol/ids.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun } from '../support/wire-framework.ts'

const FIRST = '00000000000000a1' as SessionId
const SECOND = '00000000000000a2' as SessionId
const WHOLE = { cpus: 4, mem: 1024 }

test('a second process takes over: tasks run on, the first is cut off, and what it did not acknowledge comes', async (t) => {
  const scenario = await Scenario.open({})
  const first = await scenario.framework('f1', { session: FIRST })
  first.isAcknowledging = false
  await first.accept([aRun('t1')])
  await scenario.pass()
  t.is(first.lastOf('t1')?.state, 'TASK_RUNNING')
  first.isAnswering = false
  await scenario.pass(60_000)
  const second = await scenario.framework('f1', { session: SECOND })
  t.is(second.lastOf('t1')?.state, 'TASK_RUNNING')
  t.is(second.lastOf('t1')?.uuid, first.lastOf('t1')?.uuid)
  t.deepEqual((await first.call('pong', {})).outcome, 'stale-session')
  const { items } = await scenario.ask('tasks', {})
  t.like(items, [{ taskId: 't1', state: 'TASK_RUNNING' }])
})

test('the first of two living processes hears that it was replaced, and nobody obeys it any more', async (t) => {
  const scenario = await Scenario.open({})
  const first = await scenario.framework('f1', { session: FIRST })
  await first.accept([aRun('t1')])
  await scenario.pass()
  const second = await scenario.framework('f1', { session: SECOND })
  t.like(first.heard('error'), [{ name: 'failed-over' }])
  t.is((await first.call('kill', { taskId: aRun('t1').taskId })).outcome, 'stale-session')
  await scenario.pass(10_000)
  await second.call('reconcile', { tasks: [] })
  await scenario.pass()
  t.is(second.lastOf('t1')?.state, 'TASK_RUNNING')
})

test('who stays away for its failover time is ended with its tasks, and its id is refused', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1', { failoverMs: 30_000 })
  await framework.accept([aRun('t1')])
  await scenario.pass()
  island.cutOff()
  framework.isAnswering = false
  await scenario.pass(120_000)
  t.is((await framework.subscribe()).outcome, 'torn-down', 'one of its agents has not confirmed')
  island.join()
  await scenario.pass(60_000)
  const { items } = await scenario.ask('tasks', {})
  t.deepEqual(
    items.filter(({ state }) => state !== 'TASK_KILLED'),
    [],
  )
})

test('who was torn down is refused, and its tasks are killed', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  const other = await scenario.framework('f2', { suppressed: ['*'] })
  await framework.accept([aRun('t1', WHOLE)])
  await scenario.pass()
  island.cutOff()
  t.is((await framework.call('teardown', {})).outcome, 'done')
  await scenario.pass()
  t.like(framework.heard('error'), [{ name: 'torn-down' }])
  t.is((await framework.subscribe()).outcome, 'torn-down')
  island.join()
  await other.call('revive', {})
  await scenario.pass(60_000)
  t.is(other.offers.length, 1, 'what its task held is free')
})

test('who subscribes anew loses its offers, and is offered the same as new ones', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  const [before] = framework.offers
  await framework.subscribe()
  await scenario.pass(2_000)
  const [after] = framework.offers
  t.deepEqual(after?.resources, before?.resources)
  t.not(after?.offerId, before?.offerId)
  await framework.accept([aRun('t1')], { offers: before ? [before] : [] })
  await scenario.pass()
  t.is(framework.lastOf('t1')?.state, 'TASK_DROPPED')
})

test('a framework of the same id and another principal is another framework', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1')])
  const other = await scenario.framework('f1', { principal: 'else' })
  await other.call('kill', { taskId: aRun('t1').taskId })
  await scenario.pass(10_000)
  t.is(framework.lastOf('t1')?.state, 'TASK_RUNNING')
  t.is((await scenario.ask('frameworks', {})).items.length, 2)
})

test('what a framework subscribes with anew counts from then on', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1', { roles: ['a'] })
  t.is(framework.offers[0]?.role, 'a')
  await framework.subscribe({ name: 'renamed', roles: ['b'], failoverMs: 1_000 })
  await scenario.pass(2_000)
  t.is(framework.offers[0]?.role, 'b')
  const { items } = await scenario.ask('frameworks', {})
  t.like(items, [{ name: 'renamed', roles: ['b'] }])
  framework.isAnswering = false
  await scenario.pass(30_000)
  t.deepEqual((await scenario.ask('frameworks', {})).items, [], 'its failover time is the new one')
})

test('who subscribes suppressed, new or again, is offered nothing until it revives', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1', { suppressed: ['*'] })
  await scenario.pass(60_000)
  t.deepEqual(framework.heard('offers'), [])
  await framework.call('revive', {})
  await scenario.pass()
  t.is(framework.offers.length, 1)
  await framework.subscribe({ suppressed: ['*'] })
  await scenario.pass(60_000)
  t.is(framework.offers.length, 0)
  await framework.call('revive', { roles: ['*'] })
  await scenario.pass()
  t.is(framework.offers.length, 1)
})

test('who hears nothing of the leader is away: its offers are free, its calls refused until it subscribes', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1', { session: FIRST })
  // What the leader says does not reach it; what it says would.
  framework.isAnswering = false
  await scenario.pass(60_000)
  t.is((await framework.decline()).outcome, 'not-subscribed')
  t.deepEqual((await scenario.ask('offers', {})).items, [])
  await framework.subscribe()
  await scenario.pass(2_000)
  t.is(framework.offers.length, 1)
})

test('after a takeover the tasks of a framework that has not returned are listed, and an operator may end it', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1', { session: FIRST })
  const other = await scenario.framework('f2', { suppressed: ['*'] })
  await framework.accept([aRun('t1', WHOLE)])
  await scenario.pass()
  framework.isAnswering = false
  await scenario.takeover()
  const listed = await scenario.ask('frameworks', { prefix: 'f1' })
  t.like(listed.items, [{ frameworkId: 'f1', state: 'recovered', tasks: 1 }])
  t.like((await scenario.ask('tasks', {})).items, [{ taskId: 't1', state: 'TASK_RUNNING' }])
  await scenario.ask('teardown', framework.key)
  await scenario.pass(10_000)
  await other.subscribe()
  await scenario.pass(2_000)
  t.is(other.offers.length, 1, 'what its task held is free')
})
