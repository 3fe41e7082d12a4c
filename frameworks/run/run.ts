/** The framework behind `bourse run`: N instances of one command, their output, their end. */
import {
  ClusterError,
  isTerminal,
  type Offered,
  type Scheduler,
  type SchedulerOptions,
  type TaskStatus,
} from '../../actors/scheduler/scheduler.ts'
import { type Clock, systemClock, type Timer } from '../../bus/clock.ts'
import type { NatsLocation } from '../../bus/nats/locate.ts'
import { natsSystem } from '../../bus/nats/system.ts'
import { ISOLATION } from '../../protocol/agent-attributes.ts'
import type { TaskId } from '../../protocol/ids.ts'
import {
  FRAMEWORK_PING_MS,
  FRAMEWORK_PINGS_MISSED_MAX,
  KILL_GRACE_MS,
  RECONCILE_MS,
} from '../../protocol/limits.ts'
import { leaderBeat } from '../../protocol/subjects.ts'
import { handleRun } from './core.ts'
import { termsOf } from './offer-terms.ts'
import { openRun } from './opening.ts'
import { planOf, type Wish } from './plan.ts'
import { AWAY_MS, openPresence, type Presence } from './presence.ts'
import type { InstanceView, RunResult } from './result.ts'
import {
  type Effect,
  type Input,
  newRun,
  type Plan,
  type RunState,
  type SilentAgent,
} from './state.ts'
import { isTornDown } from './teardown.ts'
import { whyNothing } from './why.ts'

export interface RunOptions
  extends Wish,
    Pick<SchedulerOptions, 'principal' | 'world' | 'openTimeoutMs' | 'onFault' | 'failoverMs'> {
  readonly nats: NatsLocation
  readonly cluster: string
  /** Kills all tasks and returns when they are dead. */
  readonly signal?: AbortSignal
  /** Without a leader for so long it gives up. Default: never, but at its end within seconds. */
  readonly patienceMs?: number
}

/** Who watches a run. */
export interface Display {
  /** The framework is there; before anything else. */
  opened?(frameworkId: string): void
  /** An instance has changed; `all` are as they are now. */
  changed(instance: InstanceView, all: readonly InstanceView[]): void
  /** All instances run, or have run, and the run is not over. Once. */
  placed?(): void
  /** Why nothing fits what waits. Only news. */
  waiting(why: string): void
  /** An instance has ended so and will be started again. */
  restarting?(failed: InstanceView, delayMs: number): void
  /** Once, until the agent answers again. */
  agentSilent?(silent: SilentAgent): void
  /** Nobody hears us for so long now, or no longer. */
  cluster?(state: 'away' | 'back', forMs: number): void
  /** It is over, and waits for a leader to hear that. Once. */
  unheard?(): void
  /** What is written is asked for piece by piece: the next one when this is fulfilled. */
  output(
    instance: InstanceView,
    stream: 'stdout' | 'stderr',
    data: Uint8Array,
  ): void | Promise<void>
  /** So much was taken away on the agent before it could be read. */
  outputGone?(gone: GoneOutput): void
  /** The rest of a stream cannot be had; why, in a sentence. */
  outputMissing(missing: MissingOutput): void
}

export interface GoneOutput {
  readonly instance: InstanceView
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: number
}

export interface MissingOutput {
  readonly instance: InstanceView
  readonly stream: 'stdout' | 'stderr'
  readonly why: string
  /** The agent only pretends to run tasks: there was nothing. */
  readonly isPretended: boolean
}

const ROLE = '*'
/** Its tasks do not outlive it for longer, unless somebody wants them to. */
const FAILOVER_MS = 5_000
/** So long after its last answer a leader misses a framework: when one more ping is due. */
const MISSED_MS = FRAMEWORK_PING_MS * (FRAMEWORK_PINGS_MISSED_MAX + 1)
/** Beside the grace: for the kill to get there and the status to come back. */
const STOP_MS = 10_000
/** How often it is looked whether the cluster is there. */
const LOOK_MS = 1_000
/** All tasks are asked about once in that time: which agents are back was heard by then. */
const HEARD_MS = RECONCILE_MS

