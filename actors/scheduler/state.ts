/** What a scheduler knows. Changed in place by its handlers; nothing of it outlives the process. */
import type { AgentId, InstanceId, Launch, OfferId, SessionId, TaskId } from '../../protocol/ids.ts'
import type { Acknowledgements } from '../../protocol/schema/agent.ts'
import type { Subscribe } from '../../protocol/schema/calls.ts'
import type { Fence, StatusNumber, Subscription } from '../../protocol/schema/common.ts'
import type { Offer } from '../../protocol/schema/scheduler.ts'
import type { MachineState } from '../../protocol/task-machine.ts'
import { Deadlines } from '../parts/deadlines.ts'
import { Outbox } from '../parts/outbox.ts'
import { type Random, seededRandom } from '../parts/random.ts'
import { Recent } from '../parts/recent.ts'
import type { Session } from '../parts/session.ts'
import type { Standing } from './contract.ts'
import type { VerbCall } from './effects.ts'
import type { Ask, Changes, OpenReadingInput } from './inputs.ts'

/** Ended tasks that are remembered, so that a late repeat of a status is known as one. */
const ENDED_MAX = 10_000
/** Lost offers of which is remembered why. */
const LOST_MAX = 1_024

/** As they travel. */
export type Terms = Pick<Subscribe, 'capabilities' | 'constraints' | 'minAllocatable'>

/** What a framework says of itself when it subscribes. */
export interface Settings {
  readonly secret: string
  readonly name: string
  readonly roles: readonly string[]
  readonly failoverMs: number
  /** What it wants of offers. */
  readonly terms: Terms
  /** Subscribes with all roles suppressed. */
  readonly isSuppressed: boolean
  /**
   * Tasks of an earlier process of this framework may run: all that the leader knows is asked for.
   */
  readonly isReturning: boolean
  /** Which of several processes of the framework this is; undefined: there is only this one. */
  readonly holder?: { readonly instance: InstanceId; readonly leaseMs: number } | undefined
}

/** How the scheduler stands with the leader. */
export type Link =
  /** Not started, or over. */
  | { readonly phase: 'closed' }
  /** A session has just ended that had just begun: the next waits a little. */
  | { readonly phase: 'pausing' }
  /** Another open was taken for ours: by another process, or a late repeat of our own. */
  | { readonly phase: 'replaced'; readonly message: string }
  /** Another instance has the framework: asked again from time to time. */
  | { readonly phase: 'standing-by'; readonly triedAtMs: number }
  | {
      readonly phase: 'opening'
      readonly session: Session
      /** Repeats are the same. */
      readonly open: Subscribe & { readonly call: SessionId }
      tries: number
      /** So often nobody listened to it. */
      unheard: number
      /** Nobody listened the last time. */
      isUnheard: boolean
    }
  | {
      readonly phase: 'open'
      readonly session: Session
      /** So long a silence ends the session. */
      readonly silenceMs: number
      heardAtMs: number
      /** It has been silent for so long; that counts when our own echo has come back. */
      isEchoing: boolean
    }

/** A numbered call that the leader may not have heard. */
export interface OutCall {
  readonly call: SessionId
  readonly n: number
  said: VerbCall
  /** The command that it settles. */
  ask: Ask | undefined
  /** Monotonic. */
  sentAtMs: number
  tries: number
}

/** A change of what is wanted. Which roles are left out is decided: all are named. */
export type Demand =
  | { readonly verb: 'suppress' | 'revive'; readonly roles: readonly string[] }
  | { readonly verb: 'update'; readonly changes: Changes; readonly ask: Ask }

export interface Kill {
  readonly graceMs: number | undefined
}

/** Of a task that was let go of. */
export interface LateKill extends Kill {
  /** What was to be killed; undefined: nobody had said. */
  readonly launch: Launch | undefined
}

export interface HeldTask {
  readonly taskId: TaskId
  /** Where it runs; undefined while nobody has said. */
  agentId: AgentId | undefined
  /** Taken from the first status. */
  launch: Launch | undefined
  /** The last launch of an ended task of this id: statuses up to it are old. */
  readonly after: Launch | undefined
  /** The last launch before the session in which it was accepted: those are another process's. */
  readonly since: Launch | undefined
  /** In which it was launched or first heard of. */
  readonly subscription: Subscription | undefined
  state: MachineState
  /** Of the newest status applied: lower ones are old. */
  number: StatusNumber | undefined
  /** Of the newest status applied, if it had one. */
  uuid: string | undefined
  /** The accept that is not answered yet: nobody is asked about the task meanwhile. */
  accept: SessionId | undefined
  /** The framework wants it dead: said again in each session. */
  kill: Kill | undefined
  /** The leader was asked about it, or to kill it: only then it can say that nobody has it. */
  isAsked: boolean
  /** A status was heard since the last subscription. */
  isHeard: boolean
  /** Another instance may have led meanwhile, seen its end, and started another under its id. */
  isDoubtful: boolean
  /** Since when (monotonic) the leader has answered nothing but that nobody knows it. */
  unknownAtMs: number | undefined
  /** The framework was told so last: that it is known again is news, however it is. */
  isToldUnknown: boolean
}

export interface EndedTask {
  readonly agentId: AgentId | undefined
  readonly launch: Launch | undefined
  readonly uuid: string | undefined
  /** In which it ended, and how often another instance may have led before. */
  readonly subscription: Subscription | undefined
  readonly handovers: number
}

