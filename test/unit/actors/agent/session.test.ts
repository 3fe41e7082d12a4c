import test from 'ava'
import type { SessionId } from '../../../../protocol/ids.ts'
import { LIST_BYTES_MAX } from '../../../../protocol/limits.ts'
import { PROTOCOL_VERSIONS } from '../../../../protocol/version.ts'
import { wireBytes } from '../../../../protocol/wire-size.ts'
import {
  anAgentThatRuns,
  aProfile,
  aRef,
  aRegisteredAgent,
  aRun,
  aTask,
  FRAMEWORK,
  INCARNATION,
  kindsOf,
  LEADER,
  messagesOf,
  NEXT_LEADER,
  PING_MS,
  PINGS_MISSED_MAX,
  Rig,
  RUN_B,
  registered,
  reportsOf,
  statusesOf,
  statusOf,
  updatesOf,
} from './builders.ts'

test('the first beat since the start opens a session at once', (t) => {
  const rig = new Rig()
  const messages = messagesOf(rig.beat())
  t.is(messages.length, 1)
  t.deepEqual(messages[0]?.n, 1)
  t.regex(messages[0]?.session ?? '', /^[0-9a-f]{16}$/)
  t.like(messages[0]?.reports[0], {
    kind: 'register',
    version: PROTOCOL_VERSIONS,
    incarnation: INCARNATION,
    highest: LEADER,
    pages: 0,
    info: { hostname: 'host', resourcesVersion: 1 },
  })
  t.deepEqual(rig.beat(), [], 'the second changes nothing')
})

test('what is held follows the open as pages, each in a message of its own', (t) => {
  const rig = anAgentThatRuns('t-1', { name: 'one' })
  rig.restart({
    containers: [{ containerId: 'launch-t-1', sandbox: aRef('t-1'), state: { kind: 'running' } }],
  })
  const messages = messagesOf(rig.beat())
  t.deepEqual(
    messages.map(({ n }) => n),
    [1, 2, 3],
  )
  t.like(messages[0]?.reports[0], { kind: 'register', incarnation: INCARNATION + 1, pages: 2 })
  t.like(messages[1]?.reports[0], { kind: 'snapshot-page', page: 1, last: false })
  t.like(messages[2]?.reports[0], { kind: 'snapshot-page', page: 2, last: true })
  const pages = messages.flatMap(({ reports }) => reports)
  const tasks = pages.flatMap((page) => (page.kind === 'snapshot-page' ? page.tasks : []))
  t.like(tasks[0], { ...aRef('t-1'), name: 'one', role: '*', latest: 'TASK_RUNNING' })
  t.is(typeof tasks[0]?.atMs, 'number', 'when it began to run')
  t.deepEqual(tasks[0]?.resources, [
    { name: 'cpus', scalar: 1 },
    { name: 'mem', scalar: 32 },
  ])
  const frameworks = pages.flatMap((page) => (page.kind === 'snapshot-page' ? page.frameworks : []))
  t.deepEqual(frameworks, [{ ...FRAMEWORK, subscription: { epoch: 5, count: 1 } }])
})

test('a snapshot of many tasks is cut so that each page fits into one message', (t) => {
  const rig = aRegisteredAgent(aProfile({ resources: [{ name: 'cpus', scalar: 3000 }] }))
  const name = 'n'.repeat(250)
  for (let i = 0; i < 3; i++) {
    const tasks = Array.from({ length: 1000 }, (_, j) =>
      aTask(`t-${i}-${j}`, { name, resources: { cpus: 1 } }),
    )
    rig.orders(aRun(tasks))
  }
  const messages = messagesOf(rig.invite())
  t.true(messages.length > 3)
  t.true(messages.every((message) => wireBytes(message.reports) <= LIST_BYTES_MAX + 1024))
  const held = messages.flatMap(({ reports }) =>
    reports.flatMap((page) => (page.kind === 'snapshot-page' ? page.tasks : [])),
  )
  t.is(new Set(held.map(({ launch }) => launch)).size, 3000)
  t.deepEqual(
    messages.map(({ n }) => n),
    messages.map((_, i) => i + 1),
  )
})

