/** Accepts of several operations, and groups of tasks, on a whole simulated cluster. */
import test from 'ava'
import { Scenario } from '../support/scenario.ts'
import { aRun, cpusMem } from '../support/wire-framework.ts'

const AGENT = { resources: cpusMem(4, 1024) }
const ONE = { cpus: 1, mem: 128 }
const launch = (...tasks: ReturnType<typeof aRun>[]) => ({ kind: 'launch' as const, tasks })
const group = (...tasks: ReturnType<typeof aRun>[]) => ({ kind: 'launch-group' as const, tasks })

test('operations of one accept are done in order, each with what those before have left', async (t) => {
  const scenario = await Scenario.open(AGENT)
  const framework = await scenario.framework('f1')
  await framework.operate([
    launch(aRun('a', { cpus: 2, mem: 128 })),
    group(aRun('b1', ONE), aRun('b2', { cpus: 2, mem: 128 })),
    group(aRun('c1', ONE), aRun('c2', ONE)),
    launch(aRun('d', ONE)),
  ])
  await scenario.pass()
  const states = ['a', 'b1', 'b2', 'c1', 'c2', 'd'].map((id) => framework.lastOf(id)?.state)
  t.deepEqual(states, [
    'TASK_RUNNING',
    'TASK_ERROR',
    'TASK_ERROR',
    'TASK_RUNNING',
    'TASK_RUNNING',
    'TASK_ERROR',
  ])
})

test('one bad task of a group is an error for all of it, and for nobody else', async (t) => {
  const scenario = await Scenario.open(AGENT)
  const framework = await scenario.framework('f1')
  await framework.operate([group(aRun('g1', ONE), aRun('g2', {})), launch(aRun('alone', ONE))])
  await scenario.pass()
  t.is(framework.lastOf('g1')?.state, 'TASK_ERROR')
  t.is(framework.lastOf('g2')?.state, 'TASK_ERROR')
  t.is(framework.lastOf('alone')?.state, 'TASK_RUNNING')
})

test('when one of a group fails, the others are killed; when it finishes, they run on', async (t) => {
  const scenario = await Scenario.open(AGENT)
  const framework = await scenario.framework('f1')
  const brief = (id: string, code: string) =>
    aRun(id, ONE, { PRETEND_MS: '1000', PRETEND_EXIT: code })
  await framework.operate([
    group(brief('fails', '1'), aRun('mourns', ONE)),
    group(brief('finishes', '0'), aRun('goes-on', ONE)),
  ])
  await scenario.pass(10_000)
  t.is(framework.lastOf('fails')?.state, 'TASK_FAILED')
  t.like(framework.lastOf('mourns'), { state: 'TASK_KILLED', reason: 'GROUP_ENDED' })
  t.is(framework.lastOf('finishes')?.state, 'TASK_FINISHED')
  t.is(framework.lastOf('goes-on')?.state, 'TASK_RUNNING')
})

test('what a group has held is offered again when all of it has ended', async (t) => {
  const scenario = await Scenario.open(AGENT)
  const framework = await scenario.framework('f1')
  const tasks = ['g1', 'g2'].map((id) => aRun(id, { cpus: 2, mem: 512 }))
  await framework.operate([group(...tasks)])
  await scenario.pass()
  await framework.call('kill', { taskId: aRun('g1').taskId })
  await scenario.pass(10_000)
  t.is(framework.lastOf('g2')?.state, 'TASK_KILLED')
  const { items } = await scenario.ask('agents', {})
  t.deepEqual(items[0]?.used, [])
  t.deepEqual(items[0]?.offered, cpusMem(4, 1024))
})
