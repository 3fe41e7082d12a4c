import test from 'ava'
import { allocatorCore } from '../../../../actors/allocator/core.ts'
import { MESSAGE_BYTES_MAX, OFFERS_UNANSWERED_MAX } from '../../../../protocol/limits.ts'
import { wireBytes } from '../../../../protocol/wire-size.ts'
import {
  aFilter,
  allocationsOf,
  aMember,
  anAgent,
  answered,
  cpusMem,
  framework,
  Harness,
  idOf,
  pairs,
  type Said,
} from './harness.ts'

const start = (...figures: readonly Said[]): Harness => new Harness().allocating(...figures)
const firstTurn = (...figures: readonly Said[]): readonly string[] =>
  pairs(allocationsOf(start(...figures).turn()))

test('an agent goes whole to the first role, with the version it was computed from', (t) => {
  const allocator = start(aMember('f1'), anAgent('a1', { version: 5, free: cpusMem(3, 100) }))
  t.deepEqual(allocator.turn(), [
    {
      kind: 'allocate',
      allocations: [
        {
          ...framework('f1'),
          allocation: 1,
          agentId: idOf('a1'),
          agentVersion: 5,
          resources: cpusMem(3, 100),
        },
      ],
    },
  ])
})

test('what is allocated is not allocated again while no answer has come', (t) => {
  const allocator = start(aMember('f1'), aMember('f2'), anAgent('a1'))
  t.deepEqual(pairs(allocationsOf(allocator.turn())), ['f1:a1'])
  t.deepEqual(allocator.tell(anAgent('a1', { version: 2 })), [])
})

test('what is freed meanwhile is allocated beside it', (t) => {
  const allocator = start(aMember('f1'), anAgent('a1', { free: cpusMem(1, 64) }))
  allocator.turn()
  const [more] = allocator.tell(anAgent('a1', { version: 2, free: cpusMem(3, 128) }))
  t.like(more, { agentVersion: 2, resources: cpusMem(2, 64) })
})

test('made: the figures before the answer say what is left', (t) => {
  const allocator = start(aMember('f1'), anAgent('a1'))
  allocator.turn()
  const [rest] = allocator.tell(
    anAgent('a1', { version: 2, free: cpusMem(1, 64) }),
    aMember('f1', { allocated: cpusMem(3, 4032) }),
    answered('made', 1),
  )
  t.like(rest, { allocation: 2, agentVersion: 2, resources: cpusMem(1, 64) })
})

test('the leader has taken it off already: nothing is allocated before it has answered', (t) => {
  const allocator = start(aMember('f1'), anAgent('a1'))
  allocator.turn()
  t.deepEqual(allocator.tell(anAgent('a1', { version: 2, free: cpusMem(1, 64) })), [])
  t.is(allocator.tell(answered('made', 1)).length, 1)
})

test('refused since the figure was out of date: it is allocated anew at once', (t) => {
  const allocator = start(aMember('f1'), anAgent('a1'))
  allocator.turn()
  const again = allocator.tell(anAgent('a1', { version: 2 }), answered('refused', 1))
  t.like(again, [{ allocation: 2, agentVersion: 2, ...framework('f1') }])
})

test('refused although nothing has changed: the next role gets it, the first after a second', (t) => {
  const allocator = start(aMember('f1'), aMember('f2'), anAgent('a1'))
  t.deepEqual(pairs(allocationsOf(allocator.turn())), ['f1:a1'])
  t.deepEqual(pairs(allocator.tell(answered('refused', 1))), ['f2:a1'])
  t.deepEqual(allocator.tell(answered('refused', 2)), [])
  t.deepEqual(pairs(allocationsOf(allocator.pass(999))), [])
  t.deepEqual(pairs(allocationsOf(allocator.pass(1))), ['f1:a1'])
})

test('an answer to what was never asked changes nothing', (t) => {
  t.deepEqual(start(aMember('f1')).tell(answered('made', 77)), [])
})

