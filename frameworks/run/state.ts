/** What the framework behind `bourse run` knows. */

import type { Accepted, TaskWish } from '../../actors/scheduler/scheduler.ts'
import type { AgentId, OfferId, TaskId } from '../../protocol/ids.ts'
import type { Resources } from '../../protocol/resources.ts'
import { toThousandths } from '../../protocol/scalar.ts'
import type { TaskStatus } from '../../protocol/schema/common.ts'
import type { InstanceView } from './result.ts'
import { noShortage, type Shortage } from './shortage.ts'
import type { Wanted } from './wanted.ts'

/** What is to be run, and how often. */
export interface Plan {
  readonly instances: number
  /** Whole tasks but for their ids and resources. */
  readonly task: Omit<TaskWish, 'taskId' | 'resources'>
  /** Task ids are this and a number. */
  readonly prefix: string
  readonly wanted: Wanted
  /** For sentences. */
  readonly timeoutMs: number | undefined
}

export interface Instance {
  readonly index: number
  view: InstanceView
  /** How often it was placed. */
  attempts: number
  /** An agent has spoken of its task: it may have run. */
  isHeard: boolean
  /** Streams that are still read. */
  reading: number
  /** Since when (the leader's time) nobody knows its task; undefined: somebody does. */
  unknownAtMs: number | undefined
}

export interface RunState {
  readonly plan: Plan
  readonly instances: readonly Instance[]
  /** By the task id of its latest attempt. */
  readonly byTask: Map<TaskId, Instance>
  readonly shortage: Shortage
  /** No instance before it waits. */
  placedBefore: number
  /** Instances before it were over when they were last looked at. */
  overBefore: number
  couldNotPlace: readonly string[]
  isInterrupted: boolean
  isSuppressed: boolean
  isDone: boolean
}

export type Input =
  | { readonly kind: 'offer'; readonly offerId: OfferId; readonly resources: Resources }
  /** What became of an accept of these tasks. */
  | { readonly kind: 'answered'; readonly accepted: Accepted }
  | { readonly kind: 'status'; readonly status: TaskStatus }
  /** One stream of the task was read to its end, or there is no more. */
  | { readonly kind: 'read'; readonly taskId: TaskId }
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
  /** Nothing fits: why, for who waits. */
  | { readonly do: 'tell-waiting'; readonly why: string }
  | { readonly do: 'done' }

export interface WantedAmounts {
  readonly cpus: number
  readonly mem: number
  readonly disk?: number
  readonly ports?: number
}

/** What is wanted none of is not wanted. */
export function wantedOf({ cpus, mem, disk = 0, ports = 0 }: WantedAmounts): Wanted {
  const scalars = Object.entries({ cpus, mem, disk })
    .map(([name, amount]) => [name, toThousandths(amount)] as const)
    .filter(([, thousandths]) => thousandths > 0)
  return { scalars: new Map(scalars), ports }
}

export function newRun(plan: Plan): RunState {
  const instances = Array.from({ length: plan.instances }, (_, index) => ({
    index,
    view: { index, state: 'waiting' as const },
    attempts: 0,
    isHeard: false,
    reading: 0,
    unknownAtMs: undefined,
  }))
  return {
    plan,
    instances,
    byTask: new Map(),
    shortage: noShortage(),
    placedBefore: 0,
    overBefore: 0,
    couldNotPlace: [],
    isInterrupted: false,
    isSuppressed: false,
    isDone: false,
  }
}
