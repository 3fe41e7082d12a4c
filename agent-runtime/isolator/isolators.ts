/** The isolators that work on this machine: found by trying, and what is missing in words. */
import { basename, join } from 'node:path'
import { type CgroupControllers, type Controller, openControllers } from './cgroups/controllers.ts'
import { writeSetting } from './cgroups/files.ts'
import { canJoin } from './cgroups/joining.ts'
import { type CgroupWorld, childrenOf, removeBase } from './cgroups/mounts.ts'
import { shareDevices, unshareDevices } from './devices.ts'
import { diskHold } from './disk.ts'
import { type Gpus, gpuEnvironment, gpusOf } from './gpus.ts'
import { CGROUP_ISOLATORS, Held } from './held.ts'
import {
  type CgroupIsolator,
  type CgroupIsolatorName,
  type CgroupWanted,
  type Hold,
  holdIn,
  type IsolatorName,
  type Setting,
  type Wanted,
} from './isolator.ts'
import { cgroupScope } from './kill/cgroup.ts'
import type { KillScope } from './kill/scope.ts'

export interface Prepared {
  readonly held: Held
  readonly settings: ReadonlyMap<CgroupIsolatorName, readonly Setting[]>
}

export interface OpenIsolators {
  /** Names of those that work. */
  readonly names: readonly IsolatorName[]
  /** A sentence for each thing that a task is not held to here. */
  readonly missing: readonly string[]
  /** Where containers are held, of this agent. */
  readonly bases: ReadonlySet<string>
  /**
   * Makes nothing: what is to be made is written down first. A sentence: it cannot be held so. What
   * was taken is its own until `release`.
   */
  prepare(containerId: string, wanted: Wanted): Prepared | string
  /** What a task held so is told of its GPUs. */
  gpuEnvironment(holds: readonly Hold[]): Readonly<Record<string, string>>
  /** Has been held so since before this agent started. */
  keep(containerId: string, holds: readonly Hold[]): void
  /** No process of it is left. May be repeated. */
  release(containerId: string): void
  /** What there is of containers but these. */
  strangers(known: ReadonlySet<string>): readonly KillScope[]
  /** Removes what all containers shared, if none is left. */
  close(): void
}

export interface IsolatorsOptions {
  /** Tells the agents of one machine apart. */
  readonly name: string
  /** The cgroup that holds what a kill reaches, if that is one. */
  readonly killBase: string | undefined
  readonly world?: CgroupWorld
  /** What a sandbox may take of the disk if its task asked for nothing. */
  readonly defaultDiskBytes: number
  /** None is taken. */
  readonly gpus: Gpus
}

/** Nothing but a kill that reaches all lets a limited container be removed, so that comes first. */
export async function openIsolators(options: IsolatorsOptions): Promise<OpenIsolators> {
  const { name, killBase, world, gpus } = options
  const held = { options, gpus }
  if (killBase === undefined) return withoutCgroups(held)
  const controllers = openControllers({ name, unified: killBase, ...(world && { world }) })
  // First of all: nothing may have been made below.
  const { inheritsDevices, areGpusClosed } = shareOrOpen(gpus, controllers)
  const [works, refused] = await joinable(controllers)
  const missing = new Map([...controllers.missing, ...refused])
  const found = CGROUP_ISOLATORS.filter((isolator) => works.bases.has(isolator.controller))
  for (const isolator of found) giveShare(works, isolator)
  const bases = new Set([...works.bases.values()].map(({ base }) => base))
  return {
    names: [...found.map((isolator) => isolator.name), ...LOOKING, ...namesOf(gpus)],
    missing: [
      ...lacks(works, missing),
      ...openGpus(gpus, works),
      ...(areGpusClosed ? [CLOSED_GPUS] : []),
    ],
    bases,
    ...ofGpus(gpus, works.bases.has('devices')),
    prepare: (containerId, wanted) =>
      areGpusClosed && wanted.gpus
        ? CLOSED_GPUS
        : prepare(works, { ...held, containerId, wanted, inheritsDevices }),
    strangers: (known) =>
      [...bases]
        .filter((base) => base !== killBase)
        .flatMap(childrenOf)
        .filter((path) => !known.has(basename(path)))
        .map((path) => cgroupScope(path, 'one-by-one')),
    close() {
      for (const base of bases) removeBase(base)
    },
  }
}

/** Of the cpu time, only where it is counted apart from cpu. */
function lacks(
  { bases }: CgroupControllers,
  missing: ReadonlyMap<Controller, string>,
): readonly string[] {
  const wanted = CGROUP_ISOLATORS.flatMap(({ controller, wants }) =>
    wants !== undefined && bases.get(controller)?.version === 1
      ? [controller, wants]
      : [controller],
  )
  return wanted.flatMap((one) => {
    const why = missing.get(one)
    return why === undefined ? [] : [`${LACKS[one]}: ${why}`]
  })
}

