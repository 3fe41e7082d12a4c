/** One job, which is a framework of its own: a task for each block, best where the block lies. */
import {
  ClusterError,
  isTerminal,
  openScheduler,
  type Placement,
  type QueuedTask,
  type Scheduler,
  type TaskQueue,
  type TaskStatus,
} from '../../actors/scheduler/scheduler.ts'
import type { Block } from './blocks.ts'

export interface JobOptions {
  readonly name: string
  readonly nats: string
  readonly blocks: readonly Block[]
  readonly taskMs: number
  /** So long a task waits for an agent that holds its block. */
  readonly waitMs: number
  /** A partition of the cluster: other agents are not touched. Absent: it shares all of them. */
  readonly partition?: ReadonlySet<string>
}

export interface JobResult {
  /** Tasks that ran where their block lies. */
  readonly local: number
  readonly tasks: number
  /** Epoch milliseconds, by the clock of the agents: its first start and its last end. */
  readonly startedAtMs: number
  readonly endedAtMs: number
}

/** Takes half of an agent. */
const WANTED = { cpus: 4, mem: 1_024 } as const
/** Its tasks do not outlive it for longer. */
const FAILOVER_MS = 5_000
/** An agent of another partition is not looked at again. */
const NEVER_MS = 3_600_000

/**
 * Runs it to its end.
 *
 * @throws {ClusterError} as `openScheduler`; `scheduler/ended`.
 */
export async function runJob(options: JobOptions): Promise<JobResult> {
  const { name, nats } = options
  const scheduler = await openScheduler({ name, nats, failoverMs: FAILOVER_MS })
  try {
    return await new Job(options, scheduler).finish()
  } finally {
    await scheduler.teardown()
  }
}

class Job {
  readonly #options: JobOptions
  readonly #scheduler: Scheduler
  readonly #queue: TaskQueue
  readonly #unfinished: Map<string, Block>
  /** Of each block, whether its latest task runs where it lies. */
  readonly #isLocal = new Map<Block, boolean>()
  readonly #done: Promise<void>
  #end: () => void = () => undefined
  #tries = 0
  #isPlacing = false
  #startedAtMs = Number.POSITIVE_INFINITY
  #endedAtMs = 0

  constructor(options: JobOptions, scheduler: Scheduler) {
    this.#options = options
    this.#scheduler = scheduler
    this.#queue = scheduler.queue()
    this.#unfinished = new Map()
    this.#done = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  async finish(): Promise<JobResult> {
    this.#scheduler.onStatus((status) => this.#onStatus(status))
    this.#start(this.#options.blocks)
    const error = await Promise.race([this.#done, this.#scheduler.ended])
    if (error !== undefined) throw error
    return {
      local: [...this.#isLocal.values()].filter((isLocal) => isLocal).length,
      tasks: this.#options.blocks.length,
      startedAtMs: this.#startedAtMs,
      endedAtMs: this.#endedAtMs,
    }
  }

  #start(blocks: readonly Block[]): void {
    const added = this.#queue.add(blocks.map((block) => this.#taskOf(block)))
    if (added.outcome === 'refused')
      throw new ClusterError('locality/task', 'never', added.refusal.message)
    void this.#place()
  }

  #taskOf(block: Block): QueuedTask {
    this.#tries += 1
    const taskId = `block-${block.number}-${this.#tries}`
    this.#unfinished.set(taskId, block)
    const { taskMs, waitMs } = this.#options
    return {
      taskId,
      command: ['count', `block-${block.number}`],
      // The agents only pretend: this is how long.
      env: { PRETEND_MS: String(taskMs) },
      resources: WANTED,
      prefer: { attribute: 'agent', equals: block.holders, waitMs },
    }
  }

  /** Answers offers while tasks wait. */
  async #place(): Promise<void> {
    if (this.#isPlacing) return
    this.#isPlacing = true
    try {
      for await (const offer of this.#scheduler.offers()) {
        const { partition } = this.#options
        if (partition?.has(offer.agentId) === false) {
          await offer.decline('of another partition', { refuseMs: NEVER_MS })
          continue
        }
        const { placed } = await this.#queue.answer(offer)
        for (const placement of placed) this.#note(placement)
        if (this.#queue.length === 0) break
      }
    } catch (error) {
      // Why no more come is what `ended` says, too.
      if (!(error instanceof ClusterError)) throw error
    }
    this.#isPlacing = false
    if (this.#queue.length > 0) void this.#place()
  }

  #note({ taskId, choice }: Placement): void {
    const block = this.#unfinished.get(taskId)
    if (block !== undefined) this.#isLocal.set(block, choice === 0)
  }

  #onStatus({ taskId, state, atMs }: TaskStatus): void {
    const block = this.#unfinished.get(taskId)
    if (block === undefined) return
    if (state === 'TASK_RUNNING') this.#startedAtMs = Math.min(this.#startedAtMs, atMs)
    if (!isTerminal(state)) return
    this.#unfinished.delete(taskId)
    // Whatever became of it: a block can be counted twice.
    if (state !== 'TASK_FINISHED') return this.#start([block])
    this.#endedAtMs = Math.max(this.#endedAtMs, atMs)
    if (this.#unfinished.size === 0) this.#end()
  }
}
