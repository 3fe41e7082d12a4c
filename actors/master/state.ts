/** What a master knows. Followers know little; `leader` is dropped when the lead is lost. */
import type {
  AgentId,
  FrameworkKey,
  Launch,
  MasterId,
  OfferId,
  Principal,
  RunId,
  SessionId,
} from '../../protocol/ids.ts'
import {
  CALLERS_REMEMBERED_MAX,
  ENDED_TASKS_MAX,
  EXPRESSIONS_PROGRAM_PER_S,
  RECONCILED_TASKS_BURST,
  RECONCILED_TASKS_PER_S,
} from '../../protocol/limits.ts'
import type { Resources } from '../../protocol/resources.ts'
import type { AgentOrder } from '../../protocol/schema/agent.ts'
import type { AllocatorFigure } from '../../protocol/schema/allocator.ts'
import type { Fence, MinAllocatable } from '../../protocol/schema/common.ts'
import type { PublicEvents } from '../../protocol/schema/event.ts'
import type { LeaseRecord } from '../../protocol/schema/master.ts'
import type { FrameworkEvent } from '../../protocol/schema/scheduler.ts'
import { Deadlines } from '../parts/deadlines.ts'
import { Outbox } from '../parts/outbox.ts'
import { Recent } from '../parts/recent.ts'
import type { Session } from '../parts/session.ts'
import { type Rate, TokenBuckets } from '../parts/token-bucket.ts'
import {
  type Admission,
  type Burial,
  type Failures,
  newRecovery,
  newRemovals,
  type Parting,
  type Recovery,
  type RemovalLimit,
  type Removals,
} from './agents/membership.ts'
import type { EventSubject } from './effects.ts'
import type {
  Agent,
  AgentSeen,
  Framework,
  FrameworkEnd,
  Holder,
  Offer,
  OfferFate,
  Task,
  Terms,
  UpdateRequest,
} from './entities.ts'
import type { Explaining } from './explain/state.ts'
import type { LeaseState } from './lease-machine.ts'
import { type LeaderRegistry, newLeaderRegistry, type RegistryState } from './registry/state.ts'
import { newRoleBooks, type RoleBooks, type RolesRecord } from './roles/books.ts'

/** Clusterwide rules, each with its default in `protocol/limits.ts`. */
export interface MasterRules {
  readonly leaseMs: number
  readonly agentPingMs: number
  readonly agentPingsMissedMax: number
  readonly reregisterMs: number
  readonly agentRemovals: RemovalLimit
  readonly frameworkPingMs: number
  readonly frameworkPingsMissedMax: number
  readonly offerTimeoutMs: number
  /** What is left of an agent must contain one of these to be offered; none: anything will do. */
  readonly minAllocatable: MinAllocatable
  /** How long it listens for other masters before it takes over. */
  readonly peersWaitMs: number
  /** Agents whose attribute `region` says another are for frameworks that are aware of regions. */
  readonly region: string | undefined
}

/** What a deadline is for. */
export type Due =
  | { readonly due: 'agent-ping'; readonly agentId: AgentId }
  | { readonly due: 'agent-return'; readonly agentId: AgentId }
  | { readonly due: 'framework-ping'; readonly key: string }
  | { readonly due: 'framework-failover'; readonly key: string }
  | { readonly due: 'late'; readonly key: string; readonly role: string }
  | { readonly due: 'offer'; readonly offerId: OfferId }
  | { readonly due: 'explain'; readonly id: number }
  | { readonly due: 'agents-awaited' }
  | { readonly due: 'agent-removals' }
  | { readonly due: 'lost-agents' }
  | { readonly due: 'invitations' }
  | { readonly due: 'allocator-ping' }
  | { readonly due: 'registry-retry' | 'registry-check' }
  | { readonly due: 'leader-beat' }

/** What became of an allocation of an agent. */
export interface AllocationAnswer {
  readonly agentId: AgentId
  readonly allocation: number
  readonly outcome: 'made' | 'refused'
}

/** The leader's side of the allocator's session, and what it must be told. */
export interface AllocatorLink {
  readonly session: Session
  /** By which it decides, if it says so. */
  readonly policy: string | undefined
  missed: number
  /** It was told of all that there is. */
  isTold: boolean
  readonly figures: AllocatorFigure[]
  answers: AllocationAnswer[]
  /** What is left of telling all anew, for shadows; undefined: nothing is. */
  retelling: Iterator<AllocatorFigure | FilterKey> | undefined
  /** When that was begun last. */
  retoldAtMs: number | undefined
}

