/** What runs tasks on one machine. The real one and the pretending one keep the same promises. */
import type { TaskContainer } from '../../protocol/schema/task-container.ts'
import type { TaskLinux, TaskRlimit } from '../../protocol/schema/task-linux.ts'
import type { LimitHit, Usage } from '../isolator/hold.ts'
import type { Limits } from '../isolator/isolator.ts'
import type { SandboxName } from '../sandbox/sandboxes.ts'

/** `shell` is given to `/bin/sh -c`; `argv` is run as it stands, its first found through PATH. */
export type Command = { readonly argv: readonly string[] } | { readonly shell: string }

/** One task to be run. One container holds one task. Strings may hold any bytes but NUL. */
export interface ContainerSpec {
  /** A token made by the agent: never used for a second container, on no day. */
  readonly containerId: string
  readonly sandbox: SandboxName
  readonly command: Command
  /**
   * Wins over what the task is given anyway (PATH, HOME, PORT0 …), but neither over `BOURSE_…` nor
   * over what says which GPUs are its own.
   */
  readonly env: Readonly<Record<string, string>>
  /**
   * Name of the user to run as; absent: whoever the agent runs as. Only root may name another. In
   * an image it is one of the image's, and absent the image's own.
   */
  readonly user?: string | undefined
  /** Given to the task as `PORT0`, `PORT1` … and `PORTS` (all, with commas). */
  readonly ports: readonly number[]
  /** Given to the task as `BOURSE_ROLE`. */
  readonly role?: string
  /** Kept where the machine can: `isolators` says what it can. */
  readonly limits?: Limits
  /** What of these the machine cannot give fails the launch. */
  readonly rlimits?: readonly TaskRlimit[]
  readonly linux?: TaskLinux
  /** Absent: a process on the machine's own files. */
  readonly container?: TaskContainer | undefined
  /** It runs what its image runs, and `command` is not used. */
  readonly isImagesCommand?: true
  /** With whom it shares a folder, and the network if it has one of its own. */
  readonly group?: ContainerGroup
}

/** All containers of a group are launched in one turn. */
export interface ContainerGroup {
  /** A token that no other group has ever had. */
  readonly id: string
  /** All of them are in one network namespace. */
  readonly sharesNetwork: boolean
}

/**
 * How a task's own process ended.
 *
 * `signal` is a name such as SIGKILL. `unknown` is a sentence that says why nobody saw it: the
 * machine was rebooted, or the process that records exits was killed.
 */
export type Exit =
  | { readonly code: number }
  | { readonly signal: string }
  | { readonly unknown: string }

/** What a check asks. A command runs as the task does: its sandbox, environment, user, limits. */
export type Probe =
  | { readonly command: Command }
  | {
      readonly http: Endpoint & {
        readonly path?: string
        readonly scheme?: 'http' | 'https'
      }
    }
  | { readonly tcp: Endpoint }

/** Of this machine. Default 127.0.0.1. */
export interface Endpoint {
  readonly port: number
  readonly host?: '127.0.0.1' | '::1'
}

/** One run of a check. */
export interface CheckRun {
  readonly containerId: string
  /** Comes back with the answer. */
  readonly which: 'health-check' | 'check'
  readonly probe: Probe
  /** 0: it may take any time. */
  readonly timeoutMs: number
}

/**
 * What a run of a check saw. `said`: the beginning of what a command wrote to its standard error.
 * `failed`: a sentence; it timed out, or was refused, or of HTTP nobody answered. `unmade`: why it
 * could not be made, for want of what is not the task's; so nothing was seen of that.
 */
export type CheckSeen =
  | { readonly exit: Exit; readonly said?: string }
  | { readonly statusCode: number }
  | { readonly connected: true }
  | { readonly connected: false; readonly why: string }
  | { readonly failed: string }
  | { readonly unmade: string }

/**
 * What becomes of a launched container: either one `launch-failed`, or at most one `started` and
 * then one `ended`. `started` is left out only where the exit is unknown. Between `ended` and its
 * last process no time passes: everything that the task started is gone before it is reported.
 */
