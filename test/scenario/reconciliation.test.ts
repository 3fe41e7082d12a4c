/** What frameworks learn of their tasks when they ask, and when they need not, in all cases. */
import test from 'ava'
import { openScheduler } from '../../actors/scheduler/scheduler.ts'
import type { AgentId, TaskId } from '../../protocol/ids.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { SimulatedCluster } from '../../testing/testing.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun, type WireFramework } from '../support/wire-framework.ts'

/** So long an agent may be silent before it is unreachable, and a little more. */
const UNREACHABLE_MS = 30_000
const REPEATED_MS = 15_000
const FOR_EVER = {
  command: 'true',
  env: { PRETEND_MS: 'Infinity' },
  resources: { cpus: 1, mem: 32 },
}

const task = (taskId: string, agentId?: string) => ({
  taskId: taskId as TaskId,
  ...(agentId !== undefined && { agentId: agentId as AgentId }),
})

type Asked = ReturnType<typeof task>

/** What is answered, as `task STATE`, in order. */
async function answers(
  scenario: Scenario,
  framework: WireFramework,
  ...tasks: readonly Asked[]
): Promise<readonly string[]> {
  const before = framework.statuses.length
  await framework.call('reconcile', { tasks: [...tasks] })
  await scenario.pass()
  const since = framework.statuses.slice(before).filter(({ source }) => source === 'master')
  return since.map(({ taskId, state }) => `${taskId} ${state}`)
}

test('a task that is known is answered with its state, whatever agent is named', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1')])
  await scenario.pass()
  for (const agentId of [undefined, 'agent-1', 'nobody'])
    t.deepEqual(await answers(scenario, framework, task('t1', agentId)), ['t1 TASK_RUNNING'])
  const { source, reason, uuid } = framework.statuses.at(-1) ?? {}
  t.deepEqual(
    { source, reason, uuid },
    { source: 'master', reason: 'RECONCILIATION', uuid: undefined },
  )
})

test('a task that its registered agent does not have is gone', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  t.deepEqual(await answers(scenario, framework, task('t1', 'agent-1')), ['t1 TASK_GONE'])
})

test('a task of which nobody knows the agent is unknown', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  t.deepEqual(await answers(scenario, framework, task('t1'), task('t2', 'nobody')), [
    't1 TASK_UNKNOWN',
    't2 TASK_UNKNOWN',
  ])
})

test('tasks of an unreachable agent are unreachable since then, those that nobody knows too', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1')])
  await scenario.pass()
  island.cutOff()
  await scenario.pass(UNREACHABLE_MS)
  t.is(framework.lastOf('t1')?.state, 'TASK_UNREACHABLE')
  t.deepEqual(await answers(scenario, framework, task('t1', 'far-1'), task('t2', 'far-1')), [
    't1 TASK_UNREACHABLE',
    't2 TASK_UNREACHABLE',
  ])
  t.is(typeof framework.lastOf('t2')?.unreachableAtMs, 'number')
  t.deepEqual(await answers(scenario, framework), [], 'who asks for all is not told of these')
  t.deepEqual(await answers(scenario, framework, task('t2')), ['t2 TASK_UNKNOWN'])
  island.join()
  await scenario.pass(UNREACHABLE_MS)
  t.deepEqual(await answers(scenario, framework, task('t1', 'far-1'), task('t2', 'far-1')), [
    't1 TASK_RUNNING',
    't2 TASK_GONE',
  ])
})

test('while an agent that a new leader awaits is not back there is no answer; then there is', async (t) => {
  const scenario = await Scenario.open({})
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  const far = framework.offers.filter(({ agentId }) => agentId === 'far-1')
  await framework.accept([aRun('t1')], { offers: far })
  await scenario.pass()
  island.cutOff()
  await scenario.takeover()
  await framework.subscribe()
  const asked = [task('t1', 'far-1'), task('t2', 'far-1'), task('t3')]
  t.deepEqual(await answers(scenario, framework, ...asked), [], 'the last may be there as well')
  t.deepEqual(await answers(scenario, framework, task('t4', 'agent-1')), ['t4 TASK_GONE'])
  t.deepEqual(await answers(scenario, framework), [])
  island.join()
  await scenario.pass(20_000)
  t.deepEqual(await answers(scenario, framework, ...asked), [
    't1 TASK_RUNNING',
    't2 TASK_GONE',
    't3 TASK_UNKNOWN',
  ])
})

