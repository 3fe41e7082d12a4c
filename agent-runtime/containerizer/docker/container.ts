/** One container of a container service, from its launch to its end. */
import type { Clock, Timer } from '../../../bus/clock.ts'
import type { Hold, LimitHit, Usage } from '../../isolator/hold.ts'
import type { Place } from '../../isolator/kill/kill.ts'
import type { LookedAt } from '../../isolator/looks/looked-at.ts'
import type { ContainerEvent, Exit, RecoveredContainer } from '../containerizer.ts'
import { Killing } from '../killing.ts'
import { type Answer, answered, type Call, type DockerApi, messageOf, SOON_MS_MAX } from './api.ts'
import type { DockerPlace } from './check.ts'
import { type Found, type FoundNetwork, foundOf, isDone, type Told } from './found.ts'
import { DockerLimits } from './limits.ts'
import type { DockerEnd, Note, Notes } from './notes.ts'
import { OutputCopy } from './output.ts'

/** How soon something is tried again, at first and at last. */
const AGAIN_MS_MIN = 50
const AGAIN_MS_MAX = 2000
/** A log that ends while its container runs was cut off: the service may just be stopping. */
const FOLLOW_AGAIN_MS = 1000

export interface DockerWorld {
  readonly api: DockerApi
  readonly notes: Notes
  readonly clock: Clock
  readonly emit: (event: ContainerEvent) => void
  /** Ended without an event: found so at recovery, or destroyed. */
  readonly ended: () => void
}

/** What the service calls it, and where its output goes on this machine. */
export interface DockerNames {
  readonly id: string
  readonly name: string
  readonly sandboxPath: string
  /** To what it is held by who looks. */
  readonly holds: readonly Hold[]
}

/** `making` → `starting` → `running` → `ending` (the last output is read) → `over`. */
type Phase = 'making' | 'starting' | 'running' | 'ending' | 'over'
type Signal = 'SIGTERM' | 'SIGKILL'

export class DockerContainer implements LookedAt {
  readonly #world: DockerWorld
  readonly #names: DockerNames
  #phase: Phase = 'making'
  /** Its start was asked for and not answered. */
  #unsure = false
  #isNever = false
  #end: DockerEnd = { exit: { unknown: 'nobody saw it' } }
  readonly #limits = new DockerLimits()
  #network: FoundNetwork | undefined
  #listening: Promise<FoundNetwork | undefined> | undefined
  #quiet = false
  #forgotten = false
  #output: OutputCopy | undefined
  readonly #sent = new Set<Signal>()
  /** Those whose call is not answered. */
  readonly #sending = new Set<Signal>()
  readonly #killing: Killing
  #followTimer: Timer | undefined
  #work: Promise<void> = Promise.resolve()
  #looking = false
  #lookAgain = false
  #destroyed: Promise<void> | undefined

