/**
 * What an agent knows. Changed in place by its handlers; what of it outlives them is in records.
 */
import type {
  AgentId,
  DirectoryId,
  FrameworkKey,
  Launch,
  SessionId,
  TaskId,
} from '../../protocol/ids.ts'
import { type ResourceBook, type Resources, resourcesOf } from '../../protocol/resources.ts'
import type { SendOutput } from '../../protocol/schema/agent.ts'
import type {
  Attribute,
  Fence,
  ResourceList,
  StatusNumber,
  Subscription,
} from '../../protocol/schema/common.ts'
import type { AgentReport, AgentReports } from '../../protocol/schema/master.ts'
import type { TaskState } from '../../protocol/task-state.ts'
import { Deadlines } from '../parts/deadlines.ts'
import { type Random, seededRandom } from '../parts/random.ts'
import type { Session } from '../parts/session.ts'
import type { CheckKind, Checks } from './checks/asked.ts'
import type { Container } from './effects.ts'
import type { AgentRecord, KillCause, Ref, StatusBody } from './records.ts'

/** What an agent is told about itself when it starts. */
export interface Profile {
  readonly agentId: AgentId
  readonly hostname: string
  readonly resources: ResourceList
  readonly attributes: readonly Attribute[]
  /** What is to be offered and has gone, as a sentence: it starts for what still runs only. */
  readonly lacks?: string
  /** So many sandboxes of forgotten tasks are kept; the oldest are removed first. */
  readonly sandboxesMax: number
  /** So long on an empty disk. Default SANDBOX_KEEP_MS. */
  readonly sandboxKeepMs?: number
  /** The part of the disk that is to be free; a fuller one keeps none. Default DISK_HEADROOM. */
  readonly diskHeadroom?: number
}

/** What is left of a forgotten task on the disk. */
export interface KeptSandbox extends Ref {
  /** In wall time. Undefined: nobody knows, until it is looked at. */
  endedAtMs: number | undefined
}

/**
 * Where the task's container stands. `none`: it never had one. `waiting`: it is launched at the end
 * of the turn. `launched`: no word of its process yet.
 */
export type ContainerPhase = 'none' | 'waiting' | 'launched' | 'started' | 'ended'

export interface Task {
  readonly framework: Framework
  readonly taskId: TaskId
  readonly launch: Launch
  readonly name: string | undefined
  readonly role: string
  readonly resources: Resources
  readonly killGraceMs: number | undefined
  /** It lives and dies with all that have the same: the launch of the first of them. */
  readonly group: Launch | undefined
  /** The number that stands for TASK_STAGING. */
  readonly staged: StatusNumber
  container: ContainerPhase
  /** What it has taken of what was free: all of its resources, but for GPUs that have gone. */
  holds: Resources
  /** The shortest grace of all kills; undefined: nobody wants it dead. */
  killedWithMs: number | undefined
  /** When SIGKILL is due, in wall time: a restart does not prolong the grace. */
  killByMs: number | undefined
  /** Which other of its group has ended so that this one is killed, as a sentence. */
  groupEnd: string | undefined
  /** Why the agent itself kills it: the first cause is told. */
  killCause: KillCause | undefined
  /** How it is watched; undefined: its framework asked for nothing. */
  readonly checks: Checks | undefined
  /** The newest status; undefined: none was made, it is staging. */
  last: StatusBody | undefined
  /** Statuses that are not acknowledged, oldest first; the first is in flight. */
  stream: StatusBody[]
  /** When the one in flight is sent again, and how long after the last time. */
  retryAtMs: number
  retryMs: number
  /** The leader was told of the end, in this session: by the snapshot or a numbered message. */
  isEndTold: boolean
}

export interface Framework extends FrameworkKey {
  /** The highest one known. */
  subscription: Subscription | undefined
  isOver: boolean
  /** Stands in the checkpoint. */
  isRecorded: boolean
  readonly tasks: Map<Launch, Task>
  /** All launches of one task id, oldest first. */
  readonly launches: Map<TaskId, Task[]>
}

/** How the agent stands with the leader. */
export type Link =
  /** No session; the deadline `open` makes one, or the first beat that is heard. */
  | { readonly kind: 'closed' }
  | {
      readonly kind: 'opening'
      readonly session: Session
      /** The open and its pages: repeats are the same. */
      readonly messages: readonly AgentReports[]
      /** So many this incarnation had numbered when its snapshot was taken. */
      readonly statuses: number
      /** To be sent at the end of the turn. */
      isDue: boolean
      sentAtMs: number
      retryMs: number
    }
  | {
      readonly kind: 'open'
      readonly session: Session
      /** As the confirmation says: how often the leader asks, and how often in vain. */
      readonly pingMs: number
      readonly pingsMissedMax: number
      /** So long a silence ends the session. 0: none does. */
      silenceMs: number
      heardAtMs: number
    }
  | { readonly kind: 'given-up' }

