/** A whole cluster in one process on one virtual clock, from one seed. */
import { hostAgents } from '../../actors/agent/main.ts'
import { startAllocator } from '../../actors/allocator/main.ts'
import { startMaster } from '../../actors/master/main.ts'
import type { EndReason } from '../../actors/scheduler/effects.ts'
import type { SchedulerState } from '../../actors/scheduler/state.ts'
import { SimulatedClock } from '../../bus/simulated/clock.ts'
import { Faults, NO_FAULTS } from '../../bus/simulated/faults.ts'
import { SimulatedSystem } from '../../bus/simulated/system.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type {
  AgentId,
  FrameworkId,
  InstanceId,
  Launch,
  MasterId,
  Principal,
} from '../../protocol/ids.ts'
import { Chance } from './chance.ts'
import { Ledger, type Violation } from './ledger.ts'
import { Machine } from './machine.ts'
import { MasterDisk } from './master-disk.ts'
import type { Node, Team } from './node.ts'
import { type ClockFaults, type OnSaid, Process } from './process.ts'
import { type Kind, SILENT_DISK_MS_MAX } from './strikes.ts'
import { Trace } from './trace.ts'
import { type FrameworkDisk, Workload } from './workload.ts'

export const CLUSTER = 'sim'
const GOOD_CLOCK: ClockFaults = { rate: 1, wallOffsetMs: 0 }
const MASTERS = 3
const AGENTS = 20
const FRAMEWORKS = 5
/** How many processes the first one is; the others are one. */
const INSTANCES = 2
const INSTANCE_LEASE_MS = 3_000
/** Whoever could not start tries again. */
const AGAIN_MS = 500
/**
 * No message of a process that died is later: five seconds on each of two ways, and some. And the
 * leader may have it written for as long as its disk is silent.
 */
const LAST_WORDS_MS = 12_000 + SILENT_DISK_MS_MAX
/** In runs that measure shares each framework is in one of them. */
export const FAIR_ROLES = ['*', 'prod', 'batch'] as const
const SANDBOXES_MAX = 20
const TRACE_LINES = 80

export interface WorldOptions {
  readonly seed: number
  /** In the calm everybody wants all there is: shares must follow weights. */
  readonly isFair: boolean
  /** After this nothing goes wrong any more. */
  readonly calmFromMs: number
  /** After this nothing new is launched. */
  readonly quietFromMs: number
  /**
   * Keeps the trace, which costs, and tells of these words; if there are none, of the violation's.
   */
  readonly about?: readonly string[]
}

export class World {
  readonly clock = new SimulatedClock()
  readonly trace: Trace
  readonly system: SimulatedSystem
  readonly ledger: Ledger
  readonly nodes: readonly Node[]
  readonly machines: readonly Machine[]
  readonly options: WorldOptions
  /** Something was published. */
  onSaid: OnSaid | undefined
  violation: (Violation & { readonly atMs: number; readonly trace: readonly string[] }) | undefined
  readonly #chance: Chance
  readonly #byProcess = new Map<Process, Node>()
  #processes = 0
  #frameworks = 0

