/** Questions about tasks, which are bounded; of instances, who holds a framework, and its end. */
import assert from 'node:assert/strict'
import test from 'ava'
import type { AgentId, DirectoryId, InstanceId, Launch, TaskId } from '../../../../protocol/ids.ts'
import { RECONCILE_TASKS_MAX, RECONCILED_TASKS_BURST } from '../../../../protocol/limits.ts'
import type { TaskState } from '../../../../protocol/task-state.ts'
import {
  aHeldTask,
  aStageWith,
  aTask,
  FakeAgent,
  FakeFramework,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  aFramework,
  effectsOf,
  MasterDriver,
  statusesOf,
} from '../../../support/master-builders.ts'

const tasks = Array.from({ length: RECONCILE_TASKS_MAX }, (_, i) => ({
  taskId: `t${i}` as TaskId,
  agentId: 'nobody' as AgentId,
}))
const refusedAs = (answer: unknown): string | undefined =>
  (answer as { refused?: { name: string } } | undefined)?.refused?.name

/** It has asked about all but so many of those that it may. */
function leave(master: MasterDriver, count: number): void {
  const asked = RECONCILED_TASKS_BURST - count
  master.leader.reconciled.spend('local', master.nowMs, asked)
}

test('a principal may ask about so many tasks at once, then about some each second', (t) => {
  const { master, framework } = aStageWith('t1')
  leave(master, tasks.length)
  t.is(refusedAs(framework.call('reconcile', { tasks })), undefined)
  t.is(refusedAs(framework.call('reconcile', { tasks })), 'too-many')
  const sibling = new FakeFramework(master, 'f2')
  sibling.subscribe()
  t.is(refusedAs(sibling.call('reconcile', { tasks })), 'too-many')
  const other = new FakeFramework(master, 'f1', 'else')
  other.subscribe()
  t.is(refusedAs(other.call('reconcile', { tasks })), undefined)
  master.pass(1_000)
  t.is(refusedAs(framework.call('reconcile', { tasks })), undefined)
})

test('a question about all counts as many tasks as there are', (t) => {
  const { master, framework } = aStageWith('t1', 't2', 't3')
  leave(master, 7)
  const ask = () => refusedAs(framework.call('reconcile', { tasks: [] }))
  t.deepEqual([ask(), ask(), ask()], [undefined, undefined, 'too-many'])
})

test('how a task ended is told to whoever names its launch, after it was settled, too', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  const taskId = 't1' as TaskId
  const { launch = oldLaunch(9), agentId } = master.task('t1') ?? {}
  agent.update('t1', 'TASK_FAILED', { exit: { code: 3 }, message: 'so it was' })
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId, launch }] })
  const ask = (named?: Launch) => {
    const asked = { taskId, ...(agentId && { agentId }), ...(named && { launch: named }) }
    const from = master.effects.length
    framework.call('reconcile', { tasks: [asked] })
    return statusesOf(master.effects.slice(from))
  }
  t.like(ask(launch), {
    length: 1,
    0: { state: 'TASK_FAILED', launch, exit: { code: 3 }, message: 'so it was' },
  })
  t.like(ask(oldLaunch(7)), { length: 1, 0: { state: 'TASK_GONE', launch: undefined } })
  t.like(ask(), { length: 1, 0: { state: 'TASK_GONE' } }, 'it may be one that was launched since')
})

test('an end that was settled before the leader knew of it is told, for its framework may be another', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  const { launch = oldLaunch(9) } = master.task('t1') ?? {}
  agent.update('t1', 'TASK_RUNNING')
  framework.subscribe()
  const from = master.effects.length
  const exit = { code: 0 }
  const number = { incarnation: 1, count: 9 }
  agent.open({}, [
    aHeldTask('t1', { launch, latest: 'TASK_FINISHED', settled: true, number, exit }),
  ])
  t.like(statusesOf(master.effects.slice(from)), {
    length: 1,
    0: { state: 'TASK_FINISHED', launch, number, exit },
  })
})

