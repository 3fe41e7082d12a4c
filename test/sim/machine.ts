/** A machine with its tasks and its disk: what outlives its agent, and what truly runs. */

import { MemoryDisk } from '../../actors/kit/record-log/memory.ts'
import type { OpenedRecordLog } from '../../actors/kit/record-log/record-log.ts'
import type {
  ContainerSpec,
  OnContainerEvent,
} from '../../agent-runtime/containerizer/containerizer.ts'
import { PretendMachine } from '../../agent-runtime/containerizer/pretending.ts'
import { pretendingRuntime } from '../../agent-runtime/pretending.ts'
import type { Runtime } from '../../agent-runtime/runtime.ts'
import type { Clock } from '../../bus/clock.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId, Launch } from '../../protocol/ids.ts'
import type { ResourceList } from '../../protocol/schema/common.ts'
import type { Ledger, Violation } from './ledger.ts'
import type { Process } from './process.ts'

/** Where a task says what it holds: `cpus` in thousandths and `mem` in MiB. */
export const HOLDS = 'SIM_HOLDS'

export interface MachineParts {
  readonly agentId: AgentId
  /** In thousandths. */
  readonly cpus: number
  /** In MiB. */
  readonly mem: number
  readonly clock: Clock
  readonly ledger: Ledger
  readonly fail: (violation: Violation) => void
}

interface Running {
  readonly spec: ContainerSpec
  readonly cpus: number
  readonly mem: number
}

export class Machine {
  agentId: AgentId
  readonly cpus: number
  readonly mem: number
  disk = new MemoryDisk()
  boots = 1
  #replaced = 0
  /** Nothing more can be written to its disk. */
  isFull = false
  #machine = new PretendMachine()
  /** Started and, as far as was seen, not ended. */
  readonly #running = new Map<string, Running>()
  readonly #parts: MachineParts

  constructor(parts: MachineParts) {
    this.agentId = parts.agentId
    this.cpus = parts.cpus
    this.mem = parts.mem
    this.#parts = parts
  }

  get resources(): ResourceList {
    return [
      { name: 'cpus', scalar: this.cpus / 1_000 },
      { name: 'mem', scalar: this.mem },
    ]
  }

  /** The agent's own runtime, watched. */
  open(options: {
    readonly process: Process
    readonly onEvent: OnContainerEvent
    readonly settles: () => void
  }): Runtime {
    const { process, settles } = options
    const specs = new Map<string, ContainerSpec>()
    // Tasks outlive agents: their time is the machine's.
    const { clock: own } = process
    const clock: Clock = {
      now: () => this.#parts.clock.now(),
      after: (delayMs, fn) => own.after(delayMs, fn),
      soon: (fn) => own.soon(fn),
    }
    const { containerizer, sandboxes } = pretendingRuntime({
      clock,
      settles,
      machine: this.#machine,
      onEvent: (event) => {
        const spec = specs.get(event.containerId)
        if (event.kind === 'started' && spec !== undefined) this.#started(spec)
        options.onEvent(event)
      },
    })
    const launch = containerizer.launch.bind(containerizer)
    containerizer.launch = (spec) => {
      // It died in the middle of its effects.
      if (!process.isAlive) return
      specs.set(spec.containerId, spec)
      launch(spec)
      process.acted()
    }
    const destroy = containerizer.destroy.bind(containerizer)
    containerizer.destroy = (containerId) => {
      if (process.isAlive) destroy(containerId)
      return undefined
    }
    return { containerizer, sandboxes }
  }

  /** The agent's own checkpoint, watched; its disk may be full. */
  openCheckpoint(process: Process): OpenedRecordLog {
    const { log, ...opened } = this.disk.open()
    const written =
      <Given extends readonly unknown[]>(write: (...given: Given) => void) =>
      (...given: Given): void => {
        if (!process.isAlive) return
        if (this.isFull)
          throw new ClusterError('record-log/write-failed', 'later', 'no space is left')
        write(...given)
        for (const tell of process.unwritten.splice(0)) tell()
        process.acted()
      }
    return {
      ...opened,
      log: {
        get sizeBytes() {
          return log.sizeBytes
        },
        append: written((records, durability) => log.append(records, durability)),
        rewrite: written((records) => log.rewrite(records)),
        close: () => log.close(),
      },
    }
  }

  /** All tasks end, unseen. `losesPower`: what was not safe on the disk is gone. */
  reboot(losesPower: boolean): void {
    this.boots += 1
    this.#machine.reboot()
    if (!losesPower) return
    this.disk.losePower()
    this.#parts.ledger.forgotten(this.agentId)
  }

  /** Another machine stands in its place, with an agent that has never been there. */
  replace(): void {
    this.disk = new MemoryDisk()
    this.#machine = new PretendMachine()
    this.#running.clear()
    this.#replaced += 1
    this.agentId = `${this.#parts.agentId}-${this.#replaced + 1}` as AgentId
  }

  isRunning(launch: Launch): boolean {
    const container = this.#machine.containers.get(launch)
    if (container?.state !== 'running') return false
    return container.endsAtMs > this.#parts.clock.now().monotonicMs
  }

  /** What truly runs, with its role and thousandths of cpus. */
  holding(): readonly { readonly role: string; readonly cpus: number }[] {
    this.running()
    return [...this.#running.values()].map(({ spec, cpus }) => ({ role: spec.role ?? '*', cpus }))
  }

  /** The launches that truly run. */
  running(): readonly ContainerSpec['sandbox'][] {
    for (const launch of this.#running.keys())
      if (!this.isRunning(launch as Launch)) this.#running.delete(launch)
    return [...this.#running.values()].map(({ spec }) => spec.sandbox)
  }

  #started(spec: ContainerSpec): void {
    const { ledger, fail } = this.#parts
    const { agentId } = this
    const { principal, frameworkId, taskId, launch } = spec.sandbox
    const [cpus = 0, mem = 0] = (spec.env[HOLDS] ?? '').split(' ').map(Number)
    this.#running.set(spec.containerId, { spec, cpus, mem })
    this.running()
    let cpusSum = 0
    let memSum = 0
    for (const held of this.#running.values()) {
      cpusSum += held.cpus
      memSum += held.mem
    }
    if (cpusSum > this.cpus || memSum > this.mem)
      fail({
        invariant: '1: nothing is allocated twice',
        what: `${agentId} runs ${cpusSum / 1_000} cpus and ${memSum} MiB, more than it has`,
        about: [agentId],
      })
    ledger.started(agentId, { framework: { principal, frameworkId }, taskId, launch })
  }
}
