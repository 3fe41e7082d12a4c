/**
 * All that a scheduler can do to the world. The core returns these; only the shell performs them.
 */
import type { AgentId, OfferId, SessionId, TaskId } from '../../protocol/ids.ts'
import type { Acknowledgements } from '../../protocol/schema/agent.ts'
import type { Subscription, TaskStatus } from '../../protocol/schema/common.ts'
import type { Message } from '../../protocol/schema/messages.ts'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import type { FRAMEWORK_VERBS, FrameworkVerb } from '../../protocol/subjects.ts'
import type { Standing } from './contract.ts'
import type { Outcome } from './contract-offers.ts'
import type { OutputPiece } from './contract-statuses.ts'
import type { Ask } from './inputs.ts'

/** A call's verb with the message that belongs to it. */
export type VerbCall = {
  readonly [V in FrameworkVerb]: {
    readonly verb: V
    readonly body: Message<(typeof FRAMEWORK_VERBS)[V]>
  }
}[FrameworkVerb]

/** Why a scheduler cannot go on. */
export interface EndReason {
  readonly name: string
  readonly message: string
}

export type Effect =
  /** At most once. An answer comes back as `leader.answered` with `key`; nothing else does. */
  | (VerbCall & { readonly do: 'call'; readonly key: SessionId; readonly timeoutMs: number })
  /** At most once, no answer wanted. */
  | (VerbCall & { readonly do: 'send' })
  /** At most once: the agent repeats what was not acknowledged. */
  | { readonly do: 'acknowledge'; readonly agentId: AgentId; readonly body: Acknowledgements }
  /** Is the connection alive? Comes back as `bus.echoed` or `bus.silent`. */
  | { readonly do: 'echo' }
  | { readonly do: 'tell-subscribed'; readonly subscription: Subscription }
  /** Of several instances. */
  | { readonly do: 'tell-standing'; readonly standing: Standing; readonly message: string }
  | { readonly do: 'tell-offers'; readonly offers: readonly Offer[] }
  /** These can no longer be accepted. */
  | { readonly do: 'tell-rescinded'; readonly offers: readonly OfferId[]; readonly reason: string }
  /** In this order. `framework.seen` is wanted back for those that have a key (`seenKey`). */
  | { readonly do: 'tell-statuses'; readonly statuses: readonly TaskStatus[] }
  /** Nobody knows it, and it is asked about no more. It may come back all the same. */
  | { readonly do: 'tell-let-go'; readonly taskId: TaskId }
  | { readonly do: 'tell-failure'; readonly agentId: AgentId }
  | { readonly do: 'tell-output'; readonly request: SessionId; readonly piece: OutputPiece }
  | { readonly do: 'settle'; readonly ask: Ask; readonly outcome: Outcome }
  /** Nothing follows. Without a reason: it was torn down, as it wanted. */
  | { readonly do: 'end'; readonly reason?: EndReason }
