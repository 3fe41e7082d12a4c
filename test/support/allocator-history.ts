/** What may happen around an allocator: arrivals, answers, losses, and changes of the rules. */
import fc from 'fast-check'
import type { AgentId } from '../../protocol/ids.ts'
import {
  containsResources,
  type Resources,
  resourcesOf,
  scalarOf,
} from '../../protocol/resources.ts'
import type { Quantities, ResourceList } from '../../protocol/schema/common.ts'
import type { Allocation } from '../../protocol/schema/master.ts'
import { DrivenAllocator } from './driven-allocator.ts'
import { type Holding, LeaderBooks, type Member, type Offer, type Terms } from './leader-books.ts'

const SEED = '000102030405060708090a0b0c0d0e0f'
const AGENTS = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']
const FRAMEWORKS = ['f1', 'f2', 'f3']
const ROLES = ['*', 'x', 'x/one', 'x/two', 'y', 'y/one/deep', 'z']
const TOPS = ['*', 'x', 'y', 'z']
/** All that is there for all of them to have. */
export const NAMES = ['cpus', 'mem'] as const
const MEM_PER_CPU = 64
const CPUS_MAX = 8
/** What members may want: all there is, what one rack has, what others have, or not too little. */
const RACKS = ['north', 'south'] as const
const TERMS: readonly Terms[] = [
  {},
  { constraints: [[{ attribute: 'rack', equals: RACKS[0] }]] },
  { constraints: [[{ attribute: 'rack', notMatches: `${RACKS[0]}|east` }]] },
  { minAllocatable: [{ cpus: CPUS_MAX / 2 }] },
]
/** More turns than any step needs: it does not come to rest. */
const TURNS_MAX = 200

interface Kinds {
  readonly agent: { readonly agent: string; readonly cpus: number }
  readonly lost: { readonly agent: string }
  readonly member: { readonly framework: string; readonly role: string }
  readonly left: { readonly framework: string; readonly role: string }
  readonly terms: { readonly framework: string; readonly role: string; readonly terms: Terms }
  readonly suppress: { readonly framework: string; readonly role: string }
  readonly revive: { readonly framework: string; readonly role: string }
  readonly accept: { readonly pick: number; readonly cpus: number }
  readonly decline: { readonly pick: number; readonly forMs: number }
  readonly rescind: { readonly pick: number }
  readonly end: { readonly pick: number }
  /** `room`: from the guarantee to the limit; undefined: there is none. */
  readonly quota: {
    readonly role: string
    readonly guarantee: number
    readonly room: number | undefined
  }
  readonly weight: { readonly role: string; readonly weight: number }
  readonly pass: { readonly ms: number }
}
export type Step = { [K in keyof Kinds]: { readonly do: K } & Kinds[K] }[keyof Kinds]

const who = { framework: fc.constantFrom(...FRAMEWORKS), role: fc.constantFrom(...ROLES) }
const pick = fc.nat(1_000)
const kind = <K extends keyof Kinds>(
  name: K,
  more: { [F in keyof Kinds[K]]: fc.Arbitrary<Kinds[K][F]> },
  weight = 1,
) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(name), ...more }) as unknown as fc.Arbitrary<Step>,
})