test('an end that its agent told to an earlier process of the framework is told to this one', (t) => {
  const { master, framework, agent } = aStageWith('t1', 't2')
  agent.subscription = master.framework().subscription
  const said = (taskId: string, state: TaskState) => statusesOf(agent.update(taskId, state))
  t.deepEqual(said('t1', 'TASK_RUNNING'), [])
  framework.subscribe()
  t.deepEqual(said('t2', 'TASK_RUNNING'), [], 'the agent says that again')
  t.deepEqual(said('t1', 'TASK_FAILED'), [], 'and repeats that until somebody acknowledges')
  agent.subscription = master.framework().subscription
  t.deepEqual(said('t2', 'TASK_FAILED'), [])
  const tasks = ['t1', 't2'].map((id) => {
    const { taskId, launch } = master.task(id) ?? assert.fail(id)
    return { ...aFramework(), taskId, launch }
  })
  t.like(statusesOf(agent.say({ kind: 'settled', tasks })), {
    length: 1,
    0: { taskId: 't1', state: 'TASK_FAILED' },
  })
})

test('an end that its agent has lost is told to its framework', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_FAILED', { message: 'so it was' })
  const from = master.effects.length
  agent.open({}, [])
  t.like(statusesOf(master.effects.slice(from)), {
    length: 1,
    0: { state: 'TASK_FAILED', message: 'so it was' },
  })
  t.is(master.task('t1'), undefined)
})

test('what a framework is told of an end goes before what its agent hears, which forgets it then', (t) => {
  const { master, framework, agent } = aStageWith('t1', 't2')
  const { taskId, launch } = master.task('t1') ?? assert.fail()
  agent.subscription = master.framework().subscription
  framework.subscribe()
  agent.update('t1', 'TASK_FAILED')
  master.isFlushing = false
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId, launch }] })
  framework.call('kill', { taskId: 't2' as TaskId })
  const said = master.input({ kind: 'flush' }).map((effect) => effect.do)
  t.deepEqual(said.slice(0, 2), ['send-events', 'send-orders'])
})

test('an answer says why a task ended: whether it is started again may depend on that', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  const ask = () => {
    const from = master.effects.length
    framework.call('reconcile', { tasks: [{ taskId: 't1' as TaskId }] })
    return statusesOf(master.effects.slice(from))
  }
  agent.update('t1', 'TASK_RUNNING', { reason: 'HEALTH_CHECK_STATUS_UPDATED' })
  t.like(ask(), { length: 1, 0: { state: 'TASK_RUNNING', reason: 'RECONCILIATION' } })
  agent.update('t1', 'TASK_KILLED', { reason: 'UNHEALTHY' })
  t.like(ask(), { length: 1, 0: { state: 'TASK_KILLED', reason: 'UNHEALTHY' } })
})

test('a launch that was settled as gone, and that its agent shows again, runs for who names it', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  const taskId = 't1' as TaskId
  const { launch = oldLaunch(9), agentId } = master.task('t1') ?? {}
  agent.say({ kind: 'stopping' })
  agent.open({ incarnation: 2, directory: '00000000000000d2' as DirectoryId })
  agent.update('t1', 'TASK_GONE', { number: { incarnation: 2, count: 1 } })
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId, launch }] })
  t.is(master.task('t1'), undefined)
  agent.say({ kind: 'stopping' })
  const number = { incarnation: 1, count: 1 }
  agent.open({ incarnation: 3 }, [aHeldTask('t1', { launch, number })])
  const from = master.effects.length
  framework.call('reconcile', { tasks: [{ taskId, launch, ...(agentId && { agentId }) }] })
  t.like(statusesOf(master.effects.slice(from)), {
    length: 1,
    0: { state: 'TASK_RUNNING', launch },
  })
})

test('an agent takes back no end of a launch of another agent', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  const taskId = 't1' as TaskId
  const { launch = oldLaunch(9) } = master.task('t1') ?? {}
  agent.update('t1', 'TASK_FAILED', { exit: { code: 3 } })
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId, launch }] })
  new FakeAgent(master, 'a2').open({}, [aHeldTask('t2', { launch })])
  const from = master.effects.length
  framework.call('reconcile', { tasks: [{ taskId, launch }] })
  t.like(statusesOf(master.effects.slice(from)), { length: 1, 0: { state: 'TASK_FAILED' } })
})

