/** What a shadow counts and tells, decision by decision. */
import test from 'ava'
import { drf } from '../../../../actors/allocator/policies/drf.ts'
import {
  type Comparison,
  type Decision,
  forgetRow,
  newComparison,
  note,
} from '../../../../actors/allocator/shadow/comparison.ts'
import { reportOf } from '../../../../actors/allocator/shadow/report.ts'
import { newShadow } from '../../../../actors/allocator/shadow/state.ts'
import { SHADOW_DIFFERENCES_MAX, SHADOW_MEMBERS_MAX } from '../../../../protocol/limits.ts'
import type { Allocation } from '../../../../protocol/schema/master.ts'
import { cpusMem, framework, idOf, SEED } from './harness.ts'

const NOW = { monotonicMs: 5, wallMs: 1e12 }

const given = (...names: readonly string[]): readonly Allocation[] =>
  names.map((name, i) => ({
    ...framework(name),
    role: '*',
    allocation: i + 1,
    agentId: idOf('a1'),
    agentVersion: 1,
    resources: cpusMem(1.5, 64),
  }))

function noted(...decisions: readonly Partial<Decision>[]): Comparison {
  const comparison = newComparison()
  for (const decision of decisions) {
    const all = { agentId: idOf('a1'), version: 1, real: [], shadow: [], isTie: false }
    note(comparison, { ...all, ...decision }, NOW)
  }
  return comparison
}

const counts = ({ same, different, withheld }: Comparison) => [same, different, withheld]

test('the same members in any order, and as often as they like, are the same', (t) => {
  const real = given('f1', 'f2')
  t.deepEqual(counts(noted({ real, shadow: given('f2', 'f1', 'f1') })), [1, 0, 0])
  t.deepEqual(counts(noted({ real, shadow: given('f1') })), [0, 1, 0])
  t.deepEqual(counts(noted({ real: given('f1'), shadow: real })), [0, 1, 0])
  t.deepEqual(counts(noted({ real, shadow: [] })), [0, 0, 1])
})

test('of a tie both are said to have given it to the same', (t) => {
  const comparison = noted({ real: given('f1'), shadow: given('f2'), isTie: true })
  t.deepEqual(counts(comparison), [1, 0, 0])
  t.deepEqual(
    [...comparison.rows.values()].map(({ member, real, shadow }) => [
      member.frameworkId as string,
      real.allocations,
      shadow.allocations,
    ]),
    [['f1', 1, 1]],
  )
})

test('the latest that differ are kept, the oldest first', (t) => {
  const one = { real: given('f1'), shadow: given('f2') }
  const all = Array.from({ length: SHADOW_DIFFERENCES_MAX + 3 }, (_, version) => ({
    ...one,
    version,
  }))
  const { differences, different } = noted(...all)
  t.is(different, all.length)
  t.is(differences.length, SHADOW_DIFFERENCES_MAX)
  t.deepEqual([differences[0]?.agentVersion, differences.at(-1)?.agentVersion], [3, 18])
})

test('who was given most is told of, and of how many nothing is', (t) => {
  const state = newShadow(SEED, drf)
  const names = Array.from({ length: SHADOW_MEMBERS_MAX + 2 }, (_, i) => `f${i}`)
  state.comparison = noted(...names.map((name) => ({ real: given(name) })), {
    real: given('f101'),
  })
  const { members, moreMembers } = reportOf(state, NOW)
  t.is(members.length, SHADOW_MEMBERS_MAX)
  t.is(moreMembers, 2)
  t.like(members[0], {
    ...framework('f101'),
    real: { allocations: 2, cpus: 3, mem: 128 },
    shadow: { allocations: 0, cpus: 0, mem: 0 },
  })
})

test('a member that is gone is shown while there are not too many', (t) => {
  const few = noted({ real: given('f1') })
  forgetRow(few, { ...framework('f1'), role: '*' })
  t.is(few.rows.size, 1)
  const many = noted(...Array.from({ length: 1_001 }, (_, i) => ({ real: given(`f${i}`) })))
  forgetRow(many, { ...framework('f1'), role: '*' })
  t.is(many.rows.size, 1_000)
})
