/** Operations of one accept, in order: launches, and groups of which all are launched or none. */
import test from 'ava'
import { ACCEPT_TASKS_MAX } from '../../../../protocol/limits.ts'
import type { Accept } from '../../../../protocol/schema/calls.ts'
import type { TaskInfo } from '../../../../protocol/schema/common.ts'
import { aStage, aTask, cpusMem } from '../../../support/master-actors.ts'
import {
  effectsOf,
  figuresOf,
  ordersOf,
  RUN,
  statusesOf,
} from '../../../support/master-builders.ts'

const launch = (...tasks: TaskInfo[]) => ({ kind: 'launch' as const, tasks })
const group = (...tasks: TaskInfo[]) => ({ kind: 'launch-group' as const, tasks })

/** A stage whose offer of 4 CPUs and 4096 MiB was used so. */
function used(...operations: Accept['operations']) {
  const stage = aStage()
  stage.allocator.offer()
  return { ...stage, ...usedAgain(stage, operations) }
}

function usedAgain(
  { master, framework }: Pick<ReturnType<typeof aStage>, 'master' | 'framework'>,
  operations: Accept['operations'],
) {
  const from = master.effects.length
  const answer = framework.call('accept', { offers: [...framework.offers], operations })
  return { answer, said: master.effects.slice(from) }
}

const runsOf = (effects: Parameters<typeof ordersOf>[0]) =>
  ordersOf(effects, 'a1', 'run').map(({ tasks }) =>
    tasks.map(({ task, launch: id, group: of }) => [task.taskId, id, of]),
  )

const nth = (n: number) => `1-${RUN}-${n}`

test('all of a group are launched in one order, and name the launch of its first', (t) => {
  const { answer, said, master } = used(group(aTask('t1'), aTask('t2'), aTask('t3')))
  t.deepEqual(answer, { ok: {} })
  t.deepEqual(runsOf(said), [
    [
      ['t1', nth(1), nth(1)],
      ['t2', nth(2), nth(1)],
      ['t3', nth(3), nth(1)],
    ],
  ])
  t.is(master.framework().tasks.size, 3)
  t.deepEqual(statusesOf(said), [])
})

test('one bad task, and its group is not launched and uses nothing', (t) => {
  const { said, master } = used(
    group(aTask('t1', { resources: { cpus: 3 } }), aTask('t2', { resources: { cpus: 2 } })),
    launch(aTask('t3', { resources: { cpus: 4, mem: 4096 } })),
  )
  const message =
    'its group is not launched, for t2: it wants cpus 2; left of the offers is cpus 1, mem 4096'
  t.deepEqual(
    statusesOf(said).map(({ taskId, state, reason, message: why }) => [taskId, state, reason, why]),
    [
      ['t1', 'TASK_ERROR', 'TASK_INVALID', message],
      ['t2', 'TASK_ERROR', 'TASK_INVALID', message],
    ],
  )
  t.deepEqual(runsOf(said), [[['t3', nth(1), undefined]]])
  t.is(master.framework().tasks.size, 1)
})

test('an image in a group is refused with all of it; alone it may have no GPUs', (t) => {
  const container = { kind: 'docker', image: 'nginx' } as const
  const { said, master } = used(
    group(aTask('t1'), aTask('t2', { container })),
    launch(aTask('t3', { container, resources: { cpus: 1, gpus: 1 } })),
    group(aTask('t4', { container: { kind: 'oci', root: '/srv/root' } })),
  )
  const message = 'its group is not launched, for t2: no task of a group can run in an image'
  t.deepEqual(
    statusesOf(said).map(({ taskId, reason, message: why }) => [taskId, reason, why]),
    [
      ['t1', 'TASK_INVALID', message],
      ['t2', 'TASK_INVALID', message],
      ['t3', 'TASK_INVALID', 'no task in an image can be given GPUs'],
      ['t4', 'TASK_INVALID', message.replace('t2', 't4').replace('an image', 'a root of its own')],
    ],
  )
  t.is(master.framework().tasks.size, 0)
})

test('each operation sees what those before it have left', (t) => {
  const { said } = used(
    launch(aTask('t1', { resources: { cpus: 1 } }), aTask('t2', { resources: { cpus: 9 } })),
    group(aTask('t3', { resources: { cpus: 2 } }), aTask('t4', { resources: { cpus: 1 } })),
    launch(aTask('t5', { resources: { cpus: 0.1 } })),
  )
  t.deepEqual(
    statusesOf(said).map(({ taskId, state }) => [taskId, state]),
    [
      ['t2', 'TASK_ERROR'],
      ['t5', 'TASK_ERROR'],
    ],
  )
  t.deepEqual(runsOf(said), [
    [
      ['t1', nth(1), undefined],
      ['t3', nth(2), nth(2)],
      ['t4', nth(3), nth(2)],
    ],
  ])
})

