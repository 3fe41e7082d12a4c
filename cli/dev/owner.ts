/** What the parts of a `bourse dev` are given by it, and what they give back. */
import type { LoadedPolicy } from '../../actors/allocator/policies/load.ts'
import type { Ending } from '../../actors/kit/supervise.ts'
import type { AgentId, MasterId } from '../../protocol/ids.ts'
import type { ResourceList } from '../../protocol/schema/common.ts'

export interface DevOwner {
  /** All that is kept until the next start, and the logs. */
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Tells whoever started it. */
  readonly say: (sentence: string) => void
  /** A process of the cluster began, for the first time or again. */
  readonly onStarted?: (name: string, pid: number) => void
  /** A process of the cluster ended by itself. */
  readonly onEnded: (name: string, end: ProcessEnd) => void
}

export interface ProcessEnd {
  readonly ending: Ending
  /** When it is started again; undefined: it stays so. */
  readonly againMs: number | undefined
  /** The last error that it told of. */
  readonly why: string | undefined
}

export interface Stoppable {
  stop(): Promise<void>
}

export interface DevMaster {
  readonly masterId: MasterId
  readonly workDir: string
  /** There are no others to listen for. */
  readonly isAlone: boolean
}

export interface DevAgent {
  readonly id: AgentId
  readonly workDir: string
  readonly resources: ResourceList
}

export interface DevPolicy {
  /** As it was written. */
  readonly text: string
  readonly loaded: LoadedPolicy
}

/** Where the actors of a `bourse dev` live: in its own process, or in one each. */
export interface DevHost {
  startMaster(master: DevMaster): Promise<Stoppable>
  /** Without a policy: the default one. */
  startAllocator(policy: DevPolicy | undefined): Promise<Stoppable>
  /** Its tasks outlive it. */
  startAgent(agent: DevAgent): Promise<Stoppable>
  /** So many that only pretend: `<name>-1` and so on. */
  startEmulated(name: AgentId, count: number): Promise<Stoppable>
}
