import test from 'ava'
import {
  aFilter,
  anAgent,
  answered,
  aRole,
  cpusMem,
  framework,
  Harness,
  waitingOf,
} from './harness.ts'

const WHOLE = [{ resources: cpusMem(4, 4096), forMs: 60_000 }]

/** What is said of each framework, by its id. */
const said = (reports: Parameters<typeof waitingOf>[0]): Record<string, unknown> =>
  Object.fromEntries(waitingOf(reports).map(({ frameworkId, agents }) => [frameworkId, agents]))

test('nothing is there at all', (t) => {
  t.deepEqual(waitingOf(new Harness().allocating(aRole('f1')).turn()), [
    { ...framework('f1'), agents: {} },
  ])
})

test('each reason is counted over the agents', (t) => {
  const allocator = new Harness().allocating(
    aRole('f1'),
    anAgent('a1', { free: [] }),
    anAgent('a2', { free: [{ name: 'disk', scalar: 5 }] }),
    anAgent('a3', { free: cpusMem(0.001, 1) }),
    anAgent('a4'),
    aFilter('f1', 'a4', WHOLE),
  )
  t.deepEqual(said(allocator.turn()), { f1: { 'none-free': 2, 'too-small': 1, filtered: 1 } })
})

test('others were first', (t) => {
  const allocator = new Harness().allocating(aRole('f1'), aRole('f2'), anAgent('a1'))
  t.deepEqual(said(allocator.turn()), { f2: { 'others-first': 1 } })
})

test('ten late allocations a second: the agent is paused for late roles, filtered for others', (t) => {
  const late = { declinedLast: true }
  const allocator = new Harness().allocating(aRole('f1', late), anAgent('a1'))
  allocator.turn()
  for (let i = 1; i < 10; i++) {
    allocator.tell(anAgent('a1', { version: i }), answered('made', i))
  }
  allocator.say(anAgent('a1', { version: 10 }), answered('made', 10))
  t.deepEqual(said(allocator.turn()), {})
  allocator.say(aRole('f2'), aFilter('f2', 'a1', WHOLE), aRole('f3', late))
  t.deepEqual(said(allocator.turn()), { f2: { filtered: 1 }, f3: { paused: 1 } })
})

test('suppressed roles and those that got something do not wait', (t) => {
  const suppressed = aRole('f1', { suppressed: true })
  const allocator = new Harness().allocating(suppressed, aRole('f2'), anAgent('a1'))
  t.deepEqual(waitingOf(allocator.turn()), [])
})

test('the same is not said twice; news is said, at most once a second', (t) => {
  const allocator = new Harness().allocating(aRole('f1'), anAgent('a1', { free: [] }))
  t.is(waitingOf(allocator.turn()).length, 1)
  t.deepEqual(waitingOf(allocator.pass(5_000)), [])
  allocator.say(anAgent('a2', { free: cpusMem(0.001, 0) }))
  t.deepEqual(said(allocator.turn()), { f1: { 'none-free': 1, 'too-small': 1 } })
  for (let i = 3; i < 30; i++) {
    allocator.say(anAgent(`a${i}`, { free: cpusMem(0.001, 0) }))
    t.deepEqual(waitingOf(allocator.pass(10)), [])
  }
  t.deepEqual(said(allocator.pass(1_000)), { f1: { 'none-free': 1, 'too-small': 28 } })
})

test('an agent that is gone counts no more', (t) => {
  const allocator = new Harness().allocating(aRole('f1'), anAgent('a1', { free: [] }))
  allocator.pass(2_000)
  allocator.say({ kind: 'agent-gone', agentId: anAgent('a1').agentId })
  t.deepEqual(said(allocator.turn()), { f1: {} })
})

test('who got something and waits again is told about again', (t) => {
  const allocator = new Harness().allocating(aRole('f1'), anAgent('a1', { free: [] }))
  t.deepEqual(said(allocator.turn()), { f1: { 'none-free': 1 } })
  allocator.pass(2_000)
  allocator.tell(anAgent('a1', { version: 2 }))
  allocator.say(anAgent('a1', { version: 3, free: [] }), answered('made', 1))
  allocator.say(anAgent('a2', { free: [] }), { kind: 'agent-gone', agentId: anAgent('a2').agentId })
  t.deepEqual(said(allocator.pass(1_000)), { f1: { 'none-free': 1 } })
})
