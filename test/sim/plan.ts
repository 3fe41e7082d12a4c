/** What goes wrong in a run, and when: drawn from the seed, over before the calm begins. */
import type { Bus } from '../../bus/bus.ts'
import { FAULT_KINDS, type FaultRates, NO_FAULTS } from '../../bus/simulated/faults.ts'
import { Chance } from './chance.ts'
import type { Kind, Node, World } from './world.ts'

const WEIGHTS = {
  crash: 30,
  'crash-midway': 20,
  'long-absence': 4,
  reboot: 3,
  'power-loss': 3,
  stop: 5,
  freeze: 14,
  disconnect: 10,
  partition: 8,
  'server-restart': 4,
  'change-rates': 12,
  teardown: 1,
} as const
type Strike = keyof typeof WEIGHTS

/** Crashes and freezes are counted by whom they hit. */
const KINDS: readonly Kind[] = ['master', 'allocator', 'agent', 'framework']
const BY_KIND = ['crash', 'crash-midway', 'freeze', 'disconnect'] as const

/** All that can happen in a run, but for what no run does: the store keeps what it holds. */
export const ALL_FAULTS: readonly string[] = [
  ...Object.keys(WEIGHTS).filter((strike) => !(BY_KIND as readonly string[]).includes(strike)),
  ...BY_KIND.flatMap((strike) => KINDS.map((kind) => `${strike} ${kind}`)),
  ...FAULT_KINDS.filter((kind) => kind !== 'storesLost').map((kind) => `bus ${kind}`),
]

/** How bad the bus may be, from mild to horrible. */
const RATES: readonly FaultRates[] = [
  NO_FAULTS,
  {
    ...NO_FAULTS,
    delayMs: [0.1, 3],
    late: 0.005,
    lateMs: [20, 1_000],
    lost: 0.002,
    duplicated: 0.01,
    storeDelayMs: [0.5, 50],
  },
  {
    delayMs: [0.1, 30],
    late: 0.02,
    lateMs: [50, 5_000],
    lost: 0.02,
    lostForAll: 0.005,
    duplicated: 0.03,
    storeDelayMs: [0.5, 500],
    storeQuestionLost: 0.03,
    storeAnswerLost: 0.03,
  },
]

const MEAN_PAUSE_MS = 3_000

export class Plan {
  readonly counts = new Map<string, number>()
  readonly #world: World
  readonly #chance: Chance
  #islands = 0

  constructor(world: World) {
    this.#world = world
    this.#chance = new Chance(world.options.seed, 'plan')
  }

  /** Arranges all of it. */
  begin(): void {
    const { clock, options } = this.#world
    this.#changeRates()
    const next = (): void => {
      const waitMs = this.#chance.waitMs(MEAN_PAUSE_MS)
      if (this.#world.nowMs + waitMs >= options.calmFromMs) return
      clock.after(waitMs, () => {
        this.#strike(this.#chance.weighted(WEIGHTS))
        next()
      })
    }
    next()
    clock.at(options.calmFromMs, () => this.#calm())
  }

  #strike(strike: Strike): void {
    const node = this.#chance.pick(this.#world.nodes)
    const agent = this.#chance.pick(this.#world.nodes.filter(({ kind }) => kind === 'agent'))
    switch (strike) {
      case 'crash':
        return this.#crash(node, strike, this.#chance.waitMs(1_500))
      case 'long-absence':
        return this.#crash(node, strike, this.#chance.between(18_000, 45_000))
      case 'crash-midway':
        return this.#crashMidway(node)
      case 'reboot':
      case 'power-loss':
        return this.#reboot(agent, strike)
      case 'stop':
        return this.#stop(node)
      case 'freeze':
        return this.#freeze(node)
      case 'disconnect':
        return this.#disconnect(node)
      case 'partition':
        return this.#partition()
      case 'server-restart':
        return this.#restartServer()
      case 'change-rates':
        return this.#changeRates()
      case 'teardown':
        return this.#teardown()
    }
  }

  #count(what: string, whom: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
    this.#world.trace.fault(this.#world.nowMs, `${what}: ${whom}`)
  }

