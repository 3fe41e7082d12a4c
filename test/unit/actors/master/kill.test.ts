/**
 * Kills: handed on, remembered while the agent cannot hear, answered when the task is not known.
 */
import test from 'ava'
import type { AgentId, Launch, TaskId } from '../../../../protocol/ids.ts'
import {
  aHeldTask,
  aStage,
  aStageWith,
  aTask,
  FakeAgent,
  FakeFramework,
  oldLaunch,
} from '../../../support/master-actors.ts'
import { aFramework, MasterDriver, ordersOf, statusesOf } from '../../../support/master-builders.ts'

const T1 = { taskId: 't1' as TaskId }

test('a kill is handed on to the agent, with its grace', (t) => {
  const { master, framework } = aStageWith('t1')
  t.deepEqual(framework.call('kill', { ...T1, graceMs: 500 }), { ok: {} })
  t.deepEqual(ordersOf(master.effects, 'a1', 'kill'), [
    { kind: 'kill', ...aFramework(), ...T1, graceMs: 500 },
  ])
})

test('a kill without a grace leaves it to the agent', (t) => {
  const { master, framework } = aStageWith('t1')
  framework.call('kill', T1)
  t.false('graceMs' in (ordersOf(master.effects, 'a1', 'kill')[0] ?? {}))
})

test('a kill of a task that nobody knows is answered as by reconcile', (t) => {
  const { master, framework } = aStage()
  framework.call('kill', { ...T1, agentId: 'a1' as AgentId })
  t.like(statusesOf(master.effects), [{ ...T1, state: 'TASK_GONE', reason: 'RECONCILIATION' }])
})

test('a kill that names another agent than the task’s is for nobody', (t) => {
  const { master, framework } = aStageWith('t1')
  t.deepEqual(framework.call('kill', { ...T1, agentId: 'a9' as AgentId }), { ok: {} })
  t.deepEqual(ordersOf(master.effects, 'a1', 'kill'), [])
})

test('a task that has ended is not killed', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_FINISHED')
  framework.call('kill', T1)
  t.deepEqual(ordersOf(master.effects, 'a1', 'kill'), [])
})

test('a kill is remembered until the agent is back, and forgotten when the task ended', (t) => {
  const { master, framework, agent } = aStageWith('t1', 't2')
  const launches = ['t1', 't2'].map((id) => master.task(id)?.launch ?? oldLaunch(9))
  agent.n += 1
  agent.pong()
  t.is(master.agent('a1').state, 'silent')
  framework.call('kill', { ...T1, graceMs: 700 })
  framework.call('kill', { taskId: 't2' as TaskId })
  t.deepEqual(ordersOf(master.effects, 'a1', 'kill'), [])
  const [first = oldLaunch(9), second = oldLaunch(9)] = launches
  const effects = agent.open({}, [
    aHeldTask('t1', { launch: first }),
    aHeldTask('t2', { launch: second, latest: 'TASK_FINISHED' }),
  ])
  t.deepEqual(ordersOf(effects, 'a1', 'kill'), [
    { kind: 'kill', ...aFramework(), ...T1, graceMs: 700 },
  ])
})

test('a kill in a session that was lost before it arrived is said again', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  framework.call('kill', T1)
  const effects = agent.open({}, [aHeldTask('t1', { launch })])
  t.is(ordersOf(effects, 'a1', 'kill').length, 1)
})

test('a kill of an unreachable task reaches it when its agent returns', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  for (let i = 0; i < 25; i++) {
    master.pass(1_000)
    framework.pong()
  }
  t.is(master.task('t1')?.state, 'TASK_UNREACHABLE')
  framework.call('kill', T1)
  t.is(ordersOf(agent.open({}, [aHeldTask('t1', { launch })]), 'a1', 'kill').length, 1)
})

test('a kill that a new leader hears before it knows the task is remembered until an agent tells of it', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  framework.call('kill', { ...T1, agentId: 'a1' as AgentId, graceMs: 700 })
  framework.call('kill', { taskId: 't2' as TaskId })
  const agent = new FakeAgent(master)
  const held = ['t1', 't2', 't3'].map((id, i) => aHeldTask(id, { launch: oldLaunch(i + 1) }))
  t.deepEqual(ordersOf(agent.open({}, held), 'a1', 'kill'), [
    { kind: 'kill', ...aFramework(), taskId: 't2' as TaskId },
    { kind: 'kill', ...aFramework(), ...T1, graceMs: 700 },
  ])
  t.deepEqual(
    ordersOf(agent.open({}, held), 'a1', 'kill').length,
    2,
    'said again when it may be lost',
  )
})

test('a kill of a task that nobody knew is not for a later one of the same id', (t) => {
  const { master, framework, agent, allocator } = aStage()
  framework.call('kill', T1)
  allocator.offer()
  framework.accept(framework.offers, aTask('t1'))
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  t.deepEqual(ordersOf(agent.open({}, [aHeldTask('t1', { launch })]), 'a1', 'kill'), [])
})

test('nobody kills the task of another framework', (t) => {
  const { master } = aStageWith('t1')
  const other = aFramework('f2')
  const body = { name: 'x', secretHash: 'c'.repeat(64) }
  master.call(other, { verb: 'subscribe', body })
  master.call(other, { verb: 'kill', body: T1 })
  t.deepEqual(ordersOf(master.effects, 'a1', 'kill'), [])
})

test('a kill that names a launch which is over is told how it ended, and kills no later one', (t) => {
  const { master, framework, agent, allocator } = aStageWith('t1')
  const { launch = oldLaunch(9), agentId = 'a9' as AgentId } = master.task('t1') ?? {}
  agent.update('t1', 'TASK_FAILED')
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), ...T1, launch }] })
  const kill = (named: { launch?: Launch; agentId?: AgentId }) => {
    const from = master.effects.length
    framework.call('kill', { ...T1, ...named })
    const effects = master.effects.slice(from)
    return [statusesOf(effects).map(({ state }) => state), ordersOf(effects, 'a1', 'kill').length]
  }
  t.deepEqual(kill({ launch, agentId }), [['TASK_FAILED'], 0])
  t.deepEqual(kill({ agentId }), [['TASK_GONE'], 0], 'it may be one that was launched since')
  const { offer } = allocator.offer()
  framework.accept([offer?.offerId ?? ''], aTask('t1'))
  t.deepEqual(kill({ launch, agentId }), [['TASK_FAILED'], 0])
  t.deepEqual(kill({ launch: oldLaunch(0), agentId }), [['TASK_STAGING'], 0], 'as by reconcile')
  const later = master.task('t1')?.launch ?? launch
  t.deepEqual(kill({ launch: later, agentId }), [[], 1])
  t.deepEqual(kill({}), [[], 1])
})

test('a kill that names a launch is not for a later one that an agent brings', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  framework.call('kill', { ...T1, launch: oldLaunch(1) })
  framework.call('kill', { taskId: 't2' as TaskId, launch: oldLaunch(2) })
  const held = ['t1', 't2'].map((id) => aHeldTask(id, { launch: oldLaunch(2) }))
  t.deepEqual(ordersOf(new FakeAgent(master).open({}, held), 'a1', 'kill'), [
    { kind: 'kill', ...aFramework(), taskId: 't2' as TaskId },
  ])
})
