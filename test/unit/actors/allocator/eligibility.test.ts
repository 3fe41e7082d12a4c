/** Which agents a member may have, and how little is too little. */
import test from 'ava'
import type { ConstraintSet } from '../../../../actors/allocator/judging/terms.ts'
import type { AllocatorFigure } from '../../../../protocol/schema/allocator.ts'
import type { Attribute, ResourceList } from '../../../../protocol/schema/common.ts'
import {
  allocationsOf,
  aMember,
  anAgent,
  cpusMem,
  framework,
  Harness,
  pairs,
  type Said,
} from './harness.ts'

type Terms = Extract<AllocatorFigure, { kind: 'member-terms' }>

const terms = (name: string, more: Partial<Terms>): Terms => ({
  kind: 'member-terms',
  ...framework(name),
  ...more,
})
const given = (...figures: readonly Said[]): readonly string[] =>
  pairs(allocationsOf(new Harness().allocating(...figures).turn()))

const GPUS: ResourceList = [...cpusMem(4, 4096), { name: 'gpus', scalar: 1 }]

test('an agent with GPUs goes to those who ask for them, also when they are all used', (t) => {
  const asks = terms('f2', { capabilities: ['GPU_RESOURCES'] })
  for (const free of [GPUS, cpusMem(2, 64)]) {
    const agent = anAgent('a1', { total: GPUS, free })
    t.deepEqual(given(aMember('f1'), aMember('f2'), agent), [])
    t.deepEqual(given(aMember('f1'), asks, aMember('f2'), agent), ['f2:a1'])
  }
})

const zone = (text: string): Attribute => ({ name: 'zone', text })
const inZone = (matches: string) => [[{ attribute: 'zone', matches }]]

test('an agent of which the constraints of the first do not hold goes to the next', (t) => {
  const agent = anAgent('a1', { attributes: [zone('east')] })
  const west = terms('f1', { constraints: inZone('we.*') })
  t.deepEqual(given(west, aMember('f1'), aMember('f2'), agent), ['f2:a1'])
  const east = terms('f1', { constraints: inZone('ea.*') })
  t.deepEqual(given(east, aMember('f1'), aMember('f2'), agent), ['f1:a1'])
})

test('constraints that make no sense hold of no agent', (t) => {
  const wrong = terms('f1', { constraints: inZone('(') })
  t.deepEqual(given(wrong, aMember('f1'), anAgent('a1', { attributes: [zone('east')] })), [])
})

test('what a member or an agent says anew counts at once', (t) => {
  const west = terms('f1', { constraints: inZone('west') })
  const allocator = new Harness().allocating(
    west,
    aMember('f1'),
    anAgent('a1', { attributes: [zone('east')] }),
  )
  t.deepEqual(allocationsOf(allocator.turn()), [])
  const [info] = anAgent('a1', { attributes: [zone('west')] })
  t.deepEqual(pairs(allocator.tell(info)), ['f1:a1'])
  const other = new Harness().allocating(west, aMember('f1'), anAgent('a1'))
  t.deepEqual(allocationsOf(other.turn()), [])
  t.deepEqual(pairs(other.tell(terms('f1', {}))), ['f1:a1'])
})

/** Counts how often each set is really asked. */
function counted({ state }: Harness, key: string): () => number {
  let asked = 0
  const set = state.books.constraints.take(key, () => {
    throw new RangeError('nobody has it')
  })
  const { judge } = set
  const watched = set as { judge: ConstraintSet['judge'] }
  watched.judge = (agent) => {
    asked += 1
    return judge(agent)
  }
  return () => asked
}

test('an expression is evaluated once for all members and agents that say the same', (t) => {
  const constraints = inZone('ea.*')
  const members = ['f1', 'f2', 'f3'].flatMap((name) => [
    terms(name, { constraints }),
    aMember(name),
  ])
  const allocator = new Harness().allocating(...members)
  const asked = counted(allocator, JSON.stringify(constraints))
  const zones = ['east', 'west', 'north']
  for (let i = 0; i < 30; i++) {
    allocator.tell(anAgent(`a${i}`, { attributes: [zone(zones[i % 3] as string)] }))
  }
  t.is(asked(), 3)
})

test('one about hostnames is evaluated for each agent', (t) => {
  const constraints = [[{ attribute: 'hostname', matches: 'a[0-4]' }]]
  const allocator = new Harness().allocating(terms('f1', { constraints }), aMember('f1'))
  const asked = counted(allocator, JSON.stringify(constraints))
  const agents = Array.from({ length: 10 }, (_, i) => anAgent(`a${i}`))
  t.is(allocator.tell(...agents).length, 5)
  t.is(asked(), 10)
})

test('constraints and attributes that nobody has any more are forgotten', (t) => {
  const constraints = inZone('east')
  const allocator = new Harness().allocating(terms('f1', { constraints }), aMember('f1'))
  allocator.tell(anAgent('a1', { attributes: [zone('east')] }))
  allocator.tell({ kind: 'member-gone', ...framework('f1') })
  allocator.tell({ kind: 'agent-gone', agentId: anAgent('a1')[0].agentId })
  const { books } = allocator.state
  const isNew = { constraints: false, attributes: false }
  books.constraints.take(JSON.stringify(constraints), () => {
    isNew.constraints = true
    return { key: '', judge: () => true, isOfHostname: false, verdicts: new WeakMap() }
  })
  books.attributes.take(JSON.stringify([zone('east')]), () => {
    isNew.attributes = true
    return { key: '', list: [] }
  })
  t.deepEqual(isNew, { constraints: true, attributes: true })
})

test("a member's own idea of too little counts, more or less than the cluster's", (t) => {
  const small = anAgent('a1', { free: cpusMem(0, 16) })
  const picky = terms('f1', { minAllocatable: [{ cpus: 2, mem: 1024 }, { cpus: 8 }] })
  const modest = terms('f2', { minAllocatable: [{ mem: 8 }] })
  const both = [aMember('f1'), aMember('f2')]
  t.deepEqual(given(...both, small), [])
  t.deepEqual(given(modest, ...both, small), ['f2:a1'])
  t.deepEqual(given(picky, ...both, anAgent('a1', { free: cpusMem(2, 1023) })), ['f2:a1'])
  t.deepEqual(given(picky, ...both, anAgent('a1', { free: cpusMem(2, 1024) })), ['f1:a1'])
})

test('without any least amount whatever is left will do; ranges and sets are counted', (t) => {
  const ports: ResourceList = [{ name: 'ports', ranges: [[1, 3]] }]
  const agent = anAgent('a1', { free: ports })
  const wants = (minAllocatable: Terms['minAllocatable']) =>
    given(terms('f1', { minAllocatable } as Partial<Terms>), aMember('f1'), agent)
  t.deepEqual(wants([]), ['f1:a1'])
  t.deepEqual(wants([{ ports: 3 }]), ['f1:a1'])
  t.deepEqual(wants([{ ports: 4 }]), [])
})

test('whoever comes with less than the cluster asks for is told of what was too little', (t) => {
  const allocator = new Harness().allocating(aMember('f1'), anAgent('a1', { free: cpusMem(0, 16) }))
  t.deepEqual(allocationsOf(allocator.turn()), [])
  t.deepEqual(pairs(allocator.tell(terms('f1', { minAllocatable: [] }))), ['f1:a1'])
})
