/** What the scheduler's core is told. */
import type { Refusal } from '../../protocol/errors.ts'
import type { AgentId, OfferId, SessionId, TaskId } from '../../protocol/ids.ts'
import type { NotLaunched, UpdateFramework } from '../../protocol/schema/calls.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import type { LeaderBeat } from '../../protocol/schema/master.ts'
import type { FrameworkEvents, Output, StatusUpdates } from '../../protocol/schema/scheduler.ts'

/** What a leader's beat says that concerns a framework. */
export type Beat = Pick<LeaderBeat, 'epoch' | 'run' | 'inviting'>

/** Names a command of the framework; its outcome comes back with it. */
export type Ask = number

/** Tasks that are started one by one, or together. */
export interface LaunchOperation {
  readonly kind: 'launch' | 'launch-group'
  readonly tasks: readonly TaskInfo[]
}

export interface AcceptInput {
  readonly kind: 'framework.accept'
  readonly ask: Ask
  readonly offers: readonly OfferId[]
  /** In order. */
  readonly operations: readonly LaunchOperation[]
  readonly refuseMs?: number
}

export interface DeclineInput {
  readonly kind: 'framework.decline'
  readonly ask: Ask
  readonly offers: readonly OfferId[]
  readonly refuseMs?: number
  readonly reason?: string
}

/** Roles left out: all. */
export interface DemandInput {
  readonly kind: 'framework.suppress' | 'framework.revive'
  readonly roles?: readonly string[]
}

/** What is named is replaced, what is absent stays. */
export type Changes = Omit<UpdateFramework, 'session' | 'n' | 'call' | 'epoch' | 'suppressed'>

export interface UpdateInput {
  readonly kind: 'framework.update'
  readonly ask: Ask
  readonly changes: Changes
}

/** A reading is named by the `request` that its calls carry. */
export interface OpenReadingInput {
  readonly kind: 'framework.open-reading'
  readonly request: SessionId
  readonly taskId: TaskId
  readonly agentId: AgentId
  readonly stream: 'stdout' | 'stderr'
  readonly offset: number
}

export type FrameworkInput =
  | AcceptInput
  | DeclineInput
  | DemandInput
  | UpdateInput
  | { readonly kind: 'framework.kill'; readonly taskId: TaskId; readonly graceMs?: number }
  | { readonly kind: 'framework.reconcile' }
  | { readonly kind: 'framework.teardown'; readonly ask: Ask }
  /** The process leaves: of several instances another may go on at once. */
  | { readonly kind: 'framework.leave' }
  /** The framework's handlers are done with the statuses of these: they may be acknowledged. */
  | { readonly kind: 'framework.seen'; readonly keys: readonly string[] }
  | OpenReadingInput
  /** One more piece of output is wanted. */
  | { readonly kind: 'framework.read'; readonly request: SessionId }
  | { readonly kind: 'framework.close-reading'; readonly request: SessionId }

export type Input =
  /** The first input, once. */
  | { readonly kind: 'start' }
  | { readonly kind: 'leader.beat'; readonly beat: Beat }
  | { readonly kind: 'leader.events'; readonly message: FrameworkEvents }
  /** What a call was answered; `key` is the effect's. Silence is no input: deadlines repeat. */
  | {
      readonly kind: 'leader.answered'
      readonly key: SessionId
      readonly refusal?: Refusal
      /** Of an accept: tasks that were passed over. */
      readonly notLaunched?: readonly NotLaunched[] | undefined
    }
  /** Nobody listened to a call; `key` is the effect's. */
  | { readonly kind: 'leader.unheard'; readonly key: SessionId }
  | {
      readonly kind: 'agent.statuses'
      readonly agentId: AgentId
      readonly message: StatusUpdates
    }
  | { readonly kind: 'agent.output'; readonly agentId: AgentId; readonly message: Output }
  /** The connection is back: what others said meanwhile is lost. */
  | { readonly kind: 'bus.connected' }
  /** The outcome of the effect `echo`. */
  | { readonly kind: 'bus.echoed' | 'bus.silent' }
  | FrameworkInput
