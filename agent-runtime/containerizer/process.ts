/** The real containerizer: tasks are processes of this machine. */
import { strict as assert } from 'node:assert'
import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import type { Timer } from '../../bus/clock.ts'
import { isToken } from '../../protocol/ids.ts'
import type { OciContainer } from '../../protocol/schema/task-container.ts'
import { beginHere, NO_PLACE, RunningChecks } from '../checks/running.ts'
import type { Usage } from '../isolator/hold.ts'
import type { KillScope } from '../isolator/kill/scope.ts'
import type { Looks } from '../isolator/looks/looks.ts'
import { GroupNetworks } from '../isolator/namespaces/private-network.ts'
import type { ProcessIdentity } from '../isolator/proc.ts'
import { Launcher } from '../launcher/launcher.ts'
import { Watch } from '../launcher/watch.ts'
import type { SandboxFolder } from '../sandbox/folder.ts'
import type { OutputLimits } from '../sandbox/output-limits.ts'
import type { SandboxName } from '../sandbox/sandboxes.ts'
import { Users } from '../sandbox/user.ts'
import { Claims } from './claims.ts'
import { Container } from './container.ts'
import type {
  CheckRun,
  CheckSeen,
  ContainerEvent,
  Containerizer,
  ContainerSpec,
  Isolation,
  RecoveredContainer,
} from './containerizer.ts'
import { type Maker, type Making, makeContainer } from './making.ts'
import { type FoundRoot, Roots } from './oci/roots.ts'
import { ociUser } from './oci/user.ts'
import { openParts, type Parts, type ProcessContainerizerOptions } from './process-parts.ts'
import type { FoundContainer } from './runtime-directory.ts'

/** Everything is looked at this often, whatever the watch said or missed. */
const RESCAN_MS = 10_000
/** Containers that are looked at before others have their turn. */
const LOOKED_AT_ONCE = 50
/** How long is waited for what was killed to be gone, at first and at last. */
const CLEAR_MS_MIN = 10
const CLEAR_MS_MAX = 10_000
/** The same where the system has no watch left to give. */
const RESCAN_WITHOUT_WATCH_MS = 200

/** @throws {ClusterError} as `openParts`. */
export async function openProcessContainerizer(
  options: ProcessContainerizerOptions,
): Promise<ProcessContainerizer> {
  return new ProcessContainerizer(options, await openParts(options))
}

export class ProcessContainerizer implements Containerizer {
  readonly isolation: Isolation
  readonly kinds: readonly ('process' | 'oci')[]
  readonly isolators: readonly string[]
  readonly missing: readonly string[]
  readonly #options: ProcessContainerizerOptions
  readonly #parts: Parts
  readonly #maker: Maker
  readonly #launcher: Launcher
  readonly #sandboxes: SandboxFolder
  readonly #users = new Users()
  readonly #roots: Roots
  readonly #networks = new GroupNetworks()
  readonly #checks: RunningChecks
  readonly #looks: Looks
  readonly #containers = new Map<string, Container>()
  readonly #claims: Claims
  #watcher: FSWatcher | undefined
  readonly #watch: Watch | undefined
  #rescanTimer: Timer | undefined
  #recovered = false
  #closed = false