  /** Runs `fn` after `delayMs`, but not after the calm has begun. */
  #later(delayMs: number, fn: () => void): void {
    const { nowMs, options, clock } = this.#world
    clock.at(Math.min(nowMs + delayMs, options.calmFromMs), fn)
  }

  #crash(node: Node, strike: Strike, forMs: number): void {
    if (node.process === undefined) return
    this.#count(strike === 'crash' ? `crash ${node.kind}` : strike, node.name)
    node.process.kill(this.#chance.happens(0.5))
    this.#later(forMs, () => this.#world.start(node))
  }

  #crashMidway(node: Node): void {
    const { process } = node
    if (process === undefined) return
    process.cut = { at: this.#chance.fraction(), isSaid: this.#chance.happens(0.7) }
    process.onEnd.push(() => {
      this.#count(`crash-midway ${node.kind}`, node.name)
      this.#later(this.#chance.waitMs(1_500), () => this.#world.start(node))
    })
  }

  #reboot(node: Node, strike: 'reboot' | 'power-loss'): void {
    if (node.process === undefined || node.machine === undefined) return
    this.#count(strike, node.name)
    node.process.kill()
    node.machine.reboot(strike === 'power-loss')
    this.#later(this.#chance.between(500, 8_000), () => this.#world.start(node))
  }

  #stop(node: Node): void {
    const { process, stop } = node
    if (process === undefined || process.isFrozen || stop === undefined) return
    this.#count('stop', node.name)
    void stop()
    this.#later(100, () => process.kill(true))
    this.#later(this.#chance.between(100, 3_000), () => this.#world.start(node))
  }

  #freeze(node: Node): void {
    const { process } = node
    if (process === undefined || process.isFrozen) return
    this.#count(`freeze ${node.kind}`, node.name)
    process.freeze()
    const forMs = this.#chance.happens(0.8)
      ? this.#chance.waitMs(2_000)
      : this.#chance.between(5_000, 30_000)
    this.#later(forMs, () => process.thaw())
  }

  #disconnect({ process, kind, name }: Node): void {
    if (process === undefined || process.buses.length === 0) return
    this.#count(`disconnect ${kind}`, name)
    const bus = this.#chance.pick(process.buses)
    const { nowMs, options, system } = this.#world
    system.disconnect(bus, Math.min(this.#chance.waitMs(1_000), options.calmFromMs - nowMs))
  }

  /** Some are cut off from the others for a while; nobody's connection notices. */
  #partition(): void {
    this.#islands += 1
    const island = this.#islands
    const share = this.#chance.between(0.1, 0.6)
    const cutOff = this.#world.nodes.filter(() => this.#chance.happens(share))
    this.#count('partition', cutOff.map(({ name }) => name).join(' '))
    // The connections of one process may land on different sides.
    const isSplit = this.#chance.happens(0.3)
    const moved: Bus[] = []
    for (const { process } of cutOff) {
      if (process === undefined) continue
      if (!isSplit) process.move(island)
      moved.push(...process.buses.filter(() => !isSplit || this.#chance.happens(0.5)))
    }
    this.#world.system.move(moved, island)
    const forMs = this.#chance.happens(0.7)
      ? this.#chance.waitMs(3_000)
      : this.#chance.between(10_000, 30_000)
    this.#later(forMs, () => {
      for (const { process } of cutOff) process?.move(0)
      this.#world.system.move(
        moved.filter(({ state }) => state !== 'closed'),
        0,
      )
    })
  }

  #restartServer(): void {
    const { system } = this.#world
    this.#count('server-restart', '')
    system.crash()
    this.#later(this.#chance.waitMs(1_500), () => system.restart())
  }

  #changeRates(): void {
    this.#count('change-rates', '')
    this.#world.system.faults.rates = this.#chance.pick(RATES)
  }

  #teardown(): void {
    const node = this.#chance.pick(this.#world.nodes.filter(({ kind }) => kind === 'framework'))
    if (node.process === undefined) return
    this.#count('teardown', node.name)
    node.workload?.teardown()
  }

  #calm(): void {
    const { nodes, system } = this.#world
    this.#world.trace.fault(this.#world.nowMs, 'calm')
    system.faults.rates = NO_FAULTS
    for (const node of nodes) {
      node.process?.move(0)
      node.process?.thaw()
      if (node.process !== undefined) node.process.cut = undefined
    }
  }
}
