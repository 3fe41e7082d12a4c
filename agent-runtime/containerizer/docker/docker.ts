/** Tasks in containers of a service that speaks Docker's API: Docker, Podman. */
import { strict as assert } from 'node:assert'
import { join } from 'node:path'
import type { Clock, Timer } from '../../../bus/clock.ts'
import { type AgentId, isToken } from '../../../protocol/ids.ts'
import type { DockerContainer as Image } from '../../../protocol/schema/task-container.ts'
import { NO_PLACE, RunningChecks } from '../../checks/running.ts'
import { defaultDiskBytes, diskHold } from '../../isolator/disk.ts'
import type { Usage } from '../../isolator/hold.ts'
import { ownerName } from '../../isolator/kill/kill.ts'
import type { Looks } from '../../isolator/looks/looks.ts'
import type { SandboxFolder } from '../../sandbox/folder.ts'
import type { OutputLimits } from '../../sandbox/output-limits.ts'
import type { SandboxName } from '../../sandbox/sandboxes.ts'
import type { Owner } from '../../sandbox/user.ts'
import type {
  CheckRun,
  CheckSeen,
  ContainerEvent,
  Containerizer,
  ContainerSpec,
  OnContainerEvent,
  RecoveredContainer,
} from '../containerizer.ts'
import { asQuery, DockerApi, SOON_MS_MAX } from './api.ts'
import { beginInside, type DockerPlace } from './check.ts'
import { DockerContainer } from './container.ts'
import { EventStream } from './events.ts'
import { type Found, foundOf, listedOf } from './found.ts'
import { type NoteHead, Notes } from './notes.ts'
import { creation, imageOf, type Logging, loggingOf, OWNER_LABEL } from './request.ts'

/** Everything is looked at this often, whatever the service told or did not. */
const RESCAN_MS = 10_000

const NOT_HELD =
  'tasks in images of a container service are held neither to ports nor in what they write to their image, and the service keeps all of their output'

export interface DockerContainerizerOptions {
  /** Absolute. Holds `docker/`; the caller sees to it that no other agent does. */
  readonly workDir: string
  readonly agentId: AgentId
  /** `/var/run/docker.sock`. It need not be there: then each launch fails, saying so. */
  readonly socketPath: string
  readonly clock: Clock
  readonly onEvent: OnContainerEvent
  /** Of the work directory. The caller closes it. */
  readonly sandboxes: SandboxFolder
  /** The caller closes it. */
  readonly looks: Looks
  /** As the service calls itself. */
  readonly images?: string
}

export class DockerContainerizer implements Containerizer {
  /** All processes of a container are in its pid namespace and die with its first. */
  readonly isolation = 'pid-namespace'
  readonly kinds = ['docker'] as const
  readonly images: string | undefined
  /** The service's, that is: what it was asked for; but disk. */
  readonly isolators = ['pids', 'memory', 'cpu', 'disk']
  readonly missing: readonly string[] = [NOT_HELD]
  readonly #options: DockerContainerizerOptions
  readonly #api: DockerApi
  readonly #notes: Notes
  /** Marks what is ours, in a label and in names. */
  readonly #owner: string
  readonly #sandboxes: SandboxFolder
  readonly #defaultDiskBytes: number
  readonly #containers = new Map<string, DockerContainer>()
  readonly #checks: RunningChecks<DockerPlace>
  #events: EventStream | undefined
  #logging: Logging | undefined
  #rescanTimer: Timer | undefined
  #closed = false

  constructor(options: DockerContainerizerOptions) {
    const { workDir, agentId, socketPath } = options
    assert(workDir.startsWith('/') && !workDir.includes('\0'), 'the work directory is absolute')
    this.#options = options
    this.images = options.images
    this.#api = new DockerApi(socketPath)
    this.#checks = new RunningChecks(options.clock, beginInside)
    this.#notes = new Notes(join(workDir, 'docker'))
    this.#sandboxes = options.sandboxes
    this.#defaultDiskBytes = defaultDiskBytes(workDir)
    this.#owner = ownerName(`${agentId} ${workDir}`)
  }

