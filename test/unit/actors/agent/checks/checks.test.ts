/** Tasks that are watched: when their checks run, what is told of them, who is killed. */
import test from 'ava'
import type { Effect } from '../../../../../actors/agent/effects.ts'
import type { CheckSeen } from '../../../../../actors/agent/inputs.ts'
import { type Row, recordOf, rowOf } from '../../../../../actors/agent/rows.ts'
import { CHECK_STATUSES_MAX } from '../../../../../protocol/limits.ts'
import type { TaskInfo } from '../../../../../protocol/schema/common.ts'
import {
  anAgentThatRuns,
  aRegisteredAgent,
  aRun,
  aTask,
  FRAMEWORK,
  found,
  kindsOf,
  launchOf,
  type Rig,
  reportsOf,
  statusesOf,
  statusOf,
} from '../builders.ts'

const tcp = { port: 80 }
const YES: CheckSeen = { connected: true }
const NO: CheckSeen = { connected: false, why: 'nobody listens on 127.0.0.1:80' }
/** Its first run is due at once, each other after a second. */
const often = { tcp, delayMs: 0, intervalMs: 1_000 }
const RUNNING = { kind: 'running' } as const

type Which = Extract<Effect, { do: 'run-check' }>['which']

const runsOf = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.do === 'run-check' ? [effect.which] : []))

function seen(rig: Rig, what: CheckSeen, which: Which = 'health-check'): readonly Effect[] {
  return rig.hear({ kind: 'check.ended', containerId: launchOf('t-1'), which, seen: what })
}

const toldOf = (effects: readonly Effect[]) =>
  statusesOf(effects).map(({ state, healthy, reason }) => [state, healthy, reason])

const anAgent = (given: Partial<TaskInfo>): Rig => anAgentThatRuns('t-1', given)

test('a check runs after its delay, then an interval after the last run has ended', (t) => {
  const rig = anAgent({ healthCheck: { tcp, delayMs: 4_000, intervalMs: 2_000, timeoutMs: 500 } })
  t.deepEqual(runsOf(rig.pass(3_999)), [])
  t.deepEqual(rig.pass(1), [
    {
      do: 'run-check',
      containerId: launchOf('t-1'),
      which: 'health-check',
      probe: { tcp },
      timeoutMs: 500,
    },
  ])
  t.deepEqual(runsOf(rig.pass(60_000)), [], 'not before the run has ended')
  seen(rig, YES)
  rig.ackAll()
  t.deepEqual(runsOf(rig.pass(1_999)), [])
  t.deepEqual(runsOf(rig.pass(1)), ['health-check'])
})

test('what a check does not say is 15 s, 10 s and 20 s', (t) => {
  const rig = anAgent({ check: { tcp } })
  t.deepEqual(runsOf(rig.pass(14_999)), [])
  t.like(rig.pass(1)[0], { do: 'run-check', timeoutMs: 20_000 })
  seen(rig, YES, 'check')
  rig.ackAll()
  t.deepEqual(runsOf(rig.pass(9_999)), [])
  t.deepEqual(runsOf(rig.pass(1)), ['check'])
})

test('a task from before there was a minimum is checked no more often than that', (t) => {
  const rig = anAgent({ check: { ...often, intervalMs: 100 } })
  rig.pass(0)
  seen(rig, YES, 'check')
  rig.ackAll()
  t.deepEqual(runsOf(rig.pass(999)), [])
  t.deepEqual(runsOf(rig.pass(1)), ['check'])
})

test('both kinds run beside each other', (t) => {
  const rig = anAgent({ check: often, healthCheck: { ...often, delayMs: 10 } })
  t.deepEqual(runsOf(rig.pass(10)), ['check', 'health-check'])
})

test('health: the first success is RUNNING again and healthy, the next are not told', (t) => {
  const rig = anAgent({ healthCheck: often })
  rig.pass(0)
  const status = statusOf(seen(rig, YES))
  t.like(status, { state: 'TASK_RUNNING', healthy: true, reason: 'HEALTH_CHECK_STATUS_UPDATED' })
  t.is(status.message, 'its health check succeeded: it took the connection')
  rig.ackAll()
  rig.pass(1_000)
  t.deepEqual(seen(rig, YES), [])
})

