/** What went to nobody is looked at again when it can go to somebody, and no more often. */
import test from 'ava'
import { allocatorCore } from '../../../../actors/allocator/core.ts'
import { OFFERS_UNANSWERED_MAX } from '../../../../protocol/limits.ts'
import {
  aFilter,
  allocationsOf,
  aMember,
  anAgent,
  cpusMem,
  framework,
  Harness,
  pairs,
  type Said,
} from './harness.ts'

const AGENTS = 50
const names = Array.from({ length: AGENTS }, (_, i) => `a${i}`)
const all = [{ resources: cpusMem(4, 4096), forMs: 3_600_000 }]
const filtered = (member: string): readonly Said[] =>
  names.map((name) => aFilter(member, name, all))

/** Everybody has declined everything. */
function closedToAll(...members: readonly string[]): Harness {
  const allocator = new Harness().allocating(
    ...members.map((name) => aMember(name)),
    ...names.map((name) => anAgent(name)),
    ...members.flatMap((name) => filtered(name)),
  )
  allocationsOf(allocator.turn())
  return allocator
}

/** The members that were asked since, by how often. */
function asked({ state }: Harness, run: () => void): number {
  const counts = state.books.looks
  run()
  return state.books.looks - counts
}

test('for a member that wants offers again it alone is asked, for all agents', (t) => {
  const allocator = closedToAll('f1', 'f2', 'f3')
  const { members } = allocator.state.books
  allocator.tell(aMember('f2', { suppressed: true }))
  const before = [...members.values()].map(({ askedIn }) => askedIn)
  t.is(
    asked(allocator, () => void allocator.tell(aMember('f2'))),
    0,
  )
  allocator.tell(aMember('f4', { suppressed: true }))
  const given = allocator.tell(aMember('f4'))
  t.is(given.length, AGENTS)
  const after = ['f1', 'f2', 'f3'].map((name) => members.get(`local.${name}.*`)?.askedIn)
  t.deepEqual(after, before)
})

test('what was closed while a member wanted nothing is what it is asked for', (t) => {
  const allocator = closedToAll('f1', 'f2')
  allocator.tell(aMember('f2', { suppressed: true }))
  allocator.tell(aFilter('f1', 'a7', []), aFilter('f1', 'a7', all))
  allocator.tell(anAgent('a8', { version: 2, free: cpusMem(3, 1024) }))
  t.is(
    asked(allocator, () => void allocator.tell(aMember('f2'))),
    2,
  )
})

test('a change of one agent is a look at one agent', (t) => {
  const allocator = closedToAll('f1', 'f2')
  const given = { value: [] as readonly string[] }
  const looks = asked(allocator, () => {
    given.value = pairs(allocator.tell(anAgent('a3', { version: 2, total: cpusMem(5, 4096) })))
  })
  t.deepEqual([looks, given.value], [1, ['f1:a3']])
})

test('a member that has room is asked for what was closed to it until it is full again', (t) => {
  const full = { offers: OFFERS_UNANSWERED_MAX }
  const allocator = new Harness().allocating(
    aMember('f1', full),
    ...names.map((name) => anAgent(name)),
  )
  t.deepEqual(allocationsOf(allocator.turn()), [])
  const room = aMember('f1', { offers: OFFERS_UNANSWERED_MAX - 2 })
  t.is(
    asked(allocator, () => void allocator.tell(room)),
    2,
  )
  t.false(allocatorCore.wantsFlush(allocator.state))
})

test('news for many at once: they are asked in the order in which they come', (t) => {
  const allocator = closedToAll('f1')
  const late = Array.from({ length: 25 }, (_, i) => `g${i}`)
  const given = allocator.tell(...late.map((name) => aMember(name)))
  const counts = late.map((name) => given.filter(({ frameworkId }) => frameworkId === name).length)
  t.deepEqual(new Set(counts), new Set([2]))
})

test('of a few as well', (t) => {
  const allocator = closedToAll('f1')
  const given = allocator.tell(
    aMember('g1', { role: 'a' }),
    aMember('g2', { role: 'b' }),
    aMember('g3', { role: 'b/x' }),
  )
  const of = (name: string) => given.filter(({ frameworkId }) => frameworkId === name).length
  t.is(of('g1') + of('g2') + of('g3'), AGENTS)
  t.true(Math.abs(of('g2') - of('g3')) <= 1)
  t.true(Math.abs(of('g1') - 2 * of('g2')) <= 2)
})

test('nothing is looked at while nothing happens', (t) => {
  const allocator = closedToAll('f1', 'f2')
  t.is(
    asked(allocator, () => void allocator.pass(60_000)),
    0,
  )
})

test('what is told again, for a shadow, is not looked at again', (t) => {
  const terms = { kind: 'member-terms' as const, ...framework('f1'), capabilities: [] }
  const figures = [terms, aMember('f1'), ...names.map((name) => anAgent(name))]
  const allocator = new Harness().allocating(...figures, ...filtered('f1'))
  t.deepEqual(allocationsOf(allocator.turn()), [])
  t.is(
    asked(allocator, () => void allocator.tell(...figures)),
    0,
  )
  const again = { ...terms, capabilities: ['GPU_RESOURCES' as const] }
  t.is(
    asked(allocator, () => void allocator.tell(again)),
    AGENTS,
  )
})