test('two groups of one accept are two', (t) => {
  const { said } = used(group(aTask('t1'), aTask('t2')), group(aTask('t3')))
  t.deepEqual(
    runsOf(said)[0]?.map(([, , of]) => of),
    [nth(1), nth(1), nth(3)],
  )
})

test('what a group leaves over is free again, and declined', (t) => {
  const { said, master } = used(group(aTask('t1'), aTask('t2')))
  t.like(
    figuresOf(said).find(({ kind }) => kind === 'agent'),
    { free: cpusMem(2, 3840) },
  )
  t.false(master.framework().roles.get('*')?.isDeclinedLast)
})

test('an id that is in use keeps its whole group from being launched', (t) => {
  const stage = used(launch(aTask('t1')))
  stage.framework.call('revive', {})
  stage.allocator.offer({ resources: cpusMem(3, 3968) })
  const { answer, said } = usedAgain(stage, [group(aTask('t2'), aTask('t1'), aTask('t3'))])
  const inUse = { taskId: 't1', message: 'task id t1 is in use: it is TASK_STAGING on a1' }
  t.deepEqual(answer, { ok: { notLaunched: [inUse] } })
  t.deepEqual(
    statusesOf(said).map(({ taskId, state, message }) => [taskId, state, message]),
    [
      ['t1', 'TASK_STAGING', inUse.message],
      ['t2', 'TASK_ERROR', 'its group is not launched, for t1: the id is in use by another task'],
      ['t3', 'TASK_ERROR', 'its group is not launched, for t1: the id is in use by another task'],
    ],
  )
  t.deepEqual(runsOf(said), [])
})

test('an id twice in one group is bad; each id hears of it once', (t) => {
  const { answer, said } = used(group(aTask('t1'), aTask('t2'), aTask('t1')))
  t.deepEqual(answer, { ok: {} })
  t.deepEqual(
    statusesOf(said).map(({ taskId, state, message }) => [taskId, state, message]),
    ['t1', 't2'].map((taskId) => [
      taskId,
      'TASK_ERROR',
      'its group is not launched, for t1: the id stands in it twice',
    ]),
  )
})

test('an id that an earlier operation has launched is in use', (t) => {
  const { answer, said } = used(launch(aTask('t1')), group(aTask('t1'), aTask('t2')))
  t.like(answer, { ok: { notLaunched: [{ taskId: 't1' }] } })
  t.deepEqual(runsOf(said), [[['t1', nth(1), undefined]]])
})

test('tasks of all operations together are counted', (t) => {
  const many = (prefix: string) =>
    Array.from({ length: ACCEPT_TASKS_MAX / 2 }, (_, i) =>
      aTask(`${prefix}${i}`, { resources: { mem: 1 } }),
    )
  t.deepEqual(used(launch(...many('a')), group(...many('b'))).answer, { ok: {} })
  const { answer, master } = used(launch(...many('a')), group(...many('b')), launch(aTask('c')))
  t.like(answer, { refused: { code: 413, name: 'too-large' } })
  t.is(master.leader.offers.size, 1, 'nothing was touched')
})

test('when the offers are gone, every task of every operation is dropped', (t) => {
  const stage = aStage()
  const made = stage.allocator.offer().offer?.offerId ?? ''
  stage.framework.call('decline', { offers: [made] })
  const from = stage.master.effects.length
  stage.framework.call('accept', {
    offers: [made],
    operations: [launch(aTask('t1')), group(aTask('t2'), aTask('t3'))],
  })
  t.deepEqual(
    statusesOf(stage.master.effects.slice(from)).map(({ taskId, state }) => [taskId, state]),
    ['t1', 't2', 't3'].map((taskId) => [taskId, 'TASK_DROPPED']),
  )
})

test('the world hears of one accept, with all of its tasks', (t) => {
  const { said } = used(launch(aTask('t1')), group(aTask('t2'), aTask('t3')))
  const accepted = effectsOf(said, 'send-public').filter(({ subject }) => subject.kind === 'offer')
  t.deepEqual(
    accepted.flatMap(({ body }) => body.events.map(({ tasks }) => tasks)),
    [3],
  )
})
