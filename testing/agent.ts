/** An agent of a simulated cluster: the real actor, whose tasks only pretend to run. */

import { hostAgents } from '../actors/agent/main.ts'
import { MemoryDisk } from '../actors/kit/record-log/memory.ts'
import { PretendMachine } from '../agent-runtime/containerizer/pretending.ts'
import { pretendingRuntime } from '../agent-runtime/pretending.ts'
import { ClusterError } from '../protocol/errors.ts'
import type { AgentId } from '../protocol/ids.ts'
import type { ResourceList } from '../protocol/schema/common.ts'
import { type AgentWish, requireAgent } from './options.ts'
import type { SimulatedProcess } from './process.ts'

export interface AgentParts {
  readonly agentId: string
  readonly wish: AgentWish
  readonly newProcess: () => SimulatedProcess
}

export class SimulatedAgent {
  readonly agentId: string
  readonly #parts: AgentParts
  readonly #machine = new PretendMachine()
  readonly #disk = new MemoryDisk()
  #process: SimulatedProcess
  #wish: AgentWish
  #isCutOff = false

  constructor(parts: AgentParts) {
    this.agentId = parts.agentId
    this.#parts = parts
    this.#wish = parts.wish
    this.#process = parts.newProcess()
  }

  /** Ids of the tasks that run there now, whatever anybody believes. */
  get running(): readonly string[] {
    const containers = [...this.#machine.containers.values()]
    return containers.flatMap(({ state, sandbox }) => (state === 'running' ? [sandbox.taskId] : []))
  }

  /** From now on nothing that it says reaches anybody, and nothing reaches it. Tasks run on. */
  cutOff(): void {
    this.#isCutOff = true
    this.#process.cutOff()
  }

  /** It is reached again. */
  join(): void {
    this.#isCutOff = false
    this.#process.join()
  }

  /** Its connection is lost, with all that was on its way, and comes back after so long. */
  disconnect(forMs: number): void {
    this.#process.disconnect(forMs)
  }

  /** Its process dies; its tasks run on. `start` begins it again. */
  crash(): void {
    this.#process.kill()
    this.#process = this.#parts.newProcess()
    if (this.#isCutOff) this.#process.cutOff()
  }

  /**
   * Resolves when it is connected: time must pass meanwhile. What is named has changed: an agent
   * that has less than its tasks hold does not start.
   */
  async start(changed: Omit<AgentWish, 'agentId'> = {}): Promise<void> {
    const { agentId } = this
    requireAgent(changed)
    this.#wish = { ...this.#wish, ...changed }
    const { world } = this.#process
    const machine = this.#machine
    const profile = {
      agentId: agentId as AgentId,
      hostname: agentId,
      resources: resourcesOf(this.#wish),
      attributes: attributesOf(this.#wish),
      sandboxesMax: 1_000,
    }
    await hostAgents(
      {
        ...world,
        cluster: 'bourse',
        onRefused: (subject, { message }) => fail(`${agentId}: ${subject}: ${message}`),
        onGiveUp: fail,
        onFault: failBy,
      },
      {
        machines: [
          {
            profile,
            openRuntime: (onEvent) =>
              Promise.resolve(pretendingRuntime({ machine, clock: world.clock, onEvent })),
          },
        ],
        openCheckpoint: () => this.#disk.open(),
        bootId: agentId,
      },
    )
  }
}

function fail(message: string): never {
  throw new ClusterError('testing/agent', 'never', message)
}

function failBy(error: unknown): never {
  throw error
}

function resourcesOf(wish: AgentWish): ResourceList {
  const { cpus = 4, mem = 1_024, disk, gpus, ports = [31_000, 31_009] } = wish
  const scalars = Object.entries({ cpus, mem, disk, gpus }).flatMap(([name, scalar]) =>
    scalar === undefined ? [] : [{ name, scalar }],
  )
  return [...scalars, { name: 'ports', ranges: [[...ports]] }]
}

const attributesOf = ({ attributes = {} }: AgentWish) =>
  Object.entries(attributes).map(([name, text]) => ({ name, text }))
