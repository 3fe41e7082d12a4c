/** Launches: two of one task id, and many of one wish. */
import test from 'ava'
import type { TaskId } from '../../../../protocol/ids.ts'
import {
  aHeldTask,
  aRegister,
  aStage,
  aStageWith,
  aTask,
  cpusMem,
  oldLaunch,
} from '../../../support/master-actors.ts'
import { ordersOf, statusesOf } from '../../../support/master-builders.ts'

test('an earlier launch of a task id that was started again elsewhere is killed, and only that', (t) => {
  const { master, agent } = aStageWith('t1')
  const { launch } = master.task('t1') ?? {}
  const earlier = oldLaunch(1, 0)
  const effects = agent.open({}, [aHeldTask('t1', { launch: earlier })])
  t.like(ordersOf(effects, 'a1', 'kill'), [{ taskId: 't1' as TaskId, launch: earlier }])
  t.is(master.task('t1')?.launch, launch)
  t.is(master.counter('launches-foreign'), 1)
})

test('nothing is killed for a launch that claims to be later, or that has ended', (t) => {
  const { agent } = aStageWith('t1')
  const later = agent.open({}, [aHeldTask('t1', { launch: oldLaunch(77, 99) })])
  t.deepEqual(ordersOf(later, 'a1', 'kill'), [])
  const ended = { launch: oldLaunch(1, 0), latest: 'TASK_FINISHED' } as const
  t.deepEqual(ordersOf(agent.open({}, [aHeldTask('t1', ended)]), 'a1', 'kill'), [])
})

test('tasks that want the same share what is kept of it', (t) => {
  const { master } = aStageWith('t1', 't2')
  const wanted = master.task('t1')?.resources
  t.truthy(wanted)
  t.is(master.task('t2')?.resources, wanted)
})

test('GPUs are given whole', (t) => {
  const resources = [...cpusMem(4, 4096), { name: 'gpus', scalar: 2 }]
  const { info } = aRegister()
  const { master, framework, allocator } = aStage({ info: { ...info, resources } })
  allocator.offer({ resources })
  const from = master.effects.length
  const wants = (taskId: string, gpus: number) => aTask(taskId, { resources: { cpus: 1, gpus } })
  framework.accept(framework.offers, wants('t1', 0.5), wants('t2', 1))
  t.deepEqual(
    statusesOf(master.effects.slice(from)).map(({ taskId, state, message }) => [
      taskId,
      state,
      message,
    ]),
    [['t1', 'TASK_ERROR', 'it wants 0.5 gpus, no whole number']],
  )
  t.is(master.task('t2')?.state, 'TASK_STAGING')
})
