/** Two agents that run launches of one task id, when leaders have changed between. */
import test from 'ava'
import type { TaskStatus } from '../../../../protocol/schema/common.ts'
import {
  aHeldTask,
  cpusMem,
  FakeAgent,
  FakeFramework,
  oldLaunch,
} from '../../../support/master-actors.ts'
import { aFramework, MasterDriver, ordersOf, statusesOf } from '../../../support/master-builders.ts'

const [EARLIER, LATER] = [oldLaunch(1), oldLaunch(2)]
const HELD = cpusMem(3, 64)
const ofEarlier = aHeldTask('t1', { launch: EARLIER })
const { principal, frameworkId, taskId } = ofEarlier
const ofLater = aHeldTask('t1', { launch: LATER, resources: HELD })
/** The later one, as its framework names it. */
const there = { taskId, agentId: 'a2' as FakeAgent['agentId'] }

/** A leader that knows the one at a1, and is then shown the later one at a2. */
function aStageOfTwo() {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  const [a1, a2] = [new FakeAgent(master, 'a1'), new FakeAgent(master, 'a2')]
  a1.open({ pages: 1 }, [ofEarlier])
  const shown = a2.open({ pages: 1 }, [ofLater])
  const end = (agent: FakeAgent, launch: TaskStatus['launch'] & string) => {
    agent.updateOf(aFramework(), { taskId, launch, state: 'TASK_KILLED' })
    return agent.say({ kind: 'settled', tasks: [{ principal, frameworkId, taskId, launch }] })
  }
  return { master, framework, a1, a2, shown, end }
}

function since(master: MasterDriver) {
  const from = master.effects.length
  return () => master.effects.slice(from)
}

test('what a later launch holds is not free until it ends', (t) => {
  const { master, a2, end } = aStageOfTwo()
  const listed = (verb: 'agents' | 'frameworks' | 'tasks', key: string) => {
    const answer = master.operate({ verb, body: {} })
    const { items } = (answer !== undefined && 'ok' in answer ? answer.ok : { items: [] }) as {
      readonly items: readonly Record<string, unknown>[]
    }
    return items.map((item) => item[key])
  }
  t.deepEqual(listed('agents', 'used'), [cpusMem(1, 128), HELD])
  t.deepEqual(listed('frameworks', 'used'), [cpusMem(4, 192)])
  t.deepEqual(listed('tasks', 'launch'), [EARLIER, LATER])
  end(a2, LATER)
  t.deepEqual(listed('frameworks', 'used'), [cpusMem(1, 128)])
  t.deepEqual(master.agent('a2').free, master.agent('a2').total)
  t.is(master.task('t1')?.launch, EARLIER)
})

test('a later launch ends nothing at another agent, whoever shows it', (t) => {
  const { master, framework, a1, shown } = aStageOfTwo()
  t.deepEqual(ordersOf(shown, 'a1', 'kill'), [])
  t.deepEqual(statusesOf(shown), [])
  t.is(master.counter('launches-foreign'), 1)
  const said = since(master)
  framework.call('reconcile', { tasks: [{ taskId }] })
  t.like(statusesOf(said()), [{ agentId: 'a1', launch: EARLIER, state: 'TASK_RUNNING' }])
  a1.update('t1', 'TASK_KILLING')
  t.is(master.task('t1')?.state, 'TASK_KILLING')
})

test('who names the agent of a later launch hears of that one, and kills it alone', (t) => {
  const { master, framework } = aStageOfTwo()
  const said = since(master)
  framework.call('reconcile', { tasks: [there] })
  t.like(statusesOf(said()), [{ agentId: 'a2', launch: LATER, state: 'TASK_RUNNING' }])
  framework.call('kill', there)
  t.deepEqual(
    [ordersOf(said(), 'a1', 'kill').length, ordersOf(said(), 'a2', 'kill').length],
    [0, 1],
  )
})

test('who names no agent kills all launches of the id', (t) => {
  const { master, framework } = aStageOfTwo()
  const said = since(master)
  framework.call('kill', { taskId })
  t.deepEqual(
    [ordersOf(said(), 'a1', 'kill').length, ordersOf(said(), 'a2', 'kill').length],
    [1, 1],
  )
})

test('a kill that names an agent which is away waits for what that one brings', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  new FakeAgent(master, 'a1').open({ pages: 1 }, [ofEarlier])
  framework.call('kill', there)
  const shown = new FakeAgent(master, 'a2').open({ pages: 1 }, [ofLater])
  t.like(ordersOf(shown, 'a2', 'kill'), [{ taskId }])
  t.is(master.task('t1')?.kill, undefined)
})

