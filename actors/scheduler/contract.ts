/** What a framework's author holds and writes: all shapes of the library, on one page. */
import type { ClusterError, Refusal } from '../../protocol/errors.ts'
import type {
  AgentId,
  FrameworkId,
  Launch,
  OfferId,
  Principal,
  TaskId,
} from '../../protocol/ids.ts'
import type { Ranges } from '../../protocol/ranges.ts'
import type { Resources } from '../../protocol/resources.ts'
import type { Reason, ResourceEntry } from '../../protocol/schema/common.ts'
import type { TaskState } from '../../protocol/task-state.ts'

/**
 * What a task takes of an offer: amounts by name, `{ cpus: 0.5, mem: 32, disk: 100, gpus: 1 }`
 * (`mem` and `disk` in MiB), or entries, which also name ports and reserved resources.
 */
export type ResourceWish = Readonly<Record<string, number>> | readonly ResourceEntry[]

/** A task that is to be started. */
export interface TaskWish {
  /**
   * Unique among the framework's tasks that have not ended. Default: its name and 64 random bits.
   */
  readonly taskId?: string
  /** For people. Default: none. */
  readonly name?: string
  /** A string goes to `/bin/sh -c`; a list is a program and its arguments. */
  readonly command: string | readonly string[]
  /** Beside what the agent sets: `BOURSE_TASK_ID`, `BOURSE_SANDBOX`, `PORT0` … */
  readonly env?: Readonly<Record<string, string>>
  /** Default: whoever the agent runs as. */
  readonly user?: string
  readonly resources: ResourceWish
  /** From SIGTERM to SIGKILL, in milliseconds, up to an hour. Default 3 s. */
  readonly killGraceMs?: number
  readonly labels?: Readonly<Record<string, string>>
}

/** A task whose id is in use: by one that lives, or whose end is not acknowledged yet. */
export interface NotLaunched {
  readonly taskId: TaskId
  /** For people: where and how the other one is. Its newest status is told as well. */
  readonly message: string
}

/** How a call ended. Being refused is no error: it is worth another offer. */
export type Outcome =
  /** `notLaunched`, of an accept only: these were passed over. Absent: none. */
  | { readonly outcome: 'done'; readonly notLaunched?: readonly NotLaunched[] }
  /** Nothing has happened; `refusal.name` is for programs, `refusal.message` for people. */
  | { readonly outcome: 'refused'; readonly refusal: Refusal }
  /** It may have happened or not; statuses tell, and the library asks for them by itself. */
  | { readonly outcome: 'unknown' }

/** What became of an accept, and the ids of its tasks, in the order of the wishes. */
export type Accepted = Outcome & { readonly taskIds: readonly TaskId[] }

export interface AnswerOptions {
  /** What is left, or declined, does not come back for so long. Default 5 s; 0: one second. */
  readonly refuseMs?: number
}

export interface DeclineOptions extends AnswerOptions {
  /** For whoever asks why nothing runs: the first 256 characters of it. */
  readonly reason?: string
}

/** What an agent says about itself; exactly one of `text` and `scalar` stands. */
export interface OfferAttribute {
  readonly name: string
  readonly text?: string
  readonly scalar?: number
}

/** Resources of one agent for one role, until answered, rescinded, timed out, or a new session. */
export interface Offered {
  readonly offerId: OfferId
  readonly agentId: AgentId
  readonly hostname: string
  /** Whose share it counts for. */
  readonly role: string
  readonly attributes: readonly OfferAttribute[]
  /** Exact, in thousandths, for arithmetic. */
  readonly resources: Resources
  /** As a wish would name them. */
  readonly entries: readonly ResourceEntry[]
  readonly cpus: number
  /** MiB. */
  readonly mem: number
  /** MiB. */
  readonly disk: number
  readonly gpus: number
  /** Both ends of each range are included. */
  readonly ports: Ranges
  /** It can still be answered. What it was lost to is told when it is accepted. */
  readonly isLive: boolean
  /** All of that name, whatever it is reserved for. */
  scalar(name: string): number
  /** The first attribute of that name. */
  attribute(name: string): string | number | undefined
  /** How many tasks that want `each` fit on it; 0 if that is no good either. */
  roomFor(each: ResourceWish): number
  /**
   * Starts tasks here. What becomes of them is told by statuses; what is left counts as declined.
   */
  accept(tasks: readonly TaskWish[], options?: AnswerOptions): Promise<Accepted>
  /** Gives it back. */
  decline(reason?: string, options?: AnswerOptions): Promise<Outcome>
}

