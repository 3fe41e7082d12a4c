/**
 * One life of one actor: its clock, its connections, its end. What outlives it stands elsewhere.
 */
import type { Bus, BusSystem } from '../../bus/bus.ts'
import type { RandomToken } from '../../bus/random.ts'
import { ProcessClock } from '../../bus/simulated/process-clock.ts'
import type { SimulatedSystem } from '../../bus/simulated/system.ts'

/** Remembers who asked for the time last: that is who hands an input to its core next. */
class WatchedClock extends ProcessClock {
  readonly #process: Process

  constructor(process: Process, system: SimulatedSystem, { rate, wallOffsetMs }: ClockFaults) {
    super(system.clock, wallOffsetMs, BORN_MS)
    this.runAt(rate)
    this.#process = process
  }

  override now() {
    Process.asking = this.#process
    return super.now()
  }
}

/** What the monotonic clock of a process shows when it starts. */
const BORN_MS = 40

export interface ClockFaults {
  /** So many seconds of its monotonic clock are one. */
  readonly rate: number
  readonly wallOffsetMs: number
}

/** Something was published by a process. */
export type OnSaid = (process: Process, subject: string, payload: Uint8Array) => void

export interface ProcessParts {
  /** `agent-3`, and for its second life `agent-3.2`. */
  readonly name: string
  /** Small and unique, for the hash of the trace. */
  readonly number: number
  readonly system: SimulatedSystem
  readonly randomToken: RandomToken
  readonly clock: ClockFaults
  readonly onSaid?: OnSaid
}

/** A crash that comes in the middle of a list of effects. */
export interface Fuse {
  /** How many more acts: messages, questions to stores, writes to a disk, launches. */
  acts: number
  /** What was done has left: else all that is under way is lost too. */
  readonly isSaid: boolean
}

export class Process {
  static asking: Process | undefined
  readonly name: string
  readonly number: number
  readonly clock: ProcessClock
  readonly randomToken: RandomToken
  /** Where the actor gets its connections, so that they share its fate. */
  readonly system: BusSystem
  /** The state of its core, once it has handled something. */
  state: object | undefined
  isAlive = true
  isFrozen = false
  fuse: Fuse | undefined
  /** What its core has decided and is not on its disk yet: told when it is. */
  readonly unwritten: (() => void)[] = []
  /** What happens to what it runs when it dies. */
  readonly onEnd: (() => void)[] = []
  readonly buses: Bus[] = []
  readonly #system: SimulatedSystem
  readonly #onSaid: OnSaid | undefined
  #island = 0

  constructor(parts: ProcessParts) {
    this.name = parts.name
    this.number = parts.number
    this.randomToken = parts.randomToken
    this.#system = parts.system
    this.#onSaid = parts.onSaid
    this.clock = new WatchedClock(this, parts.system, parts.clock)
    this.system = {
      connect: (options) => this.#connect(options),
      keyValue: async (bus, bucket) => this.#counted(await parts.system.keyValue(bus, bucket)),
      log: async (bus, name) => this.#counted(await parts.system.log(bus, name)),
      keepHistory: (bus, settings) => parts.system.keepHistory(bus, settings),
      history: (bus, kept) => parts.system.history(bus, kept),
    }
  }

  /** Like SIGKILL. `isSaid`: what it said last has left. */
  kill(isSaid = false): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.clock.end()
    for (const bus of this.buses) {
      if (isSaid) void bus.close()
      else this.#system.kill(bus)
    }
    for (const end of this.onEnd) end()
  }

  /** It has done something that others can see. */
  acted(): void {
    const { fuse } = this
    if (fuse === undefined) return
    fuse.acts -= 1
    if (fuse.acts <= 0) this.kill(fuse.isSaid)
  }

  /** From now on what it says does not leave its machine. */
  stall(): void {
    if (this.isFrozen || !this.isAlive) return
    for (const bus of this.buses) this.#system.stall(bus)
  }

  /** Like SIGSTOP. */
  freeze(): void {
    if (this.isFrozen || !this.isAlive) return
    this.isFrozen = true
    this.clock.freeze()
    for (const bus of this.buses) this.#system.pause(bus)
  }

  /** Like SIGCONT. */
  thaw(): void {
    if (!this.isFrozen || !this.isAlive) return
    this.isFrozen = false
    this.clock.thaw()
    for (const bus of this.buses) this.#system.resume(bus)
  }

  move(island: number): void {
    this.#island = island
    this.#system.move(this.buses, island)
  }

  /** Questions to a store are acts, too. */
  #counted<Store extends object>(store: Store): Store {
    const asked = Object.entries(store).map(([name, ask]) => [
      name,
      (...given: unknown[]) => {
        const answer = ask(...given)
        this.acted()
        return answer
      },
    ])
    return Object.fromEntries(asked)
  }

  #connect(options: Parameters<BusSystem['connect']>[0]): Promise<Bus> {
    return new Promise((resolve, reject) => {
      // Whoever waits for it is told in its own time, or never.
      const told = (tell: () => void): void =>
        this.clock.run(() => {
          this.#system.clock.settles()
          tell()
        })
      const take = (bus: Bus): void => {
        if (!this.isAlive) return this.#system.kill(bus)
        this.buses.push(bus)
        this.#system.move([bus], this.#island)
        this.#system.onLeave(bus, (subject, payload) => {
          this.#onSaid?.(this, subject, payload)
          this.acted()
        })
        if (this.isFrozen) this.#system.pause(bus)
        told(() => resolve(bus))
      }
      this.#system.connect(options).then(take, (error: Error) => told(() => reject(error)))
    })
  }
}
