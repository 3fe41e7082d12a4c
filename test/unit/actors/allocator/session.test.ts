import test from 'ava'
import { allocatorCore } from '../../../../actors/allocator/core.ts'
import type { RunId, SessionId } from '../../../../protocol/ids.ts'
import type { Message } from '../../../../protocol/schema/messages.ts'
import {
  aBeat,
  allocationsOf,
  aMember,
  anAgent,
  answered,
  Harness,
  LEADER,
  PINGS_MISSED_MAX,
  pairs,
} from './harness.ts'

const PING_MS = 1_000
const OTHER = '00000000000000bb' as SessionId
/** Allocating, in a session that needs a ping each second. */
function pinged(): Harness {
  const allocator = new Harness()
  allocator.pingMs = PING_MS
  return allocator.allocating()
}
const opens = ({ sent }: Harness): readonly Message<'AllocatorReports'>[] =>
  sent.filter(({ reports }) => reports[0]?.kind === 'open')

test('a leader without an allocator: a session is opened within 500 ms', (t) => {
  const allocator = new Harness()
  allocator.beat()
  t.deepEqual(allocator.sent, [])
  const atMs = allocatorCore.wakeAtMs(allocator.state)
  t.true(atMs !== undefined && atMs >= 1_000 && atMs <= 1_500)
  allocator.pass(500)
  t.is(opens(allocator).length, 1)
  t.like(allocator.sent[0], {
    n: 1,
    heard: 0,
    reports: [{ kind: 'open', version: { min: 1, max: 1 }, policy: 'drf' }],
  })
  t.regex(allocator.sent[0]?.session ?? '', /^[0-9a-f]{16}$/)
  t.deepEqual(allocator.phases, ['opening'])
})

test('allocators of different seeds open other sessions, at other times', (t) => {
  const times = new Set<number | undefined>()
  const sessions = new Set<string>()
  for (let i = 0; i < 20; i++) {
    const allocator = new Harness(i.toString(16).padStart(8, '0').repeat(4))
    allocator.beat()
    times.add(allocatorCore.wakeAtMs(allocator.state))
    allocator.pass(500)
    sessions.add(allocator.session)
  }
  t.true(times.size > 10)
  t.is(sessions.size, 20)
})

test('the open is repeated each second, byte for byte, until it is confirmed', (t) => {
  const allocator = new Harness().opening()
  allocator.pass(3_000)
  t.is(opens(allocator).length, 4)
  for (const again of opens(allocator)) t.deepEqual(again, opens(allocator)[0])
  allocator.confirm()
  allocator.pass(1_900)
  t.is(opens(allocator).length, 4)
})

test('another allocator is open: this one stands by until the beat names none', (t) => {
  const allocator = new Harness()
  allocator.beat({ allocator: OTHER })
  allocator.pass(10_000)
  t.deepEqual(allocator.sent, [])
  allocator.beat()
  allocator.pass(500)
  t.is(opens(allocator).length, 1)
})

test('another was faster: no open is sent', (t) => {
  const allocator = new Harness()
  allocator.beat()
  allocator.beat({ allocator: OTHER })
  allocator.pass(10_000)
  t.deepEqual(allocator.sent, [])
})

test('another is named while opening: no repeats, but a late confirmation counts', (t) => {
  const allocator = new Harness().opening()
  allocator.beat({ allocator: OTHER })
  allocator.pass(5_000)
  t.is(opens(allocator).length, 1)
  t.is(allocator.state.phase, 'standing-by')
  allocator.confirm()
  t.is(allocator.state.phase, 'filling')
})

test('a leader that speaks another version gets no open', (t) => {
  const allocator = new Harness()
  allocator.beat({ version: { min: 2, max: 3 } })
  allocator.pass(5_000)
  t.deepEqual(allocator.sent, [])
})