/**
 * Runs a command on the cluster to its end. Output that tasks wrote is handed over before it
 * resolves.
 *
 * @throws {ClusterError} as `openRun`; `run/wish`; `scheduler/ended` when it cannot go on.
 */
export async function runCommand(options: RunOptions, display: Display): Promise<RunResult> {
  const plan = planOf(options)
  if ('code' in plan) throw new ClusterError('run/wish', 'never', plan.message)
  const { nats, cluster, world, timeoutMs = Number.POSITIVE_INFINITY } = options
  const clock = world?.clock ?? systemClock
  const endMs = clock.now().monotonicMs + timeoutMs
  // Before the framework: one that is left behind holds its tasks for all of its failover.
  const presence = await openPresence({
    system: world?.system ?? natsSystem({ location: nats, leaderOn: leaderBeat.on({ cluster }) }),
    clock,
    cluster,
  })
  try {
    return await follow(plan, { presence, display, options, endMs })
  } finally {
    await presence.close()
  }
}

async function follow(plan: Plan, deps: Omit<RunDeps, 'scheduler'>): Promise<RunResult> {
  const { display, options, presence, endMs } = deps
  const { role = ROLE, failoverMs = FAILOVER_MS } = options
  const framework = { name: plan.prefix, roles: [role], failoverMs, ...termsOf(plan, role) }
  const scheduler = await openRun(framework, { ...options, endMs })
  display.opened?.(scheduler.frameworkId)
  try {
    const result = await new Run(plan, { ...deps, scheduler }).finish()
    const { world, patienceMs = 0 } = options
    const clock = world?.clock ?? systemClock
    const onUnheard = (): void => display.unheard?.()
    const isHeard = await isTornDown({ scheduler, presence, clock, patienceMs, onUnheard })
    return isHeard ? result : { ...result, unheardEndMs: MISSED_MS + failoverMs }
  } finally {
    await scheduler.close()
  }
}

interface RunDeps {
  readonly scheduler: Scheduler
  readonly presence: Presence
  readonly display: Display
  readonly options: RunOptions
  /** By then all is to be placed; `Infinity`: it waits. */
  readonly endMs: number
}

class Run {
  readonly #state: RunState
  readonly #deps: RunDeps
  readonly #clock: Clock
  readonly #inputs: Input[] = []
  readonly #offers = new Map<string, Offered>()
  readonly #pretenders = new Set<string>()
  readonly #readings = new Map<TaskId, Promise<void>>()
  readonly #timers = new Set<Timer>()
  readonly #views: InstanceView[]
  #isAway = false
  #awayForMs = 0
  #isStepping = false
  #done: () => void = () => undefined

  constructor(plan: Plan, deps: RunDeps) {
    this.#state = newRun(plan)
    this.#views = this.#state.instances.map(({ view }) => view)
    this.#deps = deps
    this.#clock = deps.options.world?.clock ?? systemClock
  }

