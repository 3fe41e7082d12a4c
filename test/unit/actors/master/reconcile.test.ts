/** What has become of tasks: known ones, lost ones, and those of whom nobody has heard. */
import test from 'ava'
import type { AgentId, TaskId } from '../../../../protocol/ids.ts'
import {
  aHeldTask,
  aStage,
  aStageWith,
  cpusMem,
  FakeAgent,
  type FakeFramework,
  live,
  oldLaunch,
} from '../../../support/master-actors.ts'
import { effectsOf, type MasterDriver, statusesOf } from '../../../support/master-builders.ts'

/** What is answered to a question about these. */
function asked(
  master: MasterDriver,
  framework: FakeFramework,
  ...tasks: readonly (readonly [string, string?])[]
) {
  const from = master.effects.length
  framework.call('reconcile', {
    tasks: tasks.map(([taskId, agentId]) => ({
      taskId: taskId as TaskId,
      ...(agentId !== undefined && { agentId: agentId as AgentId }),
    })),
  })
  return statusesOf(master.effects.slice(from))
}

test('a known task is answered with its newest state, whatever agent is named', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING', { message: 'well' })
  const [status] = asked(master, framework, ['t1', 'elsewhere'])
  t.like(status, {
    state: 'TASK_RUNNING',
    source: 'master',
    reason: 'RECONCILIATION',
    agentId: 'a1',
    launch: master.task('t1')?.launch,
    number: { incarnation: 1, count: 1 },
    message: 'well',
  })
  t.false('uuid' in (status ?? {}))
})

test('a task that was only launched is staging', (t) => {
  const { master, framework } = aStageWith('t1')
  t.like(asked(master, framework, ['t1']), [{ state: 'TASK_STAGING' }])
})

test('an ended task that is not settled is answered with its end', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_FAILED', { exit: { code: 3 } })
  t.like(asked(master, framework, ['t1']), [{ state: 'TASK_FAILED', exit: { code: 3 } }])
})

test('an unknown task of an agent that is not back yet is not answered', (t) => {
  const { master, framework, agent } = aStage()
  agent.n += 1
  agent.pong()
  t.deepEqual(asked(master, framework, ['t9', 'a1']), [])
})

test('an unknown task of no named agent is not answered while any agent may return', (t) => {
  const { master, framework } = aStage()
  const other = new FakeAgent(master, 'a2')
  other.open()
  other.n += 1
  other.pong()
  t.deepEqual(asked(master, framework, ['t9']), [])
})

test('an unknown task of a registered agent is gone', (t) => {
  const { master, framework } = aStage()
  t.like(asked(master, framework, ['t9', 'a1']), [{ state: 'TASK_GONE', agentId: 'a1' }])
})

test('an unknown task of an unreachable agent is unreachable, with the time', (t) => {
  const { master, framework } = aStage()
  live({ master, framework }, 25_000)
  const [status] = asked(master, framework, ['t9', 'a1'])
  t.like(status, {
    state: 'TASK_UNREACHABLE',
    unreachableAtMs: master.agent('a1').unreachableAtMs,
  })
  t.is(typeof status?.unreachableAtMs, 'number')
})

test('an unknown task of an agent that nobody knows is unknown', (t) => {
  const { master, framework } = aStage()
  t.like(asked(master, framework, ['t9', 'a9']), [{ state: 'TASK_UNKNOWN' }])
})

test('an unknown task of no named agent is unknown when all agents are there or lost', (t) => {
  const { master, framework } = aStage()
  t.like(asked(master, framework, ['t9']), [{ state: 'TASK_UNKNOWN' }])
  live({ master, framework }, 25_000)
  t.like(asked(master, framework, ['t9']), [{ state: 'TASK_UNKNOWN' }])
})

test('a stranger that was never admitted keeps nobody from an answer', (t) => {
  const { master, framework } = aStage()
  new FakeAgent(master, 'stranger').pong()
  t.like(asked(master, framework, ['t9']), [{ state: 'TASK_UNKNOWN' }])
})

test('asked for all, it names what it knows but not what is unreachable', (t) => {
  const { master, framework } = aStageWith('t1', 't2')
  const second = new FakeAgent(master, 'a2')
  second.open({}, [aHeldTask('t3', { launch: oldLaunch(7) })])
  live({ master, framework, agent: second }, 25_000)
  t.is(master.task('t1')?.state, 'TASK_UNREACHABLE')
  t.like(asked(master, framework), [{ taskId: 't3', state: 'TASK_RUNNING' }])
})

test('an unreachable task that is asked for by name is answered', (t) => {
  const { master, framework } = aStageWith('t1')
  live({ master, framework }, 25_000)
  t.like(asked(master, framework, ['t1']), [{ state: 'TASK_UNREACHABLE' }])
})

test('each of many is answered', (t) => {
  const { master, framework } = aStageWith('t1', 't2')
  const answered = asked(master, framework, ['t1'], ['t2'], ['t9', 'a9'])
  t.deepEqual(
    answered.map(({ state }) => state),
    ['TASK_STAGING', 'TASK_STAGING', 'TASK_UNKNOWN'],
  )
})

test('two thousand questions are answered in messages that fit', (t) => {
  const { master, framework } = aStage()
  const many = Array.from({ length: 2_048 }, (_, i) => [`t${i}`, 'a1'] as const)
  t.is(asked(master, framework, ...many).length, 2_048)
})

test('asked for all of very many, it tells some in each turn, and all in the end', (t) => {
  const { master, framework } = aStage()
  const tasks = Array.from({ length: 5_000 }, (_, i) =>
    aHeldTask(`t${i}`, { launch: oldLaunch(i + 1), resources: cpusMem(0.001, 1) }),
  )
  new FakeAgent(master, 'a2').open({}, tasks.slice(0, 2_500), tasks.slice(2_500))
  const from = master.effects.length
  framework.call('reconcile', { tasks: [] })
  const turns = effectsOf(master.effects.slice(from), 'send-events').map(({ body }) => body)
  t.is(turns.flatMap(({ events }) => events).length, tasks.length)
  t.true(turns.length > 2 && turns.every(({ events }) => events.length <= 2_000))
})
