/** What holds whatever the leader says, in whatever order. */
import test from 'ava'
import fc from 'fast-check'
import {
  addResources,
  containsResources,
  listResources,
  NO_RESOURCES,
  type Resources,
  resourcesOf,
  subtractResources,
} from '../../../../protocol/resources.ts'
import type { AllocatorFigure } from '../../../../protocol/schema/allocator.ts'
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
  idOf,
} from './harness.ts'

const AGENTS = ['a1', 'a2', 'a3']
const ROLES = ['f1', 'f2', 'f3']

interface World {
  readonly allocator: Harness
  /** What the leader said last, and what is thereby due to hold. */
  readonly free: Map<string, { readonly version: number; readonly free: Resources }>
  readonly suppressed: Map<string, boolean>
  readonly filters: Map<string, { readonly declined: Resources; readonly untilMs: number }>
  readonly pending: Map<number, Allocation>
  versions: number
}

type Step =
  | { readonly do: 'agent'; readonly agent: string; readonly cpus: number; readonly mem: number }
  | { readonly do: 'agent-gone'; readonly agent: string }
  | { readonly do: 'role'; readonly role: string; readonly suppressed: boolean; late: boolean }
  | { readonly do: 'member-gone'; readonly role: string }
  | {
      readonly do: 'filter'
      readonly role: string
      readonly agent: string
      readonly cpus: number
      readonly forMs: number
    }
  | { readonly do: 'answer'; readonly pick: number; readonly isMade: boolean }
  | { readonly do: 'time'; readonly ms: number }