test('an open that is not confirmed is repeated, byte for byte, later and later', (t) => {
  const rig = anAgentThatRuns('t-1')
  const first = messagesOf(rig.invite())
  const times: number[] = []
  for (let i = 0; i < 8; i++) {
    const before = rig.nowMs
    const repeats = messagesOf(passUntil(rig, 'report'))
    t.deepEqual(repeats, first)
    times.push(rig.nowMs - before)
  }
  for (const [i, ms] of times.entries()) {
    const base = Math.min(1000 * 2 ** i, 30_000)
    t.true(ms >= base && ms <= base * 1.25, `repeat ${i} after ${ms} ms`)
  }
})

/** Goes on until the first effect of this kind. */
function passUntil(rig: Rig, kind: string) {
  for (let ms = 0; ms < 60_000; ms++) {
    const effects = rig.pass(1)
    if (kindsOf(effects).includes(kind)) return effects
  }
  throw new Error(`no ${kind} within a minute`)
}

test('while a session is not confirmed, statuses leave without a number and reports wait', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.invite()
  const updates = updatesOf(rig.ended('t-1'))
  t.is(updates.length, 1)
  t.is(updates[0]?.session, undefined)
  t.is(updates[0]?.n, undefined)
  t.deepEqual(reportsOf(rig.ackAll()), [], 'settled is not said yet')
})

test('after the confirmation all heads are sent again, numbered after the pages', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1'), aTask('t-2')]))
  rig.started('t-1')
  rig.started('t-2')
  const pages = messagesOf(rig.invite()).length
  const updates = updatesOf(rig.confirm())
  t.deepEqual(
    updates.map(({ n, session }) => [n, session]),
    [[pages + 1, rig.session]],
  )
  t.deepEqual(statusesOf(rig.hear({ kind: 'flush' })), [])
  t.deepEqual(
    updates[0]?.statuses.map(({ taskId, state }) => [taskId, state]),
    [
      ['t-1', 'TASK_RUNNING'],
      ['t-2', 'TASK_RUNNING'],
    ],
  )
})

test('what was told and acknowledged after the snapshot is said again in the session', (t) => {
  const rig = aRegisteredAgent()
  rig.orders(aRun([aTask('t-1')]))
  const pages = messagesOf(rig.invite()).flatMap(({ reports }) => reports)
  t.like(pages[1], { tasks: { 0: { latest: 'TASK_STAGING' } } })
  t.is(updatesOf(rig.started('t-1'))[0]?.n, undefined)
  rig.ackAll()
  const updates = updatesOf(rig.confirm())
  t.like(updates, { 0: { session: rig.session, statuses: { 0: { state: 'TASK_RUNNING' } } } })
  rig.invite()
  t.deepEqual(updatesOf(rig.confirm()), [], 'the next snapshot says it')
})

test('reports and statuses share one counter, and reports say what was heard', (t) => {
  const rig = anAgentThatRuns('t-1')
  const { link } = rig.state
  const said = link.kind === 'open' ? link.session.said : 0
  const pong = messagesOf(rig.orders({ kind: 'ping' }))[0]
  t.like(pong, { n: said + 1, heard: 3, session: rig.session })
  t.deepEqual(updatesOf(rig.ended('t-1'))[0]?.n, said + 2)
})

test('orders of a foreign session and repeated numbers are dropped', (t) => {
  const rig = aRegisteredAgent()
  t.deepEqual(
    rig.message({ n: 2, session: 'f'.repeat(16) as SessionId, orders: [aRun([aTask('t-1')])] }),
    [],
  )
  t.is(rig.state.counts.foreignSession, 1)
  rig.orders({ kind: 'ping' })
  t.deepEqual(rig.message({ n: 2, orders: [aRun([aTask('t-1')])] }), [])
  t.is(rig.state.counts.repeatedMessage, 1)
  t.is(rig.state.tasks.size, 0)
})

