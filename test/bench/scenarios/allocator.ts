/**
 * What an allocator's core costs: a full cycle, one change, and its longest turn; without a bus.
 * Its figures are those that a leader would say, whose books are kept beside it, unmeasured.
 */
import { nextInteger, type Random, seededRandom } from '../../../actors/parts/random.ts'
import { DrivenAllocator } from '../../support/driven-allocator.ts'
import { type Holding, LeaderBooks, type Offer } from '../../support/leader-books.ts'
import {
  FILTER_MS,
  furnishAgents,
  hasSomething,
  PROFILES,
  type Profile,
} from '../allocator/profiles.ts'
import { collectGarbage, Stopwatch } from '../allocator/stopwatch.ts'
import { type Count, type Measured, percentile, round } from '../result.ts'
import { type Settings, WrongUse } from '../settings.ts'

const SEED = '000102030405060708090a0b0c0d0e0f'
const CYCLES = 15
const WARM_UP_CYCLES = 5
const WARM_UP_CHANGES = 500
/** Those who decline are asked ten times a second and agent: of a cycle, each agent once. */
const BETWEEN_CYCLES_MS = 1_500
/** No change disturbs the next one. */
const BETWEEN_CHANGES_MS = 200
const DECLINED_MS = 5_000
const CHANGES_PER_COLLECTION = 500

/** `profile`: one of PROFILES; `tasks`: how many changes. */
export async function allocator(settings: Settings): Promise<Measured> {
  const { agents = 10_000, frameworks = 1_000, tasks: changes = 4_000, say } = settings
  const { profile: name = 'plain' } = settings
  const profile = PROFILES[name]
  if (profile === undefined)
    throw new WrongUse(`no profile is called ${name}: ${Object.keys(PROFILES).join(', ')}`)
  const bench = new AllocatorBench(profile)
  say(`telling an allocator of ${agents} agents and ${frameworks} frameworks: ${name}`)
  bench.open({ agents, frameworks })
  say(`measuring ${CYCLES} full cycles`)
  const cycles = bench.cycles(WARM_UP_CYCLES, CYCLES)
  const { members, filters } = bench.census()
  say(`measuring ${changes} changes`)
  const incrementalMs = bench.changes(WARM_UP_CHANGES, changes)
  const median = (of: (lap: Lap) => number): number => percentile(cycles.map(of), 0.5)
  const turnMs = cycles.map(({ turnsMs }) => turnsMs)
  return {
    settings: { profile: name, agents, frameworks, members, filters, cycles: CYCLES, changes },
    counts: bench.counts(),
    figures: {
      fullCycleMs: percentile(turnMs, 0.5),
      fullCycleMsMin: percentile(turnMs, 0),
      fullCycleMsMax: percentile(turnMs, 1),
      fullCycleCpuMs: median(({ cpuMs }) => cpuMs),
      fullCycleOnWireMs: median(({ turnsMs, figuresMs, codecMs }) => turnsMs + figuresMs + codecMs),
      turnsPerCycle: median(({ turns }) => turns),
      incrementalMs: percentile(incrementalMs, 0.5),
      incrementalMsP99: percentile(incrementalMs, 0.99),
      longestTurnMs: round(bench.longestTurnMs, 3),
    },
  }
}

/** From what was said to all that comes of it. */
type Lap = Pick<Stopwatch, 'figuresMs' | 'turnsMs' | 'turns' | 'cpuMs' | 'codecMs'>

class AllocatorBench {
  readonly #profile: Profile
  readonly #random: Random = seededRandom(SEED)
  readonly #books = new LeaderBooks()
  readonly #watch = new Stopwatch()
  readonly #allocator = new DrivenAllocator(SEED, this.#watch)
  /** The leader's books did not allow it. */
  #refused = 0
  /** Nobody got what was free, although somebody may have it. */
  #idle = 0

  constructor(profile: Profile) {
    this.#profile = profile
  }

