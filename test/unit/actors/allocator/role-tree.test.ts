/** Who is asked before whom, where roles have roles below them. */
import test from 'ava'
import fc from 'fast-check'
import type { MemberBook, RoleNode } from '../../../../actors/allocator/books/entities.ts'
import {
  compareSiblings,
  enter,
  leave,
  type Sibling,
  settle,
} from '../../../../actors/allocator/roles/siblings.ts'
import type { Allocation } from '../../../../protocol/schema/master.ts'
import {
  allocationsOf,
  aMember,
  anAgent,
  answered,
  cpusMem,
  framework,
  Harness,
  type Said,
} from './harness.ts'

const agents = (count: number) => Array.from({ length: count }, (_, i) => anAgent(`a${i}`))
const weighed = (role: string, weight: number): Said => ({
  kind: 'role',
  role,
  weight,
  guarantee: {},
  limit: {},
})
const first = (...figures: readonly Said[]): readonly Allocation[] =>
  allocationsOf(new Harness().allocating(...figures).turn())

function counts(allocations: readonly Allocation[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const { frameworkId } of allocations) sums[frameworkId] = (sums[frameworkId] ?? 0) + 1
  return sums
}

test('roles share, and the members of one role share what it gets', (t) => {
  const members = [
    aMember('f1', { role: 'a' }),
    aMember('f2', { role: 'b' }),
    aMember('f3', { role: 'b' }),
  ]
  t.deepEqual(counts(first(...members, ...agents(12))), { f1: 6, f2: 3, f3: 3 })
})

test("a role's own members together are one of its sub-roles' siblings", (t) => {
  const members = [
    aMember('f1', { role: 'a' }),
    aMember('f2', { role: 'a' }),
    aMember('f3', { role: 'a/x' }),
    aMember('f4', { role: 'b' }),
  ]
  t.deepEqual(counts(first(...members, ...agents(16))), { f1: 2, f2: 2, f3: 4, f4: 8 })
})

test('weights count at any node, for all below it', (t) => {
  const roles = ['a/x', 'a/y', 'b'].map((role, i) => aMember(`f${i}`, { role }))
  const given = first(weighed('a', 3), weighed('a/y', 2), ...roles, ...agents(12))
  t.deepEqual(counts(given), { f0: 3, f1: 6, f2: 3 })
})

test('a weight that changes counts from then on', (t) => {
  const allocator = new Harness().allocating(
    aMember('f1', { role: 'a' }),
    aMember('f2', { role: 'b' }),
    ...agents(4),
  )
  t.deepEqual(counts(allocationsOf(allocator.turn())), { f1: 2, f2: 2 })
  const more = Array.from({ length: 4 }, (_, i) => anAgent(`b${i}`))
  t.deepEqual(counts(allocator.tell(weighed('a', 3), ...more)), { f1: 4 })
})

test('what suppressed members hold counts for their role', (t) => {
  const held = { suppressed: true, allocated: cpusMem(4, 4096) }
  const given = first(
    aMember('f1', { role: 'a', ...held }),
    aMember('f2', { role: 'a' }),
    aMember('f3', { role: 'b' }),
    anAgent('a1'),
  )
  t.deepEqual(counts(given), { f3: 1 })
})

test('early members of the whole tree come before late ones', (t) => {
  const given = first(
    aMember('f1', { role: 'a', declinedLast: true }),
    aMember('f2', { role: 'a/x', allocated: cpusMem(40, 40_000) }),
    aMember('f3', { role: 'b', declinedLast: true }),
    ...agents(4),
  )
  t.deepEqual(counts(given), { f2: 4 })
})

test('nodes are there while they have members, children, or terms of their own', (t) => {
  const allocator = new Harness().allocating(aMember('f1', { role: 'a/b/c' }), weighed('w', 2))
  const { roles, root } = allocator.state.books.tree
  t.deepEqual([...roles.keys()].sort(), ['a', 'a/b', 'a/b/c', 'w'])
  const gone = { kind: 'member-gone' as const, ...framework('f1'), role: 'a/b/c' }
  allocator.tell(gone, weighed('w', 1))
  t.deepEqual([roles.size, root.children.size], [0, 0])
})

test('a member that is gone while something is pending leaves nothing behind', (t) => {
  const allocator = new Harness().allocating(aMember('f1', { role: 'a/b' }), anAgent('a1'))
  const given = allocationsOf(allocator.turn())
  allocator.tell({ kind: 'member-gone', ...framework('f1'), role: 'a/b' })
  t.is(allocator.state.books.tree.roles.size, 0)
  allocator.tell(answered('refused', given[0]?.allocation ?? 0), aMember('f2', { role: 'a' }))
  t.deepEqual(
    allocator.state.books.tree.roles.get('a')?.held.filter((sum) => sum < 0),
    [],
  )
})

const sibling = fc.record({ rank: fc.nat(5), given: fc.nat(3) })

test('a line is in order after whatever came, left or changed', (t) => {
  const steps = fc.array(fc.record({ pick: fc.nat(), to: sibling, isOut: fc.boolean() }))
  fc.assert(
    fc.property(fc.array(sibling, { minLength: 1, maxLength: 200 }), steps, (all, changes) => {
      const line: Sibling[] = []
      const everybody = all.map((one, i) => ({ ...one, name: `n${i}` }))
      for (const one of everybody) enter(line, one)
      for (const { pick, to, isOut } of changes) {
        const one = everybody[pick % everybody.length] as Sibling
        const from = line.indexOf(one)
        if (from >= 0 && isOut) leave(line, one)
        Object.assign(one, to)
        if (from < 0) enter(line, one)
        else if (!isOut) settle(line, from)
        t.deepEqual(line, line.toSorted(compareSiblings))
      }
    }),
  )
})

/** All members of a line, in the order in which they are asked. */
function walk(node: RoleNode): readonly MemberBook[] {
  return node.early.flatMap((one) => (one.kind === 'member' ? [one] : walk(one)))
}

test('whoever wants offers is in the order once, whatever was said in whatever order', (t) => {
  const role = fc.constantFrom('*', 'a', 'a/x', 'a/x/deep', 'a/y', 'b', 'b/x')
  const said = fc.record({
    name: fc.constantFrom('f1', 'f2', 'f3'),
    role,
    state: fc.constantFrom('early', 'late', 'suppressed', 'gone', 'full'),
    cpus: fc.integer({ min: 0, max: 8 }),
    weight: fc.integer({ min: 1, max: 3 }),
  })
  fc.assert(
    fc.property(fc.array(said, { maxLength: 40 }), (all) => {
      const allocator = new Harness().allocating(...agents(2))
      const wanted = new Set<string>()
      for (const { name, role, state, cpus, weight } of all) {
        const member = { role, allocated: cpusMem(cpus, cpus), declinedLast: state === 'late' }
        const offers = state === 'full' ? 1_000_000 : 0
        const figure = aMember(name, { ...member, offers, suppressed: state === 'suppressed' })
        const gone = { kind: 'member-gone' as const, ...framework(name), role }
        allocator.say(weighed(role, weight), state === 'gone' ? gone : figure)
        allocator.turn()
        if (state === 'early') wanted.add(`local.${name}.${role}`)
        else wanted.delete(`local.${name}.${role}`)
        const order = walk(allocator.state.books.tree.root).map((one) => one.name)
        t.deepEqual(order.toSorted(), [...wanted].sort())
      }
    }),
  )
})