test('a later launch is the task of its id when the earlier one is over', (t) => {
  const { master, framework, a1, end } = aStageOfTwo()
  const said = since(master)
  end(a1, EARLIER)
  t.is(master.task('t1')?.launch, LATER)
  t.deepEqual(master.taskIds(), [taskId])
  framework.call('reconcile', { tasks: [{ taskId }, there] })
  const told = statusesOf(said()).map(({ launch, state }) => [launch, state])
  t.deepEqual(told, Array(2).fill([LATER, 'TASK_RUNNING']))
})

test('a later launch that its agent does not show again is asked for', (t) => {
  const { a2 } = aStageOfTwo()
  const missing = ordersOf(a2.open({}, []), 'a2', 'missing')
  t.like(missing, [{ tasks: [{ taskId, launch: LATER }] }])
})

test('of a framework that ends, the agent of a later launch is to confirm that, too', (t) => {
  const { master, framework, a1, a2 } = aStageOfTwo()
  const said = since(master)
  framework.call('teardown', {})
  t.is(ordersOf(said(), 'a2', 'tear-down').length, 1)
  a1.say({ kind: 'torn-down', principal, frameworkId })
  t.deepEqual(master.taskIds(), [taskId])
  a2.say({ kind: 'torn-down', principal, frameworkId })
  t.deepEqual(master.agent('a2').free, master.agent('a2').total)
  t.is(master.leader.frameworks.size, 0)
})

test('of two launches that one agent shows the later one counts, and the earlier one is killed', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  const agent = new FakeAgent(master, 'a1')
  const shown = agent.open({}, [ofEarlier, ofLater])
  t.like(ordersOf(shown, 'a1', 'kill'), [{ taskId, launch: EARLIER }])
  t.is(master.task('t1')?.launch, LATER)
  const again = agent.open({}, [ofEarlier, ofLater])
  t.like(ordersOf(again, 'a1', 'kill'), [{ taskId, launch: EARLIER }])
  agent.updateOf(aFramework(), { taskId, launch: EARLIER, state: 'TASK_KILLED' })
  agent.say({ kind: 'settled', tasks: [{ principal, frameworkId, taskId, launch: EARLIER }] })
  const said = since(master)
  framework.call('reconcile', { tasks: [{ taskId, agentId: agent.agentId }] })
  t.like(statusesOf(said()), [{ launch: LATER, state: 'TASK_RUNNING' }])
})

test('the later of two launches at one agent counts beside an earlier one elsewhere', (t) => {
  const master = new MasterDriver().leading()
  new FakeAgent(master, 'a2').open({}, [aHeldTask('t1', { launch: oldLaunch(0) })])
  const shown = new FakeAgent(master, 'a1').open({}, [ofEarlier, ofLater])
  t.like(ordersOf(shown, 'a1', 'kill'), [{ taskId, launch: EARLIER }])
  t.deepEqual(
    [...master.agent('a1').tasks].map(({ launch }) => launch),
    [LATER],
  )
})

test('a kill waits for the agent that it names, whoever else brings the task before', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  new FakeAgent(master, 'a1').open({}, [ofEarlier])
  framework.call('kill', there)
  const [a2, a3] = [new FakeAgent(master, 'a2'), new FakeAgent(master, 'a3')]
  const brought = a3.open({}, [aHeldTask('t1', { launch: oldLaunch(3) })])
  t.deepEqual(ordersOf(brought, 'a3', 'kill'), [])
  t.like(ordersOf(a2.open({}, [ofLater]), 'a2', 'kill'), [{ taskId }])
})

test('a kill that names no agent is for all that is brought under the id', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  framework.call('kill', { taskId })
  const [a1, a2] = [new FakeAgent(master, 'a1'), new FakeAgent(master, 'a2')]
  t.like(ordersOf(a1.open({}, [ofEarlier]), 'a1', 'kill'), [{ taskId }])
  t.like(ordersOf(a2.open({}, [ofLater]), 'a2', 'kill'), [{ taskId }])
})

test('a kill of a task that is known is also for a launch of it that an agent brings back', (t) => {
  const before = new MasterDriver().leading()
  for (const name of ['a1', 'a2']) new FakeAgent(before, name).open()
  new FakeFramework(before).subscribe()
  const master = before.successor()
  const framework = new FakeFramework(master)
  framework.subscribe()
  const [a1, a2] = [new FakeAgent(master, 'a1'), new FakeAgent(master, 'a2')]
  a1.open({}, [ofEarlier])
  const said = since(master)
  framework.call('kill', { taskId, graceMs: 700 })
  t.is(ordersOf(said(), 'a1', 'kill').length, 1)
  t.like(ordersOf(a2.open({}, [ofLater]), 'a2', 'kill'), [{ taskId, graceMs: 700 }])
})
