import test from 'ava'
import type { Effect } from '../../../../actors/agent/effects.ts'
import { report } from '../../../../actors/agent/streams.ts'
import type { FrameworkId, TaskId } from '../../../../protocol/ids.ts'
import { MACHINE_STATES } from '../../../../protocol/task-machine.ts'
import { isTerminal } from '../../../../protocol/task-state.ts'
import {
  anAgentThatRuns,
  aRef,
  aRegisteredAgent,
  aRun,
  aTask,
  FRAMEWORK,
  INCARNATION,
  kindsOf,
  launchOf,
  Rig,
  reportsOf,
  statusesOf,
  statusOf,
  updatesOf,
} from './builders.ts'

/** An agent whose task has been RUNNING and has FINISHED, neither acknowledged. */
function anAgentWithTwoStatuses(): {
  rig: Rig
  first: readonly Effect[]
  second: readonly Effect[]
} {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  const first = rig.started('t-1')
  return { rig, first, second: rig.ended('t-1') }
}

test('a status is in the checkpoint before it is published, with number and uuid', (t) => {
  const { first } = anAgentWithTwoStatuses()
  t.deepEqual(kindsOf(first), ['checkpoint', 'update'])
  const status = statusOf(first)
  t.regex(status.uuid ?? '', /^[0-9a-f]{32}$/)
  t.deepEqual(status.number, { incarnation: INCARNATION, count: 2 })
})

test('one status is in flight: the next leaves when the first was acknowledged', (t) => {
  const { rig, first, second } = anAgentWithTwoStatuses()
  t.deepEqual(statusesOf(second), [])
  const effects = rig.ack(statusOf(first))
  t.deepEqual(kindsOf(effects), ['checkpoint', 'update'])
  t.like(statusOf(effects), {
    state: 'TASK_FINISHED',
    number: { incarnation: INCARNATION, count: 3 },
  })
})

test('an end behind a status that nobody acknowledges is told soon, by the repeat of that one', (t) => {
  const { rig, first } = anAgentWithTwoStatuses()
  t.deepEqual(statusesOf(rig.pass(900)), [])
  const { uuid } = statusOf(first)
  t.like(statusOf(rig.pass(100)), { uuid, state: 'TASK_RUNNING', latest: 'TASK_FINISHED' })
})

test('a status is sent again with the same uuid and the newest state, later and later', (t) => {
  const { rig, first } = anAgentWithTwoStatuses()
  const { uuid } = statusOf(first)
  const waits: number[] = []
  for (let i = 0; i < 8; i++) {
    const before = rig.nowMs
    let again: readonly Effect[] = []
    while (statusesOf(again).length === 0) again = rig.pass(1_000)
    t.like(statusOf(again), { uuid, state: 'TASK_RUNNING', latest: 'TASK_FINISHED' })
    rig.orders({ kind: 'ping' })
    waits.push((rig.nowMs - before) / 1_000)
    t.is(kindsOf(again).filter((kind) => kind === 'checkpoint').length, 0)
  }
  t.deepEqual(waits, [1, 10, 20, 40, 80, 160, 320, 600])
})

test('a resend takes a new number of the session', (t) => {
  const { rig, first } = anAgentWithTwoStatuses()
  const n = updatesOf(first)[0]?.n ?? 0
  const again = updatesOf(rig.pass(10_000))[0]
  t.is(again?.n, n + 1)
  t.is(again?.session, rig.session)
})

test('a new head starts the waiting anew', (t) => {
  const { rig, first } = anAgentWithTwoStatuses()
  rig.pass(10_000)
  rig.ack(statusOf(first))
  t.deepEqual(statusesOf(rig.pass(9_999)), [])
  t.like(statusOf(rig.pass(1)), { state: 'TASK_FINISHED' })
})

test('statuses of one turn and one framework leave in one message', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(
    aRun([aTask('t-1'), aTask('t-2')], { resourcesVersion: 7 }),
    aRun([aTask('t-3')], { resourcesVersion: 7, frameworkId: 'f-2' as FrameworkId }),
  )
  const updates = effects.filter((effect) => effect.do === 'update')
  t.deepEqual(
    updates.map(({ to, message }) => [to.frameworkId, message.statuses.length]),
    [
      ['f-1', 2],
      ['f-2', 1],
    ],
  )
})