test('health: the third failure in a row is told, and the task is killed with its grace', (t) => {
  const rig = anAgent({ healthCheck: { ...often, graceMs: 0 }, killGraceMs: 700 })
  for (const _ of [1, 2]) {
    rig.pass(1_000)
    t.like(statusOf(seen(rig, NO)), { state: 'TASK_RUNNING', healthy: false })
    rig.ackAll()
  }
  rig.pass(1_000)
  const effects = seen(rig, NO)
  t.like(
    effects.find((effect) => effect.do === 'kill'),
    { graceMs: 700 },
  )
  t.deepEqual(toldOf([...effects, ...rig.ackAll()]), [
    ['TASK_RUNNING', false, 'HEALTH_CHECK_STATUS_UPDATED'],
    ['TASK_KILLING', false, undefined],
  ])
  const end = statusOf(rig.ended('t-1', { signal: 15, name: 'SIGTERM' }))
  t.like(end, { state: 'TASK_KILLED', healthy: false, reason: 'UNHEALTHY', exit: { signal: 15 } })
  t.is(
    end.message,
    '3 health checks in a row failed, at last: nobody listens on 127.0.0.1:80; command was ended by SIGTERM',
  )
})

test('health: after a kill for it, exit 0 is still KILLED', (t) => {
  const rig = anAgent({ healthCheck: { ...often, graceMs: 0, consecutiveFailures: 1 } })
  seen(rig, NO)
  rig.ackAll()
  t.like(statusOf(rig.ended('t-1')), { state: 'TASK_KILLED', reason: 'UNHEALTHY' })
})

test('health: failures in grace are not told; the task lives', (t) => {
  const rig = anAgent({ healthCheck: { ...often, graceMs: 60_000, consecutiveFailures: 1 } })
  for (let run = 0; run < 5; run++) {
    rig.pass(1_000)
    t.deepEqual(seen(rig, NO), [])
  }
  t.like(statusOf(seen(rig, YES)), { healthy: true })
  rig.ackAll()
  t.true(kindsOf(seen(rig, NO)).includes('kill'), 'after the first success they count')
})

test('health: a check that cannot be made is told once, and kills nobody', (t) => {
  const rig = anAgent({ healthCheck: { ...often, graceMs: 0 } })
  const AWAY: CheckSeen = { unmade: 'the container service does not answer' }
  const told: unknown[] = []
  for (const what of [YES, AWAY, AWAY, AWAY, AWAY, YES, NO, NO, AWAY]) {
    rig.pass(1_000)
    const effects = seen(rig, what)
    t.false(kindsOf(effects).includes('kill'))
    told.push(...statusesOf(effects).map(({ healthy, message }) => [healthy, message]))
    rig.ackAll()
  }
  const away = 'its health check could not be made: the container service does not answer'
  const good = 'its health check succeeded: it took the connection'
  const bad = (times: number) =>
    `its health check failed (${times} in a row): nobody listens on 127.0.0.1:80`
  t.deepEqual(told, [
    [true, good],
    [true, away],
    [true, good],
    [false, bad(1)],
    [false, bad(2)],
    [false, away],
  ])
  t.true(kindsOf(seen(rig, NO)).includes('kill'), 'the third failure')
})

test('check: only another result is told, and nobody is killed', (t) => {
  const rig = anAgent({ check: often })
  const told: unknown[] = []
  for (const what of [NO, NO, YES, { failed: 'late' }, { failed: 'late' }, NO]) {
    rig.pass(1_000)
    const effects = seen(rig, what, 'check')
    t.false(kindsOf(effects).includes('kill'))
    told.push(...statusesOf(effects).map(({ checkResult, healthy }) => [checkResult, healthy]))
    rig.ackAll()
  }
  const results = [{ connected: false }, { connected: true }, {}, { connected: false }]
  t.deepEqual(
    told,
    results.map((result) => [result, undefined]),
  )
})

test('check: a first run that times out is no news', (t) => {
  const rig = anAgent({ check: often })
  t.deepEqual(statusesOf(seen(rig, { failed: 'late' }, 'check')), [])
})

test('each status of a watched task says what its checks have come to', (t) => {
  const rig = anAgent({ check: often, healthCheck: often })
  seen(rig, YES)
  rig.ackAll()
  t.like(statusOf(seen(rig, NO, 'check')), { healthy: true, checkResult: { connected: false } })
  rig.ackAll()
  const end = statusOf(rig.ended('t-1'))
  t.like(end, { state: 'TASK_FINISHED', healthy: true, checkResult: { connected: false } })
})

test('after a kill no check runs, and none that still runs is listened to', (t) => {
  const rig = anAgent({
    check: often,
    healthCheck: { ...often, graceMs: 0, consecutiveFailures: 1 },
  })
  rig.orders({ kind: 'kill', ...FRAMEWORK, taskId: aTask('t-1').taskId, graceMs: 60_000 })
  rig.ackAll()
  t.deepEqual(seen(rig, NO), [])
  t.deepEqual(seen(rig, NO, 'check'), [])
  t.deepEqual(runsOf(rig.pass(50_000)), [])
  t.like(statusOf(rig.ended('t-1')), { state: 'TASK_KILLED', reason: undefined })
})

