/** Kill scope of root: a cgroup. Nothing gets out of it but by root's own will. */
import { readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { controllerCount, enableControllers } from '../cgroups/controllers.ts'
import {
  type CgroupMount,
  type CgroupWorld,
  childrenOf,
  makeBase,
  parentsIn,
  readCgroupWorld,
  removeBase,
  removeCgroup,
} from '../cgroups/mounts.ts'
import { readText, signalPid } from '../proc.ts'
import type { KillScope } from './scope.ts'

/**
 * How a hierarchy kills: at once (v2, Linux 5.14), frozen and one by one (v1), or one by one (v1
 * without a freezer; v2 before, which is frozen too where it can be, Linux 5.2).
 */
export type CgroupKind = 'kill-file' | 'freezer' | 'one-by-one'

export interface CgroupHierarchy {
  readonly kind: CgroupKind
  /** An existing cgroup of ours that holds one cgroup for each container and no process. */
  readonly base: string
}

/**
 * Makes `<own cgroup>/bourse/<name>` in the best of the mounts that may be written.
 *
 * Nothing is assumed about mounts: v2 may be the only one, mounted beside v1, or not there, and
 * in a container all of them are often read-only.
 */
export function openCgroupHierarchy(
  name: string,
  { mounts, own }: CgroupWorld = readCgroupWorld(),
): CgroupHierarchy | undefined {
  for (const mount of killingMounts(mounts)) {
    const found = parentsIn(mount, own).flatMap((parent) => {
      const hierarchy = hierarchyIn(parent, { name, mount })
      return hierarchy === undefined ? [] : [{ parent, ...hierarchy }]
    })
    // Controllers of v2 may not reach the agent's own cgroup, or be refused with the agent in it.
    const byControllers = found.toSorted(
      (a, b) => controllerCount(b.parent) - controllerCount(a.parent),
    )
    const best =
      byControllers.find(({ parent, base }) => enableControllers(parent, base)) ?? found[0]
    for (const { base } of found) if (base !== best?.base) removeBase(base)
    if (best !== undefined) return { kind: best.kind, base: best.base }
  }
  return undefined
}

/** Those in which a kill can be had, from best to worst. */
export function killingMounts(mounts: readonly CgroupMount[]): CgroupMount[] {
  const rankOf = ({ controllers }: CgroupMount): number =>
    ['', 'freezer', 'pids'].findIndex((name) => controllers.includes(name))
  return mounts.filter((mount) => rankOf(mount) >= 0).sort((a, b) => rankOf(a) - rankOf(b))
}

function hierarchyIn(
  parent: string,
  { name, mount }: { readonly name: string; readonly mount: CgroupMount },
): CgroupHierarchy | undefined {
  try {
    const base = makeBase(parent, name)
    if (readdirSync(base).includes('cgroup.kill')) return { kind: 'kill-file', base }
    return { kind: mount.controllers.includes('freezer') ? 'freezer' : 'one-by-one', base }
  } catch {
    // Read-only or forbidden: the next candidate.
    return undefined
  }
}

export function cgroupScope(path: string, kind: CgroupKind): KillScope {
  return {
    terminate: () => signalAll(path, 'SIGTERM'),
    kill: () => killAll(path, kind),
    pids: () => pidsIn(path),
    isEmpty: () => isEmpty(path, kind),
    remove: () => removeCgroup(path),
  }
}

/** The cgroups of the hierarchy that are none of the known containers'. */
export function cgroupStrangers(
  { base, kind }: CgroupHierarchy,
  known: ReadonlySet<string>,
): readonly KillScope[] {
  return childrenOf(base)
    .filter((path) => !known.has(basename(path)))
    .map((path) => cgroupScope(path, kind))
}

function isEmpty(path: string, kind: CgroupKind): boolean {
  if (kind !== 'kill-file') return pidsIn(path).length === 0
  return !(readText(join(path, 'cgroup.events')) ?? '').includes('populated 1')
}

function killAll(path: string, kind: CgroupKind): void {
  if (kind === 'kill-file') return tryWrite(join(path, 'cgroup.kill'), '1')
  const { file, frozen, thawed } = FREEZE[kind]
  tryWrite(join(path, file), frozen)
  signalAll(path, 'SIGKILL')
  tryWrite(join(path, file), thawed)
}

/** What is frozen does not fork while it is counted. */
const FREEZE = {
  freezer: { file: 'freezer.state', frozen: 'FROZEN', thawed: 'THAWED' },
  'one-by-one': { file: 'cgroup.freeze', frozen: '1', thawed: '0' },
} as const

function signalAll(path: string, signal: 'SIGTERM' | 'SIGKILL'): void {
  for (const pid of pidsIn(path)) signalPid(pid, signal)
}

/** A task that runs as root may have made cgroups of its own below. */
function pidsIn(path: string): number[] {
  const own = (readText(join(path, 'cgroup.procs')) ?? '').split('\n').filter(Boolean).map(Number)
  return [...own, ...childrenOf(path).flatMap(pidsIn)].filter((pid) => pid > 0)
}

function tryWrite(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch {
    // The cgroup is gone, and with it all that was in it, or it has no such file. Who calls looks
    // whether it is empty.
  }
}