  constructor(options: WorldOptions) {
    this.options = options
    const { seed } = options
    this.trace = new Trace(options.about !== undefined)
    const shape = new Chance(seed, 'shape')
    this.#chance = new Chance(seed, 'actors')
    const faults = new Faults(NO_FAULTS, new Chance(seed, 'bus').fraction)
    this.system = new SimulatedSystem(this.clock, faults)
    const fail = (violation: Violation): void => this.fail(violation)
    const isRunning = (launch: Launch): boolean => this.machines.some((m) => m.isRunning(launch))
    this.ledger = new Ledger(fail, isRunning)
    this.machines = many(AGENTS, (i) => {
      const agentId = `agent-${i}` as AgentId
      const cpus = 1_000 * shape.integer(1, 4)
      const mem = 1_024 * shape.integer(1, 4)
      return new Machine({ agentId, cpus, mem, clock: this.clock, ledger: this.ledger, fail })
    })
    this.nodes = [
      ...many(MASTERS, (i) => this.#master(`master-${i}`, shape)),
      ...many(shape.integer(1, 2), (i) => this.#allocator(`allocator-${i}`)),
      ...this.machines.map((machine) => this.#agent(machine)),
      ...many(FRAMEWORKS, (i) => this.#framework(i, shape)).flat(),
    ]
  }

  /** Everybody wants all there is. */
  get isGreedy(): boolean {
    const { isFair, calmFromMs, quietFromMs } = this.options
    return isFair && this.nowMs >= calmFromMs && this.nowMs < quietFromMs
  }

  get nowMs(): number {
    return this.clock.now().monotonicMs
  }

  /** The first one counts; what follows may follow from it. */
  fail(violation: Violation): void {
    const { about = [] } = this.options
    const words = about.length > 0 ? about : violation.about
    const atMs = this.nowMs
    this.violation ??= { ...violation, atMs, trace: this.trace.last(TRACE_LINES, words) }
  }

  /** Starts the actor's next process, if none runs. */
  start(node: Node): void {
    if (node.process !== undefined) return
    node.lives += 1
    const process = new Process({
      name: node.lives === 1 ? node.name : `${node.name}.${node.lives}`,
      number: ++this.#processes,
      system: this.system,
      randomToken: node.chance.token,
      clock: node.clock,
      onSaid: (...said) => this.onSaid?.(...said),
    })
    node.process = process
    node.stop = undefined
    this.#byProcess.set(process, node)
    node.begin(process).catch((error: unknown) => {
      if (!process.isAlive) return
      if (error instanceof ClusterError && error.retry === 'later') this.#again(node, process)
      else this.failed(process, error)
    })
    process.onEnd.push(() => {
      if (node.process === process) node.process = undefined
      this.#byProcess.delete(process)
    })
    this.clock.settles()
  }

  /** Whom no fault hits but those of the bus. */
  outsider(name: string): Process {
    const number = ++this.#processes
    const { system } = this
    const randomToken = this.#chance.token
    return new Process({ name, number, system, randomToken, clock: GOOD_CLOCK })
  }

  /** Clocks of its machine are wrong from now on: of what runs there and of what follows. */
  setClock(node: Node, wrong: Partial<ClockFaults>): void {
    node.clock = { ...node.clock, ...wrong }
    node.process?.clock.runAt(node.clock.rate)
    node.process?.clock.setWall(node.clock.wallOffsetMs)
  }

  nodeOf(process: Process): Node | undefined {
    return this.#byProcess.get(process)
  }

  failed(process: Process, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.fail({ invariant: 'no actor fails', what: `${process.name}: ${text}`, about: [] })
  }

  #again(node: Node, process: Process): void {
    process.kill()
    this.clock.after(AGAIN_MS, () => this.start(node))
  }

  #fresh(kind: Kind, name: string) {
    // Of its own: what happens to others does not change what it does.
    const chance = new Chance(this.options.seed, name)
    const wallOffsetMs = chance.integer(-5_000, 5_000)
    const clock = { rate: 1, wallOffsetMs }
    return { kind, name, process: undefined, lives: 0, chance, clock, heldUpUntilMs: 0 }
  }

  #master(name: string, shape: Chance): Node {
    const disk = new MasterDisk()
    const rules = {
      reregisterMs: 30_000,
      offerTimeoutMs: 1_000 * shape.integer(4, 20),
      // Leaders are seldom left in peace for longer than a framework's time is then.
      frameworkPingMs: 2_000,
    }
    const node: Node = {
      ...this.#fresh('master', name),
      loseDisk: () => disk.lose(),
      fillDisk: (isFull) => {
        disk.isFull = isFull
      },
      silenceDisk: (isSilent) => disk.setSilent(isSilent),
      begin: async (process) => {
        const { system, clock, randomToken } = process
        const masterId = name as MasterId
        const told = { onLog() {}, onRefused() {}, isOpen: false, rules }
        const common = { cluster: CLUSTER, masterId, system, clock, randomToken }
        const master = await startMaster({ ...common, ...told, ...disk.of(process) })
        node.stop = () => master.stop()
      },
    }
    return node
  }

  #allocator(name: string): Node {
    const node: Node = {
      ...this.#fresh('allocator', name),
      begin: async ({ system, clock, randomToken }) => {
        const allocator = await startAllocator({ cluster: CLUSTER, system, clock, randomToken })
        node.stop = () => allocator.stop()
      },
    }
    return node
  }