const agent = fc.constantFrom(...AGENTS)
const role = fc.constantFrom(...ROLES)
const cpus = fc.integer({ min: 0, max: 4 })
const mostlyFalse = fc.integer({ min: 0, max: 3 }).map((n) => n === 0)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('agent' as const),
    agent,
    cpus,
    mem: fc.integer({ max: 64, min: 0 }),
  }),
  fc.record({ do: fc.constant('agent-gone' as const), agent }),
  fc.record({
    do: fc.constant('role' as const),
    role,
    suppressed: mostlyFalse,
    late: fc.boolean(),
  }),
  fc.record({ do: fc.constant('member-gone' as const), role }),
  fc.record({
    do: fc.constant('filter' as const),
    role,
    agent,
    cpus,
    forMs: fc.integer({ min: 0, max: 3_000 }),
  }),
  fc.record({ do: fc.constant('answer' as const), pick: fc.nat(), isMade: fc.boolean() }),
  fc.record({ do: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
)

const steps = fc.array(step, { minLength: 40, maxLength: 80 })

function nextVersion(world: World): number {
  world.versions += 1
  return world.versions
}

/** What the leader says for one step; undefined: time passes. */
function figuresOf(world: World, step: Step): readonly AllocatorFigure[] | undefined {
  const { allocator, free, suppressed, filters } = world
  switch (step.do) {
    case 'agent': {
      const version = nextVersion(world)
      const figures = anAgent(step.agent, { version, free: cpusMem(step.cpus, step.mem) })
      free.set(step.agent, { version, free: resourcesOf(cpusMem(step.cpus, step.mem)) })
      return figures
    }
    case 'agent-gone':
      free.delete(step.agent)
      for (const name of ROLES) filters.delete(`${name} ${step.agent}`)
      return [{ kind: 'agent-gone', agentId: idOf(step.agent) }]
    case 'role':
      suppressed.set(step.role, step.suppressed)
      return [aMember(step.role, { suppressed: step.suppressed, declinedLast: step.late })]
    case 'member-gone':
      suppressed.delete(step.role)
      for (const name of AGENTS) filters.delete(`${step.role} ${name}`)
      return [{ kind: 'member-gone', ...framework(step.role) }]
    case 'filter': {
      const resources = cpusMem(step.cpus, 64)
      const untilMs = allocator.nowMs + step.forMs
      if (free.has(step.agent) && suppressed.has(step.role)) {
        filters.set(`${step.role} ${step.agent}`, { declined: resourcesOf(resources), untilMs })
      }
      return [aFilter(step.role, step.agent, [{ resources, forMs: step.forMs }])]
    }
    case 'answer':
      return answer(world, step)
    case 'time':
      return undefined
  }
}

/** Answers one that is due: what was made is no longer free. */
function answer(world: World, step: Extract<Step, { do: 'answer' }>): readonly AllocatorFigure[] {
  const { free, pending } = world
  const due = [...pending.values()]
  const picked = due[step.pick % Math.max(1, due.length)]
  if (picked === undefined) return [answered('made', 1_000_000)]
  pending.delete(picked.allocation)
  if (!step.isMade) return [answered('refused', picked.allocation)]
  const before = free.get(picked.agentId)
  const left = subtractResources(before?.free ?? NO_RESOURCES, resourcesOf(picked.resources))
  if (before === undefined || left === undefined) return [answered('refused', picked.allocation)]
  const version = nextVersion(world)
  free.set(picked.agentId, { version, free: left })
  const figures = anAgent(picked.agentId, { version, free: listResources(left) })
  return [...figures, answered('made', picked.allocation)]
}

function pendingOf({ pending }: World, agentId: string): Resources {
  return [...pending.values()]
    .filter((allocation) => allocation.agentId === agentId)
    .reduce((sum, { resources }) => addResources(sum, resourcesOf(resources)), NO_RESOURCES)
}

/** Undefined: nothing is wrong. */
function problemOf(world: World, allocation: Allocation): string | undefined {
  const { agentId, agentVersion, frameworkId } = allocation
  const known = world.free.get(agentId)
  const resources = resourcesOf(allocation.resources)
  if (known?.version !== agentVersion) return 'another version'
  if (!containsResources(known.free, resources)) return 'more than is free'
  if (world.suppressed.get(frameworkId) !== false) return 'to a role that wants nothing'
  const filter = world.filters.get(`${frameworkId} ${agentId}`)
  const isFiltered = filter !== undefined && filter.untilMs > world.allocator.nowMs
  if (isFiltered && containsResources(filter.declined, resources)) return 'declined'
  world.pending.set(allocation.allocation, allocation)
  return containsResources(known.free, pendingOf(world, agentId)) ? undefined : 'given twice'
}

test('nothing is allocated twice, or more than is free, or to who does not want it', (t) => {
  let allocated = 0
  fc.assert(
    fc.property(steps, (all) => {
      const world: World = {
        allocator: new Harness().allocating(),
        free: new Map(),
        suppressed: new Map(),
        filters: new Map(),
        pending: new Map(),
        versions: 0,
      }
      const { allocator } = world
      for (const step of all) {
        const figures = figuresOf(world, step)
        if (figures !== undefined) allocator.say(...figures)
        else {
          allocator.nowMs += (step as Extract<Step, { do: 'time' }>).ms
          allocator.input({ kind: 'wake' })
        }
        for (const allocation of allocationsOf(allocator.turn())) {
          allocated += 1
          const problem = problemOf(world, allocation)
          if (problem !== undefined) throw new Error(`${problem}: ${JSON.stringify(allocation)}`)
        }
      }
    }),
    { numRuns: 500 },
  )
  t.log(`${allocated} allocations`)
  t.true(allocated > 1_000)
})

test('equal frameworks that accept everything end within one agent of each other', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 60 }),
      (frameworks, agents, turns) => {
        const names = Array.from({ length: frameworks }, (_, i) => `f${i}`)
        const held = new Map(names.map((name) => [name, 0]))
        const allocator = new Harness().allocating(...names.map((name) => aMember(name)))
        const settle = (allocations: readonly Allocation[]): void => {
          for (const { frameworkId, agentId, allocation } of allocations) {
            const count = (held.get(frameworkId) ?? 0) + 1
            held.set(frameworkId, count)
            allocator.say(
              anAgent(agentId, { version: 2, free: [] }),
              aMember(frameworkId, { allocated: cpusMem(4 * count, 4096 * count) }),
              answered('made', allocation),
            )
          }
        }
        for (let i = 0, turn = 0; i < agents; turn++) {
          const some = Math.min(agents - i, turns[turn % turns.length] as number)
          const figures = Array.from({ length: some }, (_, k) => anAgent(`a${i + k}`))
          i += some
          settle(allocator.tell(...figures))
        }
        const counts = [...held.values()]
        t.is(
          counts.reduce((a, b) => a + b, 0),
          agents,
        )
        t.true(Math.max(...counts) - Math.min(...counts) <= 1)
      },
    ),
  )
})
