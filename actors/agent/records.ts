/** What an agent remembers over its own death: the records of its checkpoint. */
import type { DirectoryId, FrameworkId, Launch, Principal, TaskId } from '../../protocol/ids.ts'
import type {
  Fence,
  ResourceList,
  StatusNumber,
  Subscription,
  TaskStatus,
  WantedResources,
} from '../../protocol/schema/common.ts'
import type { AskedChecks } from './checks/asked.ts'

/** Fields are added, never changed; an agent that reads a higher format refuses to start. */
export const FORMAT = 1

/** A status without what its task knows. */
export interface StatusBody extends Omit<TaskStatus, 'taskId' | 'launch' | 'source'> {
  number: StatusNumber
  uuid: string
}

/** Which launch of which task, in records and in what is told to the leader. */
export interface Ref {
  readonly principal: Principal
  readonly frameworkId: FrameworkId
  readonly taskId: TaskId
  readonly launch: Launch
}

/** One start of the agent. On disk before anything is published. */
export interface StartRecord {
  readonly kind: 'start'
  readonly format: number
  readonly incarnation: number
  /** Differs after a reboot of the machine. */
  readonly bootId: string
  /** Which work directory this is, from its first start on; an older agent wrote none. */
  readonly directory?: DirectoryId
  readonly resources: ResourceList
  readonly resourcesVersion: number
}

/** Why an agent kills a task that nobody asked it to kill. */
export interface KillCause {
  readonly reason: 'UNHEALTHY' | 'MAX_COMPLETION_TIME_REACHED'
  /** For people. */
  readonly message: string
}

export interface TaskRecord extends Ref {
  readonly kind: 'task'
  readonly name?: string | undefined
  readonly role: string
  /** As the framework spelled them, or as a list. */
  readonly resources: WantedResources
  readonly killGraceMs?: number | undefined
  /** It lives and dies with all that have the same. */
  readonly group?: Launch | undefined
  readonly staged: StatusNumber
  /** How it is to be watched. */
  readonly checks?: AskedChecks | undefined
  /** When its process was there, in wall time; only of one that is watched. */
  readonly startedAtMs?: number | undefined
  /** The newest status, if it was acknowledged; those that follow as records were not. */
  readonly last?: StatusBody | undefined
}

export type AgentRecord =
  | StartRecord
  /** The highest leader that was obeyed. On disk before it is obeyed. */
  | { readonly kind: 'leader'; readonly fence: Fence }
  | {
      readonly kind: 'framework'
      readonly principal: Principal
      readonly frameworkId: FrameworkId
      readonly subscription?: Subscription
      /** It was torn down: its tasks are killed, nobody is told of them. */
      readonly isOver?: boolean
    }
  | {
      readonly kind: 'framework-gone'
      readonly principal: Principal
      readonly frameworkId: FrameworkId
    }
  | TaskRecord
  /** Somebody wants it dead: to be repeated by the next incarnation. */
  | {
      readonly kind: 'kill'
      readonly launch: Launch
      readonly graceMs: number
      /** When SIGKILL is due, in wall time. */
      readonly byMs?: number
      /** As its task has it. */
      readonly groupEnd?: string
      readonly cause?: KillCause
    }
  /** Its process is there, and it is watched from here on. */
  | { readonly kind: 'watched'; readonly launch: Launch; readonly atMs: number }
  | {
      readonly kind: 'status'
      readonly launch: Launch
      readonly status: StatusBody
      /** In place of the newest one, which is not sent any more. */
      readonly replaces?: boolean
    }
  /** The oldest unacknowledged status of that launch was acknowledged. */
  | { readonly kind: 'ack'; readonly launch: Launch }
  | { readonly kind: 'forget'; readonly launch: Launch }
  /** An ended task whose sandbox is still there, oldest first. */
  | ({ readonly kind: 'sandbox'; readonly endedAtMs?: number } & Ref)
