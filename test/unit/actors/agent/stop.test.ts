/** The polite end of an agent: what it says last. */
import test from 'ava'
import { agentCore } from '../../../../actors/agent/core.ts'
import type { Leaves } from '../../../../actors/agent/inputs.ts'
import type { SessionId, TaskId } from '../../../../protocol/ids.ts'
import {
  anAgentThatRuns,
  aRegisteredAgent,
  aRun,
  aTask,
  FRAMEWORK,
  kindsOf,
  launchOf,
  messagesOf,
  Rig,
  reportsOf,
  statusesOf,
} from './builders.ts'

const stop = (rig: Rig, leaves: Leaves = 'never') => rig.hear({ kind: 'stop', leaves })

test('an agent that is stopped says so, with the next number of its session', (t) => {
  const rig = anAgentThatRuns('t-1')
  const { session } = rig
  const { link } = rig.state
  const said = link.kind === 'open' ? link.session.said : 0
  const effects = stop(rig)
  t.like(messagesOf(effects), [{ session, n: said + 1, reports: [{ kind: 'stopping' }] }])
  t.is(rig.state.tasks.size, 1)
})

test('what an agent had to say or to remember comes before it stops', (t) => {
  const rig = anAgentThatRuns('t-1')
  const { session } = rig
  // Handled, and its turn is not over yet.
  const ended = {
    kind: 'container.ended',
    containerId: launchOf('t-1'),
    exit: { code: 0 },
  } as const
  t.deepEqual(agentCore.handle(rig.state, ended, { monotonicMs: rig.nowMs, wallMs: 1e12 }), [])
  const effects = stop(rig)
  t.deepEqual(kindsOf(effects), ['checkpoint', 'destroy', 'update', 'report'])
  t.like(statusesOf(effects), [{ state: 'TASK_FINISHED' }])
  t.like(messagesOf(effects), [{ session, reports: [{ kind: 'stopping' }] }])
})

test('an agent that was stopped hears, says and does nothing any more', (t) => {
  const rig = anAgentThatRuns('t-1')
  const { session } = rig
  stop(rig)
  t.deepEqual(rig.beat(), [])
  t.deepEqual(rig.invite(), [])
  t.deepEqual(rig.message({ session, n: 1_000, orders: [aRun([aTask('t-2')])] }), [])
  t.deepEqual(rig.pass(60_000), [])
})

test('who waits for output hears that there is none yet, and asks another time', (t) => {
  const rig = anAgentThatRuns('t-1')
  const request = '1'.repeat(16) as SessionId
  const taskId = 't-1' as TaskId
  const asked = { ...FRAMEWORK, taskId, stream: 'stdout', offset: 7, bytesMax: 10 } as const
  rig.orders({ kind: 'send-output', ...asked, waitMs: 10_000, request })
  const effects = stop(rig)
  t.deepEqual(kindsOf(effects), ['report', 'send-output'])
  t.like(effects[1], { message: { request, offset: 7, end: false } })
})

test('an agent without a session has nobody to tell', (t) => {
  t.deepEqual(stop(new Rig()), [])
})

test('an agent whose open was not confirmed yet stops in that session', (t) => {
  const rig = new Rig()
  rig.beat()
  const { session } = rig
  t.like(messagesOf(stop(rig)), [{ session, n: 2, reports: [{ kind: 'stopping' }] }])
})

test('an agent whose tasks end with it leaves, whatever it holds', (t) => {
  t.deepEqual(reportsOf(stop(anAgentThatRuns('t-1'), 'always')), [{ kind: 'leaving' }])
})

test('an agent that leaves when it is idle stays while somebody waits for one of its tasks', (t) => {
  t.deepEqual(reportsOf(stop(aRegisteredAgent(), 'when-idle')), [{ kind: 'leaving' }])
  t.deepEqual(reportsOf(stop(anAgentThatRuns('t-1'), 'when-idle')), [{ kind: 'stopping' }])
  const ended = anAgentThatRuns('t-1')
  ended.ended('t-1')
  t.deepEqual(reportsOf(stop(ended, 'when-idle')), [{ kind: 'stopping' }])
  const settled = anAgentThatRuns('t-1')
  settled.ended('t-1')
  settled.ackAll()
  t.is(settled.state.tasks.size, 1)
  t.deepEqual(reportsOf(stop(settled, 'when-idle')), [{ kind: 'leaving' }])
})