  constructor(names: DockerNames, world: DockerWorld) {
    this.#names = names
    this.#world = world
    this.#killing = new Killing(world.clock, {
      terminate: () => this.#signal('SIGTERM'),
      kill: () => this.#signal('SIGKILL'),
      againMsMin: AGAIN_MS_MIN,
      againMsMax: AGAIN_MS_MAX,
    })
  }

  get id(): string {
    return this.#names.id
  }

  /** The service may have one of this name: of this state it is not wanted there. */
  get isUnwanted(): boolean {
    return this.#phase === 'over' && this.#isNever
  }

  /** Makes it and starts it. `creation`, the body of the first call, may throw as calls do. */
  make(creation: () => Promise<unknown>): void {
    this.#work = this.#make(creation)
  }

  /** It has no process and never gets one. */
  fail(why: string): void {
    if (this.#phase === 'over') return
    this.#isNever = true
    this.#world.notes.add(this.#names.id, 'never')
    this.#over({ kind: 'launch-failed', containerId: this.#names.id, why })
  }

  async #make(creation: () => Promise<unknown>): Promise<void> {
    const { id, name, sandboxPath } = this.#names
    const { api, notes } = this.#world
    const path = `/containers/create?name=${name}`
    const made = await answered(async () => {
      const body = await creation()
      return api.call({ method: 'POST', path, body, heavy: true })
    })
    if (!isDone(made)) return this.fail(`no container could be made: ${messageOf(made)}`)
    if (this.#phase !== 'making' || this.#forgotten) return this.#remove(AGAIN_MS_MAX)
    if (!notes.add(id, 'starting')) this.fail('its start cannot be written down')
    else await this.#start(await OutputCopy.open(api, name, sandboxPath))
    if (this.#isNever) await this.#remove(AGAIN_MS_MAX)
  }

  async #start(output: OutputCopy): Promise<void> {
    this.#output = output
    if (this.#phase === 'over') return output.close()
    this.#phase = 'starting'
    const path = `/containers/${this.#names.name}/start`
    const answer = await this.#ask({ method: 'POST', path, heavy: true })
    if (this.#phase !== 'starting') return
    if (isDone(answer)) {
      this.#run()
      // Which process it is.
      return this.look()
    }
    if (answer.status === 0) {
      this.#unsure = true
      return this.look()
    }
    this.fail(`the container could not be started: ${messageOf(answer)}`)
    await output.close()
  }

  /** `found` absent: the service is away. */
  async recover(note: Note, found: Found | undefined): Promise<RecoveredContainer['state']> {
    this.#quiet = true
    const { state, limit } = note
    if (limit !== undefined) this.#limits.note(limit)
    if (state === 'asked' || state === 'never') this.fail('its agent died')
    else if (typeof state === 'object') this.#phase = 'over'
    else {
      const { api } = this.#world
      this.#output = await OutputCopy.open(api, this.#names.name, this.#names.sandboxPath)
      this.#phase = state === 'started' ? 'running' : 'starting'
      if (this.#phase === 'running') this.#killing.begin()
      this.#unsure = true
      if (found !== undefined) await this.#meet(found)
      this.lookAtLimits()
    }
    this.#quiet = false
    if (this.#phase !== 'over') {
      // Who was to end it died too early.
      if (note.why) this.#world.notes.add(this.#names.id, { why: '' })
      return { kind: 'running' }
    }
    this.#world.ended()
    if (this.#isNever) return { kind: 'never-started' }
    const end = typeof state === 'object' ? state : this.#end
    return { kind: 'ended', ...end, ...(note.why && { why: note.why }) }
  }

  /** Its end was told, or is about to be. */
  get isOver(): boolean {
    return this.#phase === 'ending' || this.#phase === 'over'
  }

  get holds(): readonly Hold[] {
    return this.#names.holds
  }

  get place(): Place | 'elsewhere' | undefined {
    return this.#phase === 'running' ? this.#limits.place : undefined
  }

  /** Where it is checked, while it runs. */
  get checkPlace(): DockerPlace | undefined {
    if (this.#phase !== 'running') return undefined
    const { api, clock } = this.#world
    return { api, clock, name: this.#names.name, network: () => this.#whereItListens() }
  }

  /** Asked once for all checks that wait for it. */
  #whereItListens(): Promise<FoundNetwork | undefined> {
    if (this.#network !== undefined) return Promise.resolve(this.#network)
    this.#listening ??= this.#find().then((found) => {
      this.#listening = undefined
      if (found?.kind === 'running') this.#network = found.network
      return this.#network
    })
    return this.#listening
  }

  usage(): Usage {
    return this.#limits.usage()
  }

  /** Nobody tells of its limits: the caller is to call `lookAtLimits` now and then. */
  get needsLook(): boolean {
    return this.#phase === 'running' && this.#limits.needsLook
  }

  /** Of a task from which the kernel took a process nothing useful is left. */
  lookAtLimits(): void {
    if (this.#phase === 'running' && this.#limits.look()) this.killIn(0)
  }

  /** Somebody who looked found it beyond a limit. */
  limited(hit: LimitHit): void {
    if (this.#phase !== 'running') return
    this.#world.notes.add(this.#names.id, { limit: hit })
    this.#limits.note(hit)
    this.killIn(0)
  }

  killIn(graceMs: number): void {
    if (this.#phase === 'making') return this.fail(KILLED_BEFORE_START)
    this.#killing.askFor(graceMs)
  }

  /** Removes it as it stands, without an event. Forgotten meanwhile, it keeps its note. */
  destroy(): Promise<void> {
    this.#destroyed ??= this.#destroy()
    return this.#destroyed
  }

  async #destroy(): Promise<void> {
    this.#quiet = true
    this.#stopTimers()
    const wasOver = this.#phase === 'over'
    this.#phase = 'over'
    await this.#output?.close()
    await this.#work
    await this.#remove()
    if (this.#forgotten) return
    if (!wasOver) this.#world.ended()
    this.#world.notes.remove(this.#names.id)
  }

  /** Nothing is done or said from now on. */
  async forget(): Promise<void> {
    this.#forgotten = true
    this.#stopTimers()
    await this.#output?.close()
    await this.#work
  }

  /** What a list of all says, without asking for more than is needed. */
  listed(state: string | undefined): void {
    if (this.#phase === 'running' && state === 'running') this.#follow()
    else this.look()
  }

  /** Asks the service how it is, and goes as far as it says. */
  look(): void {
    const isOpen = this.#phase === 'running' || (this.#phase === 'starting' && this.#unsure)
    if (!isOpen || this.#forgotten) return
    this.#lookAgain = true
    if (this.#looking) return
    this.#looking = true
    this.#work = this.#work
      .then(() => this.#look())
      .finally(() => {
        this.#looking = false
      })
  }

  async #look(): Promise<void> {
    while (this.#lookAgain && !this.#forgotten) {
      this.#lookAgain = false
      const found = await this.#find()
      if (found !== undefined) await this.#meet(found)
    }
  }

  async #find(): Promise<Found | undefined> {
    return foundOf(await this.#ask({ method: 'GET', path: `/containers/${this.#names.name}/json` }))
  }

  async #meet(found: Found): Promise<void> {
    if (this.#phase !== 'starting' && this.#phase !== 'running') return
    const wasStarting = this.#phase === 'starting'
    if (found.kind === 'made' && wasStarting) return this.#giveUpStart()
    if (found.kind === 'made') return this.#finish({ unknown: 'the machine was restarted' })
    if (found.kind === 'gone') return this.#finish({ unknown: 'its container was removed' })
    if (wasStarting) this.#run()
    if (found.kind === 'exited') return this.#finish(this.#exitOf(found.code), found)
    this.#network = found.network
    this.#limits.watch(found, this.#world.clock, () => this.lookAtLimits())
    this.#follow()
  }

  /**
   * Its start was asked for and has not happened: a slow service may yet come to it. So it is never
   * started only once it is gone; one that runs by now is not removed without force.
   */
  async #giveUpStart(): Promise<void> {
    const path = `/containers/${this.#names.name}?v=true`
    const answer = await this.#ask({ method: 'DELETE', path, answerMsMax: SOON_MS_MAX })
    // Else it is looked at again with all others.
    if (this.#phase !== 'starting' || (!isDone(answer) && answer.status !== 404)) return
    this.fail(NOT_STARTED)
    await this.#output?.close()
  }

  /**
   * The service tells a signal as 128 and its number, which a task can exit with as well. Told as a
   * signal is only what was sent.
   */
  #exitOf(code: number): Exit {
    if (code === 143 && this.#sent.has('SIGTERM')) return { signal: 'SIGTERM' }
    if (code === 137 && this.#sent.has('SIGKILL')) return { signal: 'SIGKILL' }
    return { code }
  }

  #run(): void {
    this.#phase = 'running'
    this.#world.notes.add(this.#names.id, 'started')
    this.#emit({ kind: 'started', containerId: this.#names.id })
    this.#follow()
    this.#killing.begin()
  }

  #follow(): void {
    this.#output?.follow(() => {
      this.look()
      if (this.#phase !== 'running' || this.#forgotten) return
      this.#followTimer?.cancel()
      this.#followTimer = this.#world.clock.after(FOLLOW_AGAIN_MS, () => {
        if (this.#phase === 'running') this.#follow()
      })
    })
  }

  /** A service that hangs would be asked more and more, before any question of how it is. */
  #signal(signal: Signal): void {
    if (this.#sending.has(signal)) return
    this.#sending.add(signal)
    this.#sent.add(signal)
    const path = `/containers/${this.#names.name}/kill?signal=${signal}`
    void this.#ask({ method: 'POST', path }).then(() => {
      this.#sending.delete(signal)
      this.look()
    })
  }

  async #finish(exit: Exit, told?: Told): Promise<void> {
    this.#phase = 'ending'
    this.#stopTimers()
    const limit = told && (await this.#limits.hit(exit, told))
    await this.#output?.finish()
    // Destroyed meanwhile.
    if (this.#phase !== 'ending' || this.#forgotten) return
    this.#end = { exit, ...(limit && { limit }) }
    this.#world.notes.add(this.#names.id, this.#end)
    this.#over({ kind: 'ended', containerId: this.#names.id, ...this.#end })
  }

  /** Until it is gone; `giveUpMs`: or cannot be removed now: whoever lists all sees it again. */
  async #remove(giveUpMs?: number): Promise<void> {
    const path = `/containers/${this.#names.name}?force=true&v=true`
    for (
      let againMs = AGAIN_MS_MIN;
      !this.#forgotten;
      againMs = Math.min(againMs * 2, AGAIN_MS_MAX)
    ) {
      const answer = await this.#ask({ method: 'DELETE', path })
      if (isDone(answer) || answer.status === 404) return
      if (giveUpMs !== undefined && againMs >= giveUpMs) return
      await new Promise<void>((resolve) => this.#world.clock.after(againMs, resolve))
    }
  }

  #ask(call: Call): Promise<Answer> {
    return answered(() => this.#world.api.call(call))
  }

  #over(event: ContainerEvent): void {
    this.#stopTimers()
    this.#phase = 'over'
    this.#emit(event)
  }

  #emit(event: ContainerEvent): void {
    if (this.#quiet) return
    const { clock, emit } = this.#world
    clock.soon(() => {
      if (!this.#forgotten && !this.#quiet) emit(event)
    })
  }

  #stopTimers(): void {
    this.#killing.stop()
    this.#followTimer?.cancel()
    this.#limits.unwatch()
  }
}

const KILLED_BEFORE_START = 'it was killed before its process was there'
const NOT_STARTED = 'the container service went away before it was started'