export type Deadline =
  | { readonly kind: 'open' | 'repeat' | 'silence' | 'disk' }
  | { readonly kind: 'output'; readonly request: SessionId }
  | { readonly kind: 'check'; readonly launch: Launch; readonly which: CheckKind }
  /** It is to be done by then. */
  | { readonly kind: 'completion'; readonly launch: Launch }

/** Somebody waits for output; `untilMs` is monotonic. */
export interface OutputWait {
  readonly order: SendOutput
  readonly untilMs: number
}

/** What was not obeyed, or looked odd, since the start. */
export const COUNTS = [
  'refusedLeader',
  'absurdLeader',
  'unknownLeader',
  'foreignSession',
  'repeatedMessage',
  'gap',
  'unknownTask',
  'unknownFramework',
  'staleAck',
  'strayAck',
  'illegalState',
  'strayContainer',
] as const
export type Count = (typeof COUNTS)[number]

export interface AgentState {
  readonly profile: Profile
  readonly random: Random
  readonly counts: Record<Count, number>
  total: Resources
  readonly free: ResourceBook
  resourcesVersion: number
  bootId: string
  /** Which work directory this is. */
  directory: DirectoryId
  /** 0: not started. */
  incarnation: number
  /** Sessions opened by this incarnation. */
  opens: number
  /** Statuses numbered by this incarnation. */
  statuses: number
  highest: Fence | undefined
  /** A leader was heard since the start. */
  hasHeardLeader: boolean
  /** The leader that is obeyed still invites the agents that it knows. */
  isInviting: boolean
  /** Why the leader does not take it now, since it was last registered. */
  refusal: string | undefined
  /** Why nothing can be remembered now. */
  cannotRecord: string | undefined
  isDisconnected: boolean
  link: Link
  /** It was given up: so it says when its last task is gone. */
  endsWith: string | undefined
  readonly frameworks: Map<string, Framework>
  readonly tasks: Map<Launch, Task>
  /** Tasks that live and die together. */
  readonly groups: Map<Launch, Set<Task>>
  /** Sandboxes of forgotten tasks, oldest first. */
  readonly sandboxes: Map<Launch, KeptSandbox>
  /** What lies on the disk was compared with what is known, since the start. */
  hasListedSandboxes: boolean
  /** Settled tasks that wait for the leader's word, in the order of their messages. */
  awaited: Awaited[]
  readonly deadlines: Deadlines<Deadline>
  readonly outputs: Map<SessionId, OutputWait>
  /** Tasks with a status in flight. */
  readonly inFlight: Set<Task>
  /** No status is sent again before; a lower bound. */
  retryAtMs: number
  /** When each refused leader was last told so. */
  readonly refused: Map<string, number>
  readonly outbox: Turn
}

/** What the end of the turn brings out, in this order. */
export interface Turn {
  records: AgentRecord[]
  isForDisk: boolean
  readonly launches: Map<Launch, Container>
  readonly kills: Map<Launch, number>
  destroys: string[]
  removals: Ref[]
  /** Statuses at the heads of these streams, or the last one of an ended stream. */
  readonly heads: Set<Task>
  reports: AgentReport[]
  settled: Ref[]
  /** Sent outside of sessions: complaints, and that the agent waits. */
  strays: AgentReport[]
}

/** Message `n` said that these are settled. */
export interface Awaited {
  readonly n: number
  readonly tasks: readonly Ref[]
}

const emptyTurn = (): Turn => ({
  records: [],
  isForDisk: false,
  launches: new Map(),
  kills: new Map(),
  destroys: [],
  removals: [],
  heads: new Set(),
  reports: [],
  settled: [],
  strays: [],
})

/** `seed`: 128 random bits as hexadecimal digits. */
export function newAgent(profile: Profile, seed: string): AgentState {
  const total = resourcesOf(profile.resources)
  return {
    profile,
    random: seededRandom(seed),
    counts: Object.fromEntries(COUNTS.map((count) => [count, 0])) as Record<Count, number>,
    total,
    free: new Map(total),
    resourcesVersion: 1,
    bootId: '',
    directory: '' as DirectoryId,
    incarnation: 0,
    opens: 0,
    statuses: 0,
    highest: undefined,
    hasHeardLeader: false,
    isInviting: false,
    refusal: undefined,
    cannotRecord: undefined,
    isDisconnected: false,
    link: { kind: 'closed' },
    endsWith: undefined,
    frameworks: new Map(),
    tasks: new Map(),
    groups: new Map(),
    sandboxes: new Map(),
    hasListedSandboxes: false,
    awaited: [],
    deadlines: new Deadlines(),
    outputs: new Map(),
    inFlight: new Set(),
    retryAtMs: Number.POSITIVE_INFINITY,
    refused: new Map(),
    outbox: emptyTurn(),
  }
}

export function stateOf(task: Task): TaskState {
  return task.last?.state ?? 'TASK_STAGING'
}

export function refOf({ framework, taskId, launch }: Task): Ref {
  const { principal, frameworkId } = framework
  return { principal, frameworkId, taskId, launch }
}

export function keyOf({ principal, frameworkId }: FrameworkKey): FrameworkKey {
  return { principal, frameworkId }
}
