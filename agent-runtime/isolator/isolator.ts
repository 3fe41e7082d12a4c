/** What keeps a task to its share by cgroups: one file for each, and this is what all promise. */
import type { CgroupControllers, Controller } from './cgroup-controllers.ts'

/** What a task may use. Absent: nothing holds it. */
export interface Limits {
  /** Cores that it gets when there are not enough for all. */
  readonly cpus?: number
  /** Cores that it never gets more of, even if there are. */
  readonly cpusMax?: number
  readonly memBytes?: number
  /** Processes and threads. */
  readonly pidsMax?: number
}

export type IsolatorName = 'cpu' | 'memory' | 'pids'

/**
 * How one isolator holds one container. On disk before anything is made, and all that a later agent
 * needs: to read what the kernel counted and to remove it.
 */
export interface Hold {
  readonly isolator: IsolatorName
  /** Of cgroups. */
  readonly version: 1 | 2
  readonly path: string
  /** Where cpu time is counted, if the hierarchy of `path` does not. */
  readonly accounts?: string
}

/** A limit that the kernel held a task to. */
export interface LimitHit {
  readonly reason: 'CONTAINER_LIMITATION_MEMORY' | 'CONTAINER_LIMITATION'
  /** A sentence with the limit and what was used. */
  readonly message: string
  /** The kernel has ended something for it, so the task is over. Else: told if the task fails. */
  readonly ends: boolean
}

/** What the kernel counted. Absent: it does not say, or the container is gone. */
export interface Usage {
  readonly cpuMs?: number
  /** How long it wanted to run and was kept from it by its quota. */
  readonly throttledMs?: number
  readonly memBytes?: number
  readonly memPeakBytes?: number
  /** Processes and threads. */
  readonly pids?: number
}

/** What is written to a file of a new cgroup. */
export interface Setting {
  readonly file: string
  readonly text: string
  /** Not every kernel has it. */
  readonly ifThere?: true
}

export interface Isolator {
  readonly name: IsolatorName
  /** What it needs, and what it can do without. */
  readonly controller: Controller
  readonly wants?: Controller
  /** What is written to a new cgroup, in order. Nothing: it is only counted there. */
  readonly settings: (limits: Limits, version: 1 | 2) => readonly Setting[]
  /** What the cgroup that holds all of them is given, once. */
  readonly share?: (version: 1 | 2) => Setting
  readonly limitHit?: (hold: Hold) => LimitHit | undefined
  /** A file that inotify tells of when a limit was hit; undefined: somebody has to look. */
  readonly limitFile?: (hold: Hold) => string | undefined
  readonly usage: (hold: Hold) => Usage
}

/** @returns the hold, or undefined where this machine has no such controller. */
export function holdIn(
  controllers: CgroupControllers,
  { isolator, containerId }: { readonly isolator: Isolator; readonly containerId: string },
): Hold | undefined {
  const found = controllers.bases.get(isolator.controller)
  if (found === undefined) return undefined
  const accounts = isolator.wants && controllers.bases.get(isolator.wants)
  return {
    isolator: isolator.name,
    version: found.version,
    path: `${found.base}/${containerId}`,
    ...(accounts &&
      accounts.base !== found.base && { accounts: `${accounts.base}/${containerId}` }),
  }
}
