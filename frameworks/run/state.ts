/** What the framework behind `bourse run` knows. */

import type { Accepted, TaskStatus, TaskWish } from '../../actors/scheduler/scheduler.ts'
import type { AgentId, OfferId, TaskId } from '../../protocol/ids.ts'
import type { Resources } from '../../protocol/resources.ts'
import { toThousandths } from '../../protocol/scalar.ts'
import type { Constraint, Place, Spots } from './constraints.ts'
import type { HealthWish } from './health-check.ts'
import type { ImageWish } from './image.ts'
import type { RestartPolicy } from './restarts.ts'
import type { InstanceView } from './result.ts'
import type { RootWish } from './root.ts'
import type { Shortage } from './shortage.ts'
import type { Wanted } from './wanted.ts'
import type { Why } from './why.ts'

/** What is to be run, and how often. */
export interface Plan {
  readonly instances: number
  /** Whole tasks but for their ids and resources. */
  readonly task: Omit<TaskWish, 'taskId' | 'resources'>
  /** Task ids are this and a number. */
  readonly prefix: string
  /** Undefined: nobody looks how instances are. */
  readonly health?: HealthWish | undefined
  /** Undefined: processes. */
  readonly image?: ImageWish | undefined
  readonly root?: RootWish | undefined
  readonly wanted: Wanted
  /** All of them hold where an instance is. */
  readonly constraints: readonly Constraint[]
  readonly restart: RestartPolicy
  /** What tasks write is read, to its end. */
  readonly readsOutput: boolean
  /** For sentences. */
  readonly timeoutMs: number | undefined
}

export interface Instance {
  readonly index: number
  view: InstanceView
  /**
   * Counts the task ids that it was given. A restart keeps its id, so that people find it by that;
   * a task that may still be somewhere, or whose end the leader still holds, does not lend its id
   * to another.
   */
  ids: number
  /** How often in a row its task was dropped before an agent had spoken of it. */
  drops: number
  /** An agent has spoken of its task, so it may have run; or it has ended otherwise. */
  isHeard: boolean
  /** Since when (its agent's time) its task runs; undefined: it does not yet. */
  runsSinceMs: number | undefined
  /** How its last attempt that failed ended; it is what is shown if there is no other. */
  failed: InstanceView | undefined
  restarts: number
  /** The pause is over, but what the last attempt wrote is still read. */
  isDue: boolean
  /** The last pause before a restart. */
  pauseMs: number | undefined
  /** What it is counted by where it is. */
  spots: readonly string[]
  /** Since when (the leader's time) nobody knows its task; undefined: somebody does. */
  unknownAtMs: number | undefined
  /** Since when (the leader's time) its agent does not answer; undefined: it does. */
  silentAtMs: number | undefined
  /** How often it has not: a wait that began with an earlier silence is about nothing. */
  silences: number
}

/** An agent that does not answer while instances may run on it. */
export interface SilentAgent {
  readonly agentId: AgentId
  /** Those that may run there, at least one. */
  readonly taskIds: readonly TaskId[]
  /** After so long they are given up and started elsewhere; absent: they are waited for. */
  readonly replacedMs?: number
}

export interface RunState {
  readonly plan: Plan
  readonly instances: readonly Instance[]
  /** By the task id of its latest attempt. */
  readonly byTask: Map<TaskId, Instance>
  /**
   * Streams of each task that are still read, 1 or 2. Of one that was given up none is waited for.
   */
  readonly readings: Map<TaskId, number>
  readonly spots: Spots
  readonly shortage: Shortage
  /** What the leader said of it, the latest that helps. */
  why: Why
  /** What was last told of it. */
  told: string
  /** Until the next look at why some wait; undefined: none is due. */
  lookMs: number | undefined
  /** Instances of whose first attempt nothing is known yet. */
  unheard: number
  isPlacedTold: boolean
  /** Of whom it was told that they do not answer. */
  readonly silentAgents: Set<AgentId>
  /** No instance before it waits. */
  placedBefore: number
  /** Instances before it were over when they were last looked at. */
  overBefore: number
  couldNotPlace: readonly string[]
  isInterrupted: boolean
  isSuppressed: boolean
  /** Agents that do not fit are offered, too, to see what there is. */
  isLookingAround: boolean
  isDone: boolean
}