const step: fc.Arbitrary<Step> = fc.oneof(
  kind(
    'agent',
    { agent: fc.constantFrom(...AGENTS), cpus: fc.integer({ min: 1, max: CPUS_MAX }) },
    3,
  ),
  kind('lost', { agent: fc.constantFrom(...AGENTS) }),
  kind('member', who, 4),
  kind('left', who),
  kind('terms', { ...who, terms: fc.constantFrom(...TERMS) }, 2),
  kind('suppress', who),
  kind('revive', who),
  kind('accept', { pick, cpus: fc.integer({ min: 0, max: CPUS_MAX }) }, 6),
  kind('decline', { pick, forMs: fc.integer({ min: 1_000, max: 9_000 }) }, 3),
  kind('rescind', { pick }),
  kind('end', { pick }, 4),
  kind(
    'quota',
    {
      role: fc.constantFrom(...TOPS),
      guarantee: fc.integer({ min: 0, max: 12 }),
      room: fc.option(fc.integer({ min: 0, max: CPUS_MAX }), { nil: undefined }),
    },
    2,
  ),
  kind('weight', { role: fc.constantFrom(...ROLES), weight: fc.constantFrom(0.5, 1, 2, 7) }),
  kind('pass', { ms: fc.integer({ min: 1, max: 3_000 }) }, 2),
)
/** Long ones; what fails is made as short as it can be. */
export const histories = fc.array(step, { maxLength: 60, size: 'max' })

const amounts = (cpus: number): Quantities => ({ cpus, mem: cpus * MEM_PER_CPU })

/** What was refused counts as declined for a second. */
const REFUSED_MS = 1_000

/**
 * Now one hears the other and now nobody does, or only of a part of it; in the end both know all of
 * each other.
 */
export function outOfStep(all: readonly Step[], luck: readonly number[]): History {
  const history = new History()
  all.forEach((step, i) => {
    history.apply(step)
    const chance = luck[i % luck.length] as number
    if (chance % 2 === 0) history.tell()
    if (chance % 3 === 0) history.hear(chance)
  })
  history.settle()
  history.pass(REFUSED_MS)
  history.settle()
  return history
}

export class History {
  readonly books = new LeaderBooks()
  allocator = new DrivenAllocator(SEED)
  /** Said by the allocator, and not heard by the leader yet. */
  #underway: Allocation[] = []
  /** Allocations that were made; and those that were not, because the books had changed. */
  made = 0
  refused = 0

  /** A few are there from the beginning, and have been offered all there is. */
  constructor() {
    for (const agent of AGENTS.slice(0, 3)) this.addAgent(agent, CPUS_MAX)
    FRAMEWORKS.forEach((framework, i) => {
      for (const role of [ROLES[i], ROLES[2 * i + 1]]) this.books.addMember(framework, role ?? '*')
    })
    this.allocator.open(this.books.takeFigures())
    this.books.nowMs = this.allocator.nowMs
    this.settle()
  }

  /** With its memory, in the rack of its number. */
  addAgent(name: string, cpus: number): void {
    const rack = RACKS[Number(name.at(-1)) % RACKS.length] as string
    this.books.addAgent(name, ofCpus(cpus), [{ name: 'rack', text: rack }])
  }

  /** What the leader does; nobody hears of it yet. */
  apply(step: Step): void {
    const { books } = this
    switch (step.do) {
      case 'agent':
        return this.addAgent(step.agent, step.cpus)
      case 'lost':
        return books.removeAgent(step.agent as AgentId)
      case 'terms':
        return this.#withMember(step, (member) => books.setTerms(member, step.terms))
      case 'member':
        return void books.addMember(step.framework, step.role)
      case 'left':
        return this.#withMember(step, (member) => books.removeMember(member))
      case 'suppress':
        return this.#withMember(step, (member) => books.suppress(member))
      case 'revive':
        return this.#withMember(step, (member) => books.revive(member))
      case 'quota': {
        const limit = step.room === undefined ? {} : amounts(step.guarantee + step.room)
        return books.setRole(step.role, { guarantee: amounts(step.guarantee), limit })
      }
      case 'weight':
        return books.setRole(step.role, { weight: step.weight })
      case 'pass':
        return this.pass(step.ms)
      default:
        return this.#answer(step)
    }
  }

