/** What goes wrong in a run: performs the strikes that were drawn, and ends all when it is calm. */
import type { Bus } from '../../bus/bus.ts'
import { FAULT_KINDS, type FaultRates, NO_FAULTS } from '../../bus/simulated/faults.ts'
import { NO_STORES } from '../../bus/simulated/stores.ts'
import type { AgentId } from '../../protocol/ids.ts'
import { Chance } from './chance.ts'
import type { Node } from './node.ts'
import type { Process } from './process.ts'
import { describeStrike, nameOf, STRIKE_NAMES, type Strike, type StrikeKind } from './strikes.ts'
import type { World } from './world.ts'

/** All that can happen in a run. */
export const ALL_FAULTS: readonly string[] = [
  ...STRIKE_NAMES,
  ...FAULT_KINDS.map((kind) => `bus ${kind}`),
]

/** What may go wrong on the bus by chance, and can be left out of a run by its name. */
export const CHANCES = [
  'late',
  'lost',
  'lostForAll',
  'duplicated',
  'storeQuestionLost',
  'storeAnswerLost',
  'delay',
] as const
export type ChanceName = (typeof CHANCES)[number]

/** How bad the bus may be, from mild to horrible. */
const BAD: readonly FaultRates[] = [
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
const HOUR_MS = 3_600_000
/** What a process says last, before it stands still, waits for so long at most. */
const STALL_MS_MAX = 40
/** A crash comes after so many acts at most: messages, writes, launches. */
const ACTS_MAX = 6

/** They also hit a machine on which nothing runs just now. */
const ON_MACHINES: readonly StrikeKind[] = ['clock-rate', 'wall-jump', 'full-disk', 'silent-disk']

/** Undefined: it has happened. */
type Struck = { readonly happens: boolean } | undefined | void

interface Struggling {
  readonly node: Node
  readonly process: Process
  readonly chance: Chance
}

export interface PlanOptions {
  readonly strikes: readonly Strike[]
  /** What may happen by chance. Default: all. */
  readonly chances?: readonly ChanceName[]
  /** An operator says that an agent will not come back. */
  /** Done when the operator has been answered. */
  readonly bury: (agentId: AgentId) => Promise<void>
}

export class Plan {
  readonly counts = new Map<string, number>()
  readonly #world: World
  readonly #options: PlanOptions
  #islands = 0

  constructor(world: World, options: PlanOptions) {
    this.#world = world
    this.#options = options
  }

  /** Arranges all of it. */
  begin(): void {
    const { clock, options } = this.#world
    for (const strike of this.#options.strikes) clock.at(strike.atMs, () => this.#strike(strike))
    clock.at(options.calmFromMs, () => this.#calm())
  }

  #strike(strike: Strike): void {
    const [name] = strike.whom
    const node = this.#world.nodes.find((one) => one.name === name)
    const { happens } = this.#perform(strike, node) ?? { happens: true }
    if (!happens) return
    this.#count(strike.kind, node)
    this.#world.trace.fault(this.#world.nowMs, `fault ${describeStrike(strike)}`)
  }

  /** `happens: false`: there is nothing to strike. */
  #perform(strike: Strike, node: Node | undefined): Struck {
    // Of its own, so that a strike is the same whatever others are left out.
    const chance = new Chance(this.#world.options.seed, `strike ${strike.index}`)
    if (node === undefined || strike.whom.length > 1) return this.#strikeBus(strike, chance)
    if (strike.kind.endsWith('partition')) return this.#strikeBus(strike, chance)
    if (ON_MACHINES.includes(strike.kind)) return this.#strikeMachine(strike, node, chance)
    if (node.process === undefined) return { happens: false }
    return this.#strikeProcess(strike, { node, process: node.process, chance })
  }

  /** Whatever runs there now. */
  #strikeMachine({ kind, forMs }: Strike, node: Node, chance: Chance): Struck {
    const setDisk = kind === 'full-disk' ? node.fillDisk : node.silenceDisk
    if (kind === 'clock-rate')
      return this.#world.setClock(node, { rate: chance.between(0.99, 1.01) })
    if (kind === 'wall-jump')
      return this.#world.setClock(node, { wallOffsetMs: chance.pick([-HOUR_MS, 0, HOUR_MS]) })
    if (setDisk === undefined) return { happens: false }
    setDisk(true)
    this.#holdUp([node], forMs)
    return this.#later(forMs, () => setDisk(false))
  }

  #strikeProcess(strike: Strike, { node, process, chance }: Struggling): Struck {
    switch (strike.kind) {
      case 'lost-disk':
        node.loseDisk?.()
        return this.#crash(node, strike, chance.happens(0.5))
      case 'crash-midway':
        process.fuse = { acts: chance.integer(1, ACTS_MAX), isSaid: chance.happens(0.7) }
        process.onEnd.push(() => this.#later(strike.forMs, () => this.#world.start(node)))
        return undefined
      case 'gone-for-good':
        return this.#bury(node, strike, chance.happens(0.5))
      case 'reboot':
      case 'power-loss':
        process.kill()
        node.machine?.reboot(strike.kind === 'power-loss')
        return this.#later(strike.forMs, () => this.#world.start(node))
      case 'stop':
        return this.#stop(node, strike)
      case 'freeze':
        return this.#freeze(node, strike)
      case 'late-leaving':
        process.stall()
        return this.#later(chance.between(0, STALL_MS_MAX), () => this.#freeze(node, strike))
      case 'disconnect':
        return this.#disconnect(node, strike, chance)
      case 'left-alone':
        return this.#leaveAlone(node, strike)
      case 'teardown':
        return node.workload?.teardown()
      default:
        return this.#crash(node, strike, chance.happens(0.5))
    }
  }

  #strikeBus(strike: Strike, chance: Chance): Struck {
    const { system } = this.#world
    switch (strike.kind) {
      case 'partition':
        return this.#partition(strike, chance)
      case 'one-way-partition':
        system.cutOneWay(this.#islands + 1, chance.pick(['hears', 'speaks']))
        return this.#partition(strike, chance)
      case 'server-restart':
        system.crash()
        this.#later(strike.forMs, () => system.restart())
        return undefined
      case 'good-bus':
        system.faults.rates = NO_FAULTS
        return undefined
      case 'store-lost':
        system.faults.rates = NO_FAULTS
        system.crash()
        return this.#later(strike.forMs, () => system.restart(NO_STORES))
      case 'store-goes-back': {
        system.faults.rates = NO_FAULTS
        const copy = system.copyStores()
        return this.#later(strike.forMs, () => {
          system.crash()
          this.#later(chance.between(50, 2_000), () => system.restart(copy))
        })
      }
      default:
        system.faults.rates = only(chance.pick(BAD), this.#options.chances)
        return undefined
    }
  }

  #count(kind: StrikeKind, node: Node | undefined): void {
    const name = nameOf(kind, node)
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }

  /** Runs `fn` after `delayMs`, but not after the calm has begun. */
  #later(delayMs: number, fn: () => void): undefined {
    const { nowMs, options, clock } = this.#world
    clock.at(Math.min(nowMs + delayMs, options.calmFromMs), fn)
  }

  #crash(node: Node, { forMs }: Strike, isSaid: boolean): undefined {
    node.process?.kill(isSaid)
    this.#later(forMs, () => this.#world.start(node))
  }

  /** All instances of a framework are away. */
  #leaveAlone({ team }: Node, { forMs }: Strike): undefined {
    const instances = this.#world.nodes.filter((node) => node.team === team)
    for (const { process } of instances) process?.kill()
    this.#later(forMs, () => {
      for (const node of instances) this.#world.start(node)
    })
  }

  /** An operator gives it up. `returns`: it comes back nonetheless, as who it was. */
  #bury(node: Node, { forMs }: Strike, returns: boolean): undefined {
    const { process, machine } = node
    if (machine === undefined) return
    process?.kill()
    machine.reboot(false)
    const buried = this.#options.bury(machine.agentId)
    if (!returns) machine.replace()
    // Before, it would run what the operator has said is over.
    this.#later(forMs, () => void buried.then(() => this.#world.start(node)))
  }

  #stop(node: Node, { forMs }: Strike): Struck {
    const { process, stop } = node
    if (process === undefined || process.isFrozen || stop === undefined) return { happens: false }
    void stop()
    this.#later(100, () => process.kill(true))
    return this.#later(forMs, () => this.#world.start(node))
  }

  #freeze({ process }: Node, { forMs }: Strike): Struck {
    if (process === undefined || process.isFrozen) return { happens: false }
    process.freeze()
    return this.#later(forMs, () => process.thaw())
  }

  #disconnect({ process }: Node, { forMs }: Strike, chance: Chance): Struck {
    if (process === undefined || process.buses.length === 0) return { happens: false }
    const { nowMs, options, system } = this.#world
    system.disconnect(chance.pick(process.buses), Math.min(forMs, options.calmFromMs - nowMs))
    return { happens: true }
  }

  /** Some are cut off from the others for a while; nobody's connection notices. */
  #partition({ whom, forMs }: Strike, chance: Chance): undefined {
    const { nodes, system } = this.#world
    this.#islands += 1
    const island = this.#islands
    const cutOff = nodes.filter(({ name }) => whom.includes(name))
    this.#holdUp(cutOff, forMs)
    // The connections of one process may land on different sides.
    const isSplit = chance.happens(0.3)
    const moved: Bus[] = []
    for (const { process } of cutOff) {
      if (process === undefined) continue
      if (!isSplit) process.move(island)
      moved.push(...process.buses.filter(() => !isSplit || chance.happens(0.5)))
    }
    system.move(moved, island)
    this.#later(forMs, () => {
      for (const { process } of cutOff) process?.move(0)
      system.move(
        moved.filter(({ state }) => state !== 'closed'),
        0,
      )
    })
  }

  #holdUp(some: readonly Node[], forMs: number): void {
    const untilMs = this.#world.nowMs + forMs
    for (const node of some) node.heldUpUntilMs = Math.max(node.heldUpUntilMs, untilMs)
  }

  #calm(): void {
    const { nodes, system, options } = this.#world
    this.#world.trace.fault(this.#world.nowMs, 'calm: faults end')
    system.faults.rates = NO_FAULTS
    for (const node of nodes) {
      node.process?.move(0)
      node.process?.thaw()
      if (node.process !== undefined) node.process.fuse = undefined
      // Who has let an offer time out waits behind the others, unless it subscribes anew.
      if (options.isFair && node.kind === 'framework') {
        node.process?.kill()
        this.#world.start(node)
      }
    }
  }
}

/** Without what is not among `names`. */
function only(rates: FaultRates, names: readonly ChanceName[] = CHANCES): FaultRates {
  const given = Object.fromEntries(
    Object.entries(rates).map(([name, rate]) => [
      name,
      (names as readonly string[]).includes(name) || typeof rate !== 'number' ? rate : 0,
    ]),
  ) as unknown as FaultRates
  if (names.includes('delay')) return given
  const { delayMs, storeDelayMs } = NO_FAULTS
  return { ...given, delayMs, storeDelayMs }
}
