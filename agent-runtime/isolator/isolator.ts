/**
 * What keeps a task to its share, in words that all isolators use. The kernel does it by cgroups
 * where it can, and these are alike (`CgroupIsolator`); at what it does not count, somebody has to
 * look.
 */
import type { CgroupControllers, Controller } from './cgroups/controllers.ts'

/** What a task may use. Absent: nothing holds it. */
export interface Limits {
  /** Cores that it gets when there are not enough for all. */
  readonly cpus?: number
  /** Cores that it never gets more of, even if there are. */
  readonly cpusMax?: number
  readonly memBytes?: number
  /** Processes and threads. */
  readonly pidsMax?: number
  /** What its sandbox may take of the disk. */
  readonly diskBytes?: number
  /** Whole devices, which nobody else gets meanwhile. Default 0. */
  readonly gpus?: number
}

/** All that is asked for one container. */
export interface Wanted extends Limits {
  /** On which it may listen. */
  readonly ports?: readonly number[]
  /** Absolute. Absent: it has none that could be looked at. */
  readonly sandboxPath?: string
}

export type CgroupIsolatorName = 'cpu' | 'devices' | 'memory' | 'pids'
export type IsolatorName = CgroupIsolatorName | 'disk' | 'gpus' | 'ports'

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

/** What is written to a file of a new cgroup. */
export interface Setting {
  readonly file: string
  readonly text: string
  /** Not every kernel has it. */
  readonly ifThere?: true
}

/** A character device, by the kernel's numbers. */
export interface DeviceNumber {
  readonly major: number
  readonly minor: number | '*'
}

/** What is asked of a cgroup. */
export interface CgroupWanted extends Limits {
  /** Beside those that every task has. */
  readonly devices?: readonly DeviceNumber[]
  /** A new cgroup has those that every task has from the one that holds all of them. */
  readonly inheritsDevices?: boolean
}

export interface CgroupIsolator {
  readonly name: CgroupIsolatorName
  /** What it needs, and what it can do without. */
  readonly controller: Controller
  readonly wants?: Controller
  /** What is written to a new cgroup, in order. Nothing: it is only counted there. */
  readonly settings: (wanted: CgroupWanted, version: 1 | 2) => readonly Setting[]
  /** What the cgroup that holds all of them is given, once. */
  readonly share?: (version: 1 | 2) => Setting
  readonly limitHit?: (hold: CgroupHold) => LimitHit | undefined
  /** A file that inotify tells of when a limit was hit; undefined: somebody has to look. */
  readonly limitFile?: (hold: CgroupHold) => string | undefined
  readonly usage: (hold: CgroupHold) => Usage
}

/** @returns the hold, or undefined where this machine has no such controller. */
export function holdIn(
  controllers: CgroupControllers,
  { isolator, containerId }: { readonly isolator: CgroupIsolator; readonly containerId: string },
): CgroupHold | undefined {
  const found = controllers.bases.get(isolator.controller)
  if (found === undefined) return undefined
  const accounts = isolator.wants && controllers.bases.get(isolator.wants)
  return {
    isolator: isolator.name,
    version: found.version,
    path: `${found.base}/${containerId}`,
    ...(accounts &&
      accounts.base !== found.base && {
        [accounts.version === 1 ? 'accounts' : 'countedIn']: `${accounts.base}/${containerId}`,
      }),
  }
}
