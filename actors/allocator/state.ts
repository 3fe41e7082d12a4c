/** What the allocator knows. All of it is soft: a new session brings it anew. */
import type { AgentId, FrameworkId, Principal, SessionId } from '../../protocol/ids.ts'
import { NO_RESOURCES, type Resources } from '../../protocol/resources.ts'
import type { Fence, ResourceList } from '../../protocol/schema/common.ts'
import type { Allocation, AllocatorReport } from '../../protocol/schema/master.ts'
import { Deadlines } from '../parts/deadlines.ts'
import { type Random, seededRandom } from '../parts/random.ts'
import type { Session } from '../parts/session.ts'
import type { Scalars } from './dominant-share.ts'
import type { Phase } from './effects.ts'

/** An allocation that the leader has not answered yet. */
export interface Pending {
  readonly allocation: number
  readonly agent: AgentBook
  readonly agentVersion: number
  readonly role: MemberBook
  readonly resources: Resources
}

/** Nothing contained in `resources` goes to whoever declined it, until then. */
export interface Filter {
  readonly resources: Resources
  readonly untilMs: number
}

/**
 * What an agent has for a role that wants offers. `none-free`: all cpus and memory are used or
 * offered. `too-small`: less is free than anybody could use. `taken`: allocated, and not answered
 * yet. `idle`: something, but every role that was looked at is filtered there; `paused`: and it had
 * its share of roles that had declined before.
 */
export type Standing = 'none-free' | 'too-small' | 'taken' | 'idle' | 'paused'

export interface AgentBook {
  readonly agentId: AgentId
  /** The figure that the rest is from. */
  version: number
  /** As it came. */
  total: ResourceList
  free: Resources
  /** `free` as it came. */
  freeList: ResourceList
  readonly pending: Set<Pending>
  /** `free` less what is pending; nothing when that is not contained in it. */
  available: Resources
  standing: Standing
  /** The leader took it away; kept while something is pending. */
  isGone: boolean
  readonly filters: Map<MemberBook, readonly Filter[]>
  /** When it last went to roles that had declined before, oldest first, LATE_GRANTS_MAX at most. */
  readonly lateGrantsMs: number[]
  /** When it is looked at again although nothing was said of it. */
  retryAtMs: number | undefined
}

/** A role of a framework: what is asked and given. */
export interface MemberBook {
  readonly key: string
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly role: string
  suppressed: boolean
  declinedLast: boolean
  /** Made, as the leader says, and not answered. */
  offers: number
  /** The leader took it away. */
  isGone: boolean
  /** Its allocations that are not answered yet: how many, and what they add up to. */
  pendingCount: number
  readonly pendingSum: Scalars
  /** Allocated and pending. */
  readonly held: Scalars
  share: number
  /** Allocations ever, less the refused ones. */
  given: number
}

export interface Books {
  readonly agents: Map<AgentId, AgentBook>
  readonly members: Map<string, MemberBook>
  readonly pending: Map<number, Pending>
  /** Of the cluster. */
  readonly total: Scalars
  /** How many agents stand how; those that are gone do not count. */
  readonly standings: Record<Standing, number>
  /** The roles that want offers, in the order in which they are asked. */
  order: MemberBook[]
  /** What of `order` no longer holds: all shares, who is in it, or where. */
  stale: 'shares' | 'members' | 'places' | 'nothing'
  /** Agents to look at, in the next run. */
  readonly dirty: Set<AgentBook>
  /** Every agent is to be looked at in the next run. */
  allAreDirty: boolean
  /** What is left of the current run, last first. */
  queue: AgentBook[]
  /**
   * Agents that went to nobody while a role had all the offers that it may have, and in which order
   * they are looked at again, a few at a time: one turn after the other all of them.
   */
  readonly passedOver: Set<AgentBook>
  passedOverTurn: Iterator<AgentBook>
  /** How many of them are to be looked at again, as long as one of `roomy` has room. */
  passedOverDue: number
  /** Roles that had all the offers that they may have, and then answered some. */
  readonly roomy: Set<MemberBook>
  /** Of agents, by `retryAtMs`. */
  readonly retries: Deadlines<AgentBook>
}

/** What was not obeyed since the start. */
export const COUNTS = [
  'refusedLeader',
  'absurdLeader',
  'unknownLeader',
  'foreignSession',
  'repeatedMessage',
  'gap',
] as const
export type Count = (typeof COUNTS)[number]

export interface AllocatorState {
  readonly random: Random
  readonly counts: Record<Count, number>
  phase: Phase
  /** The highest leader ever heard. */
  highest: Fence | undefined
  /** The allocator that its last beat named. */
  named: SessionId | undefined
  /** Kept while standing by, if the open was sent: the leader may confirm it yet. */
  session: Session | undefined
  /** Ids of ours that the leader may still name. */
  ownIds: Set<SessionId>
  /** When an open is sent, first or again. */
  openAtMs: number | undefined
  lastOpenMs: number | undefined
  silenceMaxMs: number
  /** The session is over then, if nothing is heard. */
  silentAtMs: number | undefined
  complained: { readonly refused: Fence; readonly atMs: number } | undefined
  /** Never used twice, not even in another session. */
  lastAllocation: number
  books: Books
  /** To be said at the end of the turn. */
  reports: AllocatorReport[]
  allocations: Allocation[]
}

/** `seed`: 128 random bits as 32 hexadecimal digits. */
export function newState(seed: string): AllocatorState {
  return {
    random: seededRandom(seed),
    counts: Object.fromEntries(COUNTS.map((count) => [count, 0])) as Record<Count, number>,
    phase: 'standing-by',
    highest: undefined,
    named: undefined,
    session: undefined,
    ownIds: new Set(),
    openAtMs: undefined,
    lastOpenMs: undefined,
    silenceMaxMs: 0,
    silentAtMs: undefined,
    complained: undefined,
    lastAllocation: 0,
    books: newBooks(),
    reports: [],
    allocations: [],
  }
}

export function newBooks(): Books {
  const passedOver = new Set<AgentBook>()
  return {
    agents: new Map(),
    members: new Map(),
    pending: new Map(),
    total: new Map(),
    standings: { 'none-free': 0, 'too-small': 0, taken: 0, idle: 0, paused: 0 },
    order: [],
    stale: 'nothing',
    dirty: new Set(),
    allAreDirty: false,
    queue: [],
    passedOver,
    passedOverTurn: passedOver.values(),
    passedOverDue: 0,
    roomy: new Set(),
    retries: new Deadlines(),
  }
}

export function newAgent(agentId: AgentId): AgentBook {
  return {
    agentId,
    version: 0,
    total: [],
    free: NO_RESOURCES,
    freeList: [],
    pending: new Set(),
    available: NO_RESOURCES,
    standing: 'none-free',
    isGone: true,
    filters: new Map(),
    lateGrantsMs: [],
    retryAtMs: undefined,
  }
}
