/** All that a master can do to the world. The core returns these; only the shell performs them. */
import type { Refusal } from '../../protocol/errors.ts'
import type { EventKind, EventWord } from '../../protocol/event-words.ts'
import type { AgentId, FrameworkId, Principal } from '../../protocol/ids.ts'
import type { AgentOrders } from '../../protocol/schema/agent.ts'
import type { AllocatorFigures } from '../../protocol/schema/allocator.ts'
import type { PublicEvents } from '../../protocol/schema/event.ts'
import type {
  LeaderBeat,
  LeaseRecord,
  PeerBeat,
  RegistryBatch,
} from '../../protocol/schema/master.ts'
import type { FindSandboxes } from '../../protocol/schema/sandbox.ts'
import type { FrameworkEvents } from '../../protocol/schema/scheduler.ts'
import type { LogBatch } from './registry/copy.ts'

/** Where a public event is published: what happened, and whose it is. */
export type EventSubject =
  | { readonly kind: 'master'; readonly what: EventWord<'master'>; readonly framework?: undefined }
  | { readonly kind: 'agent'; readonly what: EventWord<'agent'>; readonly framework?: undefined }
  | {
      readonly kind: 'allocator'
      readonly what: EventWord<'allocator'>
      readonly framework?: undefined
    }
  | { readonly kind: 'role'; readonly what: EventWord<'role'>; readonly framework?: undefined }
  | OwnedEvent<'framework'>
  | OwnedEvent<'offer'>
  | OwnedEvent<'task'>

interface OwnedEvent<Kind extends EventKind> {
  readonly kind: Kind
  readonly what: EventWord<Kind>
  readonly framework: { readonly principal: Principal; readonly frameworkId: FrameworkId }
}

export type Effect =
  /** At most once, as every message. Its loss shows as a gap in the receiver's numbers. */
  | { readonly do: 'send-orders'; readonly agentId: AgentId; readonly body: AgentOrders }
  /** All of them at once, whatever their sessions. */
  | { readonly do: 'ask-agents'; readonly body: FindSandboxes }
  | {
      readonly do: 'send-events'
      readonly principal: Principal
      readonly frameworkId: FrameworkId
      readonly body: FrameworkEvents
    }
  | { readonly do: 'send-figures'; readonly body: AllocatorFigures }
  | { readonly do: 'send-leader-beat'; readonly body: LeaderBeat }
  | { readonly do: 'send-peer-beat'; readonly body: PeerBeat }
  | { readonly do: 'send-public'; readonly subject: EventSubject; readonly body: PublicEvents }
  /** To the call of that reply subject; not repeated when it gets lost. */
  | { readonly do: 'answer'; readonly reply: string; readonly body: object }
  | { readonly do: 'refuse'; readonly reply: string; readonly refusal: Refusal }
  /** Comes back as `lease.read`, or `lease.unavailable`. */
  | { readonly do: 'read-lease' }
  /** Compare-and-set. Comes back as `lease.written`, `lease.conflict` or `lease.unavailable`. */
  | { readonly do: 'write-lease'; readonly record: LeaseRecord; readonly revision: number }
  /** Comes back as `registry.read`, or `registry.unavailable`. */
  | {
      readonly do: 'read-registry'
      readonly epoch: number
      readonly reading: number
      readonly from: number
      /** Of sequences, in one answer. */
      readonly max: number
    }
  /** Comes back as `registry.appended`, `registry.conflict` or `registry.unavailable`. */
  | { readonly do: 'append-registry'; readonly batch: RegistryBatch; readonly lastSequence: number }
  /** Removes what a snapshot stands for; what is left is removed after the next one. */
  | { readonly do: 'trim-registry'; readonly below: number }
  /** To this master's own disk, synced. Comes back as `copy.saved` or `copy.unsaved`. */
  | {
      readonly do: 'save-copy'
      readonly where: 'behind' | 'instead'
      readonly batches: readonly LogBatch[]
    }
  /** Hears agents, frameworks, allocators and operators from now on. Comes back as `listening`. */
  | { readonly do: 'listen'; readonly epoch: number }
  /** Hears them no more. */
  | { readonly do: 'stop-listening' }
  /**
   * To this master's own disk, synced: this epoch is never used again. Comes back as `epoch.saved`
   * or `epoch.unsaved`.
   */
  | { readonly do: 'save-epoch'; readonly epoch: number }
  | {
      readonly do: 'log'
      readonly level: 'info' | 'warn' | 'error'
      readonly message: string
      readonly fields?: Readonly<Record<string, string | number>>
    }
