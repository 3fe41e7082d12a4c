/** By what isolators hold one container, from its launch to its removal. */
import { type FSWatcher, mkdirSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock, Timer } from '../../bus/clock.ts'
import { joinFile, type Setting, writeSetting } from './cgroups/files.ts'
import type { CgroupIsolator } from './cgroups/isolator.ts'
import { removeBase, removeCgroup } from './cgroups/mounts.ts'
import type { CgroupHold, Hold, LimitHit, Usage } from './hold.ts'
import type { IsolatorName } from './isolator.ts'
import { cgroupScope } from './kill/cgroup.ts'
import type { KillScope } from './kill/scope.ts'
import { CGROUP_ISOLATORS } from './order.ts'

/** How long changes are collected. */
const COLLECT_MS = 100

interface Known {
  readonly hold: CgroupHold
  readonly isolator: CgroupIsolator
}

export class Held {
  readonly holds: readonly Hold[]
  readonly #inCgroups: readonly CgroupHold[]
  /** An agent of another version may have held it by isolators that this one has not. */
  readonly #known: readonly Known[]
  readonly #watchers: FSWatcher[] = []
  #telling: Timer | undefined
  #needsLook = false
  #seen: LimitHit | undefined

  /** `seen`: the limit that it ran into while an earlier agent looked on. */
  constructor(holds: readonly Hold[] = [], seen?: LimitHit) {
    this.holds = holds
    this.#inCgroups = holds.filter((hold) => 'version' in hold)
    this.#known = this.#inCgroups.flatMap((hold) => {
      const isolator = BY_NAME.get(hold.isolator)
      return isolator === undefined ? [] : [{ hold, isolator }]
    })
    this.#seen = seen
  }

  /** Every cgroup, once, whoever made it: on v2 all are one. */
  get cgroups(): readonly string[] {
    return [...new Set(this.#inCgroups.flatMap(cgroupsOf))]
  }

  /** The files of these that its first process writes itself to. */
  get joins(): readonly string[] {
    const files = this.#inCgroups.flatMap((hold) =>
      cgroupsOf(hold).map((path) => join(path, joinFile(hold.version))),
    )
    return [...new Set(files)]
  }

  /** Makes what the holds name, which is on disk by now. @throws when the kernel refuses. */
  make(settings: ReadonlyMap<IsolatorName, readonly Setting[]>): void {
    for (const path of this.cgroups) mkdirSync(path, { recursive: true })
    for (const { isolator, path } of this.#inCgroups) {
      for (const setting of settings.get(isolator) ?? []) writeSetting(path, setting)
    }
  }

  /**
   * `onLimit` is called when the kernel may have ended something for a limit. `memory.events` also
   * changes with all that is given back at the limit, many times a second: one call tells of many.
   */
  watch(clock: Clock, onLimit: () => void): void {
    const onChange = (): void => {
      this.#telling ??= clock.after(COLLECT_MS, () => {
        this.#telling = undefined
        onLimit()
      })
    }
    for (const { hold, isolator } of this.#known) {
      if (isolator.limitHit === undefined) continue
      const file = isolator.limitFile?.(hold)
      if (file === undefined) this.#needsLook = true
      else this.#watchFile(file, onChange)
    }
  }

  unwatch(): void {
    this.#needsLook = false
    this.#telling?.cancel()
    this.#telling = undefined
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }

  /** Nobody tells when a limit is hit: look now and then. */
  get needsLook(): boolean {
    return this.#needsLook
  }

  /** Somebody who looked has found it beyond a limit: the first is told. */
  note(hit: LimitHit): void {
    this.#seen ??= hit
  }

  /** What ended something comes first. */
  limitHit(): LimitHit | undefined {
    if (this.#seen !== undefined) return this.#seen
    const hits = this.#known.flatMap(({ hold, isolator }) => isolator.limitHit?.(hold) ?? [])
    return hits.find(({ ends }) => ends) ?? hits[0]
  }

  usage(): Usage {
    return Object.assign({}, ...this.#known.map(({ hold, isolator }) => isolator.usage?.(hold)))
  }

  /** Nothing lives in its cgroups: who is root may have left what a kill reaches, but not these. */
  get isEmpty(): boolean {
    return this.cgroups.every((path) => limitScope(path).isEmpty())
  }

  /** SIGKILL to everything in its cgroups. Call again while they are not empty. */
  kill(): void {
    for (const path of this.cgroups) limitScope(path).kill()
  }

  /** False: something is still in one of them. `bases` are those of the agent that runs now. */
  remove(bases: ReadonlySet<string>): boolean {
    const left = this.cgroups.filter((path) => !removeCgroup(path))
    // Of an agent that ran in another cgroup nothing else is left that would be removed with.
    for (const base of new Set(this.cgroups.map(dirname))) if (!bases.has(base)) removeBase(base)
    return left.length === 0
  }

  #watchFile(file: string, onChange: () => void): void {
    try {
      const watcher = watch(file, onChange)
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    } catch {
      // No watch left on this machine.
      this.#needsLook = true
    }
  }
}

const limitScope = (path: string): KillScope => cgroupScope(path, 'one-by-one')

const cgroupsOf = ({ path, accounts }: CgroupHold): string[] =>
  accounts === undefined ? [path] : [path, accounts]

const BY_NAME = new Map(CGROUP_ISOLATORS.map((isolator) => [isolator.name, isolator]))