/** One status of one task. Fields that nobody knows are absent. */
export interface TaskStatus {
  readonly taskId: TaskId
  readonly state: TaskState
  /**
   * The newest state that the agent knows: `state` lags behind until earlier ones are acknowledged.
   */
  readonly latest?: TaskState
  /** Where it is or was. */
  readonly agentId?: AgentId
  /** Names this start of the task among all of its id. */
  readonly launch?: Launch
  /** Where the status stands among all of its agent: by incarnation, then count. */
  readonly number?: { readonly incarnation: number; readonly count: number }
  /** Of an agent's status, the same whenever it is repeated. A leader's has none. */
  readonly uuid?: string
  readonly source: 'agent' | 'master'
  readonly reason?: Reason
  /** For people. */
  readonly message?: string
  /** How its process ended: at most one of them. */
  readonly exit?: { readonly code?: number; readonly signal?: number }
  /** Epoch milliseconds, by the clock of `source`. */
  readonly atMs: number
  /** Epoch milliseconds: since when its agent has not been heard. */
  readonly unreachableAtMs?: number
}

/** May return a promise: the status is acknowledged when it is fulfilled. */
export type StatusHandler = (status: TaskStatus) => void | Promise<void>

export interface Listening {
  /** The handler is not called again. Repeats are harmless. */
  close(): void
}

export interface KillOptions {
  /** From SIGTERM to SIGKILL. Default: the task's own. A second kill can only shorten it. */
  readonly graceMs?: number
}

export interface OutputOptions {
  readonly taskId: string
  /** Default `stdout`. */
  readonly stream?: 'stdout' | 'stderr'
  /** The first byte wanted. Default 0. */
  readonly offset?: number
  /** Where the task is or was. Default: where its statuses came from. */
  readonly agentId?: string
}

/** A piece of output. After `end` or `missing` nothing follows. */
export interface OutputPiece {
  /** Of the first byte of `data` in the whole stream. */
  readonly offset: number
  readonly data: Uint8Array
  /** The task has ended, and this is the end of what it wrote. */
  readonly end: boolean
  /** A sentence: why the rest cannot be had. */
  readonly missing?: string
}

/** A framework, subscribed. Opened by `openScheduler`. */
export interface Scheduler extends AsyncDisposable {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  /** Resolves when nothing more comes: with what went wrong, or undefined if it was wanted. */
  readonly ended: Promise<ClusterError | undefined>
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
   * Statuses from now on; of one task: until it has ended. Each is acknowledged when the next one
   * is asked for, or the loop is left, by an error too. Where nobody listens, statuses are
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
   * Starts tasks on offers of one agent and role, taken together. Refused without a word to the
   * leader: `invalid` (what is wrong is named), `too-large`, `used` and `stale` (the offer is
   * gone).
   */
  accept(
    offers: readonly (OfferId | Offered)[],
    tasks: readonly TaskWish[],
    options?: AnswerOptions,
  ): Promise<Accepted>

  /** Gives offers back. Those that are gone are passed over, unless all are. */
  decline(offers: readonly (OfferId | Offered)[], options?: DeclineOptions): Promise<Outcome>

  /**
   * The outcome is a status. Said again to each new leader until the task has ended.
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
   * for
   * `failoverMs`; a process with the same `frameworkId` and `secret` can take them over. `await
   * using` does this.
   */
  close(): Promise<void>
}