test('no order is obeyed before the confirmation', (t) => {
  const rig = new Rig()
  rig.beat()
  t.deepEqual(rig.message({ n: 1, orders: [aRun([aTask('t-1')])] }), [])
  t.is(rig.state.tasks.size, 0)
})

test('a gap in the numbers of orders opens a new session and nothing of the old one is obeyed', (t) => {
  const rig = aRegisteredAgent()
  const old = rig.session
  const effects = rig.message({ n: 3, orders: [aRun([aTask('t-1')])] })
  t.like(reportsOf(effects)[0], { kind: 'register' })
  t.not(rig.session, old)
  t.deepEqual(rig.message({ n: 2, session: old, orders: [aRun([aTask('t-1')])] }), [])
  t.is(rig.state.tasks.size, 0)
})

test('a lost confirmation shows as a gap', (t) => {
  const rig = new Rig()
  rig.beat()
  t.like(reportsOf(rig.message({ n: 2, orders: [{ kind: 'ping' }] }))[0], { kind: 'register' })
})

test('silence of the leader for all pings opens a new session, pings prevent it', (t) => {
  const rig = aRegisteredAgent()
  for (let i = 0; i < 10; i++) {
    t.deepEqual(rig.pass(PING_MS), [])
    rig.orders({ kind: 'ping' })
  }
  t.deepEqual(reportsOf(rig.pass(PING_MS * PINGS_MISSED_MAX - 1)), [])
  t.like(reportsOf(rig.pass(1))[0], { kind: 'register' })
})

test('a ping that says when the next one comes leaves the leader so much more time', (t) => {
  const rig = aRegisteredAgent()
  const nextMs = 7 * PING_MS
  rig.orders({ kind: 'ping', nextMs })
  t.deepEqual(reportsOf(rig.pass(nextMs + PING_MS * (PINGS_MISSED_MAX - 1) - 1)), [])
  t.like(reportsOf(rig.pass(1))[0], { kind: 'register' })
})

test('a bus that was lost and is back opens a new session', (t) => {
  const rig = aRegisteredAgent()
  t.deepEqual(rig.hear({ kind: 'bus.disconnected' }), [])
  t.like(reportsOf(rig.hear({ kind: 'bus.connected' }))[0], { kind: 'register' })
  t.deepEqual(rig.hear({ kind: 'bus.connected' }), [], 'once')
})

test('before a leader was heard, a bus that is back changes nothing', (t) => {
  const rig = new Rig()
  rig.hear({ kind: 'bus.disconnected' })
  t.deepEqual(rig.hear({ kind: 'bus.connected' }), [])
})

test('an invitation to an open session opens another; to one being opened it only hurries', (t) => {
  const rig = aRegisteredAgent()
  const old = rig.session
  const first = messagesOf(rig.invite())
  t.not(rig.session, old)
  t.deepEqual(rig.invite(), [], 'it has just left')
  rig.pass(4_000)
  t.deepEqual(messagesOf([...rig.invite(), ...rig.pass(1_000)]), first)
})

test('a new leader that does not invite gets a session within 5 to 10 seconds', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.beat(NEXT_LEADER)
  t.deepEqual(kindsOf(effects), ['checkpoint'])
  t.deepEqual(rig.pass(4_999), [])
  t.like(reportsOf(rig.pass(5_001))[0], { kind: 'register', highest: NEXT_LEADER })
})

test('a leader that invites is waited for, however long it takes, and 5 to 10 s after that', (t) => {
  const rig = aRegisteredAgent()
  rig.beat({ ...NEXT_LEADER, inviting: true })
  t.deepEqual(rig.pass(60_000), [])
  rig.beat(NEXT_LEADER)
  t.like(reportsOf(rig.pass(10_000))[0], { kind: 'register', highest: NEXT_LEADER })
})

test('whoever knows no leader yet does not wait to be invited', (t) => {
  const rig = new Rig()
  t.like(reportsOf(rig.beat({ ...LEADER, inviting: true }))[0], { kind: 'register' })
})

