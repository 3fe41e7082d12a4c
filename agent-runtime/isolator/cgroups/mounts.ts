/** Where cgroups can be made on this machine: hierarchies, and what is ours in each. */
import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../proc.ts'

export interface CgroupMount {
  readonly mount: string
  /** What is mounted there; `''` for v2. */
  readonly controllers: readonly string[]
}

/** What the kernel says of cgroups, or a test. */
export interface CgroupWorld {
  readonly mounts: readonly CgroupMount[]
  /** As in `/proc/self/cgroup`. */
  readonly own: string
}

export function readCgroupWorld(): CgroupWorld {
  const mounts = parseCgroupMounts(readText('/proc/mounts') ?? '')
  return { mounts, own: readText('/proc/self/cgroup') ?? '' }
}

/** As in `/proc/mounts`. Exported for tests: no one machine has all kinds of mounts. */
export function parseCgroupMounts(mounts: string): CgroupMount[] {
  return mounts.split('\n').flatMap((line): CgroupMount[] => {
    const [, path = '', type, options = ''] = line.split(' ')
    const mount = path.replaceAll(/\\(\d{3})/g, (_, octal) =>
      String.fromCharCode(parseInt(octal, 8)),
    )
    if (type === 'cgroup2') return [{ mount, controllers: [''] }]
    return type === 'cgroup' ? [{ mount, controllers: options.split(',') }] : []
  })
}

/**
 * The cgroups in which ours may be made, best first: the agent's own, so that who holds the agent
 * holds its tasks, then the uppermost.
 */
export function parentsIn({ mount, controllers }: CgroupMount, own: string): string[] {
  const paths = cgroupPaths(own)
  const path = controllers.map((controller) => paths.get(controller)).find((found) => found)
  // In a container the own cgroup may be called by its name outside, which is nothing here.
  return [...new Set([join(mount, path ?? '/'), join(mount, '/')])].filter((one) => existsSync(one))
}

/** Makes the cgroup that is to hold our containers'. @throws where it may not be written. */
export function makeBase(parent: string, name: string): string {
  const base = join(parent, 'bourse', name)
  mkdirSync(base, { recursive: true })
  return base
}

/** Removes the base if no container is left in it. */
export function removeBase(base: string): void {
  removed(base)
  removed(join(base, '..'))
}

/** Two are its own name and its parent's: of a cgroup without others below nothing is listed. */
const LINKS_ALONE = 2

export function childrenOf(path: string): string[] {
  try {
    if (lstatSync(path).nlink === LINKS_ALONE) return []
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(path, entry.name))
  } catch {
    // Removed already.
    return []
  }
}

/** With all below it. False: not yet. Most have no cgroups below. */
export function removeCgroup(path: string): boolean {
  if (removed(path)) return true
  for (const child of childrenOf(path)) removeCgroup(child)
  return removed(path)
}

/** Controller → a process's cgroup, from the lines `id:controller,controller:path` of `/proc`. */
export function cgroupPaths(text: string): Map<string, string> {
  const own = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, controllers = '', ...path] = line.split(':')
    for (const controller of controllers.split(',')) own.set(controller, path.join(':'))
  }
  return own
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
