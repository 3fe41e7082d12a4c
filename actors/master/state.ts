/** What a master knows. Followers know little; `leader` is dropped when the lead is lost. */
import type { Refusal } from '../../protocol/errors.ts'
import type {
  AgentId,
  FrameworkKey,
  Launch,
  MasterId,
  OfferId,
  RunId,
  SessionId,
  TaskId,
} from '../../protocol/ids.ts'
import { NO_RESOURCES, type Resources } from '../../protocol/resources.ts'
import type { AgentOrder } from '../../protocol/schema/agent.ts'
import type { AllocatorFigure } from '../../protocol/schema/allocator.ts'
import type { StatusNumber, Subscription, TaskStatus } from '../../protocol/schema/common.ts'
import type { PublicEvents } from '../../protocol/schema/event.ts'
import type {
  AgentInfo,
  HeldTask,
  LeaseRecord,
  RegistryRecord,
  SnapshotPage,
  Waiting,
} from '../../protocol/schema/master.ts'
import type { TaskItem } from '../../protocol/schema/operator.ts'
import type { FrameworkEvent } from '../../protocol/schema/scheduler.ts'
import type { MachineState } from '../../protocol/task-machine.ts'
import { Deadlines } from '../parts/deadlines.ts'
import { Outbox } from '../parts/outbox.ts'
import type { Session } from '../parts/session.ts'
import type { AgentState } from './agent-machine.ts'
import type { EventSubject } from './effects.ts'
import type { FrameworkState } from './framework-machine.ts'
import type { LeaseState } from './lease-machine.ts'

/** Clusterwide rules, each with its default in `protocol/limits.ts`. */
export interface MasterRules {
  readonly leaseMs: number
  readonly agentPingMs: number
  readonly agentPingsMissedMax: number
  readonly reregisterMs: number
  readonly frameworkPingMs: number
  readonly frameworkPingsMissedMax: number
  readonly offerTimeoutMs: number
}

/** What a deadline is for. */
export type Due =
  | { readonly due: 'agent-ping'; readonly agentId: AgentId }
  | { readonly due: 'agent-return'; readonly agentId: AgentId }
  | { readonly due: 'framework-ping'; readonly key: string }
  | { readonly due: 'framework-failover'; readonly key: string }
  | { readonly due: 'offer'; readonly offerId: OfferId }
  | { readonly due: 'allocator-ping' }
  | { readonly due: 'registry-retry' }
  | { readonly due: 'leader-beat' }

export interface Task {
  readonly framework: FrameworkKey
  readonly taskId: TaskId
  readonly launch: Launch
  readonly agentId: AgentId
  readonly role: string
  readonly name: string | undefined
  readonly resources: Resources
  state: MachineState
  /** Of the newest status applied; statuses with a lower one are old. */
  number: StatusNumber | undefined
  /** The newest status, for reconciliation and listings. */
  status: TaskStatus | undefined
  /** The agent must be told again when it comes back. */
  kill: { readonly graceMs: number | undefined } | undefined
  /** Its resources are counted as used at the agent and for the role. */
  isHeld: boolean
  changedAtMs: number
}

/** A session whose pages are still coming. */
export interface Opening {
  readonly info: AgentInfo
  readonly pages: number
  pagesHeard: number
  readonly tasks: HeldTask[]
  readonly frameworks: SnapshotPage['frameworks'][number][]
  /** Scalars that its tasks hold, as far as they were shown. */
  held: Resources
  /** When the register or its last page came (monotonic): it is given up PAGE_WAIT_MS later. */
  heardAtMs: number
  /** The registry was asked to admit it. */
  isAdmitting: boolean
}

export interface Agent {
  readonly agentId: AgentId
  state: AgentState
  session: Session | undefined
  opening: Opening | undefined
  info: AgentInfo | undefined
  total: Resources
  /** Neither held by a task nor offered. */
  free: Resources
  /** More is held of it than its total: nothing is free until enough has ended. */
  isOverdrawn: boolean
  /** Rises with every change of `total` and `free`: what the allocator computes from. */
  version: number
  readonly tasks: Set<Task>
  readonly offers: Set<OfferId>
  /** Of the last session that was opened; 0: none was. Sessions are ordered by them. */
  incarnation: number
  opens: number
  /** Pings in a row that were not answered. */
  missed: number
  /** The registry holds it as one that may have tasks. */
  isAdmitted: boolean
  registeredAtMs: number | undefined
  unreachableAtMs: number | undefined
}