  async recover(): Promise<readonly RecoveredContainer[]> {
    assert(this.#events === undefined, 'recovery happens once')
    const found: RecoveredContainer[] = []
    // One that does not answer once is not waited for again: who is away is looked for later.
    let isAway = false
    for (const [containerId, note] of this.#notes.all()) {
      const { sandbox } = note
      const container = this.#track(containerId, note)
      const now: Found | undefined = isAway ? undefined : await this.#find(containerId)
      isAway ||= now === undefined
      const state = await container.recover(note, now)
      if (state.kind === 'running') this.#options.looks.add(container, false)
      found.push({ containerId, sandbox, state })
    }
    this.#events = new EventStream({
      api: this.#api,
      clock: this.#options.clock,
      filters: this.#filters,
      onName: (name) => this.#containers.get(this.#idOf(name) ?? '')?.look(),
      onOpen: () => void this.#rescan(),
    })
    if (!isAway) await this.#rescan(SOON_MS_MAX)
    this.#rescanLater()
    return found
  }

  launch(spec: ContainerSpec): void {
    const { containerId, sandbox } = spec
    assert(this.#events !== undefined, 'recovery comes before the first launch')
    assert([containerId, ...Object.values(sandbox)].every(isToken), 'ids are tokens')
    assert(!this.#containers.has(containerId), 'a container id is used once')
    const output = this.#sandboxes.outputLimitsOf(spec.env)
    const asked = typeof output === 'string' ? { sandbox } : this.#askedBy(spec, output)
    const container = this.#track(containerId, asked)
    if (typeof output === 'string') return container.fail(output)
    const image = imageOf(spec)
    if (typeof image === 'string') return container.fail(image)
    const problem = this.#prepare(spec, asked)
    if (problem !== undefined) return container.fail(problem)
    container.make(() => this.#creationOf(spec, image))
  }

  kill(containerId: string, graceMs: number): void {
    this.#containers.get(containerId)?.killIn(graceMs)
  }

  /** Ends what runs: nobody has come back for it. The next agent hears why, and how it ended. */
  endAlone(containerId: string, { graceMs, why }: { graceMs: number; why: string }): void {
    this.#notes.add(containerId, { why })
    this.kill(containerId, graceMs)
  }

  check(run: CheckRun): void {
    const { containerId, which } = run
    const container = this.#containers.get(containerId)
    if (container === undefined || container.isOver || this.#closed) return
    const tell = (seen: CheckSeen): void =>
      this.#tell({ kind: 'checked', containerId, which, seen })
    const { checkPlace: place } = container
    if (place === undefined)
      return this.#options.clock.soon(() => {
        if (!container.isOver) tell(NO_PLACE)
      })
    this.#checks.run(run, place, tell)
  }

  usage(containerId: string): Promise<Usage | undefined> {
    return Promise.resolve(this.#containers.get(containerId)?.usage())
  }

  async destroy(containerId: string): Promise<void> {
    await this.#containers.get(containerId)?.destroy()
    this.#containers.delete(containerId)
  }

  /** Images are the service's own. */
  removeUnused(): Promise<void> {
    return Promise.resolve()
  }

  /**
   * What was asked of the service is waited for, so that nothing comes to be afterwards: unless it
   * does not answer soon. What comes of it then is found by the next agent.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#rescanTimer?.cancel()
    this.#checks.stopAll()
    this.#events?.close()
    const timer = this.#options.clock.after(SOON_MS_MAX, () => this.#api.close())
    await Promise.all([...this.#containers.values()].map((container) => container.forget()))
    timer.cancel()
  }

  #askedBy({ sandbox, limits }: ContainerSpec, output: OutputLimits): NoteHead {
    const sandboxPath = this.#sandboxes.pathOf(sandbox)
    const hold = diskHold({ ...limits, sandboxPath }, this.#defaultDiskBytes)
    // Of a service of its own an agent without root has not every user's files.
    const isRoot = process.getuid?.() === 0
    const holds = [isRoot ? hold : ({ ...hold, mayBeClosed: true } as const)]
    return { sandbox, output, holds }
  }

  #track(containerId: string, { sandbox, output, holds = [] }: NoteHead): DockerContainer {
    const sandboxPath = this.#sandboxes.pathOf(sandbox)
    this.#sandboxes.begin(sandbox, output)
    const names = { id: containerId, name: this.#nameOf(containerId), sandboxPath, holds }
    const container = new DockerContainer(names, {
      api: this.#api,
      notes: this.#notes,
      clock: this.#options.clock,
      emit: (event) => {
        if (event.kind === 'started') this.#options.looks.add(container, true)
        else this.#over(containerId, sandbox)
        this.#tell(event)
      },
      ended: () => this.#over(containerId, sandbox),
    })
    this.#containers.set(containerId, container)
    return container
  }

  #over(containerId: string, sandbox: SandboxName): void {
    this.#sandboxes.end(sandbox)
    this.#options.looks.forget(containerId)
    this.#checks.stop(containerId)
  }

  #tell(event: ContainerEvent): void {
    if (!this.#closed) this.#options.onEvent(event)
  }

  /** A sentence if its files cannot be made. */
  #prepare({ containerId, sandbox, user }: ContainerSpec, asked: NoteHead): string | undefined {
    try {
      this.#notes.open(containerId, asked)
      this.#sandboxes.create(sandbox, ownerOf(user))
      return undefined
    } catch (error) {
      return `its files could not be made: ${(error as Error).message}`
    }
  }

  async #creationOf(spec: ContainerSpec, image: Image): Promise<unknown> {
    return creation(spec, image, {
      agentId: this.#options.agentId,
      owner: this.#owner,
      sandboxPath: this.#sandboxes.pathOf(spec.sandbox),
      logging: await this.#loggingHere(),
    })
  }

  async #loggingHere(): Promise<Logging> {
    if (this.#logging === undefined) {
      const { headers } = await this.#api.call({ method: 'GET', path: '/_ping' })
      this.#logging = loggingOf(headers)
    }
    return this.#logging
  }

  get #filters(): Readonly<Record<string, readonly string[]>> {
    return { label: [`${OWNER_LABEL}=${this.#owner}`] }
  }

  #nameOf(containerId: string): string {
    return `bourse-${this.#owner}-${containerId}`
  }

  /** Undefined: the name is none of ours. */
  #idOf(name: string): string | undefined {
    const start = this.#nameOf('')
    return name.startsWith(start) ? name.slice(start.length) : undefined
  }

  async #find(containerId: string): Promise<Found | undefined> {
    const path = `/containers/${this.#nameOf(containerId)}/json`
    const call = { method: 'GET', path, answerMsMax: SOON_MS_MAX } as const
    return this.#api.call(call).then(foundOf, () => undefined)
  }

  #rescanLater(): void {
    this.#rescanTimer = this.#options.clock.after(RESCAN_MS, () => {
      void this.#rescan().then(() => {
        if (!this.#closed) this.#rescanLater()
      })
    })
  }

  /** Looks at all there is, and removes what nobody knows: its agent died, or lost its files. */
  async #rescan(answerMsMax?: number): Promise<void> {
    const before = new Set(this.#containers.values())
    const states = await this.#list(answerMsMax)
    if (states === undefined || this.#closed) return
    for (const container of before) container.listed(states.get(container.id))
    for (const containerId of states.keys()) {
      const container = this.#containers.get(containerId)
      if (container === undefined || container.isUnwanted) this.#removeStranger(containerId)
    }
  }

  /** State by id of what is ours; undefined: the service is away. */
  async #list(answerMsMax?: number): Promise<Map<string, string> | undefined> {
    const path = `/containers/json?all=true&filters=${asQuery(this.#filters)}`
    const call = { method: 'GET', path, answerMsMax } as const
    const answer = await this.#api.call(call).catch(() => undefined)
    const listed = answer && listedOf(answer)
    if (listed === undefined) return undefined
    const states = new Map<string, string>()
    for (const { name, state } of listed) {
      const id = this.#idOf(name)
      if (id !== undefined) states.set(id, state)
    }
    return states
  }

  #removeStranger(containerId: string): void {
    const path = `/containers/${this.#nameOf(containerId)}?force=true&v=true`
    // If it cannot be removed now it is found again.
    void this.#api.call({ method: 'DELETE', path }).catch(() => undefined)
  }
}

/** Whose the sandbox is: of names the image knows more than we do, of numbers we know enough. */
function ownerOf(user = ''): Owner | undefined {
  const [, uid, gid = uid] = /^(\d+)(?::(\d+))?$/.exec(user) ?? []
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}
