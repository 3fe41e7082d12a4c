/** Kill scope of root: a cgroup. Nothing gets out of it but by root's own will. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { KillScope } from './kill-scope.ts'
import { readText, signalPid } from './proc.ts'

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
 * Makes `<own cgroup>/bourse/<name>` in the best of `mounts` that may be written.
 *
 * Nothing is assumed about mounts: v2 may be the only one, mounted beside v1, or not there, and
 * in a container all of them are often read-only.
 */
export function openCgroupHierarchy(
  name: string,
  mounts = cgroupMounts(readText('/proc/mounts') ?? ''),
): CgroupHierarchy | undefined {
  const own = ownCgroups(readText('/proc/self/cgroup') ?? '')
  for (const { mount, controllers } of mounts) {
    const path = controllers.map((controller) => own.get(controller)).find((found) => found)
    for (const parent of [join(mount, path ?? '/'), mount]) {
      const hierarchy = makeBase(parent, { name, controllers })
      if (hierarchy !== undefined) return hierarchy
    }
  }
  return undefined
}

/** Removes the base if no container is left in it. */
export function closeCgroupHierarchy({ base }: CgroupHierarchy): void {
  removed(base)
  removed(join(base, '..'))
}

export function cgroupScope(path: string, kind: CgroupKind): KillScope {
  return {
    terminate: () => signalAll(path, 'SIGTERM'),
    kill: () => killAll(path, kind),
    isEmpty: () => isEmpty(path, kind),
    remove: () => removeTree(path),
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

export interface CgroupMount {
  readonly mount: string
  /** What is mounted there; `''` for v2. */
  readonly controllers: readonly string[]
}

/** From best to worst. Exported for its test: no one machine has all kinds of mounts. */
export function cgroupMounts(mounts: string): CgroupMount[] {
  const found = mounts.split('\n').flatMap((line): (CgroupMount & { rank: number })[] => {
    const [, path = '', type, options = ''] = line.split(' ')
    const mount = path.replaceAll(/\\(\d{3})/g, (_, octal) =>
      String.fromCharCode(parseInt(octal, 8)),
    )
    if (type === 'cgroup2') return [{ mount, controllers: [''], rank: 0 }]
    const controllers = options.split(',')
    const rank = ['freezer', 'pids'].findIndex((name) => controllers.includes(name))
    return type === 'cgroup' && rank >= 0 ? [{ mount, controllers, rank: rank + 1 }] : []
  })
  return found.sort((a, b) => a.rank - b.rank)
}

/** Controller → own cgroup's path, from the lines `id:controller,controller:path`. */
function ownCgroups(text: string): Map<string, string> {
  const own = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, controllers = '', ...path] = line.split(':')
    for (const controller of controllers.split(',')) own.set(controller, path.join(':'))
  }
  return own
}

function makeBase(
  parent: string,
  { name, controllers }: { readonly name: string; readonly controllers: readonly string[] },
): CgroupHierarchy | undefined {
  // In a container the own cgroup may be called by its name outside, which is nothing here.
  if (!existsSync(parent)) return undefined
  const base = join(parent, 'bourse', name)
  try {
    mkdirSync(base, { recursive: true })
    const files = readdirSync(base)
    if (files.includes('cgroup.kill')) return { kind: 'kill-file', base }
    return { kind: controllers.includes('freezer') ? 'freezer' : 'one-by-one', base }
  } catch {
    // Read-only or forbidden: the next candidate.
    return undefined
  }
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

function childrenOf(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(path, entry.name))
  } catch {
    // Removed already.
    return []
  }
}

/** Most have no cgroups below. */
function removeTree(path: string): boolean {
  if (removed(path)) return true
  for (const child of childrenOf(path)) removeTree(child)
  return removed(path)
}

/** True if it is not there any more. */
function removed(path: string): boolean {
  try {
    rmdirSync(path)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

function tryWrite(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch {
    // The cgroup is gone, and with it all that was in it, or it has no such file. Who calls looks
    // whether it is empty.
  }
}
