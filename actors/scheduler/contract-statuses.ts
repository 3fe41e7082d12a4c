/** What an author hears of tasks: their statuses, and what they write. */
import type { AgentId, Launch, TaskId } from '../../protocol/ids.ts'
import type { Reason } from '../../protocol/schema/common.ts'
import type { OtherWord } from '../../protocol/schema/shapes.ts'
import type { CheckResult } from '../../protocol/schema/task-checks.ts'
import type { TaskState } from '../../protocol/task-state.ts'

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
  /** A newer agent or leader may say others. */
  readonly reason?: Reason | OtherWord
  /** For people. */
  readonly message?: string
  /** How its process ended: at most one of them. */
  readonly exit?: { readonly code?: number; readonly signal?: number }
  /** What its health checks have come to. */
  readonly healthy?: boolean
  /** What its check said last. */
  readonly checkResult?: CheckResult
  /** Epoch milliseconds, by the clock of `source`. */
  readonly atMs: number
  /** Epoch milliseconds: since when its agent has not been heard. */
  readonly unreachableAtMs?: number
}

/** May return a promise: the status is acknowledged when it is fulfilled. */
export type StatusHandler = (status: TaskStatus) => void | Promise<void>

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
  /** So many bytes before `offset` were taken away from the agent's disk: there were too many. */
  readonly goneBytes?: number
  /** The task, or its agent, has emptied the stream: `offset` begins at 0 again. */
  readonly begunAnew?: boolean
  /** The task has ended, and this is the end of what it wrote. */
  readonly end: boolean
  /** A sentence: why the rest cannot be had. */
  readonly missing?: string
}