test('the smaller dominant share comes first', (t) => {
  const total = { total: cpusMem(10, 1000) }
  const f1 = aMember('f1', { allocated: cpusMem(2, 100) })
  const f2 = aMember('f2', { allocated: cpusMem(1, 300) })
  t.deepEqual(firstTurn(anAgent('a1', total), f1, f2), ['f1:a1'])
  t.deepEqual(firstTurn(anAgent('a1', total), f2, aMember('f1', { allocated: cpusMem(4, 0) })), [
    'f2:a1',
  ])
})

test('shares count after each allocation of a run, so that equal roles take turns', (t) => {
  const agents = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((name) => anAgent(name))
  const given = firstTurn(aMember('f1'), aMember('f2'), aMember('f3'), ...agents)
  t.deepEqual(
    given.map((pair) => pair.slice(0, 2)),
    ['f1', 'f2', 'f3', 'f1', 'f2', 'f3'],
  )
})

test('pending allocations count as held', (t) => {
  const allocator = start(aMember('f1'), aMember('f2'), anAgent('a1'))
  allocator.turn()
  t.deepEqual(pairs(allocator.tell(anAgent('a2'))), ['f2:a2'])
})

test('of equal shares the one with fewer allocations ever comes first, then the key', (t) => {
  const allocator = start(aMember('f2'), aMember('f1'), anAgent('a1'))
  t.deepEqual(pairs(allocationsOf(allocator.turn())), ['f1:a1'])
  // It is offered, declined, and both hold nothing again.
  const [next] = allocator.tell(anAgent('a1', { version: 2 }), answered('made', 1))
  t.is(next?.frameworkId, framework('f2').frameworkId)
})

test('who declined last comes after all others, whatever the shares', (t) => {
  const rich = aMember('f2', { allocated: cpusMem(3, 3000) })
  const late = aMember('f1', { declinedLast: true })
  t.deepEqual(firstTurn(late, rich, anAgent('a1')), ['f2:a1'])
  t.deepEqual(firstTurn(late, anAgent('a1')), ['f1:a1'])
})

test('a suppressed role gets nothing, and all that is free at once when it revives', (t) => {
  const allocator = start(aMember('f1', { suppressed: true }), anAgent('a1'), anAgent('a2'))
  t.deepEqual(allocationsOf(allocator.turn()), [])
  t.is(allocator.tell(aMember('f1')).length, 2)
})

test('a role that is gone gets nothing', (t) => {
  const allocator = start(aMember('f1'))
  t.deepEqual(allocator.tell({ kind: 'member-gone', ...framework('f1') }, anAgent('a1')), [])
})

test('an agent that is gone is not allocated, and again when it is back', (t) => {
  const allocator = start(anAgent('a1'), anAgent('a2'))
  const agentId = idOf('a1')
  t.deepEqual(pairs(allocator.tell({ kind: 'agent-gone', agentId }, aMember('f1'))), ['f1:a2'])
  t.deepEqual(pairs(allocator.tell(anAgent('a1'))), ['f1:a1'])
})

test('gone and back while an answer is due: what is pending stays taken', (t) => {
  const allocator = start(anAgent('a1'), aMember('f1'))
  allocator.turn()
  const agentId = idOf('a1')
  t.deepEqual(allocator.tell({ kind: 'agent-gone', agentId }, anAgent('a1')), [])
  t.is(allocator.tell(anAgent('a1', { version: 2 }), answered('refused', 1)).length, 1)
})

test('an agent that is gone leaves nothing behind once all is answered', (t) => {
  const allocator = start(anAgent('a1'), aMember('f1'))
  allocator.turn()
  allocator.tell({ kind: 'agent-gone', agentId: idOf('a1') })
  t.is(allocator.state.books.agents.size, 1)
  allocator.tell(answered('refused', 1))
  t.is(allocator.state.books.agents.size, 0)
  t.true(allocator.state.books.tree.total.every((sum) => sum === 0))
})