test('a new leader that invites gets a session at once, and only one', (t) => {
  const rig = aRegisteredAgent()
  t.deepEqual(kindsOf(rig.beat(NEXT_LEADER)), ['checkpoint'])
  t.deepEqual(kindsOf(rig.invite(NEXT_LEADER)), ['report'])
  rig.leader = NEXT_LEADER
  rig.confirm()
  const session = rig.session
  rig.pass(10_000)
  t.is(rig.session, session)
})

test('orders of the old leader are refused from the first word of a new one', (t) => {
  const rig = aRegisteredAgent()
  const session = rig.session
  rig.beat(NEXT_LEADER)
  const effects = rig.message({ n: 2, session, fence: LEADER, orders: [aRun([aTask('t-1')])] })
  t.deepEqual(reportsOf(effects), [{ kind: 'complaint', highest: NEXT_LEADER, refused: LEADER }])
  t.is(rig.state.tasks.size, 0)
})

test('statuses between two leaders leave without a number', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.beat(NEXT_LEADER)
  t.is(updatesOf(rig.ended('t-1'))[0]?.n, undefined)
})

test('a snapshot shows how a task has ended', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.beat(NEXT_LEADER)
  rig.ended('t-1', { code: 9 })
  const page = reportsOf(rig.invite(NEXT_LEADER)).find(({ kind }) => kind === 'snapshot-page')
  t.like(page, {
    tasks: {
      0: {
        latest: 'TASK_FAILED',
        reason: 'COMMAND_FAILED',
        message: 'command exited with status 9',
        exit: { code: 9 },
      },
    },
  })
})

test('registered forgets what the snapshot said is settled', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.invite()
  rig.ended('t-1')
  rig.ackAll()
  t.is(rig.state.tasks.size, 1)
  rig.beat(NEXT_LEADER)
  const page = reportsOf(rig.invite(NEXT_LEADER)).find(({ kind }) => kind === 'snapshot-page')
  t.like(page, { tasks: { 0: { latest: 'TASK_FINISHED', settled: true } } })
  rig.leader = NEXT_LEADER
  const effects = rig.confirm()
  t.is(rig.state.tasks.size, 0)
  t.deepEqual(updatesOf(effects), [])
  t.deepEqual(reportsOf(effects), [])
})

test('an end that only an unnumbered status told is said again before it is settled', (t) => {
  const rig = anAgentThatRuns('t-1')
  rig.invite()
  rig.ended('t-1')
  rig.ackAll()
  const effects = rig.confirm()
  t.deepEqual(kindsOf(effects), ['update', 'report'])
  t.like(statusOf(effects), { state: 'TASK_FINISHED' })
  t.deepEqual(reportsOf(effects), [{ kind: 'settled', tasks: [aRef('t-1')] }])
  rig.heardAll()
  t.is(rig.state.tasks.size, 0)
})

test('not-registered with a time: the agent comes again after it', (t) => {
  const rig = new Rig()
  rig.beat()
  const old = rig.session
  t.deepEqual(
    rig.message({
      n: 1,
      orders: [{ kind: 'not-registered', reason: 'no-common-version', message: '', retryMs: 500 }],
    }),
    [],
  )
  t.deepEqual(rig.pass(499), [])
  t.like(reportsOf(rig.pass(1))[0], { kind: 'register' })
  t.not(rig.session, old)
})

test('an agent whose id another one has says so, and asks again', (t) => {
  const rig = new Rig()
  const { directory } = rig.state
  t.like(reportsOf(rig.beat())[0], { kind: 'register', opens: 1, directory })
  const message = 'agent a1 is on h, in another work directory, and was heard a moment ago'
  const refused = { kind: 'not-registered', reason: 'taken', message, retryMs: 500 } as const
  rig.message({ n: 1, orders: [refused] })
  t.is(rig.state.refusal, `taken: ${message}`)
  t.like(reportsOf(rig.pass(500))[0], { kind: 'register', opens: 2, directory })
  rig.confirm()
  t.is(rig.state.refusal, undefined)
})

