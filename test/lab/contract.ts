/** What a lab is made of: real processes of a cluster that can be broken in many ways. */
import type { Line } from '../support/cluster.ts'
import type { Observer } from './observer.ts'

export interface LabOptions {
  /** Default 2: `m1`, `m2` … */
  readonly masters?: number
  /** Default 2: `a1`, `a2` … */
  readonly agents?: number
  /** Default 1: `allocator-1` … */
  readonly allocators?: number
  /** Default 1. Three are a cluster with JetStream replicas, and masters are told so. */
  readonly servers?: 1 | 3
  /** Each actor and framework reaches NATS through a proxy of its own. Default false. */
  readonly proxied?: boolean
  /** Each actor and framework has a network of its own, and a proxy. Default false. */
  readonly namespaces?: boolean
  /** Each agent's boot id can be changed: see `reboot`. Default false. */
  readonly bootIds?: boolean
  /** Of each agent. Default `cpus:2;mem:1024;disk:500;ports:[31000-31099]`. */
  readonly resources?: string
  /** More flags for each master, such as `--agent-ping 500ms`. */
  readonly masterFlags?: readonly string[]
  readonly agentFlags?: readonly string[]
  /** Kinds whose work directories (of servers: stores) are file systems of so many MiB. */
  readonly smallDisksMib?: Partial<Record<'master' | 'agent' | 'server', number>>
  /** All that the lab writes lies in a new folder below it. Default: the temporary folder. */
  readonly workDir?: string
  /** The folder stays, should this process end without `close`. Default false. */
  readonly keep?: boolean
  readonly env?: NodeJS.ProcessEnv
}

export type LabKind = 'master' | 'agent' | 'allocator' | 'framework'

/** What goes through a proxy, from the actor that it stands before. */
export type Direction = 'out' | 'in' | 'both'

/** All is off at first, and after `heal`. */
export interface ProxySettings {
  /** Every message waits so long; order holds. */
  readonly delayMs?: number
  /** And up to so much more, by chance. */
  readonly jitterMs?: number
  /** The part of messages that vanishes, 0 to 1. */
  readonly dropPart?: number
  /** The part of messages that comes twice, 0 to 1. */
  readonly duplicatePart?: number
}

/**
 * A TCP proxy between one client and all NATS servers. It parses what passes: a message is dropped,
 * delayed or repeated as a whole; PING, INFO and the like always pass, in order.
 */
export interface Proxy {
  /** What the client is told to connect to: URLs with commas. */
  readonly url: string
  readonly connections: number
  /** How many messages it has let through, dropped, and repeated. */
  readonly counts: { readonly passed: number; readonly dropped: number; readonly repeated: number }
  /** Swallows all that goes that way, and says nothing. Default both ways. */
  cut(direction?: Direction): void
  /** Closes all connections and takes none until `heal`. */
  refuse(): void
  /** Ends `cut`, `refuse` and `set`. Connections that have lost bytes are closed. */
  heal(): void
  set(settings: ProxySettings): void
  /** Closes each connection in the middle of the next message that goes that way. */
  cutMidFrame(direction?: 'out' | 'in'): void
  /** Closes all connections; new ones are taken at once. */
  hangUp(): void
}

/** The network of one actor. */
export interface Wire {
  /** Packets that way are dropped by the kernel. Default both ways. */
  cut(direction?: Direction): Promise<void>
  heal(): Promise<void>
}

/** A file system of its own that can be filled. */
export interface SmallDisk {
  readonly folder: string
  fill(): void
  free(): void
}

/** One process of `bourse`, or a framework. */
export interface LabProcess {
  readonly name: string
  readonly kind: LabKind
  /** Throws when it does not run. */
  readonly pid: number
  readonly isRunning: boolean
  readonly workDir: string
  /** Where its lines go: all starts of it, one after the other. */
  readonly logPath: string
  /** Since its last start. */
  readonly lines: readonly Line[]
  readonly link?: Proxy
  readonly wire?: Wire
  readonly disk?: SmallDisk
  /** Called when it ends and the lab has not killed it: with its code, or null for a signal. */
  onOwnEnd: (code: number | null, lastLine: string) => void
  /** Resolves when it says that it is ready. */
  start(): Promise<void>
  /** Resolves when it is gone. Default SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>
  freeze(): void
  thaw(): void
  /** Resolves with the line of that message, said so many times since the start, or from now on. */
  says(message: string, times?: number): Promise<Line>
}

export interface LabAgent extends LabProcess {
  /** Its total, as its flag says it. */
  readonly resources: string
  /** The process that starts its tasks. */
  launcherPid(): number
  /** All of it ends at once, tasks too, and it starts on a machine with another boot id. */
  reboot(): Promise<void>
}

