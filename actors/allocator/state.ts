/** What the allocator knows. All of it is soft: a new session brings it anew. */
import type { AgentId, SessionId } from '../../protocol/ids.ts'
import type { Fence } from '../../protocol/schema/common.ts'
import type { AllocatorReport } from '../../protocol/schema/master.ts'
import { Deadlines } from '../parts/deadlines.ts'
import { type Random, seededRandom } from '../parts/random.ts'
import type { Session } from '../parts/session.ts'
import type { AgentBook, MemberBook, Pending } from './books/entities.ts'
import { ResourceNames, type Scalars } from './books/scalars.ts'
import type { Phase } from './effects.ts'
import type { Questions } from './explain/question.ts'
import { type AllocationList, newAllocationList } from './giving/allocation-list.ts'
import { type ClosedAgents, newClosedAgents } from './giving/closed-agents.ts'
import { Shared } from './judging/shared.ts'
import type { Attributes, ConstraintSet, Least } from './judging/terms.ts'
import { drf } from './policies/drf.ts'
import type { Policy } from './policy.ts'
import { type Headroom, newHeadroom } from './roles/quota.ts'
import { newTree, type RoleTree } from './roles/tree.ts'

export interface Books {
  readonly agents: Map<AgentId, AgentBook>
  readonly members: Map<string, MemberBook>
  readonly pending: Map<number, Pending>
  readonly names: ResourceNames
  readonly tree: RoleTree
  readonly headroom: Headroom
  readonly attributes: Shared<Attributes>
  readonly constraints: Shared<ConstraintSet>
  /** The cluster's rules. */
  region: string | undefined
  least: Least
  /** What `least` speaks of: see `essentialsOf`. */
  essentials: Scalars
  /** Members that have another idea of what is too little. */
  readonly withOwnLeast: Set<MemberBook>
  /** Those of them that can do with less of something than `essentials`, or without it. */
  readonly contented: Set<MemberBook>
  /** Agents to look at, in the next run. */
  readonly dirty: Set<AgentBook>
  /** Every agent is to be looked at in the next run. */
  allAreDirty: boolean
  /** What is left of the current run, last first. */
  queue: AgentBook[]
  readonly closed: ClosedAgents
  /** No other agents are given. Undefined: all are; a shadow is asked about some. */
  shown: ReadonlySet<AgentBook> | undefined
  /** Looks ever. */
  looks: number
  /** Of agents, by `retryAtMs`. */
  readonly retries: Deadlines<AgentBook>
  readonly questions: Questions
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
  /** What new books are ordered by. */
  policy: Policy
  /** The policy that it was to have, and what was wrong with it. */
  failed: { readonly policy: string; readonly problem: string } | undefined
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
  readonly allocations: AllocationList
}

/** `seed`: 128 random bits as 32 hexadecimal digits. */
export function newState(seed: string, policy: Policy = drf): AllocatorState {
  return {
    policy,
    failed: undefined,
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
    books: newBooks(policy),
    reports: [],
    allocations: newAllocationList(),
  }
}

export function newBooks(policy: Policy): Books {
  return {
    agents: new Map(),
    members: new Map(),
    pending: new Map(),
    names: new ResourceNames(),
    tree: newTree(policy),
    headroom: newHeadroom(),
    attributes: new Shared(),
    constraints: new Shared(),
    region: undefined,
    least: [],
    essentials: [],
    withOwnLeast: new Set(),
    contented: new Set(),
    dirty: new Set(),
    allAreDirty: false,
    queue: [],
    closed: newClosedAgents(policy.rankAgent !== undefined),
    shown: undefined,
    looks: 0,
    retries: new Deadlines(),
    questions: { waiting: [], current: undefined },
  }
}
