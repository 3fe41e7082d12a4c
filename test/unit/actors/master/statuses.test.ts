/** Statuses of agents: in the order of their numbers, of the right launch, never after the end. */
import test from 'ava'
import type { TaskId } from '../../../../protocol/ids.ts'
import {
  aHeldTask,
  aStageWith,
  aTask,
  FakeAgent,
  live,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  aFramework,
  effectsOf,
  figuresOf,
  MasterDriver,
  ordersTo,
} from '../../../support/master-builders.ts'

const publicKinds = (master: MasterDriver): readonly string[] =>
  effectsOf(master.effects, 'send-public')
    .filter(({ subject }) => subject.kind === 'task')
    .map(({ subject }) => subject.what)

test('a status moves its task, and nobody is answered', (t) => {
  const { master, agent } = aStageWith('t1')
  const effects = agent.update('t1', 'TASK_RUNNING')
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
  t.deepEqual(ordersTo(effects, 'a1'), [])
  t.is(effectsOf(effects, 'send-events').length, 0)
})

test('a status of a lower number is old', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_KILLING', { number: { incarnation: 2, count: 5 } })
  agent.update('t1', 'TASK_RUNNING', { number: { incarnation: 2, count: 4 } })
  agent.update('t1', 'TASK_RUNNING', { number: { incarnation: 1, count: 9 } })
  t.is(master.task('t1')?.state, 'TASK_KILLING')
  t.is(master.counter('statuses-old'), 2)
})

test('a status of a later incarnation is newer, whatever its count', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING', { number: { incarnation: 1, count: 90 } })
  agent.update('t1', 'TASK_FAILED', { number: { incarnation: 2, count: 1 } })
  t.is(master.task('t1')?.state, 'TASK_FAILED')
})

test('a status of another launch of the same task is passed over', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_FAILED', { launch: oldLaunch(99) })
  t.is(master.task('t1')?.state, 'TASK_STAGING')
  t.is(master.counter('statuses-of-unknown-tasks'), 1)
})

test('a status of another agent is passed over', (t) => {
  const { master } = aStageWith('t1')
  const other = new FakeAgent(master, 'a2')
  other.open()
  other.update('t1', 'TASK_FAILED')
  t.is(master.task('t1')?.state, 'TASK_STAGING')
})

test('a status of a framework that is not known is passed over', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.updateOf(aFramework('f9'), { taskId: 't1' as TaskId, state: 'TASK_FAILED' })
  t.is(master.counter('statuses-of-unknown-tasks'), 1)
})

test('a terminal state stays', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_FINISHED')
  agent.update('t1', 'TASK_RUNNING')
  agent.update('t1', 'TASK_FAILED')
  t.is(master.task('t1')?.state, 'TASK_FINISHED')
  t.is(master.counter('statuses-after-the-end'), 2)
})

test('a state that cannot follow is counted and changes nothing', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING')
  agent.update('t1', 'TASK_STAGING')
  agent.update('t1', 'TASK_LOST')
  agent.update('t1', 'TASK_UNKNOWN')
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
  t.is(master.counter('statuses-illegal'), 3)
})

test('the newest state frees what the task held at once, whatever status waits', (t) => {
  const { master, agent } = aStageWith('t1')
  const effects = agent.update('t1', 'TASK_RUNNING', { latest: 'TASK_FINISHED' })
  t.is(master.task('t1')?.state, 'TASK_FINISHED')
  t.deepEqual(master.agent('a1').free, master.agent('a1').total)
  t.true(figuresOf(effects).some(({ kind }) => kind === 'agent'))
})

test('the end that was said ahead still brings its exit, and is told to the world once', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING', { latest: 'TASK_FINISHED' })
  agent.update('t1', 'TASK_FINISHED', { exit: { code: 0 } })
  agent.update('t1', 'TASK_FINISHED', { exit: { code: 0 } })
  t.deepEqual(master.task('t1')?.said?.exit, { code: 0 })
  t.deepEqual(publicKinds(master), ['staging', 'running', 'finished'])
})

test('a status that is repeated is not told to the world again', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING')
  agent.update('t1', 'TASK_RUNNING')
  t.deepEqual(publicKinds(master), ['staging', 'running'])
})

test('what a new leader hears again is no news', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({}, [aHeldTask('t1')])
  agent.update('t1', 'TASK_RUNNING')
  t.deepEqual(publicKinds(master), [])
  agent.update('t1', 'TASK_KILLED')
  t.deepEqual(publicKinds(master), ['killed'])
})

test('the world hears of tasks that are lost and come back, also before their first status', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  live({ master, framework }, 25_000)
  agent.open({}, [aHeldTask('t1', { launch })])
  t.deepEqual(publicKinds(master), ['staging', 'unreachable', 'running'])
})

test('public events are numbered in a row, with whose they are', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING')
  const sent = effectsOf(master.effects, 'send-public').map(({ body }) => body)
  t.deepEqual(
    sent.map(({ n }) => n),
    sent.map((_, i) => i + 1),
  )
  t.like(sent.at(-1)?.events[0], { ...aFramework(), agentId: 'a1', status: { taskId: 't1' } })
})

test('a status outside of a session is passed over', (t) => {
  const { master, agent } = aStageWith('t1')
  const { agentId } = agent
  const status = {
    taskId: aTask('t1').taskId,
    state: 'TASK_FAILED' as const,
    source: 'agent' as const,
    atMs: 1,
  }
  const body = { statuses: [status] }
  master.input({ kind: 'status-updates', framework: aFramework(), agentId, body })
  t.is(master.task('t1')?.state, 'TASK_STAGING')
})

test('updates share the numbers of reports: one that was lost is a gap', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.n += 1
  agent.update('t1', 'TASK_RUNNING')
  t.is(master.agent('a1').state, 'silent')
  t.is(master.task('t1')?.state, 'TASK_STAGING')
})

test('a missing task that runs after all holds what it holds', (t) => {
  const { master, framework, agent, allocator } = aStageWith('t1')
  live({ master, framework, allocator }, 25_000)
  agent.open()
  agent.update('t1', 'TASK_RUNNING')
  t.is(master.task('t1')?.isHeld, true)
  t.is(allocator.offer().outcome, 'refused')
})
