/** One container of the real containerizer, from its launch to its last process. */
import type { Clock, Timer } from '../../bus/clock.ts'
import { Held } from '../isolator/held.ts'
import type { Hold, LimitHit, Usage } from '../isolator/hold.ts'
import {
  type Inside,
  type KillHold,
  NOBODY,
  type Place,
  type Started,
  scopeOf,
} from '../isolator/kill/kill.ts'
import type { KillScope } from '../isolator/kill/scope.ts'
import type { LookedAt } from '../isolator/looks/looked-at.ts'
import { insideOf } from '../isolator/namespaces/namespaces.ts'
import { isAlive } from '../isolator/proc.ts'
import type { Claimable } from './claims.ts'
import type { ContainerEvent, Exit, RecoveredContainer } from './containerizer.ts'
import { Killing } from './killing.ts'
import type { FoundContainer, RuntimeDirectory } from './runtime-directory.ts'

/** A container that has not started by then never does: somebody waits for its resources. */
const START_MS_MAX = 60_000
/** How soon it is looked again whether all is dead or removed, at first and at last. */
const POLL_MS_MIN = 2
const POLL_MS_MAX = 500

export interface ContainerWorld {
  readonly runtime: RuntimeDirectory
  readonly clock: Clock
  /** Of the cgroups that limit containers now. */
  readonly bases: ReadonlySet<string>
  readonly emit: (event: ContainerEvent) => void
  /** Ended without an event: found so at recovery, or destroyed. */
  readonly ended: () => void
}

/** `preparing` → `launching` → `running` → `ending` (leftovers are killed) → `over`. */
type Phase = 'preparing' | 'launching' | 'running' | 'ending' | 'over'

export class Container implements LookedAt, Claimable {
  readonly id: string
  readonly #world: ContainerWorld
  #phase: Phase = 'preparing'
  #hold: KillHold | undefined
  #held = new Held()
  #inside: Inside = []
  #scope: KillScope | undefined
  #started: Started | undefined
  #silent = false
  #quiet = false
  #forgotten = false
  /** Since when, and for how many rescans, it is launching. */
  #sinceMs = 0
  #rescans = 0
  readonly #killing: Killing
  #pollTimer: Timer | undefined
  #whenOver: (() => void) | undefined
  #destroyed: Promise<void> | undefined

