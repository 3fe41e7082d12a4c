/** Tasks that an agent brings back although their end was acknowledged. */
import test from 'ava'
import type { TaskId } from '../../../../protocol/ids.ts'
import { aHeldTask, aStageWith, FakeAgent, oldLaunch } from '../../../support/master-actors.ts'
import { aFramework, MasterDriver } from '../../../support/master-builders.ts'

test('a settled task in a snapshot is not taken up again', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({}, [aHeldTask('t1', { latest: 'TASK_FINISHED', settled: true })])
  t.is(master.leader.frameworks.size, 0, 'a framework of which nothing is left is none')
  t.deepEqual(master.leader.ended, [])
})

test('an end that nobody has acknowledged is kept for a framework that the registry lost', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({}, [aHeldTask('t1', { latest: 'TASK_FINISHED' })])
  t.is(master.framework().state, 'recovered')
  t.is(master.task('t1')?.state, 'TASK_FINISHED')
})

test('a task that was settled already is listed once, as it ended', (t) => {
  const { master, agent } = aStageWith('t1')
  const { launch = oldLaunch(9) } = master.task('t1') ?? {}
  agent.update('t1', 'TASK_FINISHED', { exit: { code: 3 } })
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId: 't1' as TaskId, launch }] })
  agent.open({}, [aHeldTask('t1', { launch, latest: 'TASK_FINISHED', settled: true })])
  t.is(master.leader.ended.length, 1)
  t.like(master.leader.ended[0]?.said, { exit: { code: 3 } })
})
