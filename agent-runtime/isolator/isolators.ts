/** The isolators that work on this machine: found by trying, and what is missing in words. */
import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cgroupScope } from './cgroup.ts'
import { type CgroupControllers, type Controller, openControllers } from './cgroup-controllers.ts'
import { type CgroupWorld, childrenOf, removeBase, removeCgroup } from './cgroup-mounts.ts'
import { Held, ISOLATORS, writeSetting } from './held.ts'
import {
  type Hold,
  holdIn,
  type Isolator,
  type IsolatorName,
  type Limits,
  type Setting,
} from './isolator.ts'
import { succeeds } from './kill.ts'
import type { KillScope } from './kill-scope.ts'

export interface Prepared {
  readonly held: Held
  readonly settings: ReadonlyMap<IsolatorName, readonly Setting[]>
}

export interface OpenIsolators {
  /** Names of those that work. */
  readonly names: readonly IsolatorName[]
  /** A sentence for each thing that a task is not held to here. */
  readonly missing: readonly string[]
  /** Where containers are held, of this agent. */
  readonly bases: ReadonlySet<string>
  /** Makes nothing: what is to be made is written down first. */
  prepare(containerId: string, limits: Limits): Prepared
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
}

/** Nothing but a kill that reaches all lets a limited container be removed, so that comes first. */
export async function openIsolators(options: IsolatorsOptions): Promise<OpenIsolators> {
  const { name, killBase, world } = options
  if (killBase === undefined) return none('that takes root, and cgroups that may be written')
  const controllers = openControllers({ name, unified: killBase, ...(world && { world }) })
  const [works, refused] = await joinable(controllers)
  const missing = new Map([...controllers.missing, ...refused])
  const found = ISOLATORS.filter((isolator) => works.bases.has(isolator.controller))
  for (const isolator of found) giveShare(works, isolator)
  const bases = new Set([...works.bases.values()].map(({ base }) => base))
  return {
    names: found.map((isolator) => isolator.name),
    missing: lacks(works, missing),
    bases,
    prepare: (containerId, limits) => prepare(works, { containerId, limits }),
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
  const wanted = ISOLATORS.flatMap(({ controller, wants }) =>
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
  memory: 'tasks are not held to their memory',
  pids: 'tasks are not held to a number of processes',
}

function none(why: string): OpenIsolators {
  const missing = [`tasks are held to no share of cpus, memory or processes: ${why}`]
  return {
    names: [],
    missing,
    bases: new Set(),
    prepare: () => ({ held: new Held(), settings: new Map() }),
    strangers: () => [],
    close() {},
  }
}

function prepare(
  controllers: CgroupControllers,
  { containerId, limits }: { readonly containerId: string; readonly limits: Limits },
): Prepared {
  const holds: Hold[] = []
  const settings = new Map<IsolatorName, readonly Setting[]>()
  for (const isolator of ISOLATORS) {
    const hold = holdIn(controllers, { isolator, containerId })
    if (hold === undefined) continue
    holds.push(hold)
    settings.set(isolator.name, isolator.settings(limits, hold.version))
  }
  return { held: new Held(holds), settings }
}

function giveShare({ bases }: CgroupControllers, { controller, share }: Isolator): void {
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
  if (await canJoin([...new Set([...bases.values()].map(({ base }) => base))])) {
    return [controllers, refused]
  }
  const works = new Map(bases)
  for (const [controller, { base }] of bases) {
    if (await canJoin([base])) continue
    removeBase(base)
    works.delete(controller)
    refused.set(controller, `no process may join a cgroup in ${base}`)
  }
  return [{ bases: works, missing }, refused]
}

async function canJoin(bases: readonly string[]): Promise<boolean> {
  const probes = bases.map((base) => join(base, `probe-${process.pid}`))
  for (const path of probes) mkdirSync(path, { recursive: true })
  const script = 'for path do echo 0 >"$path/cgroup.procs" || exit; done'
  const joined = await succeeds(['/bin/sh', '-c', script, 'sh', ...probes])
  for (const path of probes) removeCgroup(path)
  return joined
}