test('less than 0.01 cpus and less than 32 MiB are not allocated; one of them is enough', (t) => {
  const given = (cpus: number, mem: number): number =>
    firstTurn(aMember('f1'), anAgent('a1', { free: cpusMem(cpus, mem) })).length
  t.is(given(0.009, 31.999), 0)
  t.is(given(0.01, 0), 1)
  t.is(given(0, 32), 1)
})

test('a list that makes no sense counts as nothing free', (t) => {
  const free = [{ name: 'cpus', scalar: 1, set: ['a'] }]
  t.deepEqual(firstTurn(aMember('f1'), anAgent('a1', { free })), [])
})

test('what was declined goes to the next, and to the decliner when the time is over', (t) => {
  const declined = [{ resources: cpusMem(4, 4096), forMs: 5_000 }]
  const allocator = start(aMember('f1'), anAgent('a1'), aFilter('f1', 'a1', declined))
  t.deepEqual(allocationsOf(allocator.pass(4_999)), [])
  t.deepEqual(pairs(allocationsOf(allocator.pass(1))), ['f1:a1'])
  const other = start(aMember('f1'), aMember('f2'), anAgent('a1'), aFilter('f1', 'a1', declined))
  t.deepEqual(pairs(allocationsOf(other.turn())), ['f2:a1'])
})

test('a filter holds while what is free is contained in what was declined', (t) => {
  const declined = [{ resources: cpusMem(2, 1024), forMs: 60_000 }]
  const allocator = start(
    aMember('f1'),
    anAgent('a1', { free: cpusMem(2, 1024) }),
    aFilter('f1', 'a1', declined),
  )
  t.deepEqual(allocationsOf(allocator.turn()), [])
  t.deepEqual(allocator.tell(anAgent('a1', { version: 2, free: cpusMem(1, 1024) })), [])
  t.is(allocator.tell(anAgent('a1', { version: 3, free: cpusMem(2, 1025) })).length, 1)
})

test('any of several filters holds', (t) => {
  const allocator = start(
    aMember('f1'),
    anAgent('a1', { free: cpusMem(2, 64) }),
    aFilter('f1', 'a1', [
      { resources: cpusMem(4, 4096), forMs: 2_000 },
      { resources: cpusMem(2, 64), forMs: 3_000 },
      { resources: cpusMem(1, 64), forMs: 9_000 },
    ]),
  )
  t.deepEqual(allocationsOf(allocator.pass(2_999)), [])
  t.is(allocationsOf(allocator.pass(1)).length, 1)
})

test('filters that are taken back do not hold', (t) => {
  const declined = [{ resources: cpusMem(4, 4096), forMs: 60_000 }]
  const allocator = start(aMember('f1'), anAgent('a1'), aFilter('f1', 'a1', declined))
  t.deepEqual(allocationsOf(allocator.turn()), [])
  t.is(allocator.tell(aFilter('f1', 'a1', [])).length, 1)
})

test('to roles that declined last an agent goes ten times a second', (t) => {
  const late = aMember('f1', { declinedLast: true })
  const allocator = start(late, anAgent('a1'))
  const atMs: number[] = []
  for (let i = 0; i < 300; i++) {
    allocator.nowMs += 10
    allocator.input({ kind: 'wake' })
    for (const { allocation } of allocationsOf(allocator.turn())) {
      atMs.push(allocator.nowMs)
      allocator.say(anAgent('a1', { version: allocation + 1 }), answered('made', allocation))
    }
  }
  t.true(atMs.length >= 28)
  for (const from of atMs) {
    t.true(atMs.filter((ms) => ms >= from && ms < from + 1_000).length <= 10)
  }
})