/** What is done when a record has been written. */
export type AfterWrite =
  | { readonly after: 'nothing' }
  | { readonly after: 'lead' | 'seed' }
  | { readonly after: 'subscribe'; readonly key: string; readonly request: SubscribeRequest }
  | {
      readonly after: 'update'
      readonly key: string
      readonly request: UpdateRequest
      readonly wanted: Updated
    }
  | { readonly after: 'admit'; readonly fact: Admission }
  | { readonly after: 'forget-agent' | 'forget-lost'; readonly agentId: AgentId }
  | { readonly after: 'lose-agent'; readonly agentId: AgentId; readonly atMs: number }
  | { readonly after: 'bury-agent'; readonly burial: Burial }
  | { readonly after: 'change-roles'; readonly judged: RolesRecord }
  | ({ readonly after: 'end-framework'; readonly key: string } & FrameworkEnd)

/** What the registry holds of a framework. */
export interface Recorded {
  readonly secretHash: string
  readonly name: string
  readonly roles: readonly string[]
  readonly failoverMs: number
  readonly terms: Terms
  readonly holder: Holder | undefined
}

/** As a framework is to be, after an update. */
export interface Updated extends Recorded {
  /** Of its roles. */
  readonly suppressed: readonly string[]
}

/** A subscription that waits for the registry. */
export interface SubscribeRequest extends Recorded {
  /** The framework was there when it asked. */
  readonly isKnown: boolean
  readonly session: SessionId | undefined
  readonly suppressed: readonly string[]
  readonly reply: string | undefined
  readonly call: SessionId | undefined
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
  readonly registry: LeaderRegistry<AfterWrite>
  readonly agents: Map<AgentId, Agent>
  /** Those of them that are not registered: they may come back. */
  readonly absent: Set<AgentId>
  /** Those that the registry is to know: the record is on its way. */
  readonly admitting: Set<AgentId>
  /** Those of them that are unreachable, oldest first, and since when (wall clock). */
  readonly lost: Map<AgentId, number>
  /** Of no agents any more: those that operators gave up, oldest first, and since when. */
  readonly gone: Map<AgentId, number>
  /** Those that are being given up. */
  readonly burials: Map<AgentId, Burial>
  /** Those that are not there any more, while some of their tasks are still to be seen to. */
  readonly partings: Map<AgentId, Parting>
  readonly failures: Failures
  readonly removals: Removals
  readonly recovery: Recovery
  readonly frameworks: Map<string, Framework>
  /** Those of them that have ended, and are not forgotten. */
  readonly endedFrameworks: Set<Framework>
  readonly roles: RoleBooks
  /** How many each principal has, as counted when there were so many in all. */
  readonly crowding: { size: number; atMs: number; counts: ReadonlyMap<Principal, number> }
  /** What of their frameworks' expressions may be judged, in instructions, by principal. */
  readonly expressions: TokenBuckets
  /** How many tasks their frameworks may ask about, by principal. */
  readonly reconciled: TokenBuckets
  readonly offers: Map<OfferId, Offer>
  /** Offers that an accept has used, lately. */
  readonly usedOffers: Recent<OfferId, true>
  /** What tasks wanted lately, by its text. */
  readonly wishes: Recent<string, Resources>
  /** How offers ended that no accept has used, lately. */
  readonly offerFates: Recent<OfferId, OfferFate>
  /** Tasks that are over, oldest first, bounded: only listings show them. */
  readonly ended: Recent<Launch, Task>
  /** By framework: those of its tasks that it is still to be told of. */
  readonly telling: Map<string, Iterator<Task>>
  allocator: AllocatorLink | undefined
  /** Sessions of allocators that are over, lately. */
  readonly closedSessions: Recent<SessionId, true>
  readonly explaining: Explaining
  /** Agents that were away: at the end of the turn their filters are said again, or are void. */
  readonly refiltered: Map<AgentId, 'again' | 'void'>
  readonly dirtyAgentInfos: Set<AgentId>
  readonly dirtyRoles: Set<string>
  readonly dirtyAgents: Set<AgentId>
  readonly dirtyMembers: Map<Framework, Set<string>>
  /** Keys of `framework role agent`. */
  readonly dirtyFilters: Map<string, FilterKey>
  readonly orders: Outbox<AgentId, AgentOrder>
  readonly events: Outbox<FrameworkKey, FrameworkEvent>
  readonly publicEvents: Outbox<EventSubject, PublicEvents['events'][number]>
  publicCount: number
  /** To be logged at the end of the turn: who has come, and who is lost. */
  readonly registrations: AgentSeen[]
  readonly losses: AgentSeen[]
  /** Lines of the log about one agent each, since when (monotonic). */
  readonly agentLines: { sinceMs: number; said: number }
  launchCount: number
  /** The highest count that a framework had: it is known longer than the framework itself. */
  subscriptionCountMax: number
  offerCount: number
  /** Of offers up to this count nobody knows any more whether an accept has used them. */
  offersForgotten: number
  readonly deadlines: Deadlines<Due>
  /** When (monotonic) the last agent that was pinged in its turn is pinged again. */
  pingPlaceMs: number
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
  /** The longest pause between two beats of the leader lately; it fades with each beat. */
  slowestBeatMs: number
  ownEchoAtMs: number
  /** Since when (monotonic) they come back without a pause. */
  echoSinceMs: number
  probedAtMs: number
  /** When (monotonic) it was last considered whether to claim it. */
  consideredAtMs: number
  /** When a complaint was obeyed last. */
  raisedAtMs: number
  /** When to ask for a log that could not be read at the takeover. */
  registryRetryAtMs: number
  /** Who has said last that it gives its lease back: up to that epoch. */
  resigned: Fence | undefined
  /** It is about to end, and takes no lease any more. */
  hasResigned: boolean
  /** It takes none before that (monotonic). */
  pausedUntilMs: number
}