test('an agent that does not come back to a new leader is unreachable, of which only who asks hears', async (t) => {
  const scenario = await Scenario.openWith({ reregisterMs: 60_000 })
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1')])
  await scenario.pass()
  island.cutOff()
  await scenario.takeover()
  await framework.subscribe()
  const before = framework.statuses.length
  await scenario.pass(90_000)
  t.is(framework.statuses.length, before)
  t.like(framework.heard('failure'), [{ agentId: 'far-1' }])
  t.deepEqual(await answers(scenario, framework, task('t1', 'far-1')), ['t1 TASK_UNREACHABLE'])
})

test('tasks of an agent that an operator gave up are over, those that nobody knows too', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1')])
  await scenario.pass()
  island.cutOff()
  await scenario.pass(UNREACHABLE_MS)
  await scenario.ask('mark-gone', { agentId: 'far-1' as AgentId })
  await scenario.pass()
  t.is(framework.lastOf('t1')?.state, 'TASK_GONE_BY_OPERATOR')
  t.deepEqual(await answers(scenario, framework, task('t2', 'far-1')), ['t2 TASK_GONE_BY_OPERATOR'])
  await scenario.takeover()
  await framework.subscribe()
  t.deepEqual(await answers(scenario, framework, task('t1', 'far-1')), ['t1 TASK_GONE_BY_OPERATOR'])
})

test('who asks for all is told of each task what its agent has told, of ended ones until they are forgotten', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  const ends = { PRETEND_MS: '1000' }
  await framework.accept([aRun('t1'), aRun('t2', undefined, ends)])
  await scenario.pass(2_000)
  t.is(framework.lastOf('t2')?.state, 'TASK_FINISHED')
  t.deepEqual(await answers(scenario, framework), ['t1 TASK_RUNNING'])
  framework.isAcknowledging = false
  await scenario.pass(5_000)
  await framework.accept([aRun('t3', undefined, ends)])
  await scenario.pass(2_000)
  const told = await answers(scenario, framework)
  t.deepEqual([...told].sort(), ['t1 TASK_RUNNING', 't3 TASK_RUNNING'])
})

test('how a task ended while its agent was away is told by the agent alone, with the exit', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1', undefined, { PRETEND_MS: '30000', PRETEND_EXIT: '3' })])
  await scenario.pass()
  island.cutOff()
  await scenario.pass(UNREACHABLE_MS)
  t.is(framework.lastOf('t1')?.state, 'TASK_UNREACHABLE')
  island.join()
  await scenario.pass(20_000)
  t.like(framework.lastOf('t1'), { state: 'TASK_FAILED', source: 'agent', exit: { code: 3 } })
})

test('how a task ended is not told while its agent is lost, if only the agent knows; it is when that is given up', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  framework.isAcknowledging = false
  const fails = { PRETEND_MS: '1000', PRETEND_EXIT: '3' }
  await framework.accept([
    aRun('t1', undefined, fails),
    aRun('t3', undefined, { PRETEND_MS: '1000' }),
  ])
  // It is said with the next repetition of what is not acknowledged.
  await scenario.pass(REPEATED_MS)
  t.is(framework.lastOf('t1')?.state, 'TASK_RUNNING')
  t.true((await scenario.ask('tasks', {})).items.some(({ state }) => state === 'TASK_FAILED'))
  t.deepEqual(await answers(scenario, framework, task('t3')), ['t3 TASK_RUNNING'])
  island.cutOff()
  await scenario.pass(UNREACHABLE_MS)
  t.deepEqual(await answers(scenario, framework, task('t3')), ['t3 TASK_FINISHED'])
  t.deepEqual(await answers(scenario, framework, task('t1')), ['t1 TASK_UNREACHABLE'])
  t.like(framework.lastOf('t1'), { latest: 'TASK_FAILED' })
  t.regex(framework.lastOf('t1')?.message ?? '', /it had said TASK_FAILED/)
  framework.isAcknowledging = true
  island.join()
  await scenario.pass(20_000)
  t.like(framework.lastOf('t1'), { state: 'TASK_FAILED', source: 'agent', exit: { code: 3 } })

  framework.isAcknowledging = false
  await framework.accept([aRun('t2', undefined, fails)])
  await scenario.pass(REPEATED_MS)
  island.cutOff()
  await scenario.pass(UNREACHABLE_MS)
  await scenario.ask('mark-gone', { agentId: 'far-1' as AgentId })
  await scenario.pass()
  t.like(framework.lastOf('t2'), { state: 'TASK_FAILED', source: 'master' })
})

