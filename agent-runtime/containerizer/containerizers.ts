/** Containerizers side by side on one machine: each task goes to the one that it names. */
import type { Clock } from '../../bus/clock.ts'
import type { Usage } from '../isolator/hold.ts'
import { Looks } from '../isolator/looks/looks.ts'
import type {
  CheckRun,
  ContainerEvent,
  Containerizer,
  ContainerSpec,
  Isolation,
  OnContainerEvent,
  RecoveredContainer,
} from './containerizer.ts'
import { DockerContainerizer } from './docker/docker.ts'
import { findService } from './docker/service.ts'
import { openProcessContainerizer, type ProcessContainerizer } from './process.ts'
import type { ProcessContainerizerOptions } from './process-parts.ts'

export interface ContainerizersOptions extends Omit<ProcessContainerizerOptions, 'looks'> {
  /** Where the container service listens, or `none`. Default: where Docker and Podman do. */
  readonly containerService?: string | undefined
  /** Who listens on a port that it was not given is ended. Default: it is told. */
  readonly enforcesPorts?: boolean | undefined
  /** How often is looked who listens. Default 30 s. */
  readonly portsLookMs?: number | undefined
}

/** @throws {ClusterError} as `openProcessContainerizer`. */
export async function openContainerizers(options: ContainerizersOptions): Promise<Containerizers> {
  const { workDir, clock, containerService, enforcesPorts, portsLookMs } = options
  const early = new EarlyEvents(options)
  const looks = new Looks({
    clock,
    path: workDir,
    endsForPorts: enforcesPorts ?? false,
    portsLookMs,
    onStrangePorts: (containerId, { message }) =>
      early.tell({ kind: 'strange-ports', containerId, message }),
  })
  const shared = { ...options, looks, onEvent: early.tell }
  const processes = await openProcessContainerizer(shared)
  const service = await findService(workDir, containerService)
  const images =
    'socketPath' in service ? new DockerContainerizer({ ...shared, ...service }) : undefined
  const missing = service.missing === undefined ? [] : [service.missing]
  return new Containerizers({ processes, images, missing, early, looks })
}

/** What happens to the first while the last still recover: told when the caller knows of all. */
class EarlyEvents {
  readonly #onEvent: OnContainerEvent
  readonly #clock: Clock
  #early: ContainerEvent[] | undefined = []
  #isClosed = false

  constructor({ onEvent, clock }: { readonly onEvent: OnContainerEvent; readonly clock: Clock }) {
    this.#onEvent = onEvent
    this.#clock = clock
  }

  readonly tell = (event: ContainerEvent): void => {
    if (this.#early !== undefined) this.#early.push(event)
    else if (!this.#isClosed) this.#onEvent(event)
  }

  /** In the next turn: the caller of `recover` is told its answer before. */
  release(): void {
    this.#clock.soon(() => {
      const early = this.#early ?? []
      this.#early = undefined
      for (const event of early) this.tell(event)
    })
  }

  close(): void {
    this.#isClosed = true
  }
}

interface Parts {
  readonly processes: ProcessContainerizer
  readonly images: DockerContainerizer | undefined
  readonly missing: readonly string[]
  readonly early: EarlyEvents
  readonly looks: Looks
}

type Part = ProcessContainerizer | DockerContainerizer

export class Containerizers implements Containerizer {
  readonly isolation: Isolation
  readonly kinds: Containerizer['kinds']
  readonly images: string | undefined
  readonly isolators: readonly string[]
  readonly missing: readonly string[]
  readonly #parts: Parts
  /** Which has it, by the container's id. */
  readonly #where = new Map<string, Part>()

  constructor(parts: Parts) {
    const { processes, images, missing } = parts
    this.#parts = parts
    this.isolation = processes.isolation
    this.images = images?.images
    this.kinds = [...processes.kinds, ...(this.images === undefined ? [] : (['docker'] as const))]
    this.isolators = processes.isolators
    this.missing = [...processes.missing, ...(images?.missing ?? []), ...missing]
  }

  /** The launcher's process, if one runs now. */
  get launcherPid(): number | undefined {
    return this.#parts.processes.launcherPid
  }

  async recover(): Promise<readonly RecoveredContainer[]> {
    const { processes, images, early } = this.#parts
    const found: RecoveredContainer[] = []
    for (const part of images === undefined ? [processes] : [processes, images]) {
      for (const container of await part.recover()) {
        this.#where.set(container.containerId, part)
        found.push(container)
      }
    }
    early.release()
    return found
  }

  launch(spec: ContainerSpec): void {
    const { processes, images } = this.#parts
    const part = spec.container?.kind === 'docker' ? (images ?? processes) : processes
    this.#where.set(spec.containerId, part)
    part.launch(spec)
  }

  kill(containerId: string, graceMs: number): void {
    this.#where.get(containerId)?.kill(containerId, graceMs)
  }

  /** As `ProcessContainerizer.endAlone`. */
  endAlone(containerId: string, how: { graceMs: number; why: string }): void {
    this.#where.get(containerId)?.endAlone(containerId, how)
  }

  /** As `ProcessContainerizer.sweep`. */
  sweep(): void {
    this.#parts.processes.sweep()
  }

  check(run: CheckRun): void {
    this.#where.get(run.containerId)?.check(run)
  }

  async destroy(containerId: string): Promise<void> {
    await this.#where.get(containerId)?.destroy(containerId)
    this.#where.delete(containerId)
  }

  async usage(containerId: string): Promise<Usage | undefined> {
    const diskBytes = await this.#parts.looks.diskBytes(containerId)
    const usage = await this.#where.get(containerId)?.usage(containerId)
    return usage && { ...usage, ...(diskBytes !== undefined && { diskBytes }) }
  }

  removeUnused(unusedMs: number): Promise<void> {
    return this.#parts.processes.removeUnused(unusedMs)
  }

  async close(): Promise<void> {
    const { processes, images, early, looks } = this.#parts
    early.close()
    looks.close()
    await images?.close()
    // The last: it is what keeps other agents away.
    await processes.close()
  }
}
