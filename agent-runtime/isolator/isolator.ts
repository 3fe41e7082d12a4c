/**
 * What an isolator is, whatever it does it with: cgroups, namespaces, words before the command, or
 * somebody who looks. README.md has all of them and their order.
 */
import type { ConfinementName } from '../../protocol/agent-attributes.ts'
import type { TaskLinux, TaskRlimit } from '../../protocol/schema/task-linux.ts'
import type { Setting } from './cgroups/files.ts'
import type { CgroupIsolatorName, Hold, LimitHit, Usage } from './hold.ts'
import type { Machine } from './machine.ts'

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

/** What may not be there to be had. */
export interface Asked extends Pick<Limits, 'gpus'> {
  readonly rlimits?: readonly TaskRlimit[]
  readonly linux?: TaskLinux
}

/** All that is asked for one container. */
export interface Wanted extends Limits, Asked {
  readonly containerId: string
  /** On which it may listen. Absent: nobody looks. */
  readonly ports?: readonly number[]
  /** Absolute. Absent: it has none that could be looked at. */
  readonly sandboxPath?: string
  /** The folder that its group shares. */
  readonly groupPath?: string | undefined
  /** The network namespace of its group, as a path. Absent: it shares none. */
  readonly network?: string | undefined
}

export type IsolatorName = CgroupIsolatorName | ConfinementName | 'disk' | 'gpus' | 'ports'

/** One way in which tasks are kept apart. */
export interface Isolator<OfHold extends Hold = Hold> {
  /** As agents say it in their attribute `isolators`. */
  readonly name: IsolatorName
  /** Finds out by trying whether it works here. What was made for that is gone afterwards. */
  open(machine: Machine): Tried | Promise<Tried>
  /** These read a hold, whoever made it, and whether or not the isolator works here now. */
  limitHit?(hold: OfHold): LimitHit | undefined
  /** A file that inotify tells of when a limit was hit; undefined: somebody has to look. */
  limitFile?(hold: OfHold): string | undefined
  usage?(hold: OfHold): Usage
}

export interface Tried {
  /** Absent: it does not work here. */
  readonly works?: Working
  /** A sentence for each thing that no task is held to, or can have, here. */
  readonly missing: readonly string[]
}

/** An isolator as it works on this machine. */
export interface Working {
  /** Why it cannot be had, in a sentence; asked before anything is made. Undefined: it can. */
  problem?(asked: Asked): string | undefined
  /**
   * Its part in one container; undefined: it has none. Makes nothing outside of the sandbox: what
   * is to be made is written down first. A sentence: it cannot be held so. What was taken stays the
   * container's own until `release`.
   */
  prepare(wanted: Wanted): Part | string | undefined
  /** It has been held so since before this agent started. */
  keep?(containerId: string, holds: readonly Hold[]): void
  /** No process of it is left. May be repeated. */
  release?(containerId: string): void
}

/** What one isolator does for one container. */
export interface Part {
  readonly hold?: Hold
  /** Written to the cgroup of the hold, in order. */
  readonly settings?: readonly Setting[]
  /** What the task is told. */
  readonly environment?: Readonly<Record<string, string>>
  /** Words that enter namespaces that are there already. */
  readonly enter?: readonly string[]
  /** Options of unshare(1) that make new ones. */
  readonly unshare?: readonly string[]
  /** Lines for the shell that prepares the task in them. Each fails with a word. */
  readonly lines?: readonly string[]
  /** Words before the command, while they have the agent's rights. */
  readonly words?: readonly string[]
  /** Options of setpriv(1), which changes the user after these words. */
  readonly setpriv?: readonly string[]
}