test('a launch that was lost on its way to the agent is told as dropped, and its resources are free', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  island.cutOff()
  await framework.accept([aRun('t1', { cpus: 4, mem: 1_024 })], { refuseMs: 0 })
  await scenario.pass(1_000)
  island.join()
  await scenario.pass(20_000)
  t.is(framework.lastOf('t1')?.state, 'TASK_DROPPED')
  t.is(framework.offers.length, 1)
  t.like((await scenario.ask('tasks', {})).items, [{ taskId: 't1', state: 'TASK_DROPPED' }])
})

test('an agent that registers anew while a task is on its way to it either runs it or never will', async (t) => {
  for (const delayMs of [0, 0.2, 0.4, 0.7, 1, 2, 5, 20, 60, 120]) {
    const cluster = await SimulatedCluster.open()
    const scheduler = await cluster.scheduler({ name: 'test' })
    const states: string[] = []
    scheduler.onStatus(({ state }) => {
      states.push(state)
    })
    const offers = scheduler.offers()[Symbol.asyncIterator]()
    const { value: offer } = await cluster.until(offers.next())
    const [agent] = cluster.agents
    agent?.disconnect(100)
    await cluster.pass(delayMs)
    const accepting = scheduler.accept([offer], [{ ...FOR_EVER, taskId: 't1' }])
    const { outcome } = await cluster.until(accepting)
    await cluster.pass(120_000)
    const runs = agent?.running.length === 1
    const ends = states.filter((state) => isTerminal(state as 'TASK_RUNNING'))
    const what = `${delayMs} ms: ${outcome}: ${states.join(', ')}`
    if (outcome === 'refused') t.deepEqual([runs, states], [false, []], what)
    else t.deepEqual([states.at(-1) === 'TASK_RUNNING', ends.length], [runs, runs ? 0 : 1], what)
  }
})

test('what an agent tells when it registers anew is not declared lost: tasks that run, and ends', async (t) => {
  const cluster = await SimulatedCluster.open()
  const scheduler = await cluster.scheduler({ name: 'test' })
  const states: string[] = []
  scheduler.onStatus(({ taskId, state }) => {
    states.push(`${taskId} ${state}`)
  })
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const { value: offer } = await cluster.until(offers.next())
  const ends = { ...FOR_EVER, env: { PRETEND_MS: '5000', PRETEND_EXIT: '3' } }
  const wishes = [
    { ...FOR_EVER, taskId: 't1' },
    { ...ends, taskId: 't2' },
  ]
  await cluster.until(scheduler.accept([offer], wishes))
  await cluster.pass(1_000)
  const [agent] = cluster.agents
  agent?.cutOff()
  await cluster.pass(10_000)
  agent?.join()
  await cluster.pass(60_000)
  const running = ['t1 TASK_RUNNING', 't2 TASK_RUNNING']
  t.deepEqual([...new Set(states)].sort(), [...running, 't2 TASK_FAILED'].sort())
})

test('an accept that nobody heard is found by the library: its tasks are told as gone', async (t) => {
  const cluster = await SimulatedCluster.open()
  const process = cluster.process()
  const scheduler = await cluster.until(openScheduler({ name: 'test', world: process.world }))
  const states: string[] = []
  scheduler.onStatus(({ state }) => {
    states.push(state)
  })
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const { value: offer } = await cluster.until(offers.next())
  process.cutOff()
  const accepted = scheduler.accept([offer], [{ ...FOR_EVER, taskId: 't1' }])
  await cluster.pass(60_000)
  process.join()
  t.is((await cluster.until(accepted)).outcome, 'unknown')
  await cluster.pass(30_000)
  t.deepEqual(states, ['TASK_GONE'])
  t.deepEqual(cluster.agent('agent-1').running, [])
})

test('a process that comes back hears of tasks that its predecessor started, without asking', async (t) => {
  const cluster = await SimulatedCluster.open()
  const identity = { name: 'test', frameworkId: 'f1', secret: 'a secret of tests' }
  const first = await cluster.scheduler(identity)
  const offers = first.offers()[Symbol.asyncIterator]()
  const { value: offer } = await cluster.until(offers.next())
  await cluster.until(first.accept([offer], [{ ...FOR_EVER, taskId: 't1' }]))
  await cluster.pass(1_000)
  await cluster.until(first.close())
  const second = await cluster.scheduler(identity)
  const heard: string[] = []
  second.onStatus(({ taskId, state, agentId }) => {
    heard.push(`${taskId} ${state} ${agentId}`)
  })
  await cluster.pass(5_000)
  t.deepEqual([...new Set(heard)], ['t1 TASK_RUNNING agent-1'])
})