test('a task that has ended is not checked again', (t) => {
  const rig = anAgent({ check: often, maxCompletionMs: 60_000 })
  rig.ended('t-1')
  rig.ackAll()
  t.deepEqual(seen(rig, NO, 'check'), [])
  rig.heardAll()
  t.deepEqual(runsOf(rig.pass(2_000)), [])
  t.false(rig.state.deadlines.has(`completion ${launchOf('t-1')}`))
})

test('completion: who is not done in time is killed without grace, and has failed', (t) => {
  const rig = anAgent({ maxCompletionMs: 5_000, killGraceMs: 60_000 })
  t.deepEqual(rig.pass(4_999), [])
  const effects = rig.pass(1)
  t.like(
    effects.find((effect) => effect.do === 'kill'),
    { containerId: launchOf('t-1'), graceMs: 0 },
  )
  t.is(statusOf(effects).state, 'TASK_KILLING')
  rig.ackAll()
  const end = statusOf(rig.ended('t-1', { signal: 9, name: 'SIGKILL' }))
  t.like(end, { state: 'TASK_FAILED', reason: 'MAX_COMPLETION_TIME_REACHED' })
  t.is(end.message, 'it was not done within 5000 ms; command was ended by SIGKILL')
})

test('completion: the whole group ends with it', (t) => {
  const rig = aRegisteredAgent()
  const [one, two] = [aTask('t-1', { maxCompletionMs: 5_000 }), aTask('t-2')]
  const group = launchOf('t-1')
  const tasks = [one, two].map((task) => ({ launch: launchOf(task.taskId), task, group }))
  rig.orders(aRun([], { tasks }))
  for (const { task } of tasks) rig.started(task.taskId)
  rig.ackAll()
  rig.pass(5_000)
  rig.ackAll()
  const effects = rig.ended('t-1', { signal: 9, name: 'SIGKILL' })
  t.like(
    effects.find((effect) => effect.do === 'kill'),
    { containerId: launchOf('t-2') },
  )
  rig.ackAll()
  const end = statusOf(rig.ended('t-2', { signal: 15, name: 'SIGTERM' }))
  t.like(end, { state: 'TASK_KILLED', reason: 'GROUP_ENDED' })
})

test('completion: it does not concern who is killed already', (t) => {
  const rig = anAgent({ maxCompletionMs: 5_000 })
  rig.orders({ kind: 'kill', ...FRAMEWORK, taskId: aTask('t-1').taskId, graceMs: 60_000 })
  rig.ackAll()
  t.deepEqual(rig.pass(10_000), [])
  t.is(statusOf(rig.ended('t-1')).state, 'TASK_KILLED')
})

test('restart: the task is as it was told to be, failures count anew, grace does not return', (t) => {
  const rig = anAgent({ healthCheck: { ...often, graceMs: 60_000 } })
  seen(rig, YES)
  for (const _ of [1, 2]) seen(rig, NO)
  rig.ackAll()
  rig.restart({ containers: [found('t-1', RUNNING)] })
  rig.beat()
  rig.confirm()
  t.deepEqual(runsOf(rig.pass(1_000)), ['health-check'], 'within an interval')
  for (const _ of [1, 2]) t.false(kindsOf(seen(rig, NO)).includes('kill'))
  t.true(kindsOf(seen(rig, NO)).includes('kill'))
})

test('restart: a healthy task that is healthy is not told again; its snapshot says it', (t) => {
  const rig = anAgent({ healthCheck: often, check: often })
  seen(rig, YES)
  seen(rig, YES, 'check')
  rig.ackAll()
  rig.restart({ containers: [found('t-1', RUNNING)] })
  const [, page] = reportsOf(rig.beat())
  t.like(page, {
    kind: 'snapshot-page',
    tasks: [{ healthy: true, checkResult: { connected: true } }],
  })
  rig.confirm()
  t.deepEqual(statusesOf(seen(rig, YES)), [])
  t.deepEqual(statusesOf(seen(rig, YES, 'check')), [])
})

