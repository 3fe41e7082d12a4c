/** Guarantees, limits, and what is kept free for them. */
import test from 'ava'
import { allocatorCore } from '../../../../actors/allocator/core.ts'
import type { Quantities, ResourceList } from '../../../../protocol/schema/common.ts'
import type { Allocation } from '../../../../protocol/schema/master.ts'
import {
  aFilter,
  allocationsOf,
  aMember,
  anAgent,
  answered,
  cpusMem,
  framework,
  Harness,
  pairs,
  type Said,
} from './harness.ts'

const quota = (
  role: string,
  terms: { readonly guarantee?: Quantities; readonly limit?: Quantities },
): Said => ({ kind: 'role', role, weight: 1, guarantee: {}, limit: {}, ...terms })

/** `f1 a1 cpus 4 mem 4096`, for each. */
const spoken = (all: readonly Allocation[]): readonly string[] =>
  all.map(({ frameworkId, agentId, resources }) =>
    [frameworkId, agentId, ...resources.map((entry) => `${entry.name} ${entry.scalar}`)].join(' '),
  )
const start = (...figures: readonly Said[]): Harness => new Harness().allocating(...figures)
const first = (...figures: readonly Said[]): readonly string[] =>
  spoken(allocationsOf(start(...figures).turn()))

const q = aMember('q', { role: 'q' })
const other = aMember('other', { role: 'other' })
const rich = aMember('q', { role: 'q', allocated: cpusMem(1, 40_000) })

test('a role that lacks what it is guaranteed comes first, whatever its share', (t) => {
  const held = { guarantee: { cpus: 9 } }
  t.deepEqual(first(quota('q', held), rich, other, anAgent('a1')), ['q a1 cpus 4 mem 4096'])
  t.deepEqual(first(rich, other, anAgent('a1')), ['other a1 cpus 4 mem 4096'])
})

test('of an agent it gets what it lacks; the rest goes on to the others', (t) => {
  const given = first(
    quota('q', { guarantee: { cpus: 2, mem: 40_512 } }),
    rich,
    other,
    anAgent('a1'),
  )
  t.deepEqual(given, ['q a1 cpus 1 mem 512', 'other a1 cpus 3 mem 3584'])
})

test('what it gets as guaranteed and as its share of one agent is one allocation', (t) => {
  const given = first(quota('q', { guarantee: { cpus: 2, mem: 512 } }), q, anAgent('a1'))
  t.deepEqual(given, ['q a1 cpus 4 mem 4096'])
})

test('a mounted disk is given whole or not at all', (t) => {
  const disk = { name: 'disk', disk: { source: { type: 'mount' as const, root: '/m' } } }
  const total: ResourceList = [...cpusMem(4, 4096), { ...disk, scalar: 1000 }]
  const guarantee = { cpus: 1, mem: 512 }
  const lacking = (mib: number): Said => quota('q', { guarantee: { ...guarantee, disk: mib } })
  const taken = (mib: number): readonly string[] =>
    first(lacking(mib), { ...q, allocated: cpusMem(0, 9000) }, other, anAgent('a1', { total }))
  t.deepEqual(taken(999).at(0), 'q a1 cpus 1')
  t.deepEqual(taken(1000).at(0), 'q a1 cpus 1 disk 1000')
})

test('what is guaranteed to a role without members is kept of what is free', (t) => {
  const allocator = start(
    quota('q', { guarantee: { cpus: 4, mem: 4096 } }),
    other,
    anAgent('a1'),
    anAgent('a2'),
  )
  t.is(allocationsOf(allocator.turn()).length, 1)
  t.false(allocatorCore.wantsFlush(allocator.state))
  t.is(allocator.tell(q).length, 1)
})

test('what is kept is given away once it is no longer guaranteed', (t) => {
  const allocator = start(quota('q', { guarantee: { cpus: 9 } }), other, anAgent('a1'))
  t.deepEqual(allocationsOf(allocator.turn()), [])
  t.deepEqual(pairs(allocator.tell(quota('q', {}))), ['other:a1'])
})

test('once a guarantee is met elsewhere, what was kept for it is given away', (t) => {
  const allocator = start(quota('q', { guarantee: { cpus: 4 } }), other, anAgent('a1'))
  t.deepEqual(allocationsOf(allocator.turn()), [])
  t.deepEqual(pairs(allocator.tell({ ...q, suppressed: true, allocated: cpusMem(4, 4096) })), [
    'other:a1',
  ])
})

test('what is free elsewhere makes room for others', (t) => {
  const allocator = start(quota('q', { guarantee: { cpus: 4 } }), other, anAgent('a1'))
  t.deepEqual(allocationsOf(allocator.turn()), [])
  t.is(allocator.tell(anAgent('a2')).length, 1)
})