/** Who has told of an epoch and is not heard until then (monotonic). */
export interface Claimant {
  readonly untilMs: number
  readonly waitMs: number
  /** Of one that no master can have taken. */
  readonly isAbsurd: boolean
}

export interface MasterState {
  readonly masterId: MasterId
  readonly run: RunId
  readonly rules: MasterRules
  /** The highest epoch that this master knows of, from anywhere; its disk's at first. */
  highestEpoch: number
  /** Who has taken it, if that is known. */
  highestRun: RunId | undefined
  /** Two runs have: a candidate in it takes a higher one. */
  epochTakenTwice: number | undefined
  /** Who has told of epochs and is not heard for a while, oldest first, as `agent NAME`. */
  readonly claimants: Map<string, Claimant>
  /** The last absurd epoch of the lease that was told of. */
  jumpRefused: number | undefined
  lease: Lease
  leader: Leader | undefined
  readonly registry: RegistryState
  /** Other masters, at most STANDBYS_MAX, and when (monotonic) each was heard last. */
  readonly peers: Map<MasterId, number>
  readonly counters: Map<string, number>
}

/** Ids of accepted offers that are remembered; older ones are answered as unknown. */
const USED_OFFERS_MAX = 100_000
/** Of so many offers that ended otherwise it is known how. */
const FATES_MAX = 10_000
const WISHES_MAX = 1_000
/** An older one that is opened by a late copy begins anew, and ends unanswered. */
const CLOSED_SESSIONS_MAX = 1_000
const EXPRESSIONS_RATE: Rate = {
  perS: EXPRESSIONS_PROGRAM_PER_S,
  burst: 2 * EXPRESSIONS_PROGRAM_PER_S,
}

const RECONCILED_RATE: Rate = { perS: RECONCILED_TASKS_PER_S, burst: RECONCILED_TASKS_BURST }

export function newLeader(epoch: number, sinceWallMs: number, lastSequence: number): Leader {
  return {
    epoch,
    sinceWallMs,
    registry: newLeaderRegistry(lastSequence),
    agents: new Map(),
    absent: new Set(),
    admitting: new Set(),
    lost: new Map(),
    gone: new Map(),
    burials: new Map(),
    partings: new Map(),
    failures: { waiting: new Set(), telling: undefined },
    removals: newRemovals(),
    recovery: newRecovery(),
    frameworks: new Map(),
    endedFrameworks: new Set(),
    roles: newRoleBooks(),
    crowding: { size: 0, atMs: 0, counts: new Map() },
    expressions: new TokenBuckets(EXPRESSIONS_RATE, CALLERS_REMEMBERED_MAX),
    reconciled: new TokenBuckets(RECONCILED_RATE, CALLERS_REMEMBERED_MAX),
    offers: new Map(),
    usedOffers: new Recent(USED_OFFERS_MAX),
    offerFates: new Recent(FATES_MAX),
    wishes: new Recent(WISHES_MAX),
    ended: new Recent(ENDED_TASKS_MAX),
    telling: new Map(),
    allocator: undefined,
    closedSessions: new Recent(CLOSED_SESSIONS_MAX),
    explaining: {
      questions: 0,
      byQuestion: new Map(),
      open: new Map(),
      ownAtMs: [],
      ownQuestions: new Set(),
    },
    refiltered: new Map(),
    dirtyAgentInfos: new Set(),
    dirtyRoles: new Set(),
    dirtyAgents: new Set(),
    dirtyMembers: new Map(),
    dirtyFilters: new Map(),
    orders: new Outbox(),
    events: new Outbox(),
    publicEvents: new Outbox(),
    publicCount: 0,
    registrations: [],
    losses: [],
    agentLines: { sinceMs: Number.NEGATIVE_INFINITY, said: 0 },
    launchCount: 0,
    subscriptionCountMax: 0,
    offerCount: 0,
    offersForgotten: 0,
    deadlines: new Deadlines(),
    pingPlaceMs: Number.NEGATIVE_INFINITY,
    echoAtMs: new Map(),
  }
}

export function count(state: MasterState, name: string, by = 1): void {
  state.counters.set(name, (state.counters.get(name) ?? 0) + by)
}
