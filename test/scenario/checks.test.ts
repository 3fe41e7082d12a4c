/** Tasks whose health comes and goes, on a whole simulated cluster. */
import test from 'ava'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun, cpusMem } from '../support/wire-framework.ts'

const AGENT = { resources: cpusMem(4, 1024) }
const ONE = { cpus: 1, mem: 128 }
const launch = (...tasks: TaskInfo[]) => [{ kind: 'launch' as const, tasks }]

/** A task whose health checks see this, one each second. */
const checked = (taskId: string, checks: string): TaskInfo => ({
  ...aRun(taskId, ONE, { PRETEND_CHECKS: checks }),
  healthCheck: { http: { port: 80 }, delayMs: 1_000, intervalMs: 1_000, graceMs: 0 },
})

test('a task that is not well three times in a row is killed, its neighbour runs on', async (t) => {
  const scenario = await Scenario.open(AGENT)
  const framework = await scenario.framework('f1')
  await framework.operate(launch(checked('ill', 'ok,fail'), checked('well', 'ok,fail,fail,ok')))
  await scenario.pass(2_500)
  t.like(framework.lastOf('ill'), { state: 'TASK_RUNNING', healthy: false })
  await scenario.pass(10_000)
  t.like(framework.lastOf('ill'), { state: 'TASK_KILLED', reason: 'UNHEALTHY', healthy: false })
  t.like(framework.lastOf('well'), { state: 'TASK_RUNNING', healthy: true })
})

test('what is known of health is listed, and told again when a framework asks', async (t) => {
  const scenario = await Scenario.open(AGENT)
  const framework = await scenario.framework('f1')
  const task = { ...checked('a', 'ok'), check: { tcp: { port: 80 }, delayMs: 0 } }
  await framework.operate(launch(task))
  await scenario.pass(5_000)
  const { items } = await scenario.ask('tasks', {})
  t.like(items[0], { state: 'TASK_RUNNING', healthy: true, checkResult: { connected: true } })
  await framework.call('reconcile', { tasks: [] })
  await scenario.pass(1_000)
  t.like(framework.lastOf('a'), {
    source: 'master',
    reason: 'RECONCILIATION',
    healthy: true,
    checkResult: { connected: true },
  })
})

test('who is not done in time fails, and a check without a probe is an error', async (t) => {
  const scenario = await Scenario.open(AGENT)
  const framework = await scenario.framework('f1')
  const late = { ...aRun('late', ONE), maxCompletionMs: 3_000 }
  await framework.operate(launch(late, { ...aRun('bad', ONE), healthCheck: {} }))
  await scenario.pass(1_000)
  t.like(framework.lastOf('bad'), { state: 'TASK_ERROR', reason: 'TASK_INVALID' })
  t.is(framework.lastOf('late')?.state, 'TASK_RUNNING')
  await scenario.pass(5_000)
  const end = { state: 'TASK_FAILED', reason: 'MAX_COMPLETION_TIME_REACHED' }
  t.like(framework.lastOf('late'), end)
})
