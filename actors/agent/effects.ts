/** All that the agent can do to the world. The core returns these; only the shell performs them. */
import type {
  FrameworkId,
  FrameworkKey,
  Launch,
  Principal,
  SessionId,
  TaskId,
} from '../../protocol/ids.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import type { AgentReports } from '../../protocol/schema/master.ts'
import type { SandboxesFound } from '../../protocol/schema/sandbox.ts'
import type { Output, StatusUpdates, TaskUsage } from '../../protocol/schema/scheduler.ts'
import type { AgentRecord } from './records.ts'

export interface Sandbox {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly taskId: TaskId
  readonly launch: Launch
}

/** A task on its way to the containerizer. Its container has the launch for an id. */
export interface Container {
  readonly containerId: Launch
  readonly sandbox: Sandbox
  readonly command: { readonly argv: readonly string[] } | { readonly shell: string }
  readonly env: Readonly<Record<string, string>>
  readonly user?: string | undefined
  readonly ports: readonly number[]
  readonly role: string
  readonly limits: Limits
  readonly rlimits?: TaskInfo['rlimits'] & object
  readonly linux?: TaskInfo['linux'] & object
  /** Its group: the launch of the first of it. */
  readonly group?: { readonly id: Launch; readonly sharesNetwork: boolean }
  readonly container?: TaskInfo['container']
  /** The image's own command takes the place of `command`, which is empty. */
  readonly isImagesCommand?: true
}

/** What the task asked for; absent: it did not. */
interface Limits {
  readonly cpus?: number
  readonly cpusMax?: number
  readonly memBytes?: number
  readonly pidsMax: number
  readonly diskBytes?: number
  readonly gpus?: number
}

/** What a check asks: a command beside the task, or the network. */
export type Probe =
  | { readonly command: Container['command'] }
  | { readonly http: HttpProbe }
  | { readonly tcp: TcpProbe }
type HttpProbe = NonNullable<NonNullable<TaskInfo['check']>['http']>
type TcpProbe = NonNullable<NonNullable<TaskInfo['check']>['tcp']>

/** What of a task's output is wanted; `request` comes back with it. */
export interface OutputWanted {
  readonly request: SessionId
  readonly sandbox: Omit<Sandbox, 'launch'>
  /** Absent: the newest. */
  readonly launch?: Launch
  readonly stream: 'stdout' | 'stderr'
  readonly offset: number
  readonly bytesMax: number
}

/** What lies in a sandbox; without a launch, in the newest one of the task. */
export interface LookWanted {
  readonly to: FrameworkKey
  readonly request: SessionId
  readonly sandbox: Omit<Sandbox, 'launch'> & Partial<Pick<Sandbox, 'launch'>>
  readonly look: {
    readonly path: Uint8Array
    readonly want: 'list' | 'read'
    readonly after?: Uint8Array
    readonly offset: number
    readonly bytesMax: number
  }
}

/** Who wants to know what a task uses; comes back with it. */
export interface UsageAsked {
  readonly to: FrameworkKey
  readonly message: Pick<TaskUsage, 'request' | 'taskId' | 'launch'>
}

export type Effect =
  /** Appended as one write before any later effect is performed; `disk` also outlives a reboot. */
  | {
      readonly do: 'checkpoint'
      readonly records: readonly AgentRecord[]
      readonly durability: 'kernel' | 'disk'
    }
  /** These replace all records, on disk, before any later effect is performed. */
  | { readonly do: 'compact'; readonly records: readonly AgentRecord[] }
  /** May be lost by a crash after its checkpoint: recovery then finds no such container. */
  | { readonly do: 'launch'; readonly container: Container }
  /** May be repeated; the containerizer lets only a shorter grace count. */
  | { readonly do: 'kill'; readonly containerId: Launch; readonly graceMs: number }
  /** Removes what is left of an ended or unknown container, without its sandbox. */
  | { readonly do: 'destroy'; readonly containerId: string }
  | { readonly do: 'remove-sandbox'; readonly sandbox: Sandbox }
  /** Removes what is kept for tasks to come and none has used for so long. */
  | { readonly do: 'remove-unused'; readonly unusedMs: number }
  /** Answered once by the input `check.ended`, or never if the container ends. 0: no timeout. */
  | {
      readonly do: 'run-check'
      readonly containerId: Launch
      readonly which: 'health-check' | 'check'
      readonly probe: Probe
      readonly timeoutMs: number
    }
  /** Answered by the input `output.read`. */
  | ({ readonly do: 'read-output' } & OutputWanted)
  /** Published in pieces, or not at all: whoever asked asks again. */
  | ({ readonly do: 'read-sandbox' } & LookWanted)
  | { readonly do: 'send-found'; readonly message: SandboxesFound }
  /** Answered by the input `usage.read`. */
  | { readonly do: 'read-usage'; readonly containerId: Launch; readonly asked: UsageAsked }
  /** Answered by the input `disk.measured`; `lists`: with all sandboxes that lie there. */
  | { readonly do: 'measure-disk'; readonly lists: boolean }
  | { readonly do: 'report'; readonly message: AgentReports }
  | { readonly do: 'update'; readonly to: FrameworkKey; readonly message: StatusUpdates }
  | { readonly do: 'send-output'; readonly to: FrameworkKey; readonly message: Output }
  | { readonly do: 'send-usage'; readonly to: FrameworkKey; readonly message: TaskUsage }
  /** This agent has no place in the cluster, or not with these options. Its tasks run on. */
  | { readonly do: 'give-up'; readonly message: string }
