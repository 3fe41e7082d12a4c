/** What the agent's core is told. */
import type { FrameworkKey, Launch, SessionId } from '../../protocol/ids.ts'
import type { Acknowledgements, AgentOrders } from '../../protocol/schema/agent.ts'
import type { LeaderBeat } from '../../protocol/schema/master.ts'
import type { FindSandboxes } from '../../protocol/schema/sandbox.ts'
import type { Sandbox, UsageAsked } from './effects.ts'
import type { AgentRecord } from './records.ts'

/** What of a leader's beat concerns agents. */
export type Beat = Pick<LeaderBeat, 'epoch' | 'run' | 'inviting'>

/** How a task's process ended. `unknown` is a sentence that says why nobody saw it. */
export type ExitSeen =
  | { readonly code: number }
  | { readonly signal: number; readonly name: string }
  | { readonly unknown: string }

/** A limit that it was ended for, or had run into before it failed. */
export interface LimitSeen {
  readonly reason:
    | 'CONTAINER_LIMITATION'
    | 'CONTAINER_LIMITATION_DISK'
    | 'CONTAINER_LIMITATION_MEMORY'
    | 'CONTAINER_LIMITATION_PORTS'
  /** With the limit and what was used. */
  readonly message: string
}

/** How a container's end was seen. */
export interface EndSeen {
  readonly exit: ExitSeen
  readonly limit?: LimitSeen
}

/** A container as recovery found it. */
export interface FoundContainer {
  readonly containerId: string
  readonly sandbox: Sandbox
  readonly state:
    | { readonly kind: 'running' }
    /** `why`: somebody ended it, as no agent came back. */
    | ({ readonly kind: 'ended'; readonly why?: string } & EndSeen)
    | { readonly kind: 'never-started' }
}

/** The first input, once: what the earlier incarnations left behind. */
export interface Start {
  readonly kind: 'start'
  readonly records: readonly AgentRecord[]
  readonly containers: readonly FoundContainer[]
  readonly bootId: string
}

/**
 * When a stop is for good, so that the cluster forgets the agent. `when-idle`: it holds no task
 * that anybody waits for. `always`: its tasks end with it.
 */
export type Leaves = 'never' | 'when-idle' | 'always'

/** The last input: nothing is performed after what follows from it. */
export interface Stop {
  readonly kind: 'stop'
  readonly leaves: Leaves
}

export type ContainerInput =
  | { readonly kind: 'container.started'; readonly containerId: string }
  | ({ readonly kind: 'container.ended'; readonly containerId: string } & EndSeen)
  | { readonly kind: 'container.launch-failed'; readonly containerId: string; readonly why: string }
  /** It listens where it may not, and goes on. */
  | {
      readonly kind: 'container.strange-ports'
      readonly containerId: string
      readonly message: string
    }

/**
 * What one run of a check saw. `failed`: a sentence; it timed out, or was refused. `unmade`: why it
 * could not be made, which says nothing of the task.
 */
export type CheckSeen =
  | { readonly exit: ExitSeen; readonly said?: string }
  | { readonly statusCode: number }
  | { readonly connected: true }
  /** Of TCP: nobody took the connection; why, for people. */
  | { readonly connected: false; readonly why: string }
  | { readonly failed: string }
  | { readonly unmade: string }

/** A run of a check has ended. */
export interface CheckEnded {
  readonly kind: 'check.ended'
  readonly containerId: string
  readonly which: 'health-check' | 'check'
  readonly seen: CheckSeen
}

/**
 * The checkpoint cannot be written. What was to be remembered waits; nothing of that turn was said,
 * and these were not launched and will not be.
 */
export interface RecordingFailed {
  readonly kind: 'recording.failed'
  /** For people: the disk is full, or read-only. */
  readonly why: string
  readonly unlaunched: readonly Launch[]
}

/** How full the disk of the sandboxes is, 0 to 1, if it could be measured. */
export interface DiskMeasured {
  readonly kind: 'disk.measured'
  readonly usedPart?: number
  /** All sandboxes that lie there, when they were asked for, and when each was changed last. */
  readonly found?: readonly { readonly sandbox: Sandbox; readonly atMs: number }[]
}

/** Absent output: there is no such sandbox. */
export interface OutputRead {
  readonly kind: 'output.read'
  readonly request: SessionId
  readonly output?: {
    readonly bytes: Uint8Array
    readonly end: boolean
    readonly sizeBytes?: number
    readonly goneBytes?: number
  }
}

/** What a container uses: counts by name. Absent: there is no such container. */
export interface UsageRead {
  readonly kind: 'usage.read'
  readonly asked: UsageAsked
  readonly usage?: Readonly<Record<string, number>>
}

export type Input =
  | Start
  | { readonly kind: 'leader.beat'; readonly beat: Beat }
  | { readonly kind: 'leader.orders'; readonly message: AgentOrders }
  /** The leader asks all agents. */
  | { readonly kind: 'leader.finds'; readonly question: FindSandboxes }
  | {
      readonly kind: 'framework.acks'
      readonly from: FrameworkKey
      readonly message: Acknowledgements
    }
  | ContainerInput
  | CheckEnded
  | OutputRead
  | UsageRead
  | DiskMeasured
  | { readonly kind: 'bus.disconnected' }
  | { readonly kind: 'bus.connected' }
  | RecordingFailed
  | { readonly kind: 'recording.restored' }
  /** The checkpoint has grown large: write it anew. */
  | { readonly kind: 'checkpoint.grown' }
  | Stop
