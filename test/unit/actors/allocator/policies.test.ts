/** What each policy makes of one and the same cluster, through the allocator's core. */
import test from 'ava'
import { guarded } from '../../../../actors/allocator/policies/guard.ts'
import { parsePolicy, policyOf } from '../../../../actors/allocator/policies/words.ts'
import type { Policy } from '../../../../actors/allocator/policy.ts'
import type { AllocatorFigure } from '../../../../protocol/schema/allocator.ts'
import { aMember, anAgent, cpusMem, Harness, pairs, type Said, SEED } from './harness.ts'

function named(text: string): Policy {
  const choice = parsePolicy(text)
  if ('code' in choice) throw new Error(choice.message)
  return policyOf(choice)
}

/** Who gets which agent, in order. */
function decided(policy: Policy, ...figures: readonly Said[]): readonly string[] {
  const allocator = new Harness(SEED, policy).allocating()
  return pairs(allocator.tell(...figures))
}

const takers = (given: readonly string[]): readonly string[] =>
  given.map((pair) => pair.split(':')[0] ?? '')

const weighs = (role: string, weight: number): AllocatorFigure => ({
  kind: 'role',
  role,
  weight,
  guarantee: {},
  limit: {},
})

const agents = (count: number): readonly Said[] =>
  Array.from({ length: count }, (_, i) => anAgent(`a${i}`))

test('priority: the role of more weight gets everything, whatever it holds already', (t) => {
  const held = { allocated: cpusMem(400, 400_000) }
  const figures = [
    weighs('web', 2),
    aMember('shop', { role: 'web', ...held }),
    aMember('night', { role: 'batch' }),
    anAgent('big', { total: cpusMem(1_000, 1_000_000), free: [] }),
    ...agents(6),
  ]
  t.deepEqual(new Set(takers(decided(named('priority'), ...figures))), new Set(['shop']))
  t.deepEqual(new Set(takers(decided(named('drf'), ...figures))), new Set(['night']))
})

test('priority: who wants nothing leaves it to the next, and of equals the smaller share is first', (t) => {
  const given = takers(
    decided(
      named('priority'),
      weighs('web', 2),
      aMember('shop', { role: 'web', suppressed: true }),
      aMember('night', { role: 'batch' }),
      aMember('day', { role: 'other' }),
      ...agents(6),
    ),
  )
  t.deepEqual(
    ['shop', 'night', 'day'].map((name) => given.filter((taker) => taker === name).length),
    [0, 3, 3],
  )
})

test('priority: siblings are compared at each level of the tree, not over its levels', (t) => {
  const given = takers(
    decided(
      named('priority'),
      weighs('web', 1),
      weighs('web/low', 0.5),
      weighs('web/high', 900),
      weighs('batch', 2),
      aMember('low', { role: 'web/low' }),
      aMember('high', { role: 'web/high' }),
      aMember('night', { role: 'batch' }),
      ...agents(3),
    ),
  )
  t.deepEqual(new Set(given), new Set(['night']))
  const without = takers(
    decided(
      named('priority'),
      weighs('web/low', 0.5),
      weighs('web/high', 900),
      aMember('low', { role: 'web/low' }),
      aMember('high', { role: 'web/high' }),
      ...agents(3),
    ),
  )
  t.deepEqual(new Set(without), new Set(['high']))
})

test('priority: members of one role share it, as they do by drf', (t) => {
  const given = takers(decided(named('priority'), aMember('one'), aMember('two'), ...agents(8)))
  t.is(given.filter((taker) => taker === 'one').length, 4)
})

const FILLED: readonly Said[] = [
  anAgent('half', { free: cpusMem(2, 2_048) }),
  anAgent('empty'),
  anAgent('full-of-mem', { free: cpusMem(4, 400) }),
  anAgent('quarter', { free: cpusMem(3, 3_072) }),
]

for (const [text, order] of [
  ['spread', ['empty', 'quarter', 'half', 'full-of-mem']],
  ['priority,spread', ['empty', 'quarter', 'half', 'full-of-mem']],
  ['binpack', ['full-of-mem', 'half', 'quarter', 'empty']],
] as const)
  test(`${text}: agents are given from the one end of how full they are to the other`, (t) => {
    t.deepEqual(
      decided(named(text), aMember('f1'), ...FILLED),
      order.map((agent) => `f1:${agent}`),
    )
  })

for (const [text, order] of [
  ['spread', ['empty', 'quarter', 'half', 'full-of-mem']],
  ['binpack', ['full-of-mem', 'half', 'quarter', 'empty']],
] as const)
  test(`${text}: so are agents that nobody wanted before somebody came`, (t) => {
    const allocator = new Harness(SEED, named(text)).allocating()
    t.deepEqual(allocator.tell(...FILLED), [])
    t.deepEqual(
      pairs(allocator.tell(aMember('f1'))),
      order.map((agent) => `f1:${agent}`),
    )
  })

test('placement says which agents are first, and the order who: the smallest share takes the first', (t) => {
  const members = [
    anAgent('other', { total: cpusMem(100, 100_000), free: [] }),
    aMember('rich', { allocated: cpusMem(50, 50_000) }),
    aMember('poor'),
  ]
  t.is(decided(named('spread'), ...members, ...FILLED)[0], 'poor:empty')
  t.is(decided(named('binpack'), ...members, ...FILLED)[0], 'poor:full-of-mem')
})

test("a user's policy decides as it says, through its guard", (t) => {
  const seen = new Set<string>()
  const { policy } = guarded({
    name: 'by name',
    rankRole: ({ role }) => (role === 'last' ? 1 : 0),
    rankMember: ({ frameworkId }) => -Number(frameworkId.slice(1)),
    rankAgent(standing) {
      seen.add(JSON.stringify([standing.agentId, standing.hostname, standing.free['cpus']]))
      return -(standing.free['cpus'] ?? 0)
    },
  })
  const given = decided(
    policy,
    aMember('f1'),
    aMember('f3'),
    aMember('f2'),
    aMember('f9', { role: 'last' }),
    anAgent('small', { hostname: 'host-s', total: cpusMem(2, 1_024) }),
    anAgent('large', { hostname: 'host-l', total: cpusMem(8, 1_024) }),
  )
  t.deepEqual(given, ['f3:large', 'f3:small'])
  t.true(seen.has('["small","host-s",2]'))
})
