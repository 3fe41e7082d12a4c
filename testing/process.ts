/** A process of a simulated cluster: what it is connected by, and what may happen to it. */

import type { World } from '../actors/scheduler/options.ts'
import type { Bus, BusSystem } from '../bus/bus.ts'
import type { SimulatedClock } from '../bus/simulated/clock.ts'
import { ProcessClock } from '../bus/simulated/process-clock.ts'
import type { SimulatedSystem } from '../bus/simulated/system.ts'

/** Where the leader and the stores are. */
const MAINLAND = 0

export interface ProcessParts {
  readonly system: SimulatedSystem
  readonly clock: SimulatedClock
  readonly randomToken: World['randomToken']
  /** Of this process alone. */
  readonly island: number
}

/** Nobody is told of what happens to it: the cluster finds out as it would on real machines. */
export class SimulatedProcess {
  /** For `openScheduler`. */
  readonly world: World
  readonly #parts: ProcessParts
  readonly #clock: ProcessClock
  readonly #buses: Bus[] = []
  #isCutOff = false
  #isFrozen = false

  constructor(parts: ProcessParts) {
    const { system, clock, randomToken } = parts
    this.#parts = parts
    this.#clock = new ProcessClock(clock)
    const connected = (bus: Bus): void => this.#connected(bus)
    this.world = { system: watched(system, connected), clock: this.#clock, randomToken }
  }

  /** From now on nothing that it says reaches anybody, and nothing reaches it. */
  cutOff(): void {
    this.#isCutOff = true
    this.#parts.system.move(this.#buses, this.#parts.island)
  }

  /** It is reached again. What was said meanwhile is lost. */
  join(): void {
    this.#isCutOff = false
    this.#parts.system.move(this.#buses, MAINLAND)
  }

  /** Its connection is lost, with all that was on its way, and comes back after so long. */
  disconnect(forMs: number): void {
    for (const bus of this.#buses) this.#parts.system.disconnect(bus, forMs)
  }

  /** As SIGSTOP: it does nothing, and hears all that was said when it goes on. */
  freeze(): void {
    this.#isFrozen = true
    this.#clock.freeze()
    for (const bus of this.#buses) this.#parts.system.pause(bus)
  }

  /** As SIGCONT. */
  thaw(): void {
    this.#isFrozen = false
    this.#clock.thaw()
    for (const bus of this.#buses) this.#parts.system.resume(bus)
  }

  /** As SIGKILL: what it said last may not have left. */
  kill(): void {
    this.#clock.end()
    for (const bus of this.#buses) this.#parts.system.kill(bus)
  }

  /** What has happened to the process has happened to this connection. */
  #connected(bus: Bus): void {
    const { system, island } = this.#parts
    this.#buses.push(bus)
    if (this.#isCutOff) system.move([bus], island)
    if (this.#isFrozen) system.pause(bus)
  }
}

function watched(system: SimulatedSystem, connected: (bus: Bus) => void): BusSystem {
  return {
    async connect(options) {
      const bus = await system.connect(options)
      connected(bus)
      return bus
    },
    keyValue: (bus, bucket) => system.keyValue(bus, bucket),
    log: (bus, name) => system.log(bus, name),
    keepHistory: (bus, settings) => system.keepHistory(bus, settings),
    history: (bus, kept) => system.history(bus, kept),
  }
}