export interface Offer {
  readonly offerId: OfferId
  readonly framework: FrameworkKey
  readonly role: string
  readonly agentId: AgentId
  readonly resources: Resources
  readonly madeAtMs: number
}

/** Something that was declined: nothing contained in it goes there before `untilMs` (monotonic). */
export interface Filter {
  readonly resources: Resources
  readonly untilMs: number
}

export interface RoleState {
  /** The framework did not ask for it, or does not any more: it only stands for what is held. */
  isLeft: boolean
  isSuppressed: boolean
  isDeclinedLast: boolean
  /** Why it got nothing lately, as the allocator said. */
  waiting: Waiting['agents'] | undefined
  /** Scalars held by its tasks or offered to it, on all agents. */
  allocated: Resources
  readonly filters: Map<AgentId, Filter[]>
}

/** What a call was answered; repeated for a repeated call id. */
export type CallAnswer = { readonly ok: true } | { readonly ok: false; readonly refusal: Refusal }

export interface Framework extends FrameworkKey {
  readonly key: string
  state: FrameworkState
  name: string
  /** Hash of its secret; undefined while only agents have told of it. */
  secretHash: string | undefined
  failoverMs: number
  session: Session | undefined
  /** Numbers heard out of order, all above `session.heard`. */
  readonly heardAhead: Set<number>
  subscription: Subscription | undefined
  readonly answers: Map<SessionId, CallAnswer>
  readonly roles: Map<string, RoleState>
  readonly tasks: Map<TaskId, Task>
  readonly offers: Set<OfferId>
  missed: number
  subscribedAtMs: number | undefined
  /** Ended: the agents that have not confirmed yet. */
  readonly unconfirmed: Set<AgentId>
}

/** The leader's side of the allocator's session, and what it must be told. */
export interface AllocatorLink {
  readonly session: Session
  missed: number
  readonly figures: AllocatorFigure[]
  readonly answers: { allocation: number; outcome: 'made' | 'refused' }[]
}

/** What is done when a record has been written. */
export type AfterWrite =
  | { readonly after: 'nothing' }
  | { readonly after: 'lead' }
  | { readonly after: 'admit'; readonly agentId: AgentId; readonly session: SessionId }
  | { readonly after: 'subscribe'; readonly key: string; readonly request: SubscribeRequest }
  | { readonly after: 'lose-agent'; readonly agentId: AgentId }
  | { readonly after: 'end-framework'; readonly key: string; readonly reply: string | undefined }

/** A subscription that waits for the registry. */
export interface SubscribeRequest {
  readonly session: SessionId | undefined
  readonly name: string
  readonly roles: readonly string[]
  readonly suppressed: readonly string[]
  readonly failoverMs: number
  readonly secretHash: string
  readonly reply: string | undefined
  readonly call: SessionId | undefined
}

export interface RegistryWriter {
  lastSequence: number
  /** Of this leader's last batch. */
  n: number
  readonly queue: { readonly record: RegistryRecord; readonly after: AfterWrite }[]
  /** The batch on its way, or one whose fate is being read back. */
  flying: { readonly n: number; readonly count: number } | undefined
}

/** Which of its filters. */
export interface FilterKey {
  readonly framework: FrameworkKey
  readonly role: string
  readonly agentId: AgentId
}

