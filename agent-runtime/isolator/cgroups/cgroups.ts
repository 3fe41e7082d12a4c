/** The cgroups of one agent: where those of its containers are, and what all of them share. */
import { basename } from 'node:path'
import type { GpuPool } from '../gpu-pool.ts'
import { cgroupScope } from '../kill/cgroup.ts'
import type { KillScope } from '../kill/scope.ts'
import { type Controller, type ControllerBase, openControllers } from './controllers.ts'
import { shareDevices, unshareDevices } from './device-lists.ts'
import { canJoin } from './joining.ts'
import { type CgroupWorld, childrenOf, removeBase } from './mounts.ts'

export interface Cgroups {
  /** What may be used, and where. */
  readonly bases: ReadonlyMap<Controller, ControllerBase>
  /** A sentence for each that may not. */
  readonly missing: ReadonlyMap<Controller, string>
  /** A new cgroup has the devices that every task has from the one that holds all of them. */
  readonly areDevicesShared: boolean
  /** No task could open its GPU. */
  readonly areGpusClosed: boolean
}

export interface CgroupsOptions {
  /** Tells the agents of one machine apart. */
  readonly name: string
  /** The cgroup that holds what a kill reaches. */
  readonly killBase: string
  readonly world?: CgroupWorld
  readonly gpus: GpuPool
}

export async function openCgroups(options: CgroupsOptions): Promise<Cgroups> {
  const { name, killBase, world, gpus } = options
  const { bases, missing } = openControllers({ name, unified: killBase, ...(world && { world }) })
  // First of all: nothing may have been made below.
  const shared = shareOrOpen(gpus, bases.get('devices'))
  const refused = await refusedOf(bases)
  return {
    bases: new Map([...bases].filter(([controller]) => !refused.has(controller))),
    missing: new Map([...missing, ...refused]),
    ...shared,
  }
}

/** Each place once: controllers may share it. */
export const placesOf = ({ bases }: Pick<Cgroups, 'bases'>): ReadonlySet<string> =>
  new Set([...bases.values()].map(({ base }) => base))

/** The cgroups in these places that are none of the known containers'. */
export function strangersIn(
  places: readonly string[],
  known: ReadonlySet<string>,
): readonly KillScope[] {
  return places
    .flatMap(childrenOf)
    .filter((path) => !known.has(basename(path)))
    .map((path) => cgroupScope(path, 'one-by-one'))
}

/** Where there are GPUs each task has its own. */
function shareOrOpen(
  gpus: GpuPool,
  found: ControllerBase | undefined,
): Pick<Cgroups, 'areDevicesShared' | 'areGpusClosed'> {
  if (found === undefined) return { areDevicesShared: false, areGpusClosed: false }
  if (gpus.all.length === 0) {
    return { areDevicesShared: shareDevices(found.base), areGpusClosed: false }
  }
  const areOpen = unshareDevices(found.base, gpus.devicesOf(gpus.all))
  return { areDevicesShared: false, areGpusClosed: !areOpen }
}

/** What no process may really join, and why. Almost always nothing, after one try. */
async function refusedOf(
  bases: ReadonlyMap<Controller, ControllerBase>,
): Promise<ReadonlyMap<Controller, string>> {
  const refused = new Map<Controller, string>()
  if (await canJoin([...bases.values()])) return refused
  for (const [controller, found] of bases) {
    const { base } = found
    if (await canJoin([found])) continue
    removeBase(base)
    refused.set(controller, `no process may join a cgroup in ${base}`)
  }
  return refused
}