test('nothing is allocated before all figures are there', (t) => {
  const allocator = new Harness().opening()
  allocator.confirm()
  t.deepEqual(allocator.tell(anAgent('a1'), aMember('f1')), [])
  t.deepEqual(pairs(allocator.tell({ kind: 'complete' })), ['f1:a1'])
  t.deepEqual(allocator.phases, ['opening', 'filling', 'allocating'])
})

test('figures before the confirmation do not count', (t) => {
  const allocator = new Harness().opening()
  allocator.say(anAgent('a1'), aMember('f1'), { kind: 'complete' })
  allocator.confirm()
  t.deepEqual(allocator.tell({ kind: 'complete' }), [])
})

test('a ping is answered with a pong that says what was heard', (t) => {
  const allocator = new Harness().allocating()
  allocator.say({ kind: 'ping' })
  t.deepEqual(allocator.turn(), [{ kind: 'pong' }])
  t.like(allocator.sent.at(-1), { session: allocator.session, n: 2, heard: 3 })
})

test("messages of the session are numbered without gaps after the open's 1", (t) => {
  const allocator = new Harness().allocating()
  for (let i = 0; i < 3; i++) {
    allocator.say({ kind: 'ping' })
    allocator.turn()
  }
  t.deepEqual(
    allocator.sent.map(({ n }) => n),
    [1, 2, 3, 4],
  )
})

test('a repeated message changes nothing', (t) => {
  const allocator = new Harness().allocating()
  allocator.sayNumbered(2, anAgent('a1'), aMember('f1'))
  t.deepEqual(allocator.turn(), [])
})

test('a gap: the session is over, another is opened, what was known is forgotten', (t) => {
  const allocator = new Harness().allocating(anAgent('a1'), aMember('f1'))
  t.is(allocationsOf(allocator.turn()).length, 1)
  const before = allocator.session
  allocator.pass(500)
  allocator.sayNumbered(9, answered('made', 1))
  allocator.pass(500)
  t.not(allocator.session, before)
  t.is(allocator.state.phase, 'opening')
  t.is(allocator.state.books.agents.size, 0)
  t.is(allocator.state.books.pending.size, 0)
})

test('gap upon gap: at most one session a second is opened', (t) => {
  const allocator = new Harness().opening()
  for (let i = 0; i < 100; i++) {
    allocator.sayNumbered(9, { kind: 'ping' })
    allocator.pass(20)
  }
  t.true(opens(allocator).length <= 3)
})

test('the leader still names the session before: that is no other allocator', (t) => {
  const allocator = new Harness().allocating()
  const before = allocator.session
  allocator.sayNumbered(9, { kind: 'ping' })
  allocator.beat({ allocator: before })
  allocator.pass(1_000)
  t.not(allocator.session, before)
  t.is(allocator.state.phase, 'opening')
})

test('no pings: the session is over, another is opened', (t) => {
  const allocator = pinged()
  const before = allocator.session
  allocator.pass(PING_MS * PINGS_MISSED_MAX)
  t.is(allocator.session, before)
  allocator.pass(PING_MS + 500)
  t.not(allocator.session, before)
})

test('no pings because another allocator is open: this one stands by', (t) => {
  const allocator = pinged()
  allocator.beat({ allocator: OTHER })
  t.is(allocator.state.phase, 'allocating')
  allocator.pass(60_000)
  t.is(allocator.state.phase, 'standing-by')
  t.is(opens(allocator).length, 1)
})

test('pings keep the session open', (t) => {
  const allocator = pinged()
  for (let i = 0; i < 20; i++) {
    allocator.say({ kind: 'ping' })
    allocator.pass(PING_MS)
  }
  t.is(opens(allocator).length, 1)
})

test('a reconnect opens another session', (t) => {
  const allocator = new Harness().allocating()
  const before = allocator.session
  allocator.pass(2_000)
  allocator.input({ kind: 'reconnected' })
  t.not(allocator.session, before)
})

test('a reconnect while standing by changes nothing', (t) => {
  const allocator = new Harness()
  t.deepEqual(allocator.input({ kind: 'reconnected' }), [])
  allocator.pass(5_000)
  t.deepEqual(allocator.sent, [])
})