/** What only a leader knows. */
export interface Leader {
  readonly epoch: number
  readonly sinceWallMs: number
  readonly registry: RegistryWriter
  readonly agents: Map<AgentId, Agent>
  /** Those of them that are not registered: they may come back. */
  readonly absent: Set<AgentId>
  /** Known agents that were not invited yet after the takeover. */
  readonly uninvited: Set<AgentId>
  readonly frameworks: Map<string, Framework>
  readonly offers: Map<OfferId, Offer>
  /** Offers that an accept has used, oldest first, bounded. */
  readonly usedOffers: Set<OfferId>
  readonly ended: TaskItem[]
  /** By framework: those of its tasks that it is still to be told of. */
  readonly telling: Map<string, Iterator<Task>>
  allocator: AllocatorLink | undefined
  readonly dirtyAgents: Set<AgentId>
  /** Keys of `framework role`, with what they stand for. */
  readonly dirtyRoles: Map<string, { readonly framework: FrameworkKey; readonly role: string }>
  /** Keys of `framework role agent`. */
  readonly dirtyFilters: Map<string, FilterKey>
  readonly orders: Outbox<AgentId, AgentOrder>
  readonly events: Outbox<FrameworkKey, FrameworkEvent>
  readonly publicEvents: Outbox<EventSubject, PublicEvents['events'][number]>
  publicCount: number
  launchCount: number
  offerCount: number
  /** Of offers up to this count nobody knows any more whether an accept has used them. */
  offersForgotten: number
  readonly deadlines: Deadlines<Due>
  /** When one's own beat was last heard, by connection: silence counts only while it comes back. */
  readonly echoAtMs: Map<string, number>
}

export interface Lease {
  state: LeaseState
  /** The record as last seen, and when (monotonic) it was first seen so. */
  record: LeaseRecord | undefined
  revision: number
  unchangedSinceMs: number
  /** From when (monotonic) the lease counts: before the write that was confirmed last. */
  heldFromMs: number
  /** The write under way: when it was sent, and what it says. */
  writing: { readonly sentAtMs: number; readonly record: LeaseRecord } | undefined
  isReading: boolean
  /** A write was confirmed after that was asked: the answer may be from before it. */
  isReadingOld: boolean
  nextReadMs: number
  nextRenewalMs: number
  nextPeerBeatMs: number
  leaderHeardAtMs: number
  ownEchoAtMs: number
  probedAtMs: number
  /** When a complaint was obeyed last. */
  raisedAtMs: number
  /** When to ask for a log that could not be read at the takeover. */
  registryRetryAtMs: number
  /** It is about to end, and takes no lease any more. */
  hasResigned: boolean
}

export interface MasterState {
  readonly masterId: MasterId
  readonly run: RunId
  readonly rules: MasterRules
  /** The highest epoch that this master knows of, from anywhere; its disk's at first. */
  highestEpoch: number
  lease: Lease
  leader: Leader | undefined
  readonly counters: Map<string, number>
}

export function newAgent(agentId: AgentId): Agent {
  return {
    agentId,
    state: 'unknown',
    session: undefined,
    opening: undefined,
    info: undefined,
    total: NO_RESOURCES,
    free: NO_RESOURCES,
    isOverdrawn: false,
    version: 0,
    tasks: new Set(),
    offers: new Set(),
    incarnation: 0,
    opens: 0,
    missed: 0,
    isAdmitted: false,
    registeredAtMs: undefined,
    unreachableAtMs: undefined,
  }
}

export function newRole(): RoleState {
  return {
    isLeft: true,
    isSuppressed: false,
    isDeclinedLast: false,
    waiting: undefined,
    allocated: NO_RESOURCES,
    filters: new Map(),
  }
}

export function newLeader(epoch: number, sinceWallMs: number, lastSequence: number): Leader {
  return {
    epoch,
    sinceWallMs,
    registry: { lastSequence, n: 0, queue: [], flying: undefined },
    agents: new Map(),
    absent: new Set(),
    uninvited: new Set(),
    frameworks: new Map(),
    offers: new Map(),
    usedOffers: new Set(),
    ended: [],
    telling: new Map(),
    allocator: undefined,
    dirtyAgents: new Set(),
    dirtyRoles: new Map(),
    dirtyFilters: new Map(),
    orders: new Outbox(),
    events: new Outbox(),
    publicEvents: new Outbox(),
    publicCount: 0,
    launchCount: 0,
    offerCount: 0,
    offersForgotten: 0,
    deadlines: new Deadlines(),
    echoAtMs: new Map(),
  }
}

export function count(state: MasterState, name: string, by = 1): void {
  state.counters.set(name, (state.counters.get(name) ?? 0) + by)
}
