/** While the disk is full or read-only: nothing is told that is not written. */
import test from 'ava'
import {
  anAgentThatRuns,
  aRegisteredAgent,
  aRun,
  aTask,
  FRAMEWORK,
  kindsOf,
  launchOf,
  messagesOf,
  NEXT_LEADER,
  type Rig,
  reportsOf,
  statusesOf,
  statusOf,
} from './builders.ts'

const fails = (rig: Rig, ...tasks: string[]) =>
  rig.hear({ kind: 'recording.failed', why: 'the disk is full', unlaunched: tasks.map(launchOf) })

test('what was to be launched when the disk was full is DROPPED, which is told though not written', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.orders(aRun([aTask('t-2'), aTask('t-3', {})]))
  const effects = fails(rig, 't-2', 't-3')
  t.deepEqual(kindsOf(effects), ['update'])
  t.deepEqual(
    statusesOf(effects).map(({ taskId, state, reason, message }) => [
      taskId,
      state,
      reason,
      message,
    ]),
    ['t-2', 't-3'].map((taskId) => [
      taskId,
      'TASK_DROPPED',
      'CHECKPOINT_FAILED',
      'the checkpoint of its agent cannot be written: the disk is full',
    ]),
  )
  t.is(rig.state.link.kind, 'closed')
})

test('a group that could not be launched is DROPPED as a whole', (t) => {
  const rig = aRegisteredAgent()
  const run = aRun([aTask('t-1'), aTask('t-2')])
  const group = launchOf('t-1')
  rig.orders({ ...run, tasks: run.tasks.map((task) => ({ ...task, group })) })
  const states = statusesOf(fails(rig, 't-1', 't-2')).map(({ state }) => state)
  t.deepEqual(states, ['TASK_DROPPED', 'TASK_DROPPED'])
})

test('an end that is not written is told when it is, and its container is kept until then', (t) => {
  const rig = anAgentThatRuns('t-1')
  fails(rig)
  const written = rig.records.length
  t.deepEqual(rig.ended('t-1', { code: 3 }), [])
  t.deepEqual(rig.pass(60_000), [])
  t.is(rig.records.length, written)
  const effects = rig.hear({ kind: 'recording.restored' })
  t.deepEqual([...new Set(kindsOf(effects))], ['checkpoint', 'destroy', 'report', 'update'])
  t.like(statusOf(effects), { state: 'TASK_FAILED', exit: { code: 3 } })
})

test('while nothing can be written an agent answers each leader that it waits', (t) => {
  const rig = anAgentThatRuns('t-1')
  fails(rig)
  const waits = [{ reports: [{ kind: 'waiting', why: 'the disk is full' }] }]
  t.deepEqual(messagesOf(rig.invite()), waits)
  t.deepEqual(messagesOf(rig.invite(NEXT_LEADER)), waits)
  t.deepEqual(rig.state.highest, { epoch: 5, run: rig.leader.run }, 'that one is not obeyed')
  t.deepEqual(rig.beat(NEXT_LEADER), [])
  t.deepEqual(reportsOf(rig.invite({ ...rig.leader, epoch: 4 })), [])
  rig.hear({ kind: 'recording.restored' })
  t.is(rig.state.link.kind, 'opening')
})

test('an acknowledgement that cannot be written does not count, and the status comes again', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  const status = statusOf(rig.started('t-1'))
  fails(rig)
  rig.ack(status)
  t.like(statusOf(rig.hear({ kind: 'recording.restored' })), { uuid: status.uuid })
})

test('a kill waits for the next session', (t) => {
  const rig = anAgentThatRuns('t-1')
  const { session } = rig
  fails(rig)
  const kill = { kind: 'kill', ...FRAMEWORK, taskId: aTask('t-1').taskId } as const
  t.deepEqual(kindsOf(rig.message({ session, n: 5, orders: [kill] })), ['report'])
  t.is(rig.state.tasks.get(launchOf('t-1'))?.killedWithMs, undefined)
})

test('an agent that stops while nothing can be written tries once more', (t) => {
  const rig = anAgentThatRuns('t-1')
  fails(rig)
  rig.ended('t-1')
  t.deepEqual(kindsOf(rig.hear({ kind: 'stop', leaves: 'never' })), ['checkpoint'])
})
