/** How a container is held, as it is written down, and what is told of it afterwards. */

export type CgroupIsolatorName = 'cpu' | 'devices' | 'memory' | 'pids'

/**
 * How one isolator holds one container. On disk before anything is made, and all that a later agent
 * needs: to read what was counted, to look on, and to remove it.
 */
export type Hold = CgroupHold | DiskHold | GpusHold | PortsHold

/** A sandbox that somebody looks at. */
export interface DiskHold {
  readonly isolator: 'disk'
  readonly path: string
  readonly bytesMax: number
  /** What the task asked for; the limit is somebody else's choice if it is 0. */
  readonly askedBytes: number
  /** It may be of users whom the agent cannot look behind: that is no trick of the task. */
  readonly mayBeClosed?: true
}

/** Devices that are nobody else's. */
export interface GpusHold {
  readonly isolator: 'gpus'
  /** Their numbers: `[0, 2]` are `/dev/nvidia0` and `/dev/nvidia2`. */
  readonly gpus: readonly number[]
}

/** Somebody looks on what it listens. */
export interface PortsHold {
  readonly isolator: 'ports'
  readonly ports: readonly number[]
}

export interface CgroupHold {
  readonly isolator: CgroupIsolatorName
  /** Of cgroups. */
  readonly version: 1 | 2
  readonly path: string
  /** Where cpu time is counted, if the hierarchy of `path` does not. */
  readonly accounts?: string
  /** The same, where that is the cgroup of version 2 that a kill reaches: not made or removed. */
  readonly countedIn?: string
}

export type LimitReason =
  | 'CONTAINER_LIMITATION'
  | 'CONTAINER_LIMITATION_DISK'
  | 'CONTAINER_LIMITATION_MEMORY'
  | 'CONTAINER_LIMITATION_PORTS'

/** A limit that a task was held to. */
export interface LimitHit {
  readonly reason: LimitReason
  /** A sentence with the limit and what was used. */
  readonly message: string
  /** Something was ended for it, so the task is over. Else: told if the task fails. */
  readonly ends: boolean
}

/** What was counted. Absent: nobody says, or the container is gone. */
export interface Usage {
  readonly cpuMs?: number
  /** How long it wanted to run and was kept from it by its quota. */
  readonly throttledMs?: number
  readonly memBytes?: number
  readonly memPeakBytes?: number
  /** Processes and threads. */
  readonly pids?: number
  /** What its sandbox takes of the disk, and what it holds open there without a name. */
  readonly diskBytes?: number
}