  async finish(): Promise<RunResult> {
    const { scheduler, options, endMs } = this.#deps
    const done = new Promise<undefined>((resolve) => {
      this.#done = () => resolve(undefined)
    })
    const statuses = scheduler.onStatus((status) => this.#onStatus(status))
    const failures = scheduler.onFailure((agentId) => this.#step({ kind: 'agent-lost', agentId }))
    const interrupt = (): void => this.#interrupt()
    this.#step({ kind: 'start' })
    const leftMs = Math.max(0, endMs - this.#clock.now().monotonicMs)
    if (leftMs !== Number.POSITIVE_INFINITY) this.#after(leftMs, () => this.#timeOut())
    options.signal?.addEventListener('abort', interrupt)
    if (options.signal?.aborted) interrupt()
    this.#watchCluster()
    void this.#takeOffers()
    const error = await Promise.race([done, scheduler.ended])
    options.signal?.removeEventListener('abort', interrupt)
    for (const timer of this.#timers) timer.cancel()
    statuses.close()
    failures.close()
    if (error !== undefined) throw error
    const { instances, couldNotPlace, isInterrupted } = this.#state
    const views = instances.map(({ view }) => view)
    return { frameworkId: scheduler.frameworkId, instances: views, couldNotPlace, isInterrupted }
  }

  /** An agent keeps what a task wrote until its end is acknowledged: that waits for the readers. */
  #onStatus(status: TaskStatus): void | Promise<void> {
    this.#step({ kind: 'status', status })
    return isTerminal(status.state) ? this.#readings.get(status.taskId) : undefined
  }

  /** Some were given to agents that do not answer: these never tell their end. */
  #timeOut(): void {
    this.#step({ kind: 'timed-out' })
    if (this.#state.couldNotPlace.length > 0) this.#giveUpLater()
  }

  #giveUpLater(): void {
    const graceMs = this.#deps.options.killGraceMs ?? KILL_GRACE_MS
    this.#after(graceMs + STOP_MS, () => this.#step({ kind: 'give-up' }))
  }

  /** Where nobody is there to kill its tasks, only the grace is waited for. */
  #interrupt(): void {
    const graceMs = this.#deps.options.killGraceMs ?? KILL_GRACE_MS
    this.#after(graceMs, () => {
      if (this.#deps.presence.silenceMs() >= AWAY_MS) this.#step({ kind: 'give-up' })
    })
    this.#giveUpLater()
    this.#step({ kind: 'interrupted' })
  }