  #answer(step: Extract<Step, { do: 'accept' | 'decline' | 'rescind' | 'end' }>): void {
    const { books } = this
    const held: readonly Holding[] =
      step.do === 'end' ? [...books.tasks] : [...books.offers.values()]
    const one = held[step.pick % Math.max(1, held.length)]
    if (one === undefined) return
    if (step.do === 'end') books.endTask(one)
    else if (step.do === 'decline') books.decline(one as Offer, step.forMs)
    else if (step.do === 'rescind') books.rescind(one as Offer)
    else books.accept(one as Offer, partOf(one.resources, step.cpus), DECLINED_MS)
  }

  #withMember(
    { framework, role }: { readonly framework: string; readonly role: string },
    act: (member: Member) => void,
  ): void {
    const member = this.books.members.get(`${framework} ${role}`)
    if (member !== undefined) act(member)
  }

  /** What it does of itself meanwhile is heard later. */
  pass(ms: number): void {
    this.allocator.wakeUntil(this.allocator.nowMs + ms)
    this.books.nowMs = this.allocator.nowMs
  }

  /** The allocator hears what has changed, and allocates; the leader does not hear of it yet. */
  tell(): void {
    const figures = this.books.takeFigures()
    if (figures.length > 0) this.allocator.say(figures)
    this.#underway.push(...this.allocator.turn())
  }

  /** The leader hears so many allocations; each is judged. Absent: all that are under way. */
  hear(
    count = this.#underway.length,
    judge: (allocation: Allocation, outcome: Offer | string) => void = () => {},
  ): void {
    for (const allocation of this.#underway.splice(0, count)) {
      const outcome = this.books.hear(allocation)
      if (typeof outcome === 'string') this.refused += 1
      else this.made += 1
      judge(allocation, outcome)
    }
  }

  /** Until both know all of each other, and nothing more is allocated. */
  settle(judge?: (allocation: Allocation, outcome: Offer | string) => void): void {
    for (let i = 0; i < TURNS_MAX; i++) {
      this.tell()
      if (this.#underway.length === 0) return
      this.hear(undefined, judge)
    }
    throw new Error('it does not come to rest')
  }

  /** What is lacking of guarantees of one role at the top, or of all, in thousandths. */
  unmet(name: string, role?: string): number {
    return [...this.books.roles].reduce((sum, [top, { guarantee }]) => {
      if (role !== undefined && role !== top) return sum
      const consumed = this.books.consumed.get(top)?.get(name) ?? 0
      return sum + Math.max(0, (guarantee[name] ?? 0) * 1_000 - consumed)
    }, 0)
  }

  free(name: string): number {
    const { agents } = this.books
    return [...agents.values()].reduce((sum, { free }) => sum + scalarOf(free, name), 0)
  }

  /** It is not what the member wants. */
  isUnwanted({ terms }: Member, agentId: AgentId, resources: Resources): boolean {
    const rack = this.books.agents.get(agentId)?.attributes[0]?.text
    const isNorth = rack === RACKS[0]
    if (terms === TERMS[1]) return !isNorth
    if (terms === TERMS[2]) return isNorth
    return terms === TERMS[3] && scalarOf(resources, 'cpus') < (CPUS_MAX / 2) * 1_000
  }

  /** A filter of the member there holds all of it back. */
  isFiltered(member: Member, agentId: AgentId, resources: Resources): boolean {
    const filter = member.filters.get(agentId)
    if (filter === undefined || filter.untilMs <= this.books.nowMs) return false
    return containsResources(filter.resources, resources)
  }
}

/** What is left of an offer is declined for so long. */
const DECLINED_MS = 5_000

const ofCpus = (cpus: number): ResourceList => [
  { name: 'cpus', scalar: cpus },
  { name: 'mem', scalar: cpus * MEM_PER_CPU },
]

/** So many CPUs with their memory, or less if there is less of either. */
function partOf(resources: Resources, cpus: number): Resources {
  const most = Math.min(
    cpus,
    scalarOf(resources, 'cpus') / 1_000,
    scalarOf(resources, 'mem') / 1_000 / MEM_PER_CPU,
  )
  return resourcesOf(ofCpus(most))
}
