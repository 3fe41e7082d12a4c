/** Tasks as an author wishes for them, offers, and how they are answered. */
import type { Refusal } from '../../protocol/errors.ts'
import type { AgentId, OfferId, TaskId } from '../../protocol/ids.ts'
import type { Ranges } from '../../protocol/ranges.ts'
import type { Resources } from '../../protocol/resources.ts'
import type { ResourceEntry } from '../../protocol/schema/common.ts'
import type { Check, HealthCheck } from '../../protocol/schema/task-checks.ts'
import type { TaskContainer } from '../../protocol/schema/task-container.ts'
import type { TaskLinux, TaskRlimit } from '../../protocol/schema/task-linux.ts'

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
  /**
   * A string goes to `/bin/sh -c`; a list is a program and its arguments. With an image an empty
   * list runs what the image runs.
   */
  readonly command: string | readonly string[]
  /** Default: a process on its agent's own files. Agents say what they have in `containerizers`. */
  readonly container?: TaskContainer
  /** Beside what the agent sets: `BOURSE_TASK_ID`, `BOURSE_SANDBOX`, `PORT0` … */
  readonly env?: Readonly<Record<string, string>>
  /** Default: whoever the agent runs as. */
  readonly user?: string
  readonly resources: ResourceWish
  /**
   * What it never gets more of, at least what it asks for; `mem` in MiB. Default: of memory what it
   * asks for, of cpus whatever nobody else wants.
   */
  readonly limits?: { readonly cpus?: number; readonly mem?: number }
  /** Of each of its processes; one without `soft` and `hard` is unlimited. Default: the agent's. */
  readonly rlimits?: readonly TaskRlimit[]
  /** What its processes may do and see on their machine. Default: what the agent's may. */
  readonly linux?: TaskLinux
  /** From SIGTERM to SIGKILL, in milliseconds, up to an hour. Default 3 s. */
  readonly killGraceMs?: number
  /** Kills it when it is not well for some time; tells of each failure. Default: none. */
  readonly healthCheck?: HealthCheck
  /** Tells how it is, and nothing more. Default: none. */
  readonly check?: Check
  /** It fails when it has run for so long, in milliseconds. Default: it may run for ever. */
  readonly maxCompletionMs?: number
  readonly labels?: Readonly<Record<string, string>>
}

/**
 * Tasks that are started together or not at all. When one of them ends otherwise than by itself and
 * well, the others are killed. At least one.
 */
export interface TaskGroup {
  readonly group: readonly TaskWish[]
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

/** What became of an accept, and the ids of its tasks, in order, those of groups too. */
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
   * Starts tasks here, in this order. What becomes of them is told by statuses; what is left counts
   * as declined.
   */
  accept(tasks: readonly (TaskWish | TaskGroup)[], options?: AnswerOptions): Promise<Accepted>
  /** Gives it back. */
  decline(reason?: string, options?: AnswerOptions): Promise<Outcome>
}