  #after(delayMs: number, fn: () => void): void {
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(timer)
      fn()
    })
    this.#timers.add(timer)
  }

  #wait(delayMs: number, input: Input): void {
    this.#after(delayMs, () => this.#step(input))
  }

  /** Who has not heard the cluster all the time has perhaps not heard, either, who is back. */
  #endSilence(delayMs: number, input: Input): void {
    this.#after(delayMs, () => {
      const leftMs = HEARD_MS - this.#deps.presence.heardForMs()
      if (leftMs > 0) this.#endSilence(leftMs, input)
      else this.#step(input)
    })
  }

  #watchCluster(): void {
    const { presence, display, options } = this.#deps
    const { patienceMs = Number.POSITIVE_INFINITY } = options
    const silenceMs = presence.silenceMs()
    if (silenceMs > patienceMs) return this.#step({ kind: 'give-up' })
    if (silenceMs >= AWAY_MS) this.#awayForMs = silenceMs
    if (silenceMs >= AWAY_MS !== this.#isAway) {
      this.#isAway = !this.#isAway
      display.cluster?.(this.#isAway ? 'away' : 'back', this.#awayForMs)
    }
    this.#after(LOOK_MS, () => this.#watchCluster())
  }

  async #takeOffers(): Promise<void> {
    try {
      for await (const offer of this.#deps.scheduler.offers()) {
        const { offerId, resources } = offer
        if (offer.attribute(ISOLATION) === 'pretending') this.#pretenders.add(offer.agentId)
        this.#offers.set(offerId, offer)
        this.#step({ kind: 'offer', offerId, resources, place: offer })
        this.#offers.delete(offerId)
      }
    } catch (error) {
      // Why no more come is what `ended` says, too.
      if (!(error instanceof ClusterError)) throw error
    }
  }

  /** One input at a time: what an effect sets off at once comes after it. */
  #step(input: Input): void {
    this.#inputs.push(input)
    if (this.#isStepping) return
    this.#isStepping = true
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift())
      for (const effect of handleRun(this.#state, next)) this.#perform(effect)
    this.#isStepping = false
  }

  #perform(effect: Effect): void {
    const { scheduler, display, options } = this.#deps
    switch (effect.do) {
      case 'accept':
        return void this.#accept(effect)
      case 'decline': {
        const { reason, refuseMs } = effect
        return void this.#offers.get(effect.offerId)?.decline(reason, { refuseMs })
      }
      case 'suppress':
        return scheduler.suppress()
      case 'revive':
        return scheduler.revive()
      case 'kill': {
        const { killGraceMs: graceMs } = options
        return scheduler.kill(effect.taskId, graceMs === undefined ? {} : { graceMs })
      }
      case 'read-output':
        return this.#readBoth(effect)
      case 'restart-after':
        this.#wait(effect.delayMs, { kind: 'restart-due', index: effect.index })
        return display.restarting?.(effect.failed, effect.delayMs)
      case 'end-silence-after': {
        const { index, silence } = effect
        return this.#endSilence(effect.delayMs, { kind: 'silence-over', index, silence })
      }
      case 'look-around-after':
        return this.#wait(effect.delayMs, { kind: 'look-around' })
      case 'constrain':
        return this.#constrain(effect.isOn)
      case 'look-after':
        return this.#wait(effect.delayMs, { kind: 'look' })
      case 'ask-why':
        return void this.#askWhy()
      case 'done':
        return this.#done()
      default:
        return this.#tell(effect)
    }
  }

  async #askWhy(): Promise<void> {
    const explained = await this.#deps.scheduler.explain()
    this.#step({ kind: 'why', why: explained && whyNothing(explained) })
  }

  #tell(effect: Extract<Effect, { do: `tell-${string}` }>): void {
    const { display } = this.#deps
    switch (effect.do) {
      case 'tell-silent':
        return display.agentSilent?.(effect.silent)
      case 'tell-changed':
        this.#views[effect.index] = this.#view(effect.index)
        return display.changed(this.#view(effect.index), this.#views)
      case 'tell-placed':
        return display.placed?.()
      case 'tell-waiting':
        return display.waiting(effect.why)
      default:
        return effect satisfies never
    }
  }

  /** Whether the leader takes it in or not: what is offered is judged here. */
  #constrain(isOn: boolean): void {
    const { scheduler, options } = this.#deps
    const { constraints = {} } = termsOf(this.#state.plan, options.role ?? ROLE)
    void scheduler.update({ constraints: isOn ? constraints : {} })
  }

  async #accept({ offerId, tasks, refuseMs }: Extract<Effect, { do: 'accept' }>): Promise<void> {
    const offer = this.#offers.get(offerId)
    const accepted = await offer?.accept(tasks, refuseMs === undefined ? {} : { refuseMs })
    if (accepted !== undefined) this.#step({ kind: 'answered', accepted })
  }

  #readBoth(effect: Extract<Effect, { do: 'read-output' }>): void {
    const both = [this.#read(effect, 'stdout'), this.#read(effect, 'stderr')]
    this.#readings.set(
      effect.taskId,
      Promise.all(both).then(() => void this.#readings.delete(effect.taskId)),
    )
  }

  async #read(
    { taskId, agentId, index }: Extract<Effect, { do: 'read-output' }>,
    stream: 'stdout' | 'stderr',
  ): Promise<void> {
    const { scheduler, display } = this.#deps
    // By then it may be another attempt that the instance is at.
    const instance = { ...this.#view(index), taskId, agentId }
    for await (const piece of scheduler.readOutput({ taskId, agentId, stream })) {
      const { data, missing, goneBytes } = piece
      if (goneBytes !== undefined) display.outputGone?.({ instance, stream, bytes: goneBytes })
      if (data.length > 0) await display.output(instance, stream, data)
      // Who leaves before the end knows that there may be more.
      if (missing === undefined || this.#state.isDone) continue
      const isPretended = this.#pretenders.has(agentId)
      display.outputMissing({ instance, stream, why: missing, isPretended })
    }
    this.#step({ kind: 'read', taskId, index })
  }

  #view(index: number): InstanceView {
    return this.#state.instances[index]?.view ?? { index, state: 'waiting' }
  }
}