test('who names a launch that is over hears of it, and of no later one of that id', (t) => {
  const { master, framework, agent, allocator } = aStageWith('t1')
  const taskId = 't1' as TaskId
  const { launch = oldLaunch(9) } = master.task('t1') ?? {}
  agent.update('t1', 'TASK_FAILED')
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId, launch }] })
  const { offer } = allocator.offer()
  framework.accept([offer?.offerId ?? ''], aTask('t1'))
  const from = master.effects.length
  framework.call('reconcile', { tasks: [{ taskId, launch }, { taskId }] })
  t.like(statusesOf(master.effects.slice(from)), [
    { state: 'TASK_FAILED', launch },
    { state: 'TASK_STAGING', launch: master.task('t1')?.launch },
  ])
})

test('who holds a framework is in the registry before it is told', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  const instanceOf = () =>
    master.records.flatMap((fact) => (fact.kind === 'framework' ? [fact.instance] : []))
  framework.subscribe({ instance: 'a' as InstanceId })
  t.deepEqual(instanceOf(), ['a'])
  framework.subscribe({ instance: 'a' as InstanceId })
  t.deepEqual(instanceOf(), ['a'], 'nothing has changed')
  framework.call('hand-over', {})
  framework.subscribe({ instance: 'b' as InstanceId })
  t.deepEqual(instanceOf(), ['a', 'b'])
})

test('who names no instance has the framework before the registry has written so', (t) => {
  const master = new MasterDriver().leading()
  const [lone, other] = [new FakeFramework(master), new FakeFramework(master)]
  master.holding.add('registry')
  t.is(refusedAs(lone.subscribe()), undefined)
  t.is(refusedAs(other.subscribe({ instance: 'b' as InstanceId })), 'held')
})

test('of two instances that ask while the registry writes, the first has the framework', (t) => {
  const master = new MasterDriver().leading()
  const [first, second] = [new FakeFramework(master), new FakeFramework(master)]
  master.holding.add('registry')
  t.is(refusedAs(first.subscribe({ instance: 'a' as InstanceId })), undefined)
  const answer = second.subscribe({ instance: 'b' as InstanceId })
  t.is(refusedAs(answer), 'held')
})

test('who knows a framework that is not there any more does not begin it', (t) => {
  const master = new MasterDriver().leading()
  const [first, second] = [new FakeFramework(master), new FakeFramework(master)]
  const waiting = { instance: 'b' as InstanceId, known: true }
  t.is(refusedAs(second.subscribe(waiting)), 'torn-down')
  master.holding.add('registry')
  t.is(refusedAs(first.subscribe({ instance: 'a' as InstanceId })), undefined)
  t.is(refusedAs(second.subscribe(waiting)), 'held', 'it is about to be known')
  master.release()
  first.call('hand-over', {})
  t.is(refusedAs(second.subscribe(waiting)), undefined)
})

test('a leader that is not the newest refuses nobody as torn down for what it does not know', (t) => {
  const master = new MasterDriver().leading()
  const epoch = master.leader.epoch + 1
  t.is(refusedAs(new FakeFramework(master).subscribe({ known: true, epoch })), 'stale')
  t.is(refusedAs(new FakeFramework(master).subscribe({ epoch })), undefined)
})

test('a framework whose end the registry holds, and its forgetting not yet, does not begin anew', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  master.holding.add('registry')
  framework.call('teardown', {})
  framework.call('teardown', {})
  t.is(refusedAs(framework.subscribe({ known: true })), undefined)
  master.holding.clear()
  master.release()
  t.is(effectsOf(master.effects, 'refuse').at(-1)?.refusal.name, 'torn-down')
  t.is(master.leader.frameworks.size, 0)
})

test('who asked for a framework that is over, and forgotten before the registry has written, is refused', (t) => {
  const master = new MasterDriver().leading()
  const [first, second] = [new FakeFramework(master), new FakeFramework(master)]
  first.subscribe()
  master.holding.add('registry')
  first.call('teardown', {})
  t.is(second.subscribe(), undefined)
  master.holding.clear()
  master.release()
  t.is(effectsOf(master.effects, 'refuse').at(-1)?.refusal.name, 'torn-down')
  t.is(master.leader.frameworks.size, 0)
  t.deepEqual(second.subscribe(), { ok: {} }, 'the id is free')
})
