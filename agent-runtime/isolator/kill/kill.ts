/** Which kill scope this machine and this user allow, and the way into it. */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Namespace } from '../../../protocol/linux.ts'
import type { Isolation } from '../../containerizer/containerizer.ts'
import { joinFile } from '../cgroups/files.ts'
import { canJoin } from '../cgroups/joining.ts'
import { removeBase } from '../cgroups/mounts.ts'
import type { ProcessIdentity } from '../proc.ts'
import { tried } from '../tried.ts'
import { type CgroupKind, cgroupScope, cgroupStrangers, openCgroupHierarchy } from './cgroup.ts'
import { pidNamespaceScope } from './pid-namespace.ts'
import type { KillScope } from './scope.ts'
import { sessionScope } from './session.ts'

/** How one container is held: written to disk before its first process, read at recovery. */
export type KillHold =
  | { readonly kind: 'cgroup'; readonly path: string; readonly how: CgroupKind }
  /** `unshare`: the options for unshare(1). */
  | { readonly kind: 'pid-namespace'; readonly unshare: string }
  | { readonly kind: 'session' }

export interface KillScopes {
  readonly isolation: Exclude<Isolation, 'pretending'>
  /** The cgroup that holds the containers', if it is cgroups. */
  readonly base?: string
  /** What a new container is to be held by: written down first, so that no crash leaks it. */
  holdFor(containerId: string): KillHold
  /** What there is of containers but these. */
  strangers(known: ReadonlySet<string>): readonly KillScope[]
  /** Removes what all containers shared, if none is left. */
  close(): void
}

/** Who is who in a container that has started. */
export interface Started {
  /** Records the exit; with a pid namespace: the process outside that keeps it. */
  readonly parent: ProcessIdentity
  /** The task's own process; pid 0 where the hold says what belongs to the task. */
  readonly child: ProcessIdentity
}

/** Where nobody is known, or the hold says all. */
export const NOBODY: Started = {
  parent: { pid: 0, startTicks: 0 },
  child: { pid: 0, startTicks: 0 },
}

/** In what its processes are, for who comes later. */
export type Inside = readonly ('user' | 'ipc' | Namespace)[]

/** Where the processes of a container are. */
export interface Place {
  readonly hold: KillHold
  readonly started: Started
  readonly inside: Inside
}

/** Makes what a container is held by; its first process joins by itself. */
export function makeHold(hold: KillHold): void {
  if (hold.kind === 'cgroup') mkdirSync(hold.path, { recursive: true })
}

/** The files of cgroups that its first process writes itself to. */
export function joinsOf(hold: KillHold): readonly string[] {
  return hold.kind === 'cgroup' ? [join(hold.path, joinFile(versionOf(hold.how)))] : []
}

/** As far as joining goes: killed one by one it may be either, and both have `cgroup.procs`. */
const versionOf = (how: CgroupKind): 1 | 2 => (how === 'freezer' ? 1 : 2)

/** `endedTicks`: as of `sessionScope`. */
export function scopeOf(
  hold: KillHold,
  { parent, child }: Started,
  endedTicks?: number,
): KillScope {
  if (hold.kind === 'cgroup') return cgroupScope(hold.path, hold.how)
  return hold.kind === 'pid-namespace' ? pidNamespaceScope(parent) : sessionScope(child, endedTicks)
}

/**
 * Finds the strongest isolation that works here, by trying it. `only` forces a weaker one.
 *
 * `owner` tells the agents of one machine apart.
 */
export async function openKillScopes(owner: string, only?: Isolation): Promise<KillScopes> {
  const wanted = (isolation: Isolation) => only === undefined || only === isolation
  const cgroup = wanted('cgroup') ? await openCgroupScopes(owner) : undefined
  if (cgroup !== undefined) return cgroup
  const unshare = wanted('pid-namespace') ? await findUnshareOptions() : undefined
  const shared = { close() {}, strangers: () => [] }
  if (unshare === undefined) {
    return { ...shared, isolation: 'session', holdFor: () => ({ kind: 'session' }) }
  }
  const hold = { kind: 'pid-namespace', unshare } as const
  return { ...shared, isolation: 'pid-namespace', holdFor: () => hold }
}

/** What its cgroups and containers are called: it tells the agents of one machine apart. */
export function ownerName(owner: string): string {
  return createHash('sha256').update(owner).digest('hex').slice(0, 16)
}

async function openCgroupScopes(owner: string): Promise<KillScopes | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const hierarchy = openCgroupHierarchy(ownerName(owner))
  if (hierarchy === undefined) return undefined
  if (!(await canJoin([{ base: hierarchy.base, version: versionOf(hierarchy.kind) }]))) {
    removeBase(hierarchy.base)
    return undefined
  }
  return {
    isolation: 'cgroup',
    base: hierarchy.base,
    holdFor(containerId) {
      const path = join(hierarchy.base, containerId)
      return { kind: 'cgroup', path, how: hierarchy.kind }
    },
    strangers: (known) => cgroupStrangers(hierarchy, known),
    close: () => removeBase(hierarchy.base),
  }
}

/** Who may not make namespaces makes them as root of a user namespace, and stays himself. */
export const OWN_USER = ['--user', '--map-current-user'] as const
/** The first process of a pid namespace takes all others along, and goes with who made it. */
export const OWN_PIDS = ['--pid', '--fork', '--kill-child'] as const

/** With an own /proc if possible, else programs see pids there that are not theirs. */
async function findUnshareOptions(): Promise<string | undefined> {
  const options = [...(process.getuid?.() === 0 ? [] : OWN_USER), ...OWN_PIDS]
  for (const candidate of [[...options, '--mount-proc'], options]) {
    const why = await tried(['unshare', ...candidate, '/bin/sh', '-c', ':'])
    if (why === undefined) return candidate.join(' ')
  }
  return undefined
}
