/** An allocator that was told of each change knows what one knows that was just told everything. */
import test from 'ava'
import fc from 'fast-check'
import type { Scalars } from '../../../../actors/allocator/books/scalars.ts'
import type { MemberTerms } from '../../../../actors/allocator/judging/terms.ts'
import type { AllocatorState, Books } from '../../../../actors/allocator/state.ts'
import type { Allocation } from '../../../../protocol/schema/master.ts'
import { type History, histories, outOfStep } from '../../../support/allocator-history.ts'
import { DrivenAllocator } from '../../../support/driven-allocator.ts'

const OTHER_SEED = '0f0e0d0c0b0a09080706050403020100'
/** A session is open so long after it was begun. */
const OPENING_MS = 1_000

/** Another one, at the same time, that has just been told everything. */
function rebuilt({ allocator, books }: History): DrivenAllocator {
  const another = new DrivenAllocator(OTHER_SEED)
  another.nowMs = allocator.nowMs - OPENING_MS
  another.open(books.allFigures())
  return another
}

/** What it rests on, by names instead of numbers, without what only its own past explains. */
function knowledge({ books }: AllocatorState, nowMs: number): unknown {
  const byName = (scalars: Readonly<Scalars>) => named(books, scalars)
  return {
    total: byName(books.tree.total),
    headroom: { free: byName(books.headroom.free), required: byName(books.headroom.required) },
    unmetRoles: books.headroom.unmetRoles,
    pending: books.pending.size,
    agents: Object.fromEntries(
      [...books.agents.values()].map((agent) => [
        agent.agentId,
        {
          version: agent.version,
          total: byName(agent.info.total.scalars),
          free: byName(agent.free.scalars),
          available: byName(agent.available.scalars),
          filters: [...agent.filters]
            .flatMap(([member, filters]) => filters.map((filter) => ({ member, ...filter })))
            .filter(({ member, untilMs }) => !member.isGone && untilMs > nowMs)
            .map(({ member, untilMs }) => `${member.name} ${untilMs}`)
            .sort(),
        },
      ]),
    ),
    members: Object.fromEntries(
      [...books.members.values()].map(({ name, held, share, line, offers, terms }) => [
        name,
        { held: byName(held), share, line, offers, terms: spokenTerms(terms) },
      ]),
    ),
    roles: Object.fromEntries(
      [...books.tree.roles.values()].map((node) => [
        node.role,
        {
          weight: node.weight,
          share: node.share,
          held: byName(node.held),
          consumed: byName(node.consumed),
          quota: node.quota && {
            guarantee: byName(node.quota.guarantee),
            limit: byName(node.quota.limit),
            unmet: byName(node.quota.unmet),
          },
          early: node.early.map(({ name }) => name),
          late: node.late.map(({ name }) => name),
        },
      ]),
    ),
  }
}

const spokenTerms = ({ constraints, least }: MemberTerms): readonly unknown[] => [
  constraints?.key,
  least?.map((amounts) => amounts.map(({ name, thousandths }) => `${name} ${thousandths}`)),
]

/** What is nothing is left out, and so is what has no limit. */
function named({ names }: Books, scalars: Readonly<Scalars>): Readonly<Record<string, number>> {
  const all = scalars.map(
    (thousandths, number) => [names.names[number] ?? '', thousandths] as const,
  )
  const said = all.filter(([, thousandths]) => thousandths !== 0 && Number.isFinite(thousandths))
  return Object.fromEntries(said.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** How often somebody was given something breaks ties, and only the past knows it. */
function forgetGiven({ books }: AllocatorState): void {
  for (const member of books.members.values()) member.given = 0
  for (const node of books.tree.roles.values()) {
    node.given = 0
    for (const child of node.children.values()) child.given = 0
  }
  books.tree.isStale = true
}

const spoken = (all: readonly Allocation[]): readonly string[] =>
  all.map(({ agentId, frameworkId, role, resources }) =>
    JSON.stringify({ agentId, frameworkId, role, resources }),
  )

const luck = fc.array(fc.nat(5), { minLength: 1, maxLength: 60 })

test('told of each change, it knows the same as one that was just told everything', (t) => {
  let agents = 0
  fc.assert(
    fc.property(histories, luck, (all, chances) => {
      const history = outOfStep(all, chances)
      const { allocator } = history
      const another = rebuilt(history)
      t.deepEqual(spoken(another.turn()), [], 'all that may be allocated is')
      for (const { state } of [allocator, another]) forgetGiven(state)
      for (const one of [allocator, another]) one.refresh()
      const [told, anew] = [allocator, another].map(({ state }) =>
        knowledge(state, history.books.nowMs),
      )
      agents += history.books.agents.size
      t.deepEqual(told, anew)
    }),
    { numRuns: 100 },
  )
  t.true(agents > 100)
})

/** What both say of agents that come, one at a time: they are looked at in random order. */
function nextOnes(
  history: History,
  another: DrivenAllocator,
  sizes: readonly number[],
): readonly (readonly [told: readonly string[], anew: readonly string[]])[] {
  const { allocator, books } = history
  another.state.lastAllocation = allocator.state.lastAllocation
  for (const { state } of [allocator, another]) forgetGiven(state)
  return sizes.map((cpus, i) => {
    // What is kept of the last one for guarantees, or for want of room, is nothing for the next.
    for (const { agentId, free } of books.agents.values())
      if (free.size > 0) books.removeAgent(agentId)
    history.addAgent(`next${i}`, cpus)
    const figures = books.takeFigures()
    for (const one of [allocator, another]) one.say(figures)
    const [told, anew] = [allocator.turn(), another.turn()]
    for (const allocation of told) books.hear(allocation)
    return [spoken(told), spoken(anew)]
  })
}

test('told of each change, it gives the next agents to the same as one told everything', (t) => {
  let allocated = 0
  const sizes = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 3 })
  fc.assert(
    fc.property(histories, luck, sizes, (all, chances, next) => {
      const history = outOfStep(all, chances)
      const another = rebuilt(history)
      another.turn()
      for (const [told, anew] of nextOnes(history, another, next)) {
        t.deepEqual(told, anew)
        allocated += told.length
      }
    }),
    { numRuns: 100 },
  )
  t.log(`${allocated} allocations`)
  t.true(allocated > 100)
})
