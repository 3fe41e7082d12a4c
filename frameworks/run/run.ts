/** The framework behind `bourse run`: N instances of one command, their output, their end. */
import {
  ClusterError,
  isTerminal,
  type Offered,
  openScheduler,
  type Scheduler,
  type SchedulerOptions,
  type TaskStatus,
} from '../../actors/scheduler/scheduler.ts'
import { systemClock, type Timer } from '../../bus/clock.ts'
import { type TaskId, tokenFrom } from '../../protocol/ids.ts'
import { KILL_GRACE_MS } from '../../protocol/limits.ts'
import { handleRun } from './core.ts'
import type { InstanceView, RunResult } from './result.ts'
import { type Effect, type Input, newRun, type Plan, type RunState, wantedOf } from './state.ts'

export interface RunOptions
  extends Pick<
    SchedulerOptions,
    'nats' | 'cluster' | 'principal' | 'world' | 'openTimeoutMs' | 'onFault'
  > {
  /** A string goes to `/bin/sh -c`; a list is a program and its arguments. */
  readonly command: string | readonly string[]
  /** Default 1. */
  readonly instances?: number
  readonly cpus: number
  /** MiB. */
  readonly mem: number
  /** MiB. Default 0. */
  readonly disk?: number
  /** So many ports for each instance. Default 0. */
  readonly ports?: number
  /** Default `*`. */
  readonly role?: string
  /** Default: the first word of the command. */
  readonly name?: string
  readonly env?: Readonly<Record<string, string>>
  readonly user?: string
  /** All must be placed within. Default: they wait for ever. */
  readonly timeoutMs?: number
  /** From SIGTERM to SIGKILL. Default 3 s. */
  readonly killGraceMs?: number
  /** Kills all tasks and returns when they are dead. */
  readonly signal?: AbortSignal
}

/** Who watches a run. */
export interface Display {
  /** An instance has changed; `all` are as they are now. */
  changed(instance: InstanceView, all: readonly InstanceView[]): void
  /** Why the last offer did not fit. */
  waiting(why: string): void
  output(instance: InstanceView, stream: 'stdout' | 'stderr', data: Uint8Array): void
  /** The rest of a stream cannot be had; why, in a sentence. */
  outputMissing(instance: InstanceView, stream: 'stdout' | 'stderr', why: string): void
}

/** Its tasks do not outlive it for longer. */
const FAILOVER_MS = 5_000
/** Beside the grace: for the kill to get there and the status to come back. */
const INTERRUPT_MS = 10_000
/** A leader that does not take the teardown in: the failover does the same. */
const TEARDOWN_MS = 3_000

/**
 * Runs a command on the cluster to its end. Output that tasks wrote is handed over before it
 * resolves.
 *
 * @throws {ClusterError} as `openScheduler`, and `scheduler/ended` when it cannot go on.
 */
export async function runCommand(options: RunOptions, display: Display): Promise<RunResult> {
  const plan = planOf(options)
  const scheduler = await openScheduler({
    ...connectionOf(options),
    name: plan.prefix,
    roles: [options.role ?? '*'],
    failoverMs: FAILOVER_MS,
  })
  const run = new Run(plan, { scheduler, display, options })
  try {
    return await run.finish()
  } finally {
    await leave(scheduler, options)
  }
}

function connectionOf(options: RunOptions) {
  const { nats, cluster, principal, world, openTimeoutMs, onFault } = options
  return {
    ...(nats !== undefined && { nats }),
    ...(cluster !== undefined && { cluster }),
    ...(principal !== undefined && { principal }),
    ...(world !== undefined && { world }),
    ...(openTimeoutMs !== undefined && { openTimeoutMs }),
    ...(onFault !== undefined && { onFault }),
  }
}

function planOf(options: RunOptions): Plan {
  const { command, instances = 1, env, user, killGraceMs, timeoutMs } = options
  const words = typeof command === 'string' ? command.trim().split(/\s+/) : command
  const program = words[0]?.split('/').at(-1) ?? ''
  const name = options.name ?? tokenFrom(program)
  return {
    instances,
    prefix: tokenFrom(name),
    wanted: wantedOf(options),
    timeoutMs,
    task: {
      name,
      command,
      ...(env !== undefined && { env }),
      ...(user !== undefined && { user }),
      ...(killGraceMs !== undefined && { killGraceMs }),
    },
  }
}

