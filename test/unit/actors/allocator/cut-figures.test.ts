/** Figures of one turn that come in several messages, with turns of the allocator in between. */
import test from 'ava'
import type { Quantities } from '../../../../protocol/schema/common.ts'
import {
  aFilter,
  aMember,
  anAgent,
  answered,
  cpusMem,
  Harness,
  pairs,
  type Said,
} from './harness.ts'

const q = aMember('q', { role: 'q' })
const other = aMember('other', { role: 'other' })
/** It has been offered one agent. */
const offered = { ...q, allocated: cpusMem(4, 4096), offers: 1 }

const guaranteed = (guarantee: Quantities): Said => ({
  kind: 'role',
  role: 'q',
  weight: 1,
  guarantee,
  limit: {},
})

/** Of the 8 cpus that q is guaranteed it is given a1; a2, which it has declined, is kept for it. */
function halfGiven() {
  const declined = [{ resources: cpusMem(4, 4096), forMs: 60_000 }]
  const filter = { ...aFilter('q', 'a2', declined), role: 'q' }
  const agents = [anAgent('a1'), anAgent('a2')]
  const allocator = new Harness().allocating(guaranteed({ cpus: 8 }), q, other, ...agents, filter)
  return { allocator, given: allocator.tell() }
}

function held({ state: { books } }: Harness): number {
  const member = [...books.members.values()].find(({ role }) => role === 'q')
  return member?.held[books.names.numberOf('cpus')] ?? 0
}

for (const outcome of ['made', 'refused'] as const) {
  test(`what was ${outcome} counts once before and after it is answered`, (t) => {
    const { allocator, given } = halfGiven()
    t.deepEqual(pairs(given), ['q:a1'])
    t.is(held(allocator), 4_000)
    allocator.heard = allocator.state.session?.said ?? 0
    const isMade = outcome === 'made'
    t.deepEqual(allocator.tell(isMade ? offered : q), [])
    t.is(held(allocator), isMade ? 4_000 : 0)
    const [, left] = anAgent('a1', { version: 2, free: [] })
    t.deepEqual(allocator.tell(left, answered(outcome, given[0]?.allocation ?? 0)), [])
    t.is(held(allocator), isMade ? 4_000 : 0)
  })
}

test('what the leader has not heard of yet counts beside what it says', (t) => {
  const { allocator } = halfGiven()
  allocator.heard = (allocator.state.session?.said ?? 0) - 1
  allocator.tell({ ...q, allocated: cpusMem(1, 64) })
  t.is(held(allocator), 5_000)
})
