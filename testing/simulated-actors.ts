/** A whole cluster in one process: the real actors, a simulated bus, tasks that only pretend. */
import {
  type EmulatedOptions,
  type RunningAgents,
  startEmulatedAgents,
} from '../actors/agent/main.ts'
import { startAllocator } from '../actors/allocator/main.ts'
import { drf } from '../actors/allocator/policies/drf.ts'
import type { LoadedPolicy } from '../actors/allocator/policies/load.ts'
import { type RunningMaster, startMaster } from '../actors/master/main.ts'
import type { MasterRules } from '../actors/master/state.ts'
import type { World } from '../actors/scheduler/options.ts'
import { SimulatedClock } from '../bus/simulated/clock.ts'
import { Faults } from '../bus/simulated/faults.ts'
import { SimulatedSystem } from '../bus/simulated/system.ts'
import { ClusterError } from '../protocol/errors.ts'
import type { MasterId } from '../protocol/ids.ts'
import { memoryCopy } from './memory-copy.ts'

/** Of each agent. */
export const CPUS = 4
/** Virtual time that nothing here takes. */
const LATE_MS = 600_000

function failing(error: unknown): never {
  throw error
}

export class SimulatedActors {
  readonly clock = new SimulatedClock()
  readonly system: SimulatedSystem
  /** Of every master. */
  readonly #rules: Partial<MasterRules>
  #tokens = 0
  /** Masters: no two have the same id. */
  #started = 0
  readonly randomToken = (bits: number): string =>
    (++this.#tokens).toString(16).padStart(bits / 4, '0')
  readonly world: World
  readonly masters: RunningMaster[] = []
  /** A master hears nothing that it must refuse unread. */
  isStrict = true

  constructor(rules: Partial<MasterRules> = {}, faults = new Faults()) {
    const { clock, randomToken } = this
    this.#rules = rules
    this.system = new SimulatedSystem(clock, faults)
    this.world = { system: this.system, clock, randomToken }
  }

  /** With so many agents that are alike; 0: `startAgents` brings others. */
  static async open(
    agents: number,
    rules: Partial<MasterRules> = {},
    loaded: LoadedPolicy = { policy: drf },
  ): Promise<SimulatedActors> {
    const cluster = new SimulatedActors(rules)
    await cluster.until(cluster.#startAll(agents, loaded))
    return cluster
  }

  /** Virtual time passes until `promise` is settled. */
  until<T>(promise: Promise<T>): Promise<T> {
    return this.clock.runFor(promise, LATE_MS)
  }

  async startMaster(): Promise<void> {
    let epoch = 0
    const master = await startMaster({
      ...this.world,
      cluster: 'bourse',
      masterId: `m-${this.#started++}` as MasterId,
      epochs: {
        read: () => epoch,
        save: (taken, done) => {
          epoch = taken
          done()
        },
      },
      copy: memoryCopy(),
      rules: { peersWaitMs: 0, ...this.#rules },
      isOpen: false,
      onLog: () => undefined,
      onRefused: (subject, { message }) => {
        if (this.isStrict) failing(new Error(`${subject}: ${message}`))
      },
    })
    this.masters.push(master)
  }

  /** @throws {ClusterError} `testing/no-leader`. */
  get leader(): RunningMaster {
    const leader = this.masters.find(({ state }) => state.leader !== undefined)
    if (leader !== undefined) return leader
    throw new ClusterError('testing/no-leader', 'never', 'nobody leads yet: let some seconds pass')
  }

  async #startAll(count: number, loaded: LoadedPolicy): Promise<void> {
    await this.startMaster()
    await this.startAllocator(loaded)
    if (count > 0) await this.startAgents({ count })
  }

  async startAllocator(loaded: LoadedPolicy = { policy: drf }): Promise<void> {
    await startAllocator({ ...this.world, cluster: 'bourse', loaded })
  }

  killLeader(): void {
    this.kill(this.leader)
  }

  kill(master: RunningMaster): void {
    master.kill()
    this.masters.splice(this.masters.indexOf(master), 1)
  }

  /** What is left out is as in `open`. */
  startAgents(more: Partial<EmulatedOptions>): Promise<RunningAgents> {
    const resources = [
      { name: 'cpus', scalar: CPUS },
      { name: 'mem', scalar: 1024 },
      { name: 'ports', ranges: [[31_000, 31_009] as [number, number]] },
    ]
    return startEmulatedAgents({
      ...this.world,
      cluster: 'bourse',
      name: 'agent',
      count: 1,
      hostname: 'host',
      resources,
      onRefused: (subject, { message }) => failing(new Error(`${subject}: ${message}`)),
      onGiveUp: (message) => failing(new Error(message)),
      onFault: failing,
      ...more,
    })
  }
}