export type ContainerEvent =
  /** The task's own process exists. */
  | { readonly kind: 'started'; readonly containerId: string }
  | {
      readonly kind: 'ended'
      readonly containerId: string
      readonly exit: Exit
      /** It was ended for it, or failed and had run into it. */
      readonly limit?: LimitHit
    }
  /** The task's process never existed and never will: bad spec, or killed before it could start. */
  | { readonly kind: 'launch-failed'; readonly containerId: string; readonly why: string }
  /** It listens where it may not, and goes on; `message` says where. Told once for each set. */
  | { readonly kind: 'strange-ports'; readonly containerId: string; readonly message: string }
  /** A run of a check has ended. */
  | {
      readonly kind: 'checked'
      readonly containerId: string
      readonly which: CheckRun['which']
      readonly seen: CheckSeen
    }

/** What a container is after a restart of the agent. */
export interface RecoveredContainer {
  readonly containerId: string
  readonly sandbox: SandboxName
  readonly state: /** Its `ended` comes as an event. */
    | { readonly kind: 'running' }
    /** It ended meanwhile; no event follows. `why`: somebody ended it, as no agent came back. */
    | {
        readonly kind: 'ended'
        readonly exit: Exit
        readonly limit?: LimitHit
        readonly why?: string
      }
    /** The agent died before the task's process existed. It never will; no event follows. */
    | { readonly kind: 'never-started' }
}

/** What a kill reaches. `session`: a task that makes itself a new session escapes. */
export type Isolation = 'cgroup' | 'pid-namespace' | 'session' | 'pretending'

/** Called once per event, never from inside a call of the containerizer. */
export type OnContainerEvent = (event: ContainerEvent) => void

/**
 * Runs containers that outlive it.
 *
 * Call `recover` first, once. Nothing else is kept for the caller: after a restart, launches that
 * recovery does not name were never begun, and kills are to be repeated.
 */
export interface Containerizer {
  readonly isolation: Isolation
  /** What tasks can be here: a process, or a `ContainerSpec.container` of that kind. */
  readonly kinds: readonly ('process' | TaskContainer['kind'])[]
  /** Who runs images, as the service says it: `Libpod/4.3.1 (linux)`. */
  readonly images?: string | undefined
  /** By name: what of a task's limits is kept here. */
  readonly isolators: readonly string[]
  /** A sentence for each thing that this machine cannot hold tasks to. */
  readonly missing: readonly string[]

  /** Finds what ran, ended or did not start while no agent watched. Events come afterwards. */
  recover(): Promise<readonly RecoveredContainer[]>

  /** Starts a task. All that goes wrong is told by `launch-failed`. */
  launch(spec: ContainerSpec): void

  /**
   * SIGTERM to everything in the container now, SIGKILL to everything after `graceMs`.
   *
   * May be repeated: only a shorter remaining time counts. 0: SIGKILL at once. A container that
   * has no process yet never gets one (`launch-failed`). An unknown or ended one is no error.
   */
  kill(containerId: string, graceMs: number): void

  /**
   * Runs a check of a container that runs, once; `checked` tells of it, unless the container ends
   * before. Of a command nothing is left behind: not when it times out, not when the task ends.
   */
  check(run: CheckRun): void

  /**
   * Removes all of a container but its sandbox, killing what still runs. May be repeated, an
   * unknown one is no error. Of a container that had not ended no event follows. Undefined: done.
   */
  destroy(containerId: string): Promise<void> | undefined

  /** What it uses now and has used; undefined if there is no such container. Looks anew. */
  usage(containerId: string): Promise<Usage | undefined>

  /**
   * Removes what is kept for tasks to come (unpacked tars), that none uses now or has used for so
   * long.
   */
  removeUnused(unusedMs: number): Promise<void>

  /** Stops watching: no event follows, and no output is shortened. Tasks run on. */
  close(): Promise<void>
}
