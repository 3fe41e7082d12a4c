/** A running scheduler as a framework's author sees it. */
import type { Clock } from '../../bus/clock.ts'
import type { Messenger } from '../../bus/messenger.ts'
import type { RandomToken } from '../../bus/random.ts'
import { check } from '../../protocol/check.ts'
import { ClusterError } from '../../protocol/errors.ts'
import {
  type AgentId,
  type FrameworkId,
  type OfferId,
  type Principal,
  type SessionId,
  type TaskId,
  tokenFrom,
} from '../../protocol/ids.ts'
import type { TaskInfo, TaskStatus } from '../../protocol/schema/common.ts'
import type { Outcome, OutputPiece } from './effects.ts'
import { Feed } from './feed.ts'
import type { Ask } from './inputs.ts'
import { type Accepted, type AnswerOptions, Offered } from './offered.ts'
import { type Handlers, type RunningScheduler, startScheduler } from './shell.ts'
import { newScheduler, type SchedulerState, type Settings } from './state.ts'
import { type TaskWish, taskOf } from './wishes.ts'

export interface LibraryDeps {
  readonly cluster: string
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly settings: Settings
  readonly messenger: Messenger
  readonly clock: Clock
  readonly randomToken: RandomToken
}

export interface KillOptions {
  /** From SIGTERM to SIGKILL. Default: the task's own. A second kill can only shorten it. */
  readonly graceMs?: number
}

export interface OutputOptions {
  readonly taskId: string
  readonly stream: 'stdout' | 'stderr'
  /** The first byte wanted. Default 0. */
  readonly offset?: number
  /** Where the task is or was. Default: where its statuses came from. */
  readonly agentId?: string
}

/** May return a promise: the status is acknowledged when it is fulfilled. */
export type StatusHandler = (status: TaskStatus) => void | Promise<void>

export interface Listening {
  close(): void
}

interface UnseenStatus {
  readonly status: TaskStatus
  readonly seen: () => void
}

/** Opened by `openScheduler`. */
export class Scheduler implements AsyncDisposable {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  /** Resolves when nothing more comes: with what went wrong, or undefined if it was wanted. */
  readonly ended: Promise<ClusterError | undefined>
  readonly #deps: LibraryDeps
  readonly #state: SchedulerState
  readonly #running: RunningScheduler
  readonly #offers = new Feed<Offered>((offer) => this.#state.offers.has(offer.offerId))
  readonly #statusFeeds = new Set<Feed<UnseenStatus>>()
  readonly #statusHandlers = new Set<StatusHandler>()
  readonly #failureHandlers = new Set<(agentId: AgentId) => void>()
  readonly #asks = new Map<Ask, (outcome: Outcome) => void>()
  readonly #pieces = new Map<SessionId, (piece: OutputPiece) => void>()
  readonly #subscribed: Promise<void>
  #askCount = 0
  #isClosed = false
  #end: (error: ClusterError | undefined) => void = () => undefined
  #tellSubscribed: () => void = () => undefined