test('an acknowledgement with a wrong uuid or of another launch is ignored and counted', (t) => {
  const { rig, first } = anAgentWithTwoStatuses()
  const status = statusOf(first)
  t.deepEqual(rig.ack({ ...status, uuid: '0'.repeat(32) }), [])
  t.deepEqual(rig.ack({ ...status, launch: launchOf('other') }), [])
  t.deepEqual(rig.ack({ ...status, taskId: 't-9' as TaskId }), [])
  t.is(rig.state.counts.strayAck, 3)
  rig.ack(status)
  t.deepEqual(rig.ack(status), [], 'the second time it is not the head')
  t.is(rig.state.counts.strayAck, 4)
})

test('an acknowledgement of an older subscription is refused, a higher one teaches nothing', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')], { subscription: { epoch: 5, count: 3 } }))
  const status = statusOf(rig.started('t-1'))
  for (const subscription of [
    { epoch: 5, count: 2 },
    { epoch: 4, count: 9 },
  ]) {
    t.deepEqual(rig.ack(status, { subscription }), [])
  }
  t.is(rig.state.counts.staleAck, 2)
  t.deepEqual(kindsOf(rig.ack(status, { subscription: { epoch: 6, count: 1 } })), ['checkpoint'])
  const next = statusOf(rig.ended('t-1'))
  t.like(rig.ack(next, { subscription: { epoch: 5, count: 3 } })[0], { do: 'checkpoint' })
})

test('an acknowledgement without a subscription or a launch is taken', (t) => {
  const { rig, first } = anAgentWithTwoStatuses()
  const { launch: _, ...status } = statusOf(first)
  t.like(statusOf(rig.ack(status)), { state: 'TASK_FINISHED' })
})

test('framework-subscribed: the heads of that framework are sent again at once', (t) => {
  const { rig, first } = anAgentWithTwoStatuses()
  const subscription = { epoch: 5, count: 2 }
  const effects = rig.orders({ kind: 'framework-subscribed', ...FRAMEWORK, subscription })
  t.deepEqual(kindsOf(effects), ['checkpoint', 'update'])
  t.is(statusOf(effects).uuid, statusOf(first).uuid)
  t.deepEqual(updatesOf(effects)[0]?.subscription, subscription, 'they say whom they are for')
  t.deepEqual(rig.ack(statusOf(first), { subscription: { epoch: 5, count: 1 } }), [])
  t.is(rig.state.counts.staleAck, 1)
})

test('framework-subscribed with a lower subscription teaches nothing', (t) => {
  const { rig } = anAgentWithTwoStatuses()
  const effects = rig.orders({
    kind: 'framework-subscribed',
    ...FRAMEWORK,
    subscription: { epoch: 4, count: 9 },
  })
  t.deepEqual(kindsOf(effects), ['update'])
})

test('framework-subscribed of a framework without tasks here changes nothing', (t) => {
  const rig = aRegisteredAgent()
  const subscription = { epoch: 5, count: 2 }
  t.deepEqual(rig.orders({ kind: 'framework-subscribed', ...FRAMEWORK, subscription }), [])
})

test('a task is settled when its end is acknowledged, and forgotten when the leader heard so', (t) => {
  const rig = anAgentThatRuns('t-1')
  const effects = rig.ack(statusOf(rig.ended('t-1')))
  t.deepEqual(kindsOf(effects), ['checkpoint', 'report'])
  t.deepEqual(reportsOf(effects), [{ kind: 'settled', tasks: [aRef('t-1')] }])
  rig.orders({ kind: 'ping' })
  t.is(rig.state.tasks.size, 1)
  t.deepEqual(kindsOf(rig.heardAll()), ['checkpoint', 'report'])
  t.is(rig.state.tasks.size, 0)
  t.is(rig.state.frameworks.size, 0)
})

test('the word of the leader counts within its session only', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.ack(statusOf(rig.ended('t-1')))
  rig.invite()
  t.is(rig.state.tasks.size, 1)
  rig.confirm()
  t.is(rig.state.tasks.size, 0, 'the snapshot said it')
})

test('a task whose end is not acknowledged stays, whatever the leader heard', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.ended('t-1')
  rig.heardAll()
  t.is(rig.state.tasks.size, 1)
  t.like(statusOf(rig.pass(10_000)), { state: 'TASK_FINISHED' })
})

test('what the task machine does not allow is not reported', (t) => {
  const now = { monotonicMs: 0, wallMs: 0 }
  for (const before of MACHINE_STATES.filter(isTerminal)) {
    for (const after of MACHINE_STATES) {
      const rig = new Rig()
      rig.beat()
      rig.confirm()
      rig.orders(aRun([aTask('t-1')]))
      const task = rig.state.tasks.get(launchOf('t-1'))
      if (task === undefined) return t.fail('no task')
      report(rig.state, task, { news: { state: before }, now })
      t.false(report(rig.state, task, { news: { state: after }, now }), `${before} → ${after}`)
    }
  }
})