test('others are not held up by that limit', (t) => {
  const allocator = start(aMember('f1', { declinedLast: true }), anAgent('a1'))
  let given = allocationsOf(allocator.turn())
  for (let i = 1; i < 10; i++) {
    given = allocator.tell(anAgent('a1', { version: i }), answered('made', i))
  }
  t.deepEqual(pairs(given), ['f1:a1'])
  t.deepEqual(allocator.tell(anAgent('a1', { version: 10 }), answered('made', 10)), [])
  t.deepEqual(pairs(allocator.tell(aMember('f2'))), ['f2:a1'])
})

test('agents are taken in random order, the same for the same seed', (t) => {
  const agents = Array.from({ length: 20 }, (_, i) => anAgent(`a${i}`))
  const order = (seed: string): readonly string[] => {
    const allocator = new Harness(seed).allocating(aMember('f1'), ...agents)
    return pairs(allocationsOf(allocator.turn()))
  }
  t.deepEqual(order('1'.repeat(32)), order('1'.repeat(32)))
  t.notDeepEqual(order('1'.repeat(32)), order('2'.repeat(32)))
})

test('a large cycle is done in bounded pieces, in messages that are not too large', (t) => {
  const agents = Array.from({ length: 5_000 }, (_, i) => anAgent(`agent-${i}`))
  const roles = Array.from({ length: 6 }, (_, i) => aMember(`f${i}`))
  const allocator = start(...roles, ...agents)
  let pieces = 0
  while (allocatorCore.wantsFlush(allocator.state)) {
    const { length } = allocator.sent
    allocator.input({ kind: 'flush' })
    pieces += 1
    const some = allocationsOf(allocator.sent.slice(length).flatMap(({ reports }) => reports))
    t.true(some.length < 1_000)
  }
  t.true(pieces > 5)
  for (const message of allocator.sent) t.true(wireBytes(message) <= MESSAGE_BYTES_MAX)
  const all = allocationsOf(allocator.sent.flatMap(({ reports }) => reports))
  t.is(new Set(pairs(all)).size, 5_000)
  t.is(new Set(all.map(({ allocation }) => allocation)).size, 5_000)
})

const MANY = Array.from({ length: OFFERS_UNANSWERED_MAX + 500 }, (_, i) => anAgent(`agent-${i}`))

test('a role gets so many offers that it has not answered, and what is left goes to others', (t) => {
  const allocator = start(aMember('f1'), ...MANY)
  t.is(allocationsOf(allocator.turn()).length, OFFERS_UNANSWERED_MAX)
  const others = allocator.tell(aMember('f2'))
  t.deepEqual([...new Set(others.map(({ frameworkId }) => String(frameworkId)))], ['f2'])
  t.is(others.length, 500)
})

test('a role that has answered some of its offers gets as many of what is left', (t) => {
  const allocator = start(aMember('f1', { offers: OFFERS_UNANSWERED_MAX }), ...MANY)
  t.is(allocationsOf(allocator.turn()).length, 0)
  t.is(allocator.tell(aMember('f1', { offers: OFFERS_UNANSWERED_MAX - 3 })).length, 3)
  t.is(allocator.tell(aMember('f1', { offers: OFFERS_UNANSWERED_MAX - 4 })).length, 1)
})

test('what a role that was full had declined is passed over when it has room again', (t) => {
  const agents = [anAgent('a1'), anAgent('a2')]
  const declined = [{ resources: cpusMem(4, 4096), forMs: 60_000 }]
  const allocator = start(aMember('f1', { offers: OFFERS_UNANSWERED_MAX }), ...agents)
  allocator.tell(aFilter('f1', 'a1', declined))
  t.deepEqual(pairs(allocator.tell(aMember('f1', { offers: 0 }))), ['f1:a2'])
  t.false(allocatorCore.wantsFlush(allocator.state))
})

test('a role that is full is not said to wait', (t) => {
  const allocator = start(aMember('f1', { offers: OFFERS_UNANSWERED_MAX }), ...MANY)
  t.deepEqual(allocator.pass(5_000), [])
})