const LACKS: Readonly<Record<Controller, string>> = {
  cpu: 'tasks get no share of the cpus',
  cpuacct: 'the cpu time of tasks is not counted',
  devices: 'tasks can open every device that their user may',
  memory: 'tasks are not held to their memory',
  pids: 'tasks are not held to a number of processes',
}

/** These take no cgroups: who looks sees as much without. */
const LOOKING = ['disk', 'ports'] as const
const namesOf = ({ all }: Gpus): readonly 'gpus'[] => (all.length > 0 ? ['gpus'] : [])

/** Where there are GPUs each task has its own. `areGpusClosed`: it could not open them. */
function shareOrOpen(gpus: Gpus, { bases }: CgroupControllers) {
  const found = bases.get('devices')
  if (found === undefined) return { inheritsDevices: false, areGpusClosed: false }
  if (gpus.all.length === 0) {
    return { inheritsDevices: shareDevices(found.base), areGpusClosed: false }
  }
  const areOpen = unshareDevices(found.base, gpus.devicesOf(gpus.all))
  return { inheritsDevices: false, areGpusClosed: !areOpen }
}

const CLOSED_GPUS =
  'no task can be given a GPU: the cgroups of its agent may not open them all, as the kernel refused it'

const openGpus = ({ all }: Gpus, { bases }: Pick<CgroupControllers, 'bases'>): readonly string[] =>
  all.length > 0 && !bases.has('devices')
    ? ['a task is told which GPUs are its own, but nothing keeps others from opening them']
    : []

type OfGpus = Pick<OpenIsolators, 'gpuEnvironment' | 'keep' | 'release'>

/** `isHeld`: nobody can open what he was not given. */
function ofGpus(gpus: Gpus, isHeld: boolean): OfGpus {
  return {
    gpuEnvironment: (holds) =>
      gpus.all.length === 0 ? {} : gpuEnvironment(gpusOf(holds), { isHeld }),
    keep: (containerId, holds) => gpus.keep(containerId, holds),
    release: (containerId) => gpus.release(containerId),
  }
}

interface Holding {
  readonly options: IsolatorsOptions
  readonly gpus: Gpus
}

function withoutCgroups(holding: Holding): OpenIsolators {
  const nothing: CgroupControllers = { bases: new Map(), missing: new Map() }
  return {
    names: [...LOOKING, ...namesOf(holding.gpus)],
    missing: [NO_CGROUPS, ...openGpus(holding.gpus, nothing)],
    bases: new Set(),
    ...ofGpus(holding.gpus, false),
    prepare: (containerId, wanted) => prepare(nothing, { ...holding, containerId, wanted }),
    strangers: () => [],
    close() {},
  }
}

const NO_CGROUPS =
  'tasks are held to no share of cpus, memory, processes or devices: that takes root, and cgroups that may be written'

interface Preparing extends Holding {
  readonly inheritsDevices?: boolean
  readonly containerId: string
  readonly wanted: Wanted
}

function prepare(
  controllers: CgroupControllers,
  { options, gpus, containerId, wanted, inheritsDevices = false }: Preparing,
): Prepared | string {
  const { gpus: count = 0, ports } = wanted
  const taken = gpus.take(containerId, count)
  if (taken === undefined) return `it was given ${count} GPUs, and so many are not free here`
  const asked: CgroupWanted = { ...wanted, devices: gpus.devicesOf(taken.gpus), inheritsDevices }
  const disk = diskHold(wanted, options.defaultDiskBytes)
  const holds: Hold[] = [
    ...(disk === undefined ? [] : [disk]),
    ...(ports === undefined ? [] : [{ isolator: 'ports', ports } as const]),
    ...(count > 0 ? [taken] : []),
  ]
  const settings = new Map<CgroupIsolatorName, readonly Setting[]>()
  for (const isolator of CGROUP_ISOLATORS) {
    const hold = holdIn(controllers, { isolator, containerId })
    if (hold === undefined) continue
    holds.push(hold)
    settings.set(isolator.name, isolator.settings(asked, hold.version))
  }
  return { held: new Held(holds), settings }
}

function giveShare({ bases }: CgroupControllers, { controller, share }: CgroupIsolator): void {
  const found = bases.get(controller)
  if (found === undefined || share === undefined) return
  const setting = { ...share(found.version), ifThere: true } as const
  for (const path of [join(found.base, '..'), found.base]) writeSetting(path, setting)
}

/** What a process may really join, and why not the others. Almost always all, in one try. */
async function joinable(
  controllers: CgroupControllers,
): Promise<readonly [CgroupControllers, ReadonlyMap<Controller, string>]> {
  const { bases, missing } = controllers
  const refused = new Map<Controller, string>()
  if (await canJoin([...bases.values()])) return [controllers, refused]
  const works = new Map(bases)
  for (const [controller, found] of bases) {
    const { base } = found
    if (await canJoin([found])) continue
    removeBase(base)
    works.delete(controller)
    refused.set(controller, `no process may join a cgroup in ${base}`)
  }
  return [{ bases: works, missing }, refused]
}
