/** Whoever wants all there is gets a part of it by weight, at each node of the tree of roles. */
import test from 'ava'
import fc from 'fast-check'
import { seededRandom, shuffle } from '../../../../actors/parts/random.ts'
import { DrivenAllocator } from '../../../support/driven-allocator.ts'
import { type Holding, LeaderBooks } from '../../../support/leader-books.ts'

const SEED = '000102030405060708090a0b0c0d0e0f'
const AGENT = [
  { name: 'cpus', scalar: 4 },
  { name: 'mem', scalar: 1_024 },
]
/** Of the smallest part, so that one agent more or less is no more than it may be off. */
const AGENTS_PER_PART = 30
const OFF_MAX = 0.05
/** Nobody has more unanswered offers than it may have: then they would go to others. */
const AGENTS_AT_ONCE = 500
/** Parts of all tasks that end at once, and how often: all of them several times over. */
const ENDING_PART = 0.1
const ENDINGS = 40

/** A role, with what is below it. Its own members together count as one of its children. */
interface Node {
  readonly weight: number
  /** Of its own. */
  readonly members: number
  readonly children: readonly Node[]
}

const weight = fc.constantFrom(1, 2, 3)
const leaf: fc.Arbitrary<Node> = fc.record({
  weight,
  members: fc.integer({ min: 1, max: 3 }),
  children: fc.constant([]),
})
const inner: fc.Arbitrary<Node> = fc.record({
  weight,
  members: fc.integer({ min: 0, max: 2 }),
  children: fc.array(leaf, { minLength: 1, maxLength: 2 }),
})
const forest = fc.array(fc.oneof(leaf, inner), { minLength: 2, maxLength: 3 })

/** Everything that competes: a role, the own members of one, or one of these. */
interface Part {
  readonly path: string
  readonly weight: number
  readonly parts: readonly Part[]
}

function partOf({ weight: own, members, children }: Node, path: string): Part {
  const below = children.map((child, i) => partOf(child, `${path}/r${i}`))
  const those = Array.from({ length: members }, (_, i) => ({
    path: `${path} m${i}`,
    weight: 1,
    parts: [],
  }))
  if (below.length === 0) return { path, weight: own, parts: those }
  const self = { path: `${path} own`, weight: 1, parts: those }
  return { path, weight: own, parts: members === 0 ? below : [...below, self] }
}

const rootOf = (nodes: readonly Node[]): Part => ({
  path: '',
  weight: 1,
  parts: nodes.map((node, i) => partOf(node, `r${i}`)),
})

const isMember = ({ parts }: Part): boolean => parts.length === 0

function membersOf(part: Part): readonly Part[] {
  return isMember(part) ? [part] : part.parts.flatMap(membersOf)
}

const weightOf = (parts: readonly Part[]): number =>
  parts.reduce((sum, part) => sum + part.weight, 0)

/** The smallest part of all that anybody is to have. */
function smallestShare(part: Part): number {
  if (isMember(part)) return 1
  const all = weightOf(part.parts)
  return Math.min(...part.parts.map((one) => (one.weight / all) * smallestShare(one)))
}

class World {
  readonly books = new LeaderBooks()
  readonly allocator = new DrivenAllocator(SEED)
  readonly #random = seededRandom(SEED)

  constructor(root: Part, agents: number) {
    this.setWeights(root)
    for (const { path } of membersOf(root)) {
      const [role = '', framework = ''] = path.split(' ')
      this.books.addMember(framework, role)
    }
    this.allocator.open(this.books.takeFigures())
    for (let i = 0; i < agents; i++) {
      this.books.addAgent(`a${i}`, AGENT)
      if (i % AGENTS_AT_ONCE === 0) this.settle()
    }
    this.settle()
  }

  setWeights(root: Part): void {
    for (const { path, weight: own, parts } of root.parts) {
      if (path.includes(' ')) continue
      this.books.setRole(path, { weight: own })
      this.setWeights({ path, weight: own, parts })
    }
  }

  /** Whatever is offered is taken, as a whole. */
  settle(): void {
    for (;;) {
      this.allocator.say(this.books.takeFigures())
      const allocations = this.allocator.turn()
      if (allocations.length === 0) return
      for (const allocation of allocations) {
        const offer = this.books.hear(allocation)
        if (typeof offer === 'string') throw new Error(offer)
        this.books.accept(offer, offer.resources, 0)
      }
    }
  }

  /** Some tasks end, whosever they are. */
  endSome(): void {
    const tasks: Holding[] = shuffle(this.#random, [...this.books.tasks])
    for (const task of tasks.slice(0, Math.ceil(tasks.length * ENDING_PART))) {
      this.books.endTask(task)
    }
    this.settle()
  }

  held(part: Part): number {
    const members = new Set(membersOf(part).map(({ path }) => path))
    return [...this.books.tasks].filter(({ member: { frameworkId, role } }) =>
      members.has(`${role} ${frameworkId}`),
    ).length
  }
}

/** `x` has 60 of 120, and is to have 40. */
function unfair(world: World, part: Part): readonly string[] {
  const all = weightOf(part.parts)
  const held = world.held(part)
  return part.parts.flatMap((one) => {
    const due = (held * one.weight) / all
    const has = world.held(one)
    const wrong = Math.abs(has - due) > due * OFF_MAX
    const problem = `${one.path} has ${has} of ${held}, and is to have ${due.toFixed(1)}`
    return [...(wrong ? [problem] : []), ...unfair(world, one)]
  })
}

test('who wants all there is gets a part of it by weight, at each node', (t) => {
  fc.assert(
    fc.property(forest, (nodes) => {
      const root = rootOf(nodes)
      const world = new World(root, Math.ceil(AGENTS_PER_PART / smallestShare(root)))
      t.deepEqual(unfair(world, root), [])
    }),
    { numRuns: 15 },
  )
})

const heavier = ({ weight: own, members, children }: Node): Node => ({
  weight: own === 3 ? 1 : own + 1,
  members,
  children: children.map(heavier),
})

test('after a change of weights, what ends makes room for who is to have more', (t) => {
  fc.assert(
    fc.property(forest, (nodes) => {
      const [before, after] = [rootOf(nodes), rootOf(nodes.map(heavier))]
      const smallest = Math.min(smallestShare(before), smallestShare(after))
      const world = new World(before, Math.ceil(AGENTS_PER_PART / smallest))
      world.setWeights(after)
      for (let i = 0; i < ENDINGS; i++) world.endSome()
      t.deepEqual(unfair(world, after), [])
    }),
    { numRuns: 5 },
  )
})
