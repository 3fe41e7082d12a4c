/** Whatever happens to the instances of a framework, to leaders and to messages. */
import test from 'ava'
import { nextFraction, type Random, seededRandom } from '../../actors/parts/random.ts'
import { openScheduler, type Scheduler } from '../../actors/scheduler/scheduler.ts'
import { type FaultRates, Faults, NO_FAULTS } from '../../bus/simulated/faults.ts'
import { SimulatedProcess } from '../../testing/process.ts'
import { SimulatedActors } from '../../testing/simulated-actors.ts'

const BAD: FaultRates = {
  ...NO_FAULTS,
  lost: 0.03,
  lostForAll: 0.01,
  late: 0.03,
  lateMs: [50, 4_000],
  duplicated: 0.03,
}
const STEPS = 25
/** Nothing goes wrong any more: one leads by then. */
const CALM_MS = 90_000

class Instance {
  readonly process: SimulatedProcess
  /** What it was told, in order. */
  readonly standings: string[] = []
  scheduler: Scheduler | undefined
  isAlive = true
  ended: unknown

  constructor(actors: SimulatedActors, island: number) {
    const { system, clock, randomToken } = actors
    this.process = new SimulatedProcess({ system, clock, randomToken, island })
    const opening = openScheduler({
      name: 'shop',
      frameworkId: 'shop',
      secret: 'a secret of tests',
      instance: `i-${island}`,
      leaseMs: 3_000,
      openTimeoutMs: 3_600_000,
      onStanding: (standing) => void this.standings.push(standing),
      world: this.process.world,
    })
    void opening.then((scheduler) => {
      this.scheduler = scheduler
      void scheduler.ended.then((error) => {
        this.ended = error
      })
    })
  }
}

class Story {
  readonly actors: SimulatedActors
  readonly random: Random
  readonly instances: Instance[] = []

  constructor(actors: SimulatedActors, random: Random) {
    this.actors = actors
    this.random = random
  }

  pass(ms: number): Promise<void> {
    const { clock } = this.actors
    return clock.runUntil(clock.now().monotonicMs + ms)
  }

  begin(): void {
    this.instances.push(new Instance(this.actors, this.instances.length + 1))
  }

  get alive(): readonly Instance[] {
    return this.instances.filter(({ isAlive }) => isAlive)
  }

  /** One of those that live is killed, frozen, cut off or closed; or the leader dies. */
  async strike(): Promise<void> {
    const chance = nextFraction(this.random)
    const forMs = nextFraction(this.random) * 15_000
    const { alive, actors } = this
    const one = alive[Math.floor(nextFraction(this.random) * alive.length)]
    if (one === undefined) return this.begin()
    const { process } = one
    const later = (fn: () => void): void => void actors.clock.after(forMs, fn)
    if (chance < 0.15) this.#end(one, () => process.kill())
    else if (chance < 0.3) this.#end(one, () => void one.scheduler?.close())
    else if (chance < 0.55) {
      process.freeze()
      later(() => process.thaw())
    } else if (chance < 0.75) {
      process.cutOff()
      later(() => process.join())
    } else if (chance < 0.9) process.disconnect(forMs / 5)
    else if (actors.masters.some(({ state }) => state.leader !== undefined)) {
      actors.killLeader()
      await actors.until(actors.startMaster())
    }
  }

  #end(one: Instance, how: () => void): void {
    if (one.scheduler === undefined) one.process.kill()
    else how()
    one.isAlive = false
    this.begin()
  }
}

for (const seed of ['1', '2', '3', '4']) {
  test(`when nothing goes wrong any more one instance leads, for good (seed ${seed})`, async (t) => {
    const random = seededRandom(seed.padStart(32, '0'))
    const faults = new Faults(NO_FAULTS, () => nextFraction(random))
    const actors = new SimulatedActors({}, faults)
    actors.isStrict = false
    for (let i = 0; i < 2; i++) await actors.until(actors.startMaster())
    await actors.until(actors.startAllocator())
    const story = new Story(actors, random)
    await story.pass(3_000)
    for (let i = 0; i < 3; i++) story.begin()
    faults.rates = BAD
    for (let step = 0; step < STEPS; step++) {
      await story.pass(500 + nextFraction(random) * 6_000)
      await story.strike()
    }
    faults.rates = NO_FAULTS
    await story.pass(CALM_MS)
    const before = story.alive.map(({ standings }) => standings.at(-1))
    t.is(before.filter((standing) => standing === 'leads').length, 1)
    t.deepEqual(story.alive.map(({ ended }) => ended).filter(Boolean), [])
    const changes = story.alive.map(({ standings }) => standings.length)
    await story.pass(60_000)
    t.deepEqual(
      story.alive.map(({ standings }) => standings.length),
      changes,
    )
  })
}