  get longestTurnMs(): number {
    return this.#watch.longestTurnMs
  }

  open(size: { readonly agents: number; readonly frameworks: number }): void {
    furnishAgents(this.#books, size, this.#random)
    this.#profile.furnish(this.#books, size, this.#random)
    this.#books.takeFigures()
    this.#allocator.open(this.#books.allFigures())
  }

  census(): { readonly members: number; readonly filters: number } {
    const { members } = this.#books
    const filters = [...members.values()].reduce((sum, member) => sum + member.filters.size, 0)
    return { members: members.size, filters }
  }

  counts(): Record<string, Count> {
    return {
      refused: { is: this.#refused, mustBe: 0 },
      idleAgents: { is: this.#idle, mustBe: 0 },
    }
  }

  /** All is free, and everybody wants: until nothing is left to do. */
  cycles(warmUp: number, count: number): readonly Lap[] {
    const laps: Lap[] = []
    for (let i = 0; i < warmUp + count; i++) {
      if (i === warmUp) this.#watch.longestTurnMs = 0
      const offers = this.#allocate()
      const { figuresMs, turnsMs, turns, cpuMs, codecMs } = this.#watch
      if (i >= warmUp) laps.push({ figuresMs, turnsMs, turns, cpuMs, codecMs })
      for (const agent of this.#books.agents.values()) if (hasSomething(agent)) this.#idle += 1
      this.#tell()
      this.#pass(BETWEEN_CYCLES_MS)
      for (const offer of offers) {
        if (this.#profile.answer === 'declined') this.#books.decline(offer, FILTER_MS)
        else this.#books.rescind(offer)
      }
      collectGarbage()
      this.#watch.reset()
      this.#tell()
    }
    return laps
  }

  /** In milliseconds, each: from the figures of one change until its allocation is out. */
  changes(warmUp: number, count: number): readonly number[] {
    const tasks = this.#allocate().map((offer) => this.#acceptAll(offer))
    this.#settle(tasks)
    const ms: number[] = []
    for (let i = 0; i < warmUp + count; i++) {
      if (i === warmUp) ms.length = 0
      if (i % CHANGES_PER_COLLECTION === 0) collectGarbage()
      this.#books.endTask(takeAny(this.#random, tasks))
      // What somebody has declined goes to another, who takes all of it.
      for (const offer of this.#change(ms)) this.#books.decline(offer, DECLINED_MS)
      for (const offer of this.#change(ms)) tasks.push(this.#acceptAll(offer))
      this.#settle(tasks)
    }
    return ms
  }

  /** Takes the time of what a change leads to. */
  #change(ms: number[]): readonly Offer[] {
    this.#watch.reset()
    this.#tell()
    const offers = this.#allocate()
    ms.push(this.#watch.figuresMs + this.#watch.turnsMs)
    if (offers.length === 0) this.#idle += 1
    return offers
  }

  #tell(): void {
    this.#allocator.say(this.#books.takeFigures())
  }

  #allocate(): readonly Offer[] {
    const heard = this.#allocator.turn().map((allocation) => this.#books.hear(allocation))
    const offers = heard.filter((offer) => typeof offer !== 'string')
    this.#refused += heard.length - offers.length
    return offers
  }

  #acceptAll(offer: Offer): Holding {
    return this.#books.accept(offer, offer.resources, 0)
  }

  #settle(tasks: Holding[]): void {
    this.#tell()
    for (const offer of this.#allocate()) tasks.push(this.#acceptAll(offer))
    this.#pass(BETWEEN_CHANGES_MS)
  }

  #pass(ms: number): void {
    this.#allocator.wakeUntil(this.#allocator.nowMs + ms)
    this.#books.nowMs = this.#allocator.nowMs
  }
}

function takeAny<T>(random: Random, items: T[]): T {
  const at = nextInteger(random, 0, items.length)
  const [taken, last] = [items[at] as T, items.pop() as T]
  if (at < items.length) items[at] = last
  return taken
}
