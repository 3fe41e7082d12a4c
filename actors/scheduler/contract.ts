/// <reference lib="esnext.disposable" preserve="true" />
/** What a framework's author holds: the scheduler. `contract-*.ts` have all other shapes. */
import type { ClusterError } from '../../protocol/errors.ts'
import type { AgentId, FrameworkId, OfferId, Principal } from '../../protocol/ids.ts'
import type { OwnExplanation } from '../../protocol/schema/explain.ts'
import type {
  Accepted,
  AnswerOptions,
  DeclineOptions,
  Offered,
  Outcome,
  TaskGroup,
  TaskWish,
} from './contract-offers.ts'
import type { TaskQueue } from './contract-queue.ts'
import type { OutputOptions, OutputPiece, StatusHandler, TaskStatus } from './contract-statuses.ts'
import type { FrameworkUpdate } from './contract-terms.ts'

export interface Listening {
  /** The handler is not called again. Repeats are harmless. */
  close(): void
}

/** Of several processes of one framework: the one that has it, or one that waits for it. */
export type Standing = 'leads' | 'stands-by'

export interface KillOptions {
  /** From SIGTERM to SIGKILL. Default: the task's own. A second kill can only shorten it. */
  readonly graceMs?: number
}

/** A framework, subscribed. Opened by `openScheduler`. */
export interface Scheduler extends AsyncDisposable {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  /** Resolves when nothing more comes: with what went wrong, or undefined if it was wanted. */
  readonly ended: Promise<ClusterError | undefined>
  /**
   * Where there are several instances: whether this one has the framework. One that stands by is
   * offered nothing and told of no status; what it asks for waits until it leads, but for kills.
   */
  readonly standing: Standing
  /** What was not obeyed or looked odd since the start, by name. */
  readonly counts: Readonly<Record<string, number>>

  /**
   * Offers that can still be answered, each to one reader. Whoever iterates wants offers: when
   * nobody has for a second, those that wait are declined and no more come until somebody does
   * again.
   *
   * Ends when the scheduler does. Its reader throws a ClusterError `scheduler/ended` when the
   * scheduler cannot go on.
   */
  offers(): AsyncIterable<Offered>

  /**
   * Statuses from now on; of one task: until it has ended, or nobody has known it for so long that
   * it is asked about no more: then the last one is TASK_UNKNOWN. Each is acknowledged when the
   * next one is asked for, or the loop is left, by an error too. Where nobody listens, statuses are
   * acknowledged as they come: listen before the first accept. Ends and throws as `offers`.
   *
   * @throws {ClusterError} `scheduler/option`: no task has such an id.
   */
  statuses(taskId?: string): AsyncIterable<TaskStatus>

  /** An error that `handle` throws ends the process, as any bug. */
  onStatus(handle: StatusHandler): Listening

  /** An agent was lost. What that means for tasks there is told by their statuses. */
  onFailure(handle: (agentId: AgentId) => void): Listening

  /**
   * Starts tasks on offers of one agent and role, taken together: in order, each if it fits on what
   * those before it have left, a group if all of it does. Refused without a word to the
   * leader: `invalid` (what is wrong is named), `too-large`, `used` and `stale` (the offer is
   * gone).
   */
  accept(
    offers: readonly (OfferId | Offered)[],
    tasks: readonly (TaskWish | TaskGroup)[],
    options?: AnswerOptions,
  ): Promise<Accepted>

  /** Gives offers back. Those that are gone are passed over, unless all are. */
  decline(offers: readonly (OfferId | Offered)[], options?: DeclineOptions): Promise<Outcome>

  /**
   * The outcome is a status. Said again to each new leader until the task has ended.
   *
   * An instance that stands by kills nothing, not later either: which task has that id by then,
   * only the one that leads knows. Kills that are not done when another instance takes over are
   * forgotten too; let that one decide. `counts.killAside` says how many were asked for in vain.
   *
   * @throws {ClusterError} `scheduler/option`: no task has such an id, or the grace is no time.
   */
  kill(taskId: string, options?: KillOptions): void

  /**
   * No offers, for these roles (default: all), until `revive`; offers that are there stay. Roles
   * that the framework does not have are passed over.
   * @throws {ClusterError} `scheduler/option`: that is no list of roles.
   */
  suppress(roles?: readonly string[]): void

  /** Offers again, at once, whatever was declined before. Throws as `suppress`. */
  revive(roles?: readonly string[]): void

  /**
   * Changes what it was opened with: all of it, or nothing. Resolves when the leader has taken it
   * in, or, with `refused`, says what is in the way for now; while there is no leader it waits.
   * @throws {ClusterError} `scheduler/option`: what is named is no good, as the library sees or the
   * leader says.
   */
  update(changes: FrameworkUpdate): Promise<Outcome>

  /** A queue of tasks that are matched with offers, where they prefer to be if that can be had. */
  queue(): TaskQueue

  /**
   * Why it waits, by role: what stands between it and the agents, as the allocator says now; that
   * is asked about eight roles at most, others are `unasked`.
   * Undefined: there is no leader, or it has no time for that.
   */
  explain(): Promise<OwnExplanation | undefined>

  /** Asks now what has become of all unfinished tasks; otherwise asked once a minute. */
  reconcile(): void

  /**
   * What a task wrote, from `offset` to its end, as it comes. The last piece has `end`, or says in
   * `missing` why there is no more. Pieces are asked for as they are read.
   * @throws {ClusterError} `scheduler/option`: one of them is no good.
   */
  readOutput(options: OutputOptions): AsyncGenerator<OutputPiece, void>

  /**
   * Kills all tasks, burns the framework's id, and closes. Resolves when the leader has taken it
   * in; while there is no leader it waits: a `close` ends that.
   */
  teardown(): Promise<Outcome>

  /**
   * Leaves: iterators end, the connection is closed, nothing keeps the process alive. Tasks run on
   * for `failoverMs`; a process with the same `frameworkId` and `secret` can take them over: an
   * instance that stands by does so at once. `await using` does this.
   */
  close(): Promise<void>
}
