/** All that can happen to a master, beside what happens to every actor. */
import type { RefusalName } from '../../protocol/errors.ts'
import type { AgentId, FrameworkKey, MasterId, Principal } from '../../protocol/ids.ts'
import type {
  AgentReports,
  AllocatorReports,
  LeaderBeat,
  LeaseRecord,
  PeerBeat,
} from '../../protocol/schema/master.ts'
import type { StatusUpdates } from '../../protocol/schema/scheduler.ts'
import type { FrameworkCall } from './frameworks/calls.ts'
import type { OperatorCall } from './operator.ts'
import type { LogPart } from './registry/reading.ts'

export type Input =
  | { readonly kind: 'peer-beat'; readonly masterId: MasterId; readonly body: PeerBeat }
  /** A leader's beat, one's own included, and the connection on which it was heard. */
  | { readonly kind: 'leader-beat'; readonly body: LeaderBeat; readonly connection: string }
  | {
      readonly kind: 'lease.read'
      readonly record: LeaseRecord | undefined
      /** 0: there is none. */
      readonly revision: number
    }
  | {
      readonly kind: 'lease.written'
      /** As it was to be written. */
      readonly record: LeaseRecord
      readonly revision: number
    }
  | { readonly kind: 'lease.conflict' }
  | { readonly kind: 'lease.unavailable'; readonly asked: 'read-lease' | 'write-lease' }
  /** The registry's answers name the epoch that asked: one to an earlier lead is nobody's. */
  | ({ readonly kind: 'registry.read' } & LogPart)
  | {
      readonly kind: 'registry.appended'
      readonly epoch: number
      /** Of the batch: several may be on their way, all but the last given up. */
      readonly n: number
      readonly sequence: number
    }
  | { readonly kind: 'registry.conflict'; readonly epoch: number; readonly n: number }
  | { readonly kind: 'registry.unavailable'; readonly epoch: number }
  | { readonly kind: 'copy.saved' }
  | { readonly kind: 'copy.unsaved'; readonly problem: string }
  | { readonly kind: 'epoch.saved'; readonly epoch: number }
  | { readonly kind: 'epoch.unsaved'; readonly epoch: number; readonly problem: string }
  | { readonly kind: 'listening'; readonly epoch: number }
  | { readonly kind: 'agent-reports'; readonly agentId: AgentId; readonly body: AgentReports }
  | {
      readonly kind: 'status-updates'
      readonly framework: FrameworkKey
      readonly agentId: AgentId
      readonly body: StatusUpdates
    }
  | {
      readonly kind: 'framework-call'
      readonly framework: FrameworkKey
      readonly call: FrameworkCall
      readonly reply: string | undefined
    }
  | { readonly kind: 'allocator-reports'; readonly body: AllocatorReports }
  | {
      readonly kind: 'operator-call'
      readonly principal: Principal
      readonly call: OperatorCall
      readonly reply: string | undefined
    }
  /** Messages were refused before they got here. */
  | { readonly kind: 'refused'; readonly name: RefusalName; readonly count: number }
  /** The connection to the stores was lost, and is there again: with them or with others. */
  | { readonly kind: 'bus.connected' }
  /** A graceful end: the lease is given back. */
  | { readonly kind: 'resign' }