/** Output that the framework reads, piece after piece. */
export interface Reading extends Omit<OpenReadingInput, 'kind' | 'offset'> {
  offset: number
  /** A piece was asked for. */
  isAsking: boolean
  /** When (monotonic) something of it was last heard. */
  heardAtMs: number
}

/** Declines of one turn that go in one call. */
export interface Declines {
  readonly offers: OfferId[]
  readonly refuseMs: number | undefined
  readonly reason: string | undefined
}

export type Due =
  | { readonly due: 'open' | 'silence' | 'reconcile' }
  | { readonly due: 'repeat'; readonly call: SessionId }
  | { readonly due: 'read'; readonly request: SessionId }

/** What was not obeyed, or looked odd, since the start. */
export const COUNTS = [
  'refusedLeader',
  'absurdLeader',
  'unknownLeader',
  'foreignSession',
  'repeatedMessage',
  'gap',
  'silence',
  'repeatedStatus',
  'oldStatus',
  'earlierStatus',
  'foreignAgent',
  'foreignLaunch',
  'earlierLaunch',
  'outlivingLaunch',
  'illegalState',
  'refusedCall',
  'killAside',
  'sessions',
] as const
export type Count = (typeof COUNTS)[number]

export interface SchedulerState {
  settings: Settings
  readonly random: Random
  readonly counts: Record<Count, number>
  highest: Fence | undefined
  /** That leader is new and still asks its agents what they hold. */
  isInviting: boolean
  link: Link
  /** Our latest sessions, oldest first. */
  readonly sessions: Set<SessionId>
  /** When (monotonic) the last session was begun. */
  openedAtMs: number
  /** The last one given: agents obey acknowledgements of it until they hear of a higher one. */
  subscription: Subscription | undefined
  /** The last launch before that; undefined: an older leader does not say. */
  lastLaunch: Launch | undefined
  /** Between how many two of them another instance may have led. */
  handovers: number
  /** This process is about to leave the framework to another. */
  isLeaving: boolean
  /** What the framework was last told of that. */
  standing: Standing | undefined
  /** The leader has confirmed it, or another instance was heard to hold it: it was there. */
  isKnown: boolean
  /** It is to be torn down; these commands wait for it. */
  teardown: Ask[] | undefined
  readonly suppressed: Set<string>
  /** Changes of what is wanted that are not said yet, in order. */
  demands: Demand[]
  /** The one that is said and not answered: the next waits, so that none overtakes another. */
  demanding: { readonly call: SessionId; readonly demand: Demand } | undefined
  /** By call id, in the order of their numbers. */
  readonly calls: Map<SessionId, OutCall>
  readonly offers: Map<OfferId, Offer>
  /** Why the latest of those that cannot be answered any more cannot. */
  readonly lost: Recent<OfferId, string>
  readonly declines: Map<string, Declines>
  /** Those that have not ended. */
  readonly tasks: Map<TaskId, HeldTask>
  readonly ended: Recent<TaskId, EndedTask>
  /** What was wanted of tasks that were let go of: one of them may come back. */
  readonly kills: Recent<TaskId, LateKill>
  /** One that had run was let go of. Its agent would say nothing of it until it ends. */
  hasLetGo: boolean
  /**
   * What the framework is busy with, and what will be acknowledged then: statuses of agents by
   * their uuid, and ends that the leader said by their launch: the agent may say the same.
   */
  readonly unseen: Map<string, { readonly agentId: AgentId; readonly ack: Ack } | undefined>
  readonly acks: Outbox<AgentId, Ack>
  /** Tasks that are to be asked about when the questions before are answered. */
  readonly questions: Set<HeldTask>
  /** How long after the last question about silent tasks they are asked about again. */
  reconcileMs: number
  /** When (monotonic) all unfinished tasks were last asked about. */
  reconciledAtMs: number
  readonly readings: Map<SessionId, Reading>
  readonly deadlines: Deadlines<Due>
  /** When (monotonic) each refused leader was last told so, by its run. */
  readonly complained: Map<string, number>
}

export type Ack = Acknowledgements['acks'][number]

/** `seed`: 128 random bits as hexadecimal digits. */
export function newScheduler(settings: Settings, seed: string): SchedulerState {
  return {
    settings,
    random: seededRandom(seed),
    counts: Object.fromEntries(COUNTS.map((count) => [count, 0])) as Record<Count, number>,
    highest: undefined,
    isInviting: false,
    link: { phase: 'closed' },
    sessions: new Set(),
    openedAtMs: Number.NEGATIVE_INFINITY,
    subscription: undefined,
    lastLaunch: undefined,
    handovers: 0,
    isLeaving: false,
    standing: undefined,
    isKnown: false,
    teardown: undefined,
    suppressed: new Set(settings.isSuppressed ? settings.roles : []),
    demands: [],
    demanding: undefined,
    calls: new Map(),
    offers: new Map(),
    lost: new Recent(LOST_MAX),
    declines: new Map(),
    tasks: new Map(),
    ended: new Recent(ENDED_MAX),
    kills: new Recent(ENDED_MAX),
    hasLetGo: false,
    unseen: new Map(),
    acks: new Outbox(),
    questions: new Set(),
    reconcileMs: 0,
    reconciledAtMs: 0,
    readings: new Map(),
    deadlines: new Deadlines(),
    complained: new Map(),
  }
}
