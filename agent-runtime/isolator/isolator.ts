/**
 * What an isolator is, whatever it does it with: cgroups, namespaces, words before the command, or
 * somebody who looks. README.md has all of them and their order.
 */
import type { AskedIsolator } from '../../protocol/agent-attributes.ts'
import type { TaskLinux, TaskRlimit } from '../../protocol/schema/task-linux.ts'
import type { Setting } from './cgroups/files.ts'
import type { CgroupIsolatorName, Hold } from './hold.ts'
import type { Shared } from './shared.ts'

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

/** What this machine may not have for it. */
export interface Asked extends Pick<Limits, 'gpus'> {
  readonly rlimits?: readonly TaskRlimit[]
  readonly linux?: TaskLinux
}

/** All that is asked for one container. */
export interface Wanted extends Limits, Asked {
  readonly containerId: string
  /** On which it may listen. Absent: nobody looks. */
  readonly ports?: readonly number[]
  /** Absolute; it exists, and is not yet its user's. */
  readonly sandboxPath: string
  /** The folder that its group shares. */
  readonly groupPath?: string | undefined
  /** The network namespace of its group, as a path. Absent: it shares none. */
  readonly network?: string
}

export type IsolatorName = CgroupIsolatorName | AskedIsolator | 'disk' | 'gpus' | 'ports'

/**
 * One way in which tasks are kept apart. What the kernel counts is read by those by cgroups
 * (`CgroupIsolator`); disk and ports are looked at by somebody (`looks/`), by what the holds say.
 */
export interface Isolator {
  /** As agents say it in their attribute `isolators`. */
  readonly name: IsolatorName
  /** Finds out whether it works here. It may set up what all of its containers share. */
  open(shared: Shared): Opened | Promise<Opened>
}

export interface Opened {
  /** Absent: it does not work here. */
  readonly works?: Working
  /** A sentence for each thing that no task is held to, or can have, here. */
  readonly missing: readonly string[]
}

/** An isolator as it works on this machine. */
export interface Working {
  /** Why it cannot be had now, in a sentence. Undefined: it can. Takes and makes nothing. */
  problem?(asked: Asked): string | undefined
  /**
   * Its part in one container; undefined: it has none. Once for each container, in the turn in
   * which there was no `problem`. Makes nothing outside of the sandbox: what is to be made is
   * written down first. What was taken is the container's own until `release`, also if this fails.
   *
   * @throws what the disk refuses.
   */
  prepare(wanted: Wanted): Part | undefined
  /** It has been held so since before this agent started. */
  keep?(containerId: string, holds: readonly Hold[]): void
  /** No process of it is left. May be repeated. */
  release?(containerId: string): void
}

/** What one isolator does for one container. Each of the lists is of single words, unquoted. */
export interface Part {
  /** Written down before anything is made, and all that a later agent needs. */
  readonly hold?: Hold
  /** Written to the cgroup of the hold, in order. */
  readonly settings?: readonly Setting[]
  /** What the task is told. */
  readonly environment?: Readonly<Record<string, string>>
  /** A command that enters namespaces which are there already. */
  readonly enter?: readonly string[]
  /** Options of unshare(1) that make new ones. One that others have, too, stands once. */
  readonly unshare?: readonly string[]
  /** Lines, in the words of the shell, that make them ready. Each fails with a word. */
  readonly lines?: readonly string[]
  /** Put before the command, while it has the agent's rights. */
  readonly words?: readonly string[]
  /** Options of setpriv(1), which changes the user after these words. */
  readonly setpriv?: readonly string[]
}
