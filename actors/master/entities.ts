/** The nouns of a leader's memory: tasks, agents, offers, frameworks. */
import type { Refusal } from '../../protocol/errors.ts'
import type { TaskWord } from '../../protocol/event-words.ts'
import type {
  AgentId,
  DirectoryId,
  FrameworkKey,
  InstanceId,
  Launch,
  OfferId,
  SessionId,
  TaskId,
} from '../../protocol/ids.ts'
import { NO_RESOURCES, type ResourceBook, type Resources } from '../../protocol/resources.ts'
import type { UpdateFramework } from '../../protocol/schema/calls.ts'
import type { Exit, StatusNumber, Subscription, TaskStatus } from '../../protocol/schema/common.ts'
import type {
  AgentInfo,
  HeldTask,
  RegistryRecord,
  SnapshotPage,
} from '../../protocol/schema/master.ts'
import type { MachineState } from '../../protocol/task-machine.ts'
import type { TaskState } from '../../protocol/task-state.ts'
import type { Recent } from '../parts/recent.ts'
import type { Session } from '../parts/session.ts'
import type { AgentState } from './agent-machine.ts'
import type { EventSubject } from './effects.ts'
import type { FrameworkState } from './framework-machine.ts'
import type { HeardAhead } from './frameworks/heard-ahead.ts'
import type { RememberedKills } from './frameworks/remembered-kills.ts'
import type { TaskTable } from './frameworks/task-table.ts'

export interface Task {
  readonly framework: Framework
  readonly taskId: TaskId
  readonly launch: Launch
  readonly agentId: AgentId
  readonly role: string
  readonly name: string | undefined
  readonly resources: Resources
  state: MachineState
  /** Of the newest status applied; statuses with a lower one are old. */
  number: StatusNumber | undefined
  /** By the newest status, for reconciliation and listings. */
  said: Said | undefined
  /** How it ended, by its agent's snapshot, for as long as no status has said it. */
  shownEnd: Said | undefined
  /** Its end was said to an earlier process of its framework: the later may never hear of it. */
  isEndSaidEarlier: boolean
  /** What its checks have come to; undefined: it has none, or nobody has said. */
  health: Health | undefined
  /** What the world has heard of it; until then (monotonic) not again that it is ill. */
  healthTold: { readonly healthy: boolean | undefined; readonly quietUntilMs: number } | undefined
  /** The agent must be told again when it comes back. */
  kill: Kill | undefined
  /** Its resources are counted as used at the agent and for the role. */
  isHeld: boolean
  /** When it came to be in its state, as whoever said so says. */
  changedAtMs: number
}

/** From SIGTERM to SIGKILL; undefined: the task's own. */
export interface Kill {
  readonly graceMs: number | undefined
}

/** What a status says of a task's checks. */
export type Health = Pick<TaskStatus, 'healthy' | 'checkResult'>

/** What a status, or the snapshot of a task that has ended, has said that is told again. */
export interface Said {
  readonly state: TaskState
  readonly reason: TaskStatus['reason']
  readonly message: string | undefined
  readonly exit: Exit | undefined
}

/** A session whose pages are still coming. */
export interface Opening {
  readonly info: AgentInfo
  /** It has opened none of this leader's before. */
  readonly isFirst: boolean
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
  free: ResourceBook
  /** More is held of it than its total: nothing is free until enough has ended. */
  isOverdrawn: boolean
  /** Rises with every change of `total` and `free`: what the allocator computes from. */
  version: number
  readonly tasks: Set<Task>
  readonly offers: Set<OfferId>
  /** Orders that it understands beside the first ones, as it said in its session. */
  understands: ReadonlySet<string>
  /** Of the last session that was opened; 0: none was. Sessions are ordered by them. */
  incarnation: number
  opens: number
  /** In which it was opened, or as the registry says; undefined: an older agent does not tell. */
  directory: DirectoryId | undefined
  /** Pings in a row that were not answered. */
  missed: number
  /** Since when (monotonic) it answers that it cannot open a session yet. */
  waitsSinceMs: number | undefined
  /** Another agent had its id, and the log has said so. */
  isDoubled: boolean
  /** When (monotonic) it is its turn to be pinged; zero: at once. */
  pingPlaceMs: number
  /** The registry holds it as one that may have tasks. */
  isAdmitted: boolean
  /** In which directory, by the registry. */
  admittedAs: DirectoryId | undefined
  registeredAtMs: number | undefined
  unreachableAtMs: number | undefined
  /** When it came to be in its state, as this leader saw it. */
  changedAtMs: number | undefined
}

export interface Offer {
  readonly offerId: OfferId
  readonly framework: Framework
  readonly role: string
  readonly agentId: AgentId
  readonly resources: Resources
  readonly madeAtMs: number
}

/** How an offer ended without an accept; `why` goes on a sentence that begins with its id. */
export interface OfferFate {
  /** Of the framework that had it: nobody else is told. */
  readonly key: string
  readonly agentId: AgentId
  readonly why: string
}

/** Something that was declined: nothing contained in it goes there before `untilMs` (monotonic). */
export interface Filter {
  readonly resources: Resources
  readonly untilMs: number
}

/** What a framework wants of its offers; what is absent is the default. */
export type Terms = Pick<
  Extract<RegistryRecord, { kind: 'framework' }>,
  'capabilities' | 'constraints' | 'minAllocatable'