/** Tears the framework down: nothing of it stays behind. */
async function leave(scheduler: Scheduler, { world }: RunOptions): Promise<void> {
  const clock = world?.clock ?? systemClock
  const late = new Promise<void>((resolve) => clock.after(TEARDOWN_MS, resolve))
  await Promise.race([scheduler.teardown(), late])
  await scheduler.close()
}

interface RunDeps {
  readonly scheduler: Scheduler
  readonly display: Display
  readonly options: RunOptions
}

class Run {
  readonly #state: RunState
  readonly #deps: RunDeps
  readonly #inputs: Input[] = []
  readonly #offers = new Map<string, Offered>()
  readonly #readings = new Map<TaskId, Promise<void>>()
  readonly #timers: Timer[] = []
  readonly #views: InstanceView[]
  #isStepping = false
  #done: () => void = () => undefined

  constructor(plan: Plan, deps: RunDeps) {
    this.#state = newRun(plan)
    this.#views = this.#state.instances.map(({ view }) => view)
    this.#deps = deps
  }

  async finish(): Promise<RunResult> {
    const { scheduler, options } = this.#deps
    const done = new Promise<undefined>((resolve) => {
      this.#done = () => resolve(undefined)
    })
    const statuses = scheduler.onStatus((status) => this.#onStatus(status))
    const interrupt = (): void => this.#interrupt()
    if (options.timeoutMs !== undefined)
      this.#after(options.timeoutMs, () => this.#step({ kind: 'timed-out' }))
    options.signal?.addEventListener('abort', interrupt)
    if (options.signal?.aborted) interrupt()
    void this.#takeOffers()
    const error = await Promise.race([done, scheduler.ended])
    options.signal?.removeEventListener('abort', interrupt)
    for (const timer of this.#timers) timer.cancel()
    statuses.close()
    if (error !== undefined) throw error
    const { instances, couldNotPlace, isInterrupted } = this.#state
    return { instances: instances.map(({ view }) => view), couldNotPlace, isInterrupted }
  }

  /** An agent keeps what a task wrote until its end is acknowledged: that waits for the readers. */
  #onStatus(status: TaskStatus): void | Promise<void> {
    this.#step({ kind: 'status', status })
    return isTerminal(status.state) ? this.#readings.get(status.taskId) : undefined
  }

  #interrupt(): void {
    const graceMs = this.#deps.options.killGraceMs ?? KILL_GRACE_MS
    this.#after(graceMs + INTERRUPT_MS, () => this.#step({ kind: 'give-up' }))
    this.#step({ kind: 'interrupted' })
  }

  #after(delayMs: number, fn: () => void): void {
    const clock = this.#deps.options.world?.clock ?? systemClock
    this.#timers.push(clock.after(delayMs, fn))
  }

  async #takeOffers(): Promise<void> {
    try {
      for await (const offer of this.#deps.scheduler.offers()) {
        this.#offers.set(offer.offerId, offer)
        this.#step({ kind: 'offer', offerId: offer.offerId, resources: offer.resources })
        this.#offers.delete(offer.offerId)
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
      case 'tell-changed':
        this.#views[effect.index] = this.#view(effect.index)
        return display.changed(this.#view(effect.index), this.#views)
      case 'tell-waiting':
        return display.waiting(effect.why)
      case 'done':
        return this.#done()
      default:
        return effect satisfies never
    }
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
    for await (const { data, missing } of scheduler.readOutput({ taskId, agentId, stream })) {
      if (data.length > 0) display.output(this.#view(index), stream, data)
      if (missing !== undefined) display.outputMissing(this.#view(index), stream, missing)
    }
    this.#step({ kind: 'read', taskId })
  }

  #view(index: number): InstanceView {
    return this.#state.instances[index]?.view ?? { index, state: 'waiting' }
  }
}
