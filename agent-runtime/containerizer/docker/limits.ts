/**
 * By what the kernel holds a container of a service: cgroups that the service makes, and removes as
 * soon as the container has ended.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../../bus/clock.ts'
import type { CgroupIsolator } from '../../isolator/cgroups/isolator.ts'
import { type CgroupWorld, cgroupPaths, readCgroupWorld } from '../../isolator/cgroups/mounts.ts'
import { Held } from '../../isolator/held.ts'
import type { Hold, LimitHit, Usage } from '../../isolator/hold.ts'
import { NOBODY, type Place } from '../../isolator/kill/kill.ts'
import { outOfMemory } from '../../isolator/memory.ts'
import { CGROUP_ISOLATORS } from '../../isolator/order.ts'
import { readText } from '../../isolator/proc.ts'
import type { Exit } from '../containerizer.ts'
import { isProcessOf } from './belongs.ts'
import type { Told } from './found.ts'
import { killedForMemory } from './kernel-log.ts'

export class DockerLimits {
  #held = new Held()
  #pid = 0
  #hit: LimitHit | undefined
  #usage: Usage = {}

  /** It runs, and this is its first process, as its service counts them. */
  watch({ id, pid }: Told, clock: Clock, onLimit: () => void): void {
    if (pid === this.#pid || !isProcessOf(id, pid)) return
    this.unwatch()
    this.#pid = pid
    this.#held = new Held(holdsOf(pid))
    this.#held.watch(clock, onLimit)
  }

  /** Where the kernel counts its processes; `elsewhere`: not here, or nobody knows. */
  get place(): Place | 'elsewhere' {
    const [path] = this.#held.cgroups
    if (path === undefined) return 'elsewhere'
    return { hold: { kind: 'cgroup', path, how: 'one-by-one' }, started: NOBODY, inside: [] }
  }

  /** Somebody who looked has found it beyond a limit: the first that ends it is told. */
  note(hit: LimitHit): void {
    if (this.#hit?.ends !== true) this.#hit = hit
  }

  unwatch(): void {
    this.#held.unwatch()
  }

  /** Nobody tells of its limits: the caller is to call `look` now and then. */
  get needsLook(): boolean {
    return this.#held.needsLook
  }

  /** True: the kernel has ended something of it for a limit. */
  look(): boolean {
    if (this.#hit?.ends !== true) this.#hit = this.#held.limitHit() ?? this.#hit
    return this.#hit?.ends === true
  }

  /** After its end, what was seen last. */
  usage(): Usage {
    this.#usage = { ...this.#usage, ...this.#held.usage() }
    return this.#usage
  }

  /**
   * The limit that it ended for, or ran into before it failed. A service may say it (Docker), the
   * cgroup may while it is there, and the kernel's log says it afterwards: Podman does not.
   */
  async hit(exit: Exit, told: Told): Promise<LimitHit | undefined> {
    const isWell = 'code' in exit && exit.code === 0
    if (this.look()) return this.#hit
    if (told.isOutOfMemory || (!isWell && (await killedForMemory(told.id)))) {
      const limitBytes = told.memBytes === 0 ? undefined : told.memBytes
      // What the kernel refuses would have been more.
      return outOfMemory({ limitBytes, usedBytes: limitBytes })
    }
    return isWell ? undefined : this.#hit
  }
}

/** Where a process is counted, by each isolator; nothing if that cannot be seen from here. */
export function holdsOf(pid: number, world: CgroupWorld = readCgroupWorld()): readonly Hold[] {
  const paths = cgroupPaths(readText(`/proc/${pid}/cgroup`) ?? '')
  const pathOf = (controller: CgroupIsolator['controller']): string | undefined => {
    const mount = world.mounts.find(({ controllers }) => controllers.includes(controller))
    const path = paths.get(controller)
    // Who is in none of its own is counted with everybody.
    if (mount === undefined || path === undefined || path === '/') return undefined
    return there(join(mount.mount, path))
  }
  const unified = world.mounts.find(({ controllers }) => controllers.includes(''))
  const path2 = unified && there(join(unified.mount, paths.get('') ?? '/'))
  const enabled = (readText(join(path2 ?? '/nowhere', 'cgroup.controllers')) ?? '').split(/\s+/)
  return CGROUP_ISOLATORS.flatMap(({ name, controller, wants }): Hold[] => {
    if (path2 !== undefined && enabled.includes(controller))
      return [{ isolator: name, version: 2, path: path2 }]
    const path = pathOf(controller)
    if (path === undefined) return []
    const accounts = wants && pathOf(wants)
    return [{ isolator: name, version: 1, path, ...(accounts && { accounts }) }]
  })
}

const there = (path: string): string | undefined => (existsSync(path) ? path : undefined)
