/** What a leader makes of tasks that an agent shows when it opens its session. */
import test from 'ava'
import type { TaskId } from '../../../../protocol/ids.ts'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import {
  aHeldTask,
  aStage,
  aStageWith,
  FakeAgent,
  FakeFramework,
  live,
  oldLaunch,
} from '../../../support/master-actors.ts'
import { aFramework, MasterDriver, ordersOf, statusesOf } from '../../../support/master-builders.ts'

test('a settled task in a snapshot is not taken up again', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({}, [aHeldTask('t1', { latest: 'TASK_FINISHED', settled: true })])
  t.is(master.leader.frameworks.size, 0, 'a framework of which nothing is left is none')
  t.deepEqual(master.ended, [])
})

test('a task that was settled while nobody led is listed, as it ended, by the next leader', (t) => {
  const master = new MasterDriver().leading()
  new FakeFramework(master).subscribe()
  const agent = new FakeAgent(master)
  const shown = aHeldTask('t1', { latest: 'TASK_FAILED', settled: true, exit: { code: 9 } })
  agent.open({}, [shown])
  t.is(master.framework().tasks.size, 0)
  t.like(master.ended, {
    length: 1,
    0: { state: 'TASK_FAILED', said: { exit: { code: 9 } } },
  })
  agent.open({}, [shown])
  t.is(master.ended.length, 1, 'it may say so again')
})

test('an end that nobody has acknowledged is kept for a framework that the registry lost', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({}, [aHeldTask('t1', { latest: 'TASK_FINISHED' })])
  t.is(master.framework().state, 'recovered')
  t.is(master.task('t1')?.state, 'TASK_FINISHED')
})

test('subscriptions of one framework follow each other, whoever else subscribes', (t) => {
  const { master, framework } = aStage()
  new FakeFramework(master, 'f2').subscribe()
  framework.subscribe()
  t.deepEqual(master.framework().subscription, { epoch: 1, count: 2 })
})

test('who ended and begins anew is above every subscription that an agent brings back', (t) => {
  const { master, framework, agent } = aStage()
  framework.subscribe()
  t.deepEqual(master.framework().subscription, { epoch: 1, count: 2 })
  framework.call('teardown', {})
  t.is(master.leader.frameworks.size, 0)
  // Its disk has gone back: it knows the framework as it was, and nobody asked it to tear it down.
  agent.open({}, [aHeldTask('t1', { latest: 'TASK_FINISHED' })])
  new FakeFramework(master).subscribe()
  const [order] = ordersOf(master.effects, 'a1', 'framework-subscribed')
  t.like(order, { ...aFramework(), subscription: { epoch: 1, count: 3 } })
})

test('a task that was settled already is listed once, as it ended', (t) => {
  const { master, agent } = aStageWith('t1')
  const { launch = oldLaunch(9) } = master.task('t1') ?? {}
  agent.update('t1', 'TASK_FINISHED', { exit: { code: 3 } })
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId: 't1' as TaskId, launch }] })
  agent.open({}, [aHeldTask('t1', { launch, latest: 'TASK_FINISHED', settled: true })])
  t.is(master.ended.length, 1)
  t.like(master.ended[0]?.said, { exit: { code: 3 } })
})

test('a task is as it is since its agent says so, not since a leader heard of it', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({}, [aHeldTask('t1', { atMs: 5_000 }), aHeldTask('t2')])
  const changed = (id: string) => master.task(id)?.changedAtMs
  t.deepEqual([changed('t1'), changed('t2')], [5_000, 1e12 + master.nowMs])
  agent.update('t1', 'TASK_FINISHED', { atMs: 9_000 })
  t.is(changed('t1'), 9_000)
})

test('a task of an agent that has lost its disk, and whose clock is behind, is GONE', (t) => {
  const { master, agent, framework, allocator } = aStageWith('t1')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  const number = { incarnation: 1_700_000_000, count: 3 }
  agent.open({ incarnation: number.incarnation }, [aHeldTask('t1', { launch, number })])
  live({ master, framework, allocator }, AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2))
  t.is(master.agent('a1').state, 'unreachable')
  const effects = agent.open({ incarnation: number.incarnation - 100 })
  t.deepEqual(ordersOf(effects, 'a1', 'missing'), [], 'what it answered would count for old')
  t.like(statusesOf(effects).at(-1), { taskId: 't1', state: 'TASK_GONE', number: undefined })
  t.is(master.task('t1'), undefined)
})