export type Input =
  /** The first one, once. */
  | { readonly kind: 'start' }
  | {
      readonly kind: 'offer'
      readonly offerId: OfferId
      readonly place: Place
      readonly resources: Resources
    }
  /** It is not there any more: what it offered is no reason to wait. */
  | { readonly kind: 'agent-lost'; readonly agentId: AgentId }
  /** What became of an accept of these tasks. */
  | { readonly kind: 'answered'; readonly accepted: Accepted }
  | { readonly kind: 'status'; readonly status: TaskStatus }
  /** One stream of a task of that instance was read to its end, or there is no more. */
  | { readonly kind: 'read'; readonly taskId: TaskId; readonly index: number }
  /** The pause before a restart is over. */
  | { readonly kind: 'restart-due'; readonly index: number }
  /** The time of an `end-silence-after` is over. */
  | { readonly kind: 'silence-over'; readonly index: number; readonly silence: number }
  /** The time of a `look-around-after` is over. */
  | { readonly kind: 'look-around' }
  /** What an `ask-why` was answered; undefined: nothing. */
  | { readonly kind: 'why'; readonly why: Why | undefined }
  /** The time of a `look-after` is over. */
  | { readonly kind: 'look' }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'interrupted' }
  /** Who was interrupted has waited long enough for its tasks. */
  | { readonly kind: 'give-up' }

export type Effect =
  | {
      readonly do: 'accept'
      readonly offerId: OfferId
      readonly tasks: readonly TaskWish[]
      readonly refuseMs?: number
    }
  | {
      readonly do: 'decline'
      readonly offerId: OfferId
      readonly reason: string
      readonly refuseMs: number
    }
  | { readonly do: 'suppress' | 'revive' }
  | { readonly do: 'kill'; readonly taskId: TaskId }
  /** Both streams; each end comes back as `read`. */
  | {
      readonly do: 'read-output'
      readonly taskId: TaskId
      readonly agentId: AgentId
      readonly index: number
    }
  | { readonly do: 'tell-changed'; readonly index: number }
  /** It is known of every instance that it has been somewhere, and not all are over. Once. */
  | { readonly do: 'tell-placed' }
  /** Comes back as `restart-due`. `failed`: how its last attempt ended. */
  | {
      readonly do: 'restart-after'
      readonly index: number
      readonly delayMs: number
      readonly failed: InstanceView
    }
  /** Comes back as `silence-over`. */
  | {
      readonly do: 'end-silence-after'
      readonly index: number
      readonly silence: number
      readonly delayMs: number
    }
  /** An agent does not answer: once, until it does. Only news. */
  | { readonly do: 'tell-silent'; readonly silent: SilentAgent }
  /** Comes back as `look-around`. */
  | { readonly do: 'look-around-after'; readonly delayMs: number }
  /** The leader is told the constraints, or none. */
  | { readonly do: 'constrain'; readonly isOn: boolean }
  /** Comes back as `look`. */
  | { readonly do: 'look-after'; readonly delayMs: number }
  /** Nothing that fits is offered: the leader is asked why. Comes back as `why`. */
  | { readonly do: 'ask-why' }
  /** Nothing fits: why, for who waits. Only news. */
  | { readonly do: 'tell-waiting'; readonly why: string }
  | { readonly do: 'done' }

export interface WantedAmounts {
  readonly cpus: number
  readonly mem: number
  readonly disk?: number
  readonly gpus?: number
  readonly ports?: number
}

/** What is wanted none of is not wanted. */
export function wantedOf({ cpus, mem, disk = 0, gpus = 0, ports = 0 }: WantedAmounts): Wanted {
  const scalars = Object.entries({ cpus, mem, disk, gpus })
    .map(([name, amount]) => [name, toThousandths(amount)] as const)
    .filter(([, thousandths]) => thousandths > 0)
  return { scalars: new Map(scalars), ports }
}

export function newRun(plan: Plan): RunState {
  const instances = Array.from({ length: plan.instances }, (_, index) => ({
    index,
    view: { index, state: 'waiting' as const },
    ids: 1,
    drops: 0,
    isHeard: false,
    runsSinceMs: undefined,
    failed: undefined,
    restarts: 0,
    isDue: false,
    pauseMs: undefined,
    spots: [],
    unknownAtMs: undefined,
    silentAtMs: undefined,
    silences: 0,
  }))
  return {
    plan,
    instances,
    byTask: new Map(),
    readings: new Map(),
    spots: new Map(),
    shortage: new Map(),
    why: { nothing: undefined, cut: undefined },
    told: '',
    lookMs: undefined,
    unheard: plan.instances,
    isPlacedTold: false,
    silentAgents: new Set(),
    placedBefore: 0,
    overBefore: 0,
    couldNotPlace: [],
    isInterrupted: false,
    isSuppressed: false,
    isLookingAround: false,
    isDone: false,
  }
}