test('closed: this one stands by, and nothing of the message counts after it', (t) => {
  const allocator = new Harness().allocating()
  const before = allocator.session
  t.deepEqual(allocator.tell(anAgent('a1'), { kind: 'closed' }, aMember('f1')), [])
  t.is(allocator.state.phase, 'standing-by')
  // A beat from before the change names a session that is nobody's any more.
  allocator.beat({ allocator: before })
  allocator.pass(10_000)
  t.is(allocator.session, before)
  allocator.beat()
  allocator.pass(500)
  t.not(allocator.session, before)
})

test('closed before anything was heard in it: another session is opened', (t) => {
  const allocator = new Harness().opening()
  const before = allocator.session
  allocator.tell({ kind: 'closed' })
  allocator.beat()
  allocator.pass(500)
  t.not(allocator.session, before)
  t.is(allocator.state.phase, 'opening')
})

test('figures of another session are not ours', (t) => {
  const allocator = new Harness().allocating()
  const figures = [...anAgent('a1'), aMember('f1')]
  allocator.input({
    kind: 'figures',
    message: { ...LEADER, session: OTHER, n: 7, heard: 0, figures },
  })
  t.deepEqual(allocator.turn(), [])
})

const HIGHER = { epoch: LEADER.epoch + 1, run: '00000000000000cc' as RunId }
const SAME_EPOCH = { epoch: LEADER.epoch, run: '00000000000000cc' as RunId }
const LOWER = { epoch: LEADER.epoch - 1, run: '00000000000000cc' as RunId }
const ABSURD = { epoch: LEADER.epoch + 2 ** 30, run: '00000000000000cc' as RunId }

test('a new leader: the session is over, one is opened with it', (t) => {
  const allocator = new Harness().allocating(anAgent('a1'))
  const before = allocator.session
  allocator.beat(HIGHER)
  t.is(allocator.state.phase, 'standing-by')
  t.is(allocator.state.books.agents.size, 0)
  allocator.fence = HIGHER
  allocator.pass(500)
  t.not(allocator.session, before)
})

test('figures of a leader whose beat was never heard win nobody over', (t) => {
  const allocator = new Harness().allocating()
  allocator.fence = HIGHER
  allocator.say({ kind: 'closed' })
  t.is(allocator.state.phase, 'allocating')
  t.deepEqual(allocator.state.highest, LEADER)
  t.is(allocator.state.counts.unknownLeader, 1)
})

for (const [name, fence] of Object.entries({ LOWER, SAME_EPOCH })) {
  test(`${name}: a beat and figures of it are refused by a complaint and change nothing`, (t) => {
    const allocator = new Harness().allocating(anAgent('a1'))
    const complaint = { reports: [{ kind: 'complaint', highest: LEADER, refused: fence }] }
    allocator.beat(fence)
    t.deepEqual(allocator.sent.at(-1) as unknown, complaint)
    allocator.pass(1_000)
    allocator.fence = fence
    allocator.say(aMember('f1'))
    t.deepEqual(allocator.sent.at(-1) as unknown, complaint)
    t.deepEqual(allocator.turn(), [])
    t.is(allocator.state.phase, 'allocating')
    t.deepEqual(allocator.state.highest, LEADER)
  })
}

test('one leader is complained to at most once a second, another at once', (t) => {
  const allocator = new Harness().allocating()
  const before = allocator.sent.length
  for (let i = 0; i < 10; i++) allocator.beat(LOWER)
  t.is(allocator.sent.length, before + 1)
  allocator.beat(SAME_EPOCH)
  t.is(allocator.sent.length, before + 2)
})

test('an absurd epoch is passed over', (t) => {
  const allocator = new Harness().allocating()
  t.deepEqual(allocator.input({ kind: 'beat', beat: aBeat(ABSURD) }), [])
  t.is(allocator.state.counts.absurdLeader, 1)
  t.deepEqual(allocator.state.highest, LEADER)
})