test('a role gets no more than its limit leaves, with all below it', (t) => {
  const below = aMember('below', { role: 'q/x', allocated: cpusMem(2, 512), suppressed: true })
  const limit = { limit: { cpus: 5 } }
  const given = first(quota('q', limit), q, below, anAgent('a1', { total: cpusMem(8, 4096) }))
  t.deepEqual(given, ['q a1 cpus 3 mem 4096'])
})

test('a role that has reached its limit of processors gets no memory either', (t) => {
  const full = { ...q, allocated: cpusMem(2, 64) }
  t.deepEqual(first(quota('q', { limit: { cpus: 2 } }), full, anAgent('a1')), [])
  t.deepEqual(first(quota('q', { limit: { disk: 0 } }), full, anAgent('a1')), [
    'q a1 cpus 4 mem 4096',
  ])
})

test('agents that were left over because of a limit are given when there is room', (t) => {
  const limit = quota('q', { limit: { cpus: 4, mem: 9000 } })
  const allocator = start(limit, q, anAgent('a1'), anAgent('a2'))
  const [given] = allocationsOf(allocator.turn())
  t.truthy(given)
  const agentId = given?.agentId ?? ''
  const settled = [anAgent(agentId, { free: [], version: 2 }), answered('made', 1)]
  t.deepEqual(allocator.tell({ ...q, allocated: cpusMem(4, 4096), offers: 1 }, ...settled), [])
  t.false(allocatorCore.wantsFlush(allocator.state))
  const more = allocator.tell({ ...q, allocated: cpusMem(1, 1024) })
  t.deepEqual(
    spoken(more).map((text) => text.slice(5)),
    ['cpus 3 mem 4096'],
  )
  t.deepEqual(spoken(allocator.tell(quota('q', {}))).length, 1)
})

test('a limit does not keep what is reserved for the role from it', (t) => {
  const total: ResourceList = [...cpusMem(2, 1024), { name: 'cpus', scalar: 3, role: 'q' }]
  const own = first(quota('q', { limit: { cpus: 1, mem: 9000 } }), q, anAgent('a1', { total }))
  t.deepEqual(own, ['q a1 cpus 1 mem 1024 cpus 3'])
  t.deepEqual(first(other, anAgent('a1', { total })), ['other a1 cpus 2 mem 1024'])
})

test('whole GPUs are given, or none', (t) => {
  const total: ResourceList = [...cpusMem(4, 4096), { name: 'gpus', scalar: 4 }]
  const terms = { kind: 'member-terms' as const, principal: q.principal, role: 'q' }
  const figures = [
    quota('q', { limit: { gpus: 2.5 } }),
    { ...terms, frameworkId: q.frameworkId, capabilities: ['GPU_RESOURCES' as const] },
    q,
    anAgent('a1', { total }),
  ]
  t.deepEqual(first(...figures), ['q a1 cpus 4 mem 4096 gpus 2'])
})

test('what a member has declined of a part is not given to it as a part', (t) => {
  const declined = [{ resources: cpusMem(2, 4096), forMs: 60_000 }]
  const limit = quota('q', { limit: { cpus: 2 } })
  t.deepEqual(first(limit, q, anAgent('a1'), aFilter('q', 'a1', declined)).length, 1)
  const own = { ...(aFilter('q', 'a1', declined) as object), role: 'q' } as Said
  t.deepEqual(first(limit, q, anAgent('a1'), own), [])
})

test('room that comes while a role wants nothing is there when it wants something again', (t) => {
  const allocator = start(quota('q', { limit: { cpus: 0 } }), q, anAgent('a1'))
  t.deepEqual(allocationsOf(allocator.turn()), [])
  allocator.tell(aMember('q', { role: 'q', suppressed: true }))
  t.deepEqual(pairs(allocator.tell(quota('q', {}))), [])
  t.deepEqual(pairs(allocator.tell(q)), ['q:a1'])
})

test('who says itself how little is enough is offered what its limit leaves', (t) => {
  const limited = quota('q', { limit: { cpus: 0 } })
  const terms: Said = {
    kind: 'member-terms',
    ...framework('q'),
    role: 'q',
    minAllocatable: [{ mem: 32 }],
  }
  t.deepEqual(first(limited, q, anAgent('a1')), [])
  t.deepEqual(first(limited, terms, q, anAgent('a1')), ['q a1 mem 4096'])
  const allocator = start(limited, q, anAgent('a1'))
  t.deepEqual(allocationsOf(allocator.turn()), [])
  t.deepEqual(spoken(allocator.tell(terms)), ['q a1 mem 4096'])
})

test('and what is not kept for the guarantees of others', (t) => {
  const kept = quota('q', { guarantee: { cpus: 4 } })
  const terms: Said = {
    kind: 'member-terms',
    ...framework('other'),
    role: 'other',
    minAllocatable: [{ mem: 32 }],
  }
  t.deepEqual(first(kept, other, anAgent('a1')), [])
  t.deepEqual(first(kept, terms, other, anAgent('a1')), ['other a1 mem 4096'])
})
