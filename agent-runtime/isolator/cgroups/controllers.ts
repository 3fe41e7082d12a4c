/** Which controllers may be used here, and where: each for itself, v1 has several hierarchies. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from '../proc.ts'
import { type CgroupWorld, makeBase, parentsIn, readCgroupWorld } from './mounts.ts'

/** `cpuacct`, on v2: the time that every cgroup counts by itself. */
export type Controller = 'cpu' | 'cpuacct' | 'devices' | 'memory' | 'pids'

export interface ControllerBase {
  readonly version: 1 | 2
  /** An existing cgroup of ours that holds one cgroup for each container. */
  readonly base: string
}

export interface CgroupControllers {
  readonly bases: ReadonlyMap<Controller, ControllerBase>
  /** A sentence for each that is not there. */
  readonly missing: ReadonlyMap<Controller, string>
}

const CONTROLLERS: readonly Controller[] = ['cpu', 'cpuacct', 'devices', 'memory', 'pids']

export interface ControllersOptions {
  /** Tells the agents of one machine apart. */
  readonly name: string
  /** The v2 cgroup in which containers are held already, if they are: nobody can be in two. */
  readonly unified: string | undefined
  readonly world?: CgroupWorld
}

export function openControllers(options: ControllersOptions): CgroupControllers {
  const { name, unified, world = readCgroupWorld() } = options
  const bases = new Map<Controller, ControllerBase>()
  const missing = new Map<Controller, string>()
  const enabled = unified === undefined ? [] : controllersOf(unified)
  for (const controller of CONTROLLERS) {
    const isUnified = controller === 'cpuacct' ? countsTime(unified) : enabled.includes(controller)
    const found =
      unified !== undefined && isUnified
        ? { version: 2 as const, base: unified }
        : openVersion1(controller, { name, world })
    if (typeof found === 'string') missing.set(controller, found)
    else bases.set(controller, found)
  }
  return { bases, missing }
}

function openVersion1(
  controller: Controller,
  { name, world }: { readonly name: string; readonly world: CgroupWorld },
): ControllerBase | string {
  const mount = world.mounts.find(({ controllers }) => controllers.includes(controller))
  if (mount === undefined) {
    const why = `no cgroups of ${controller} are mounted`
    // What version 2 has for them is a program in the kernel, which nothing here can load.
    return controller === 'devices' ? `${why}, and version 2 takes eBPF for it` : why
  }
  let why = `${mount.mount} is not there`
  for (const parent of parentsIn(mount, world.own)) {
    try {
      return { version: 1, base: makeBase(parent, name) }
    } catch (error) {
      why = (error as Error).message
    }
  }
  return `no cgroups of ${controller} can be made: ${why}`
}

/** Every cgroup of version 2 counts its cpu time, whoever has the controller (Linux 4.15). */
const countsTime = (unified: string | undefined): boolean =>
  unified !== undefined && /^usage_usec /m.test(readText(join(unified, 'cpu.stat')) ?? '')

/** How many controllers of v2 cgroups below `parent` can have. */
export const controllerCount = (parent: string): number => enabledIn(parent).length

const enabledIn = (parent: string): readonly string[] =>
  controllersOf(parent).filter((name) => name !== 'cpuacct' && isOurs(name))

/**
 * Lets cgroups below `base` have what its parent has. The kernel refuses where processes are in a
 * cgroup between: then this is no place for them. True: all that there is may be used.
 */
export function enableControllers(parent: string, base: string): boolean {
  const wanted = enabledIn(parent)
  const words = wanted.map((name) => `+${name}`).join(' ')
  if (words === '') return true
  try {
    for (const path of [parent, join(base, '..'), base]) {
      writeFileSync(join(path, 'cgroup.subtree_control'), words)
    }
    return true
  } catch {
    // Processes are in it, or it is not ours to say.
    return false
  }
}

const isOurs = (name: string): boolean => CONTROLLERS.some((controller) => controller === name)

function controllersOf(path: string): readonly string[] {
  return (readText(join(path, 'cgroup.controllers')) ?? '').trim().split(' ').filter(Boolean)
}