test('not-registered without a time: the agent gives up and listens no more', (t) => {
  const rig = new Rig()
  rig.beat()
  const effects = rig.message({
    n: 1,
    orders: [{ kind: 'not-registered', reason: 'malformed-snapshot', message: 'another has it' }],
  })
  t.deepEqual(effects, [
    { do: 'give-up', message: 'the leader refuses (malformed-snapshot): another has it' },
  ])
  t.deepEqual(
    [...rig.beat(NEXT_LEADER), ...rig.pass(60_000)].filter((e) => e.do === 'report'),
    [],
  )
  t.deepEqual(rig.invite(NEXT_LEADER), [])
})

test('an agent that was given up ends its tasks, says nothing of them, and only then gives up', (t) => {
  const rig = anAgentThatRuns('t-1')
  const order = { kind: 'not-registered', reason: 'gone', message: 'it is over' } as const
  const told = rig.orders(order)
  t.deepEqual(
    told.map((effect) => effect.do),
    ['checkpoint', 'kill'],
  )
  t.deepEqual(reportsOf(rig.invite(LEADER)), [])
  const effects = rig.ended('t-1', { signal: 15, name: 'SIGTERM' })
  t.deepEqual(
    effects.map((effect) => effect.do),
    ['checkpoint', 'destroy', 'give-up'],
  )
  t.like(effects.at(-1), { message: 'the leader refuses (gone): it is over' })
})

test('an agent that was given up and runs nothing gives up at once', (t) => {
  const rig = aRegisteredAgent()
  const effects = rig.orders({ kind: 'not-registered', reason: 'gone', message: 'it is over' })
  t.deepEqual(
    effects.map((effect) => effect.do),
    ['give-up'],
  )
})

test('a lower leader, or another run of the epoch, is refused and told so once a second', (t) => {
  const rig = aRegisteredAgent()
  const imposter = { epoch: LEADER.epoch, run: RUN_B }
  const [message] = messagesOf(rig.beat(imposter))
  t.deepEqual(message, {
    reports: [{ kind: 'complaint', highest: LEADER, refused: imposter }],
  })
  t.deepEqual(rig.beat(imposter), [])
  const older = { epoch: 4, run: RUN_B }
  t.deepEqual(reportsOf(rig.beat(older)), [{ kind: 'complaint', highest: LEADER, refused: older }])
  rig.pass(1_000)
  t.is(reportsOf(rig.beat(imposter)).length, 1)
  t.is(rig.state.counts.refusedLeader, 4)
})

test('an absurd epoch is ignored and counted', (t) => {
  const rig = aRegisteredAgent()
  t.deepEqual(rig.beat({ epoch: LEADER.epoch + 2 ** 20 + 1, run: RUN_B }), [])
  t.is(rig.state.counts.absurdLeader, 1)
  t.deepEqual(rig.state.highest, LEADER)
})

test('a higher leader is on disk before anything that it causes leaves', (t) => {
  const rig = aRegisteredAgent()
  const [first] = rig.beat(NEXT_LEADER)
  t.deepEqual(first, {
    do: 'checkpoint',
    records: [{ kind: 'leader', fence: NEXT_LEADER }],
    durability: 'disk',
  })
})

test('orders of a leader whose beat was never heard win nobody over', (t) => {
  const rig = aRegisteredAgent()
  t.deepEqual(rig.invite(NEXT_LEADER), [])
  t.deepEqual(rig.state.highest, LEADER)
  t.is(rig.state.counts.unknownLeader, 1)
  t.is(rig.state.link.kind, 'open')
})

test('the highest leader is remembered over a restart', (t) => {
  const rig = aRegisteredAgent()
  rig.beat(NEXT_LEADER)
  rig.restart()
  t.like(reportsOf(rig.beat(LEADER))[0], { kind: 'complaint', highest: NEXT_LEADER })
  t.like(reportsOf(rig.beat(NEXT_LEADER))[0], { kind: 'register' })
})

test('a repeated registered in the same session changes nothing', (t) => {
  const rig = aRegisteredAgent()
  t.deepEqual(rig.orders(registered()), [])
})
