/** The cgroups of one agent: where those of its containers are, and what all of them share. */
import type { GpuPool } from '../gpu-pool.ts'
import { type Controller, type ControllerBase, openControllers } from './controllers.ts'
import { shareDevices, unshareDevices } from './device-lists.ts'
import { canJoin } from './joining.ts'
import { type CgroupWorld, removeBase } from './mounts.ts'

export interface Cgroups {
  /** What may be used, and where. */
  readonly bases: ReadonlyMap<Controller, ControllerBase>
  /** A sentence for each that may not. */
  readonly missing: ReadonlyMap<Controller, string>
  readonly devices: Devices
}

/**
 * `shared`: a new cgroup has those that every task has from the one that holds all of them.
 * `closed`: no task could open the GPUs that it is given.
 */
type Devices = 'shared' | 'each-its-own' | 'closed'

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
  // First of all: of a cgroup that has others below the kernel takes no device.
  const devices = shareOrOpen(gpus, bases.get('devices'))
  const refused = await refusedOf(bases)
  return {
    bases: new Map([...bases].filter(([controller]) => !refused.has(controller))),
    missing: new Map([...missing, ...refused]),
    devices,
  }
}

/** Each place once: controllers may share it. */
export const placesOf = ({ bases }: Pick<Cgroups, 'bases'>): ReadonlySet<string> =>
  new Set([...bases.values()].map(({ base }) => base))

/** Where there are GPUs each task has its own. */
function shareOrOpen(gpus: GpuPool, found: ControllerBase | undefined): Devices {
  if (found === undefined) return 'each-its-own'
  if (gpus.all.length === 0) return shareDevices(found.base) ? 'shared' : 'each-its-own'
  return unshareDevices(found.base, gpus.devicesOf(gpus.all)) ? 'each-its-own' : 'closed'
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