  constructor(options: ProcessContainerizerOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
    this.isolation = parts.killScopes.isolation
    const { isolators, noOci } = parts
    this.isolators = isolators.names
    this.kinds = parts.oci === undefined ? ['process'] : ['process', 'oci']
    this.missing = [...isolators.missing, ...(noOci ? [noOci] : [])]
    this.#roots = new Roots(join(options.workDir, 'roots'), options.clock)
    this.#sandboxes = options.sandboxes
    this.#maker = { ...parts, agentId: options.agentId, sandboxes: this.#sandboxes }
    this.#checks = new RunningChecks(options.clock, beginHere(options.clock))
    this.#looks = options.looks
    this.#claims = new Claims(options.clock, () => this.#containers.values())
    this.#launcher = new Launcher({
      script: parts.runtime.script,
      runtime: parts.runtime.path,
      clock: options.clock,
      unclaimed: () => this.#unclaimed(),
    })
    this.#watchRecords()
    this.#rescanLater()
    this.#watch = options.use === 'ending' ? undefined : this.#openWatch()
  }

  #openWatch(): Watch | undefined {
    const { watch, clock, workDir } = this.#options
    if (watch === undefined) {
      this.#parts.runtime.watchedBy()
      return undefined
    }
    const onStarted = (watcher: ProcessIdentity): void => this.#parts.runtime.watchedBy(watcher)
    const command = [...watch.command, workDir, String(this.#parts.runtime.uses)]
    return new Watch({ ...watch, command, clock, onStarted })
  }

  /** The launcher's process, if one runs now. */
  get launcherPid(): number | undefined {
    return this.#launcher.pid
  }

  async recover(): Promise<readonly RecoveredContainer[]> {
    assert(!this.#recovered, 'recovery happens once')
    this.#recovered = true
    const found: RecoveredContainer[] = []
    const { runtime, killScopes, isolators } = this.#parts
    runtime.checks.endEarlier(this.#options.clock)
    const all = runtime.containers()
    for (const [containerId, files] of all) {
      const { sandbox, output } = files
      const container = this.#track(containerId, sandbox, output)
      const state = container.recover(files)
      if (state.kind === 'running') this.#goesOn(container, files)
      found.push({ containerId, sandbox, state })
      // So that whoever asks meanwhile has an answer.
      if (found.length % LOOKED_AT_ONCE === 0) await this.#breathe()
    }
    const known = new Set(all.keys())
    for (const stranger of killScopes.strangers(known)) this.#clear(stranger)
    for (const stranger of isolators.strangers(known)) this.#clear(stranger)
    return found
  }

  /** Ends what runs: nobody has come back for it. The next agent hears why, and how it ended. */
  endAlone(containerId: string, { graceMs, why }: { graceMs: number; why: string }): void {
    try {
      this.#parts.runtime.noteEnding(containerId, why)
    } catch {
      // The disk is full: the next agent sees only by what signal it ended.
    }
    this.kill(containerId, graceMs)
  }

  /**
   * Removes the cgroups of containers that have ended. Their records stay for the next agent, and
   * the cgroups that say for what limit one was ended.
   */
  sweep(): void {
    const { killScopes, isolators } = this.#parts
    const limited = [...this.#containers.values()].filter(({ isLimited }) => isLimited)
    const kept = new Set(limited.map(({ id }) => id))
    for (const scope of killScopes.strangers(kept)) scope.remove()
    for (const scope of isolators.strangers(kept)) scope.remove()
  }

  #tell(event: ContainerEvent): void {
    if (!this.#closed) this.#options.onEvent(event)
  }

  #breathe(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.soon(resolve))
  }

  /** Of a container that nothing is known of: its files were lost. */
  #clear(stranger: KillScope, delayMs = CLEAR_MS_MIN): void {
    if (this.#closed || stranger.remove() || delayMs > CLEAR_MS_MAX) return
    stranger.kill()
    this.#options.clock.after(delayMs, () => this.#clear(stranger, delayMs * 2))
  }

  launch(spec: ContainerSpec): void {
    const { containerId, sandbox } = spec
    assert(this.#recovered, 'recovery comes before the first launch')
    assert([containerId, ...Object.values(sandbox)].every(isToken), 'ids are tokens')
    assert(!this.#containers.has(containerId), 'a container id is used once')
    const output = this.#sandboxes.outputLimitsOf(spec.env)
    const limits = typeof output === 'string' ? undefined : output
    const container = this.#track(containerId, sandbox, limits)
    if (typeof output === 'string') return container.fail(output)
    if (spec.container?.kind === 'oci') return this.#launchIn(spec.container, container, spec)
    const known = this.#users.known(spec.user)
    const shared = spec.group?.sharesNetwork && this.#networks.enter(spec.group.id, containerId)
    const making = { container, spec, network: undefined }
    if (known !== undefined && !shared) return this.#begin({ ...making, user: known })
    void Promise.all([
      known ?? this.#users.find(spec.user ?? ''),
      shared === false ? undefined : shared,
    ]).then(([user, network]) => this.#begin({ ...making, user, network }))
  }

  /** A folder is there at once; a tar may have to be unpacked. */
  #launchIn({ root: path }: OciContainer, container: Container, spec: ContainerSpec): void {
    const begin = (root: FoundRoot): void => {
      // It was killed meanwhile.
      if (!container.wanted) return this.#roots.release(container.id)
      const user = typeof root === 'string' ? ociUser(root, spec.user) : 'own'
      this.#begin({ container, spec, user, network: undefined, root })
    }
    const root = this.#roots.find(path, container.id)
    if (root instanceof Promise) void root.then(begin)
    else begin(root)
  }

  kill(containerId: string, graceMs: number): void {
    this.#containers.get(containerId)?.killIn(graceMs)
  }

  check(run: CheckRun): void {
    const { containerId, which } = run
    const container = this.#containers.get(containerId)
    if (container === undefined || container.isOver || this.#closed) return
    const tell = (seen: CheckSeen): void =>
      this.#tell({ kind: 'checked', containerId, which, seen })
    const { place } = container
    if (place === undefined)
      return this.#options.clock.soon(() => {
        if (!container.isOver) tell(NO_PLACE)
      })
    const file = this.#parts.runtime.launchFileOf(containerId)
    this.#checks.run(run, { ...place, file, note: this.#parts.runtime.checks.next() }, tell)
  }

  async destroy(containerId: string): Promise<void> {
    const container = this.#containers.get(containerId)
    await container?.destroy()
    this.#containers.delete(containerId)
  }

  removeUnused(unusedMs: number): Promise<void> {
    return this.#roots.removeUnused(unusedMs)
  }

  usage(containerId: string): Promise<Usage | undefined> {
    return Promise.resolve(this.#containers.get(containerId)?.usage())
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#watcher?.close()
    this.#rescanTimer?.cancel()
    this.#claims.stop()
    this.#checks.stopAll()
    this.#roots.close()
    for (const container of this.#containers.values()) container.forget()
    await this.#launcher.close()
    this.#networks.close()
    // Who has not recovered does not know of any.
    this.#watch?.close(this.#recovered && this.#sandboxes.isIdle)
    await this.#sandboxes.close()
    this.#parts.isolators.close()
    this.#parts.killScopes.close()
    this.#parts.runtime.close()
  }

  #track(containerId: string, sandbox: SandboxName, limits?: OutputLimits): Container {
    this.#sandboxes.begin(sandbox, limits)
    const container = new Container(containerId, {
      runtime: this.#parts.runtime,
      clock: this.#options.clock,
      bases: this.#parts.isolators.bases,
      emit: (event) => {
        this.#networks.entered(containerId)
        if (event.kind === 'started') this.#looks.add(container, true)
        else this.#over(containerId, sandbox)
        this.#tell(event)
      },
      ended: () => this.#over(containerId, sandbox),
    })
    this.#containers.set(containerId, container)
    return container
  }

  /** It was there before this agent. */
  #goesOn(container: Container, { root }: FoundContainer): void {
    if (root !== undefined) this.#roots.keep(container.id, root)
    this.#parts.isolators.keep(container.id, container.holds)
    this.#looks.add(container, false)
  }

  #over(containerId: string, sandbox: SandboxName): void {
    this.#sandboxes.end(sandbox)
    this.#networks.entered(containerId)
    this.#roots.release(containerId)
    this.#looks.forget(containerId)
    this.#parts.isolators.release(containerId)
    this.#checks.stop(containerId)
  }

  /** Makes all that the launcher needs, then asks it. */
  #begin(making: Making): void {
    const { container, spec } = making
    if (this.#closed || !container.wanted) return
    const { kind } = spec.container ?? {}
    if (kind !== undefined && !(kind === 'oci' && this.#parts.oci !== undefined))
      return container.fail(`no containers of the kind "${kind}" are run here`)
    try {
      const problem = makeContainer(this.#maker, making)
      if (problem !== undefined) return container.fail(problem)
    } catch (error) {
      return container.fail(`its files could not be made: ${(error as Error).message}`)
    }
    this.#launcher.start(spec.containerId)
  }

  #unclaimed(): string[] {
    return [...this.#containers.values()].filter((one) => one.unclaimed).map((one) => one.id)
  }

  #watchRecords(): void {
    try {
      this.#watcher = watch(this.#parts.runtime.records, (kind, containerId) => {
        // A record is empty when it is made ("rename"): what is written to it comes as "change".
        if (kind === 'change') this.#containers.get(containerId ?? '')?.look()
      })
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      // No watch left on this machine: everything is looked at more often instead.
      this.#watcher = undefined
    }
  }

  #rescanLater(): void {
    const delayMs = this.#watcher === undefined ? RESCAN_WITHOUT_WATCH_MS : RESCAN_MS
    this.#rescanTimer = this.#options.clock.after(delayMs, () => {
      const silent = [...this.#containers.values()].filter((one) => one.rescan() === 'unclaimed')
      // Two rescans without a claim: the launcher is stopped or stuck.
      if (silent.length > 0) this.#launcher.replace()
      this.#claims.look()
      this.#rescanLater()
    })
  }
}
