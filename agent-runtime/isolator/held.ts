/** By what isolators hold one container, from its launch to its removal. */
import { type FSWatcher, mkdirSync, watch, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { removeBase, removeCgroup } from './cgroup-mounts.ts'
import { cpuIsolator } from './cpu.ts'
import type { Hold, Isolator, IsolatorName, LimitHit, Setting, Usage } from './isolator.ts'
import { memoryIsolator } from './memory.ts'
import { pidsIsolator } from './pids.ts'

/** In the order in which a container is prepared; README.md says why. */
export const ISOLATORS: readonly Isolator[] = [pidsIsolator, memoryIsolator, cpuIsolator]

export class Held {
  readonly holds: readonly Hold[]
  readonly #watchers: FSWatcher[] = []
  #needsLook = false

  constructor(holds: readonly Hold[] = []) {
    this.holds = holds
  }

  /** Every cgroup, once: on v2 all are one. */
  get cgroups(): readonly string[] {
    return [...new Set(this.holds.flatMap(cgroupsOf))]
  }

  /** Makes what the holds name, which is on disk by now. @throws when the kernel refuses. */
  make(settings: ReadonlyMap<IsolatorName, readonly Setting[]>): void {
    for (const path of this.cgroups) mkdirSync(path, { recursive: true })
    for (const { isolator, path } of this.holds) {
      for (const setting of settings.get(isolator) ?? []) writeSetting(path, setting)
    }
  }

  /** `onLimit` is called when the kernel may have ended something for a limit. */
  watch(onLimit: () => void): void {
    for (const hold of this.holds) {
      const { limitHit, limitFile } = isolatorOf(hold)
      if (limitHit === undefined) continue
      const file = limitFile?.(hold)
      if (file === undefined) this.#needsLook = true
      else this.#watchFile(file, onLimit)
    }
  }

  unwatch(): void {
    this.#needsLook = false
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }

  /** Nobody tells when a limit is hit: look now and then. */
  get needsLook(): boolean {
    return this.#needsLook
  }

  /** What ended something comes first. */
  limitHit(): LimitHit | undefined {
    const hits = this.holds.flatMap((hold) => isolatorOf(hold).limitHit?.(hold) ?? [])
    return hits.find(({ ends }) => ends) ?? hits[0]
  }

  usage(): Usage {
    return Object.assign({}, ...this.holds.map((hold) => isolatorOf(hold).usage(hold)))
  }

  /** False: something is still in one of them. `bases` are those of the agent that runs now. */
  remove(bases: ReadonlySet<string>): boolean {
    const left = this.cgroups.filter((path) => !removeCgroup(path))
    // Of an agent that ran in another cgroup nothing else is left that would be removed with.
    for (const base of new Set(this.cgroups.map(dirname))) if (!bases.has(base)) removeBase(base)
    return left.length === 0
  }

  #watchFile(file: string, onLimit: () => void): void {
    try {
      const watcher = watch(file, onLimit)
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    } catch {
      // No watch left on this machine.
      this.#needsLook = true
    }
  }
}

const cgroupsOf = ({ path, accounts }: Hold): string[] =>
  accounts === undefined ? [path] : [path, accounts]

const BY_NAME = new Map(ISOLATORS.map((isolator) => [isolator.name, isolator]))

function isolatorOf({ isolator }: Hold): Isolator {
  return BY_NAME.get(isolator) as Isolator
}

/** @throws unless it is one that this kernel need not have. */
export function writeSetting(path: string, { file, text, ifThere }: Setting): void {
  try {
    writeFileSync(join(path, file), text)
  } catch (error) {
    if (!ifThere) throw error
  }
}