  #agent(machine: Machine): Node {
    const node: Node = {
      ...this.#fresh('agent', machine.agentId),
      machine,
      fillDisk: (isFull) => {
        machine.isFull = isFull
      },
      begin: async (process) => {
        const { system, clock, randomToken } = process
        const { agentId } = machine
        const gaveUp = (why: string): void => {
          // Who ends because the disk is full is started again, until there is room.
          if (machine.isFull) return this.#again(node, process)
          if (this.ledger.gone.has(machine.agentId)) {
            machine.replace()
            return this.#again(node, process)
          }
          this.failed(process, new Error(`gave up: ${why}`))
        }
        const agents = await hostAgents(
          {
            cluster: CLUSTER,
            system,
            clock,
            randomToken,
            onRefused() {},
            onGiveUp: gaveUp,
            onFault: (fault) => {
              if (!machine.isFull) this.failed(process, fault)
            },
          },
          {
            machines: [
              {
                profile: {
                  agentId,
                  hostname: agentId,
                  resources: machine.resources,
                  attributes: [],
                  sandboxesMax: SANDBOXES_MAX,
                },
                openRuntime: (onEvent) => {
                  const settles = (): void => this.clock.settles()
                  const runtime = machine.open({ process, onEvent, settles })
                  process.onEnd.push(() => void runtime.containerizer.close())
                  return Promise.resolve(runtime)
                },
              },
            ],
            openCheckpoint: () => machine.openCheckpoint(process),
            bootId: `boot-${machine.boots}`,
            leaves: 'when-idle',
          },
        )
        node.stop = () => agents.stop()
      },
    }
    return node
  }

  #framework(i: number, shape: Chance): readonly Node[] {
    const fresh = (): FrameworkDisk => {
      const disk = this.#newFramework(shape)
      const role = FAIR_ROLES[i % FAIR_ROLES.length] ?? '*'
      return this.options.isFair ? { ...disk, roles: [role] } : disk
    }
    const team = { disk: fresh() }
    const name = `framework-${i}`
    if (i > 1) return [this.#instance(name, { team, fresh })]
    return many(INSTANCES, (k) =>
      this.#instance(`${name}-${k}`, { team, fresh, isOneOfMany: true }),
    )
  }

  #instance(name: string, { team, fresh, isOneOfMany = false }: InstanceParts): Node {
    let diedMs = Number.NEGATIVE_INFINITY
    const node: Node = {
      ...this.#fresh('framework', name),
      team,
      begin: (process) => {
        const { disk } = team
        // Its last life may have subscribed once more, and be heard only now.
        const isOwnPast = ({ name }: EndReason): boolean =>
          name === 'failed-over' && !isOneOfMany && this.nowMs - diedMs < LAST_WORDS_MS
        process.onEnd.push(() => {
          diedMs = this.nowMs
        })
        const instance = `${name}-${node.lives}` as InstanceId
        node.workload = new Workload({
          cluster: CLUSTER,
          process,
          chance: node.chance,
          disk,
          ledger: this.ledger,
          settles: () => this.clock.settles(),
          nowMs: () => this.nowMs,
          isQuiet: () => this.nowMs >= this.options.quietFromMs,
          isGreedy: () => this.isGreedy,
          greedyInMs: this.options.isFair ? this.options.calmFromMs - this.nowMs : undefined,
          onEnded: (reason) => {
            if (reason?.name === 'invalid') this.failed(process, new Error(reason.message))
            if (reason === undefined || !isOwnPast(reason)) {
              if (team.disk === disk) this.#moveOn(team, fresh(), process)
              this.ledger.over(disk.key, reason?.message ?? 'it wanted to')
            }
            this.clock.after(AGAIN_MS, () => {
              process.kill()
              this.start(node)
            })
          },
          ...(isOneOfMany && { holder: { instance, leaseMs: INSTANCE_LEASE_MS } }),
        })
        return node.workload.start()
      },
    }
    return node
  }

  /** A process that never heard of the framework that is over would begin it anew. */
  #moveOn(team: Team, disk: FrameworkDisk, told: Process): void {
    team.disk = disk
    for (const node of this.nodes) {
      const { process } = node
      if (node.team !== team || process === undefined || process === told) continue
      if (!(process.state as SchedulerState | undefined)?.isKnown) this.#again(node, process)
    }
  }

  #newFramework(shape: Chance): FrameworkDisk {
    const frameworkId = `f${++this.#frameworks}` as FrameworkId
    const key = { principal: 'local' as Principal, frameworkId }
    const failoverMs = shape.pick([8_000, 20_000, 600_000])
    this.ledger.framework(key).failoverMs = failoverMs
    return {
      key,
      secret: shape.token(128),
      roles: shape.pick([['*'], ['prod'], ['prod/web'], ['batch'], ['*', 'prod/web']]),
      thinkMs: shape.pick([100, 800, 2_500]),
      failoverMs,
      tasks: 0,
      isReturning: false,
    }
  }
}

interface InstanceParts {
  readonly team: Team
  /** The disk of its next framework. */
  readonly fresh: () => FrameworkDisk
  readonly isOneOfMany?: boolean
}

const many = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i + 1))