  constructor(id: string, world: ContainerWorld) {
    this.id = id
    this.#world = world
    this.#killing = new Killing(world.clock, {
      terminate: () => this.#scope?.terminate(),
      kill: () => this.#killNow(),
      againMsMin: POLL_MS_MIN,
      againMsMax: POLL_MS_MAX,
    })
  }

  /** False once it was killed before anything was made for it. */
  get wanted(): boolean {
    return this.#phase === 'preparing'
  }

  get unclaimed(): boolean {
    return this.#phase === 'launching' && this.#world.runtime.readRecord(this.id) === undefined
  }

  get claimId(): string | undefined {
    return this.#phase === 'launching' ? this.#world.runtime.recordId(this.id) : undefined
  }

  get holds(): readonly Hold[] {
    return this.#held.holds
  }

  /** Its end was told, or is about to be. */
  get isOver(): boolean {
    return this.#phase === 'ending' || this.#phase === 'over'
  }

  /** Where its processes are, while it runs. */
  get place(): Place | undefined {
    if (this.#phase !== 'running' || this.#hold === undefined || this.#started === undefined)
      return undefined
    return { hold: this.#hold, started: this.#started, inside: this.#inside }
  }

  prepared(hold: KillHold, held: Held, inside: Inside): void {
    this.#hold = hold
    this.#held = held
    this.#inside = inside
    this.#phase = 'launching'
    this.#sinceMs = this.#world.clock.now().monotonicMs
  }

  /** It has no process and never gets one. */
  fail(why: string): void {
    this.#over({ kind: 'launch-failed', containerId: this.id, why })
  }

  /** What the files say after a restart of the agent. */
  recover({ hold, holds, namespaces = [], silent }: FoundContainer): RecoveredContainer['state'] {
    const { runtime } = this.#world
    this.prepared(hold, new Held(holds, runtime.limits.of(this.id)), insideOf(hold, namespaces))
    this.#silent = silent
    this.#quiet = true
    if (runtime.readRecord(this.id) === undefined) runtime.claim(this.id, 'its agent died')
    this.look()
    this.rescan()
    this.lookAtLimits()
    if (this.#phase === 'launching' && silent) this.fail(SILENT)
    this.#quiet = false
    if (this.#phase !== 'over') {
      runtime.forgetEnding(this.id)
      return { kind: 'running' }
    }
    const record = runtime.readRecord(this.id)
    if (record?.kind !== 'exited') return { kind: 'never-started' }
    const why = runtime.endingOf(this.id)
    return { kind: 'ended', ...this.#ending(record.exit), ...(why !== undefined && { why }) }
  }

  usage(): Usage {
    return this.#held.usage()
  }

  /** Nobody tells of its limits: the caller is to call `lookAtLimits` now and then. */
  get needsLook(): boolean {
    return this.#held.needsLook
  }

  /** Of a task from which the kernel took a process nothing useful is left. */
  lookAtLimits(): void {
    if (this.#phase === 'running' && this.#held.limitHit()?.ends === true) this.killIn(0)
  }

  /** Somebody who looked found it beyond a limit. */
  limited(hit: LimitHit): void {
    if (this.#phase !== 'running') return
    this.#world.runtime.limits.note(this.id, hit)
    this.#held.note(hit)
    this.killIn(0)
  }

  /** The kernel ended something of it for a limit. */
  get isLimited(): boolean {
    return this.#held.limitHit()?.ends === true
  }

  killIn(graceMs: number): void {
    const { runtime } = this.#world
    if (this.#phase === 'preparing') return this.fail(KILLED_BEFORE_START)
    if (this.#phase === 'launching' && runtime.claim(this.id, KILLED_BEFORE_START)) {
      return this.look()
    }
    this.#killing.askFor(graceMs)
  }

  /** Kills what lives, without an event, and removes everything when it is dead. */
  destroy(): Promise<void> {
    this.#destroyed ??= this.#destroy()
    return this.#destroyed
  }

  async #destroy(): Promise<void> {
    this.#quiet = true
    if (this.#phase !== 'over') {
      const over = new Promise<void>((resolve) => {
        this.#whenOver = resolve
      })
      this.killIn(0)
      await over
    }
    const scope = this.#scope ?? (this.#hold && scopeOf(this.#hold, NOBODY))
    await new Promise<void>((resolve) => {
      const stillThere = () => {
        const isEmpty = scope === undefined || scope.remove()
        if (isEmpty && this.#held.remove(this.#world.bases)) return false
        // Whatever got in without a word in the record, or out of the scope by root's own will.
        scope?.kill()
        this.#held.kill()
        return true
      }
      if (stillThere()) this.#pollLater(POLL_MS_MIN, stillThere, resolve)
      else resolve()
    })
    this.#world.runtime.remove(this.id)
  }

  /** Nothing is done or said from now on. */
  forget(): void {
    this.#forgotten = true
    this.#phase = 'over'
    this.#held.unwatch()
    this.#killing.stop()
    this.#pollTimer?.cancel()
  }

  /** Reads the record and goes as far as it says. */
  look(): void {
    if (this.#phase !== 'launching' && this.#phase !== 'running') return
    const record = this.#world.runtime.readRecord(this.id)
    if (record === undefined || record.kind === 'claimed') return
    if (record.kind === 'failed') return this.fail(record.why)
    if (record.started !== undefined && this.#phase === 'launching')
      this.#run(record.started, record.kind === 'exited' ? record.endedTicks : undefined)
    // A kill that begins as it is seen to run may have looked, and ended it, meanwhile.
    if (record.kind === 'exited' && !this.isOver) this.#end(record.exit)
  }

  /** For all that nobody tells. `unclaimed`: asked for long ago, and nobody has claimed it. */
  rescan(): 'unclaimed' | undefined {
    this.look()
    if (this.#phase === 'launching') return this.#rescanLaunching()
    if (this.#phase === 'running') this.#rescanRunning()
    return undefined
  }

  #rescanLaunching(): 'unclaimed' | undefined {
    const { clock, runtime } = this.#world
    this.#rescans += 1
    if (clock.now().monotonicMs - this.#sinceMs > START_MS_MAX) this.#stopWaiting(SILENT)
    if (this.#phase !== 'launching' || this.#rescans < 2) return undefined
    return runtime.readRecord(this.id) === undefined ? 'unclaimed' : undefined
  }

  /** Its recording parent has ended: what is not in the record now is never written. */
  giveUp(): void {
    this.look()
    if (this.#phase === 'launching') this.#stopWaiting(ABANDONED)
  }

  #stopWaiting(why: string): void {
    const { runtime } = this.#world
    if (!runtime.claim(this.id, why) && !this.#silent) {
      runtime.stopWaiting(this.id)
      this.#silent = true
    }
    this.look()
    if (this.#phase === 'launching') this.fail(why)
  }

  /** Nobody records the exit if the recording parent was killed. The task itself may go on. */
  #rescanRunning(): void {
    if (this.#started === undefined || isAlive(this.#started.parent)) return
    const { runtime } = this.#world
    this.look()
    if (this.#phase !== 'running' || !this.#isEmpty) return
    if (runtime.recordLost(this.id, 'the process that records the exit was killed')) this.look()
  }

  #run(started: Started, endedTicks: number | undefined): void {
    if (this.#hold === undefined) return
    this.#started = started
    this.#scope = scopeOf(this.#hold, started, endedTicks)
    this.#phase = 'running'
    this.#held.watch(this.#world.clock, () => this.lookAtLimits())
    this.#emit({ kind: 'started', containerId: this.id })
    this.#killing.begin()
  }

  #killNow(): void {
    this.#rescanRunning()
    if (this.#phase === 'running') this.#killRest()
  }

  /** The task's own process has ended; what it left behind goes with it. */
  #end(exit: Exit): void {
    this.#phase = 'ending'
    this.#killing.stop()
    this.#pollTimer?.cancel()
    this.#held.unwatch()
    const over = () => this.#over({ kind: 'ended', containerId: this.id, ...this.#ending(exit) })
    const stillFull = () => this.#killRest()
    if (!stillFull()) return over()
    this.#pollLater(POLL_MS_MIN, stillFull, over)
  }

  /** Nothing of it lives, neither where a kill reaches it nor where its limits hold it. */
  get #isEmpty(): boolean {
    return this.#scope?.isEmpty() !== false && this.#held.isEmpty
  }

  /** False: nothing of it lived any more. */
  #killRest(): boolean {
    if (this.#isEmpty) return false
    if (this.#scope?.isEmpty() === false) this.#scope.kill()
    else this.#held.kill()
    return true
  }

  /** A limit that ended nothing is no news of a task that went well. */
  #ending(exit: Exit): { readonly exit: Exit; readonly limit?: LimitHit } {
    const limit = this.#held.limitHit()
    const isWell = 'code' in exit && exit.code === 0
    return limit === undefined || (isWell && !limit.ends) ? { exit } : { exit, limit }
  }

  /** Calls `again` less and less often, as long as it says so. */
  #pollLater(delayMs: number, again: () => boolean, done: () => void = () => {}): void {
    this.#pollTimer = this.#world.clock.after(delayMs, () => {
      if (this.#forgotten) return
      if (!again()) return done()
      this.#pollLater(Math.min(delayMs * 2, POLL_MS_MAX), again, done)
    })
  }

  #over(event: ContainerEvent): void {
    this.#killing.stop()
    this.#phase = 'over'
    this.#emit(event)
    this.#whenOver?.()
  }

  #emit(event: ContainerEvent): void {
    const { clock, emit, ended } = this.#world
    const tell = () => {
      if (!this.#quiet) emit(event)
      else if (event.kind !== 'started') ended()
    }
    if (this.#quiet) tell()
    else clock.soon(tell)
  }
}

const KILLED_BEFORE_START = 'it was killed before its process was there'
const SILENT = `its process was not there after ${START_MS_MAX} ms`
const ABANDONED =
  'whoever was to start it has ended: it was killed, or the disk of the work directory is full'