export interface LabServer {
  readonly name: string
  readonly url: string
  readonly pid: number
  readonly isRunning: boolean
  readonly storeDir: string
  readonly logPath: string
  readonly disk?: SmallDisk
  /** It has ended, and nobody has killed it. */
  onOwnEnd: (() => void) | undefined
  kill(signal?: NodeJS.Signals): Promise<void>
  freeze(): void
  thaw(): void
  /** Copies the files of the store as they are while it runs, as a power cut would leave them. */
  copyStore(): void
  /**
   * Kills it if it runs, and starts it on the same port with its store as it was left, with an
   * empty one, or with the last copy.
   */
  restart(options: { readonly store: 'kept' | 'empty' | 'copy' }): Promise<void>
}

export interface FrameworkOptions {
  /** Its id. */
  readonly name: string
  /** In all; afterwards it ends by itself when all have ended. 0: until `drain`. */
  readonly tasks: number
  /** How many may be unfinished at one time. Default: all. */
  readonly atOnce?: number
  /** How long tasks run: so many ms, from the one to the other by chance. Default 1,000. */
  readonly runMs?: readonly [number, number]
  /** How they end, in turn. Default `['ok']`. */
  readonly endings?: readonly Ending[]
  /** Two of each accept are a group. Default: none is. */
  readonly groups?: boolean
  /** All are looked after by checks, and how they are changes. Default: only who is to be sick. */
  readonly checks?: boolean
  /** The part of running tasks that is killed at a moment by chance. Default 0. */
  readonly killPart?: number
  readonly failoverMs?: number
  /** Its processes are instances: one leads, the others stand by. Default false. */
  readonly standby?: boolean
  /** Of each task. Default `{cpus: 0.1, mem: 16}`. */
  readonly resources?: Readonly<Record<string, number>>
  /** Only agents of these names. */
  readonly only?: readonly string[]
  /** The seed of its chance. Default 1. */
  readonly seed?: number
}

/**
 * Exit 0, exit 3, killed by itself, or never: a task that ignores SIGTERM until it is killed, or
 * one whose health check fails until its agent kills it.
 */
export type Ending = 'ok' | 'fails' | 'crashes' | 'stubborn' | 'sick'

export interface LabFramework extends LabProcess {
  /** Below it: `journal`, `statuses`, `starts/TASK`, `ends/TASK`. It survives its process. */
  readonly folder: string
  /** Its other processes: those that `instance` of the lab has started. */
  readonly instances: readonly LabProcess[]
  /** It has ended by itself, when all its tasks had. */
  readonly isDone: boolean
  /** Of all its processes the one that leads, by what they have said. */
  holder(): LabProcess
  /** All that it was told of tasks, in order. */
  statuses(): readonly HeardStatus[]
  /** Task ids that it has begun to launch, in order. */
  launched(): readonly string[]
  /** It launches no more, and ends when all it has launched has ended. Resolves when it has. */
  drain(): Promise<void>
  /** Resolves when it has ended by itself. */
  readonly ended: Promise<number | null>
  /** Resolves when `isThere` holds of what it was told. */
  reaches(isThere: (all: readonly HeardStatus[]) => boolean): Promise<void>
}

/** One line of a framework's `statuses`. */
export interface HeardStatus {
  readonly taskId: string
  readonly state: string
  readonly agentId?: string
  readonly source: 'agent' | 'master'
  readonly reason?: string
  readonly exit?: { readonly code?: number; readonly signal?: number }
  readonly number?: { readonly incarnation: number; readonly count: number }
  /** By the framework's clock. */
  readonly heardAtMs: number
  /** The process that was told. */
  readonly pid: number
}

/** A cluster of real processes. Opened by `openLab` of lab.ts. */
export interface LabCluster {
  /** All that it writes lies in here. */
  readonly folder: string
  readonly servers: readonly LabServer[]
  readonly masters: readonly LabProcess[]
  readonly allocators: readonly LabProcess[]
  readonly agents: readonly LabAgent[]
  readonly frameworks: readonly LabFramework[]
  readonly observer: Observer
  /** For a process of one's own, behind no proxy. */
  readonly env: NodeJS.ProcessEnv
  /** Starts a framework; resolves when it has subscribed. */
  framework(options: FrameworkOptions): Promise<LabFramework>
  /** Who leads, by the beats that the observer hears; waits for one. */
  leader(): Promise<LabProcess>
  standby(): Promise<LabProcess>
  /** One more process with the id and secret of a framework: it takes it over, or stands by. */
  instance(of: LabFramework): Promise<LabProcess>
  /**
   * Ends everything. Resolves with what is left on the machine, a line each: processes, cgroups,
   * mounts, namespaces, ports and folders. `keep`: its folder stays, for its logs.
   */
  close(options?: { readonly keep?: boolean }): Promise<readonly string[]>
}
