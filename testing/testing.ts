/**
 * A whole cluster in this process, for tests of schedulers: the real master, allocator, agents and
 * scheduler library on a simulated bus, in virtual time. This file is the door: what it exports is
 * what tests may use.
 */
import type { Scheduler } from '../actors/scheduler/contract.ts'
import type { SchedulerOptions } from '../actors/scheduler/options.ts'
import { openScheduler } from '../actors/scheduler/scheduler.ts'
import { ClusterError } from '../protocol/errors.ts'
import { SimulatedAgent } from './agent.ts'
import {
  type AgentWish,
  badOption,
  type ClusterOptions,
  requireAgent,
  requireCluster,
  requireTime,
} from './options.ts'
import { SimulatedProcess } from './process.ts'
import { SimulatedActors } from './simulated-actors.ts'

export type { SimulatedAgent } from './agent.ts'
export type { AgentWish, ClusterOptions } from './options.ts'
export type { SimulatedProcess } from './process.ts'

/** Whoever waits for a promise longer than that waits in vain. */
const LIMIT_MS = 600_000
/** A leader, its allocator and the agents know each other. */
const SETTLED_MS = 2_000

/**
 * Virtual time stands still but for `pass`, `until` and what says so; then it jumps from one thing
 * that happens to the next, and whoever awaits what has happened goes on before the next. So a
 * minute takes milliseconds, and each run is like the last.
 *
 * Tasks only pretend, as their environment says: PRETEND_MS, how long it runs (default 0,
 * `Infinity` is allowed); PRETEND_EXIT, the code or the signal by which it ends (`1`, `SIGKILL`;
 * default 0); PRETEND_OUTPUT, what it has written; PRETEND_IGNORES_TERM, not empty: only SIGKILL
 * ends it early.
 */
export class SimulatedCluster {
  readonly #actors = new SimulatedActors()
  readonly #agents: SimulatedAgent[] = []
  #islands = 0

  private constructor() {}

  /**
   * Resolves when agents are known and offers can be made.
   * @throws {ClusterError} `testing/option`, as `addAgent`.
   */
  static async open(options: ClusterOptions = {}): Promise<SimulatedCluster> {
    requireCluster(options)
    const { agents = 1 } = options
    const cluster = new SimulatedCluster()
    const wishes = typeof agents === 'number' ? Array<AgentWish>(agents).fill({}) : agents
    await cluster.until(cluster.#actors.startMaster())
    await cluster.until(cluster.#actors.startAllocator())
    for (const wish of wishes) await cluster.addAgent(wish)
    await cluster.pass(SETTLED_MS)
    return cluster
  }

  get agents(): readonly SimulatedAgent[] {
    return this.#agents
  }

  /** Milliseconds of virtual time since the beginning. */
  get nowMs(): number {
    return this.#actors.clock.now().monotonicMs
  }

  /** @throws {ClusterError} `testing/no-agent`. */
  agent(agentId: string): SimulatedAgent {
    const found = this.#agents.find((agent) => agent.agentId === agentId)
    if (found !== undefined) return found
    const known = this.#agents.map((agent) => agent.agentId).join(', ')
    throw new ClusterError('testing/no-agent', 'never', `there is no ${agentId}, but ${known}`)
  }

  /**
   * One more, in the time that it takes to connect.
   * @throws {ClusterError} `testing/option`: that is no agent, or there is one of that id.
   */
  async addAgent(wish: AgentWish = {}): Promise<SimulatedAgent> {
    requireAgent(wish)
    const { agentId = `agent-${this.#agents.length + 1}` } = wish
    const isThere = this.#agents.some((agent) => agent.agentId === agentId)
    if (isThere) throw badOption(`there is an agent ${agentId} already`)
    const agent = new SimulatedAgent({ agentId, wish, newProcess: () => this.process() })
    this.#agents.push(agent)
    await this.until(agent.start())
    return agent
  }

  /**
   * The real library, in a process of its own. Time passes until it has subscribed; of several
   * instances of one framework, until this one leads: open those that stand by in a `process`.
   */
  scheduler(options: Omit<SchedulerOptions, 'nats' | 'world'>): Promise<Scheduler> {
    return this.until(openScheduler({ ...options, world: this.process().world }))
  }

  /**
   * Where a framework can run that opens its scheduler itself, and can be cut off, frozen, killed.
   */
  process(): SimulatedProcess {
    const { system, clock, randomToken } = this.#actors
    return new SimulatedProcess({ system, clock, randomToken, island: ++this.#islands })
  }

  /**
   * So much virtual time passes.
   * @throws {ClusterError} `testing/option`: that is no time.
   */
  async pass(ms: number): Promise<void> {
    requireTime(ms)
    let isOver = false
    this.#actors.clock.after(ms, () => {
      isOver = true
    })
    await this.#passUntil(() => isOver)
  }

  /**
   * Virtual time passes until `promise` is settled; gives what it gives.
   * @throws {ClusterError} `testing/not-settled` after `limitMs` of virtual time, default 10 min.
   */
  async until<T>(promise: Promise<T>, limitMs = LIMIT_MS): Promise<T> {
    requireTime(limitMs)
    let outcome: 'settled' | 'late' | undefined
    const settled = (): void => {
      outcome = 'settled'
    }
    promise.then(settled, settled)
    const timer = this.#actors.clock.after(limitMs, () => {
      outcome = 'late'
    })
    await this.#passUntil(() => outcome !== undefined)
    timer.cancel()
    if (outcome === 'settled') return promise
    const what = `what was waited for did not come within ${limitMs} ms of virtual time`
    throw new ClusterError('testing/not-settled', 'never', what)
  }

  /**
   * The leading master dies. Another one is there, and leads after some seconds.
   * @throws {ClusterError} `testing/no-leader`: the last one has died, and none leads yet.
   */
  async killLeader(): Promise<void> {
    const { leader } = this.#actors
    await this.until(this.#actors.startMaster())
    this.#actors.kill(leader)
  }

  async #passUntil(isOver: () => boolean): Promise<void> {
    const { clock } = this.#actors
    for (;;) {
      clock.settles()
      await clock.settled()
      if (isOver() || !clock.step()) return
    }
  }
}