>

/** What a member said when it declined last, for whoever asks why it has nothing. */
export interface LastDecline {
  readonly reason: string | undefined
  /** When (monotonic). */
  readonly atMs: number
}

/** A framework in one of its roles. */
export interface Member {
  /** The framework did not ask for it, or does not any more: it only stands for what is held. */
  isLeft: boolean
  isSuppressed: boolean
  isDeclinedLast: boolean
  /** It let its last offer time out, although it is there: no revive makes up for that. */
  isSilent: boolean
  /** Since it last launched something; offers that timed out are none. */
  declinesInRow: number
  /** When it was last late no more (monotonic); undefined: not since it launched something. */
  excusedAtMs: number | undefined
  /** The allocator knows what its framework wants of offers for this role. */
  areTermsTold: boolean
  /** Offers that timed out, and what accepts have left over, are none. */
  lastDecline: LastDecline | undefined
  /** How many it has and has not answered. */
  offers: number
  /** Scalars held by its tasks or offered to it, on all agents. */
  readonly allocated: ResourceBook
  readonly filters: Map<AgentId, Filter[]>
  /** Goes over them again and again, a few at a time: those that are over are dropped. */
  sweep: Iterator<[AgentId, Filter[]]>
}

/** An update that waits for the registry, and who waits for its answer. */
export interface UpdateRequest {
  readonly body: UpdateFramework
  /** The session that it was called in: in another it is void. */
  readonly session: SessionId | undefined
  readonly reply: string | undefined
  /** Roles that were suppressed (true) or revived by later calls: what these say holds. */
  readonly saidSince: Map<string, boolean>
}

/** What a call was answered; repeated for a repeated call id. */
export type CallAnswer =
  | { readonly ok: true; readonly body: object }
  | { readonly ok: false; readonly refusal: Refusal }

/** Where its tasks' events are said, and the key under which they wait for that. */
export interface TaskSubject {
  readonly key: string
  readonly subject: EventSubject
}

/** Which of several processes of a framework has it, and for how long after it was last heard. */
export interface Holder {
  readonly instance: InstanceId
  readonly leaseMs: number
}

export interface Framework extends FrameworkKey {
  readonly key: string
  /**
   * `here`: this leader has heard of all that it ever had. `before`: an agent that is away may hold
   * tasks of it from an earlier lead.
   */
  readonly began: 'here' | 'before'
  state: FrameworkState
  name: string
  /** Hash of its secret; undefined while only agents have told of it. */
  secretHash: string | undefined
  failoverMs: number
  terms: Terms
  session: Session | undefined
  /** Undefined: the last subscription named no instance. */
  holder: Holder | undefined
  /** When (monotonic) a call of the session was last heard; undefined: it has let go. */
  heardAtMs: number | undefined
  /** Numbers heard out of order, all above `session.heard`. */
  readonly heardAhead: HeardAhead
  subscription: Subscription | undefined
  /** To its latest calls, by their ids. */
  readonly answers: Recent<SessionId, CallAnswer>
  /** Oldest first; the first may be on its way to the registry. */
  updates: readonly UpdateRequest[]
  readonly roles: Map<string, Member>
  readonly tasks: TaskTable<Task>
  /** Asked for before an agent has told of the task: it is killed when one does. */
  readonly kills: RememberedKills<Kill>
  readonly offers: Set<OfferId>
  missed: number
  subscribedAtMs: number | undefined
  /** When it came to be in its state, as this leader saw it. */
  changedAtMs: number | undefined
  readonly taskSubjects: Map<TaskWord, TaskSubject>
  /** Ended: the agents that have not confirmed yet. */
  readonly unconfirmed: Set<AgentId>
}

/** A framework is to end. */
export interface FrameworkEnd {
  /** Answered when the registry has it. */
  readonly reply: string | undefined
  /** For the world; undefined: it said so itself. */
  readonly why: string | undefined
}

/** An agent has come, or is lost: for the log. */
export interface AgentSeen {
  readonly agentId: AgentId
  /** That it has. */
  readonly tasks: number
}

const NONE: ReadonlySet<string> = new Set()

export function newAgent(agentId: AgentId): Agent {
  return {
    agentId,
    state: 'unknown',
    session: undefined,
    opening: undefined,
    info: undefined,
    total: NO_RESOURCES,
    free: new Map(),
    isOverdrawn: false,
    version: 0,
    tasks: new Set(),
    offers: new Set(),
    understands: NONE,
    incarnation: 0,
    opens: 0,
    directory: undefined,
    missed: 0,
    waitsSinceMs: undefined,
    isDoubled: false,
    pingPlaceMs: 0,
    isAdmitted: false,
    admittedAs: undefined,
    registeredAtMs: undefined,
    unreachableAtMs: undefined,
    changedAtMs: undefined,
  }
}

export function newMember(): Member {
  const filters = new Map<AgentId, Filter[]>()
  return {
    isLeft: true,
    isSuppressed: false,
    isDeclinedLast: false,
    isSilent: false,
    declinesInRow: 0,
    excusedAtMs: undefined,
    areTermsTold: false,
    lastDecline: undefined,
    offers: 0,
    allocated: new Map(),
    filters,
    sweep: filters.entries(),
  }
}