  constructor(deps: LibraryDeps) {
    this.principal = deps.principal
    this.frameworkId = deps.frameworkId
    this.#deps = deps
    this.#state = newScheduler(deps.settings, deps.randomToken(128))
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#subscribed = new Promise((resolve) => {
      this.#tellSubscribed = resolve
    })
    this.#running = startScheduler({ ...deps, state: this.#state, handlers: this.#handlers() })
  }

  /** What was not obeyed or looked odd since the start, by name. */
  get counts(): Readonly<Record<string, number>> {
    return this.#state.counts
  }

  /**
   * Resolves at the first subscription.
   * @throws {ClusterError} `scheduler/no-leader` after `timeoutMs`; `scheduler/ended`.
   */
  async subscribed(timeoutMs: number): Promise<void> {
    let cancel = (): void => undefined
    const late = new Promise<ClusterError>((resolve) => {
      const what = `no leader of cluster ${this.#deps.cluster} has answered within ${timeoutMs} ms`
      const timer = this.#deps.clock.after(timeoutMs, () =>
        resolve(new ClusterError('scheduler/no-leader', 'later', what)),
      )
      cancel = () => timer.cancel()
    })
    const error = await Promise.race([this.#subscribed, this.ended, late])
    cancel()
    if (error instanceof ClusterError) throw error
  }

  /**
   * Offers that can still be answered, each to one reader. Ends with the scheduler.
   * @throws {ClusterError} `scheduler/ended` when it cannot go on.
   */
  offers(): AsyncIterable<Offered> {
    return this.#offers
  }

  /**
   * Statuses from now on; each is acknowledged when the next one is asked for, or the loop is left,
   * by an error too. Where nobody listens, statuses are acknowledged as they come. Ends and throws as
   * `offers`.
   */
  statuses(): AsyncIterable<TaskStatus> {
    const feed = new Feed<UnseenStatus>()
    this.#statusFeeds.add(feed)
    const listening = this.onStatus(
      (status) => new Promise<void>((seen) => feed.push({ status, seen })),
    )
    return readStatuses(feed, () => {
      listening.close()
      this.#statusFeeds.delete(feed)
      for (const { seen } of feed.takeRest()) seen()
    })
  }

  /** An error that `handle` throws ends the process, as any bug. */
  onStatus(handle: StatusHandler): Listening {
    return listen(this.#statusHandlers, handle)
  }

  /** An agent was lost. What that means for tasks there is told by their statuses. */
  onFailure(handle: (agentId: AgentId) => void): Listening {
    return listen(this.#failureHandlers, handle)
  }

  /** Starts tasks on offers of one agent and role, taken together. */
  async accept(
    offers: readonly OfferId[],
    wishes: readonly TaskWish[],
    options: AnswerOptions = {},
  ): Promise<Accepted> {
    const tasks: TaskInfo[] = []
    for (const wish of wishes) {
      const prefix = tokenFrom(wish.name ?? this.#deps.settings.name)
      const task = taskOf(wish, `${prefix}-${this.#deps.randomToken(64)}`)
      if ('code' in task) return { outcome: 'refused', refusal: task, taskIds: [] }
      tasks.push(task)
    }
    const outcome = await this.#command((ask) =>
      this.#running.input({ kind: 'framework.accept', ask, offers, tasks, ...options }),
    )
    return { ...outcome, taskIds: tasks.map(({ taskId }) => taskId) }
  }

  decline(
    offers: readonly OfferId[],
    options: AnswerOptions & { readonly reason?: string } = {},
  ): Promise<Outcome> {
    return this.#command((ask) =>
      this.#running.input({ kind: 'framework.decline', ask, offers, ...options }),
    )
  }

  /**
   * The outcome is a status. Said again to each new leader until the task has ended.
   * @throws {ClusterError} `scheduler/bad-kill`: no task has such an id, or the grace is no time.
   */
  kill(taskId: string, options: KillOptions = {}): void {
    const { graceMs } = options
    const checked = check('KillTask', { taskId, ...(graceMs !== undefined && { graceMs }) })
    if (!checked.ok) throw new ClusterError('scheduler/bad-kill', 'never', checked.refusal.message)
    this.#running.input({ kind: 'framework.kill', taskId: taskId as TaskId, ...options })
  }

  /** No offers, for these roles (default: all), until `revive`; offers that are there stay. */
  suppress(roles?: readonly string[]): void {
    this.#running.input({ kind: 'framework.suppress', ...(roles && { roles }) })
  }

  /** Offers again, at once, whatever was declined before. */
  revive(roles?: readonly string[]): void {
    this.#running.input({ kind: 'framework.revive', ...(roles && { roles }) })
  }

  /** Asks now what has become of all unfinished tasks; otherwise asked once a minute. */
  reconcile(): void {
    this.#running.input({ kind: 'framework.reconcile' })
  }

  /**
   * What a task wrote, from `offset` to its end, as it comes. The last piece has `end`, or says in
   * `missing` why there is no more. Pieces are asked for as they are read.
   */
  async *readOutput(options: OutputOptions): AsyncGenerator<OutputPiece, void> {
    const { stream, offset = 0 } = options
    const taskId = options.taskId as TaskId
    const agentId = (options.agentId as AgentId | undefined) ?? this.#agentOf(taskId)
    if (agentId === undefined) {
      yield noPiece(`nobody has said where task ${taskId} is`, offset)
      return
    }
    const request = this.#deps.randomToken(64) as SessionId
    const reading = { request, taskId, agentId, stream, offset }
    this.#running.input({ kind: 'framework.open-reading', ...reading })
    try {
      for (let isOver = false; !isOver; ) {
        const piece = await this.#nextPiece(request)
        isOver = piece.end || piece.missing !== undefined
        yield piece
      }
    } finally {
      this.#pieces.delete(request)
      this.#running.input({ kind: 'framework.close-reading', request })
    }
  }

  /** Kills all tasks and burns the framework's id. Resolves when the leader has taken it in. */
  teardown(): Promise<Outcome> {
    return this.#command((ask) => this.#running.input({ kind: 'framework.teardown', ask }))
  }

  /** Leaves; tasks run on until the failover is over, and a process with id and secret can return. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const { messenger } = this.#deps
    await this.#running.close()
    this.#over(undefined)
    messenger.close()
    await messenger.bus.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #handlers(): Handlers {
    return {
      subscribed: () => this.#tellSubscribed(),
      offers: (offers) => {
        for (const offer of offers) this.#offers.push(new Offered(offer, this))
      },
      // Dead offers are passed over when their turn to be read comes.
      rescinded: () => undefined,
      status: (status) => this.#tellStatus(status),
      failure: (agentId) => {
        for (const handle of this.#failureHandlers) handle(agentId)
      },
      output: (request, piece) => this.#pieces.get(request)?.(piece),
      settled: (ask, outcome) => {
        this.#asks.get(ask)?.(outcome)
        this.#asks.delete(ask)
      },
      ended: (reason) =>
        this.#over(
          reason &&
            new ClusterError('scheduler/ended', 'never', `${reason.name}: ${reason.message}`),
        ),
    }
  }

  #tellStatus(status: TaskStatus): void | Promise<void> {
    const busy = [...this.#statusHandlers]
      .map((handle) => handle(status))
      .filter((result) => result !== undefined)
    return busy.length === 0 ? undefined : Promise.all(busy).then(() => undefined)
  }

  /** After `close` nothing is said, so nothing is known. */
  #command(give: (ask: Ask) => void): Promise<Outcome> {
    if (this.#isClosed) return Promise.resolve({ outcome: 'unknown' })
    this.#askCount += 1
    const ask = this.#askCount
    return new Promise((resolve) => {
      this.#asks.set(ask, resolve)
      give(ask)
    })
  }

  #nextPiece(request: SessionId): Promise<OutputPiece> {
    if (this.#isClosed) return Promise.resolve(noPiece(CLOSED))
    return new Promise((resolve) => {
      this.#pieces.set(request, resolve)
      this.#running.input({ kind: 'framework.read', request })
    })
  }

  #agentOf(taskId: TaskId): AgentId | undefined {
    return (this.#state.tasks.get(taskId) ?? this.#state.ended.get(taskId))?.agentId
  }

  #over(error: ClusterError | undefined): void {
    this.#end(error)
    this.#offers.end(error)
    for (const feed of this.#statusFeeds) feed.end(error)
    for (const settle of this.#asks.values()) settle({ outcome: 'unknown' })
    this.#asks.clear()
    for (const tell of this.#pieces.values()) tell(noPiece(error?.message ?? CLOSED))
  }
}

const CLOSED = 'the scheduler was closed'

const noPiece = (missing: string, offset = 0): OutputPiece => ({
  offset,
  data: new Uint8Array(),
  end: false,
  missing,
})

function listen<H>(handlers: Set<H>, handle: H): Listening {
  handlers.add(handle)
  return { close: () => void handlers.delete(handle) }
}

async function* readStatuses(
  feed: Feed<UnseenStatus>,
  close: () => void,
): AsyncGenerator<TaskStatus, void> {
  try {
    for await (const { status, seen } of feed) {
      try {
        yield status
      } finally {
        seen()
      }
    }
  } finally {
    close()
  }
}
