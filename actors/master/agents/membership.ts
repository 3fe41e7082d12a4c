/** Who is to come back, who may be lost, and who is given up: what a leader remembers of that. */
import type { AgentId, Principal } from '../../../protocol/ids.ts'
import type { Reason } from '../../../protocol/schema/common.ts'
import type { RegistryRecord } from '../../../protocol/schema/master.ts'
import type { TaskState } from '../../../protocol/task-state.ts'
import type { Agent, Framework, Task } from '../entities.ts'

/** An operator has said that an agent will not come back. */
export interface Burial {
  readonly agentId: AgentId
  /** The operator. */
  readonly principal: Principal
  /** Wall clock. */
  readonly atMs: number
  /** Who waits for an answer. */
  readonly replies: (string | undefined)[]
}

/** How the leader says that a task ended. */
export interface TaskEnd {
  readonly state: TaskState
  readonly reason: Reason
  readonly message: string
}

/** An agent is not there any more, and some of its tasks are still to be seen to. */
export interface Parting {
  readonly agent: Agent
  /** All but `unreachable` are for good: it is forgotten behind its last task. */
  readonly how: 'unreachable' | 'gone' | 'left' | 'forgotten'
  /** How its tasks end; undefined: nobody knows. */
  readonly end?: TaskEnd
  /** The operator who has given it up. */
  readonly principal?: Principal
  /** Those that are left. */
  readonly tasks: Iterator<Task>
}

export function newParting(agent: Agent, how: Omit<Parting, 'agent' | 'tasks'>): Parting {
  return { agent, ...how, tasks: agent.tasks.values() }
}

/** Agents that were lost, of which frameworks are to hear. */
export interface Failures {
  readonly waiting: Set<AgentId>
  /** Some of them, and whom they are still to be told to. */
  telling:
    | { readonly agentIds: readonly AgentId[]; readonly frameworks: Iterator<Framework> }
    | undefined
}

/** How many agents may become unreachable. */
export interface RemovalLimit {
  /** In each time of so long. */
  readonly perMs: number
  /** This part of those that are known, but at least so many. */
  readonly part: number
  readonly least: number
}

/** Agents that do not answer any more, of which only so many become unreachable at a time. */
export interface Removals {
  /** When (monotonic) the latest ones did, oldest first. */
  readonly atMs: number[]
  /** Those that wait for it. Whoever answers meanwhile is not lost. */
  readonly waiting: Set<AgentId>
  /** When (monotonic) the log said last that some wait. */
  toldAtMs: number
}

export function newRemovals(): Removals {
  return { atMs: [], waiting: new Set(), toldAtMs: Number.NEGATIVE_INFINITY }
}

/** What the registry is told of an agent that may hold tasks. */
export type Admission = Extract<RegistryRecord, { kind: 'agent-admitted' }>

export function admission({ agentId, directory }: Agent): Admission {
  return { kind: 'agent-admitted', agentId, ...(directory !== undefined && { directory }) }
}

/** The registry need not be told of it, or of it as it is now. */
export const isAsAdmitted = ({ isAdmitted, admittedAs, directory }: Agent): boolean =>
  isAdmitted && admittedAs === directory

/** Known agents after a takeover: who is asked for a session, and who is there. */
export interface Recovery {
  /** When (monotonic) some were last asked, or had yet to be. */
  askedAtMs: number
  /** Of these nothing is known but their names. */
  readonly missing: Set<AgentId>
  /** So many there were. */
  known: number
  /** Those that are to be asked for a session. */
  readonly uninvited: Set<AgentId>
  /** Those that were, or that open one, and when (monotonic) that was last seen; oldest first. */
  readonly invited: Map<AgentId, number>
  /** Of those that are back: how many, and about how many bytes their snapshots had. */
  confirmed: number
  bytes: number
  /** Some of them came back in this turn. */
  hasRoom: boolean
}

export function newRecovery(): Recovery {
  return {
    askedAtMs: Number.NEGATIVE_INFINITY,
    missing: new Set(),
    known: 0,
    uninvited: new Set(),
    invited: new Map(),
    confirmed: 0,
    bytes: 0,
    hasRoom: false,
  }
}

/** It is there, or will not be. */
export function awaitNoLonger({ missing, uninvited, invited }: Recovery, agentId: AgentId): void {
  missing.delete(agentId)
  uninvited.delete(agentId)
  invited.delete(agentId)
}
