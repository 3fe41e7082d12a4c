/** What the word count knows: its parts, its tasks, and how it got on with each agent. */
import type { Accepted, TaskStatus, TaskWish } from '../../actors/scheduler/scheduler.ts'
import type { Part } from './split.ts'
import type { Counts } from './words.ts'

/** One try of one part. */
export interface TaskRecord {
  readonly taskId: string
  /** From 1. */
  readonly part: number
  readonly agentId: string
  /** Of its part; a large file stands in several. */
  readonly files: number
  readonly bytes: number
  state: 'placed' | 'running' | 'ended' | 'counted' | 'lost'
  /** By its agent's clock. */
  runningAtMs?: number
  tookMs?: number
  words?: number
  /** Of `lost`. */
  why?: string
}

export interface AgentRecord {
  readonly agentId: string
  offers: number
  accepted: number
  /** The leader did not take an answer, or nobody knows whether it did. */
  unanswered: number
  /** Reason → how often. */
  readonly declined: Map<string, number>
}

export interface PartRecord {
  readonly part: Part
  readonly number: number
  state: 'waiting' | 'placed' | 'counted'
  tries: number
}

export interface CountState {
  readonly folder: string
  readonly parts: readonly PartRecord[]
  /** By their ids, as they were placed. */
  readonly tasks: Map<string, TaskRecord>
  readonly agents: Map<string, AgentRecord>
  readonly counts: Counts
  isOver: boolean
}

export interface OfferInput {
  readonly kind: 'offer'
  readonly offerId: string
  readonly agentId: string
  /** So many tasks fit on it. */
  readonly room: number
}

export type Input =
  | OfferInput
  /** What became of an accept. */
  | { readonly kind: 'answered'; readonly agentId: string; readonly accepted: Accepted }
  | { readonly kind: 'status'; readonly status: TaskStatus }
  /** All that a task wrote on the stream that was to be read; `missing`: why it cannot be had. */
  | {
      readonly kind: 'output'
      readonly taskId: string
      readonly text: string
      readonly missing?: string
    }

export type Effect =
  | { readonly do: 'accept'; readonly offer: OfferInput; readonly tasks: readonly TaskWish[] }
  | {
      readonly do: 'decline'
      readonly offer: OfferInput
      readonly reason: string
      readonly refuseMs: number
    }
  /** Comes back as `output`. */
  | {
      readonly do: 'read'
      readonly taskId: string
      readonly agentId: string
      readonly stream: 'stdout' | 'stderr'
    }
  | { readonly do: 'kill'; readonly taskId: string }
  /** What was declined is wanted now. */
  | { readonly do: 'revive' }
  /** A task was placed, or something has become of it. */
  | { readonly do: 'tell'; readonly task: TaskRecord }
  /** Nothing follows. With a sentence: a part could not be counted. */
  | { readonly do: 'end'; readonly why?: string }

export function newCount(folder: string, parts: readonly Part[]): CountState {
  return {
    folder,
    parts: parts.map((part, index) => ({ part, number: index + 1, state: 'waiting', tries: 0 })),
    tasks: new Map(),
    agents: new Map(),
    counts: new Map(),
    isOver: false,
  }
}

export interface Progress {
  readonly parts: number
  readonly waiting: number
  readonly placed: number
  readonly counted: number
}

export function progressOf({ parts }: CountState): Progress {
  const inState = (wanted: string): number =>
    parts.reduce((sum, { state }) => sum + (state === wanted ? 1 : 0), 0)
  return {
    parts: parts.length,
    waiting: inState('waiting'),
    placed: inState('placed'),
    counted: inState('counted'),
  }
}