test('restart: of the time to completion only the rest is left', (t) => {
  const rig = anAgent({ maxCompletionMs: 10_000 })
  rig.pass(6_000)
  rig.restart({ containers: [found('t-1', RUNNING)] })
  t.false(kindsOf(rig.pass(3_999)).includes('kill'))
  t.true(kindsOf(rig.pass(1)).includes('kill'))
  rig.restart({ containers: [found('t-1', RUNNING)] })
  t.true(kindsOf(rig.begun).includes('kill'), 'the kill is repeated')
  rig.ended('t-1')
  const { last } = [...rig.state.tasks.values()][0] ?? {}
  t.like(last, { state: 'TASK_FAILED', reason: 'MAX_COMPLETION_TIME_REACHED' })
})

test('a step of the wall clock ends no grace; after a restart it is what counts', (t) => {
  const rig = anAgent({ healthCheck: { ...often, graceMs: 60_000 }, maxCompletionMs: 600_000 })
  rig.wallStepMs = 3_600_000
  rig.pass(1_000)
  t.deepEqual(seen(rig, NO), [], 'it has run for a second')
  rig.restart({ containers: [found('t-1', RUNNING)] })
  t.true(kindsOf([...rig.begun, ...rig.pass(0)]).includes('kill'))
})

test('restart: a start that is heard of late is no new one', (t) => {
  const rig = anAgent({ check: often, maxCompletionMs: 10_000 })
  rig.pass(6_000)
  rig.restart({ containers: [found('t-1', RUNNING)] })
  t.deepEqual(statusesOf(rig.started('t-1')), [])
  t.true(kindsOf(rig.pass(4_000)).includes('kill'))
})

test('completion: while nothing can be written down nobody is killed, and then at once', (t) => {
  const rig = anAgent({ maxCompletionMs: 5_000 })
  rig.hear({ kind: 'recording.failed', why: 'the disk is full', unlaunched: [] })
  t.false(kindsOf(rig.pass(60_000)).includes('kill'))
  t.is([...rig.state.tasks.values()][0]?.killCause, undefined)
  rig.hear({ kind: 'recording.restored' })
  t.true(kindsOf(rig.pass(1_000)).includes('kill'))
})

test('restart: a task that was killed for its health is told so by the next agent', (t) => {
  const rig = anAgent({ healthCheck: { ...often, graceMs: 0, consecutiveFailures: 1 } })
  seen(rig, NO)
  rig.ackAll()
  rig.restart({ containers: [found('t-1', { kind: 'ended', exit: { code: 0 } })] })
  const { last } = [...rig.state.tasks.values()][0] ?? {}
  t.like(last, { state: 'TASK_KILLED', reason: 'UNHEALTHY' })
})

test('a framework that acknowledges nothing is kept only the newest of a flapping task', (t) => {
  const rig = anAgent({ healthCheck: often })
  for (let run = 0; run < 100; run++) seen(rig, run % 2 === 0 ? YES : NO)
  const task = [...rig.state.tasks.values()][0]
  t.is(task?.stream.length, CHECK_STATUSES_MAX)
  t.like(task?.stream.at(-1), { healthy: false })
  const before = task?.stream.map(({ uuid }) => uuid)
  rig.restart({ containers: [found('t-1', RUNNING)] })
  t.deepEqual(
    [...rig.state.tasks.values()][0]?.stream.map(({ uuid }) => uuid),
    before,
  )
})

test('while nothing can be written down, no result counts, and checks go on', (t) => {
  const rig = anAgent({ healthCheck: { ...often, graceMs: 0, consecutiveFailures: 1 } })
  rig.hear({ kind: 'recording.failed', why: 'the disk is full', unlaunched: [] })
  t.deepEqual(kindsOf(seen(rig, NO)), [])
  t.deepEqual(runsOf(rig.pass(1_000)), ['health-check'])
  rig.hear({ kind: 'recording.restored' })
  t.true(kindsOf(seen(rig, NO)).includes('kill'))
})

test('a check without a probe, which no leader lets pass, is TASK_ERROR', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders(aRun([aTask('t-1', { check: {} })]))
  t.like(statusOf(effects), { state: 'TASK_ERROR', reason: 'TASK_INVALID' })
  t.false(kindsOf(effects).includes('launch'))
})

test('records of watched tasks come back from the log as they were', (t) => {
  const rig = anAgent({ healthCheck: often, check: often, maxCompletionMs: 9 })
  for (let run = 0; run < 40; run++) seen(rig, run % 2 === 0 ? YES : NO)
  const read = rig.records.map((one) => recordOf(JSON.parse(JSON.stringify(rowOf(one))) as Row))
  t.deepEqual(read, JSON.parse(JSON.stringify(rig.records)))
  t.true(rig.records.some((one) => one.kind === 'watched'))
})
