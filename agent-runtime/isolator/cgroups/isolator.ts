/** Isolators by a controller of the kernel's cgroups: they differ in what they write and read. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { CgroupHold, CgroupIsolatorName, LimitHit, Usage } from '../hold.ts'
import type { Isolator, Tried, Wanted } from '../isolator.ts'
import type { Machine } from '../machine.ts'
import type { Cgroups } from './cgroups.ts'
import type { Controller } from './controllers.ts'
import { type Setting, writeSetting } from './files.ts'

/** One of them, in what is its own. */
interface ByController {
  readonly name: CgroupIsolatorName
  /** What it needs, and what it can do without. */
  readonly controller: Controller
  readonly wants?: Controller
  /** What it means that one of these is not there. */
  readonly lacks: Readonly<Partial<Record<Controller, string>>>
  /** What is written to a new cgroup, in order. Nothing: it is only counted there. */
  settings(wanted: Wanted, on: Version & MachineOfCgroups): readonly Setting[]
  /** What the cgroup that holds all of them is given, once, for a machine of so many cores. */
  share?(cores: number, on: Version): Setting
  limitHit?(hold: CgroupHold): LimitHit | undefined
  limitFile?(hold: CgroupHold): string | undefined
  usage?(hold: CgroupHold): Usage
}

interface Version {
  readonly version: 1 | 2
}

interface MachineOfCgroups extends Machine {
  readonly cgroups: Cgroups
}

export interface CgroupIsolator
  extends Isolator<CgroupHold>,
    Pick<ByController, 'controller' | 'wants'> {
  readonly name: CgroupIsolatorName
}

export function cgroupIsolator(one: ByController): CgroupIsolator {
  return { ...one, open: (machine) => openIn(machine, one) }
}

function openIn({ cgroups, ...machine }: Machine, one: ByController): Tried {
  if (cgroups === undefined) return { missing: [NO_CGROUPS] }
  const { controller } = one
  const found = cgroups.bases.get(controller)
  const missing = lacking(cgroups, one)
  if (found === undefined) return { missing }
  const { version, base } = found
  const share = one.share?.(availableParallelism(), { version })
  if (share !== undefined) {
    for (const path of [join(base, '..'), base]) writeSetting(path, { ...share, ifThere: true })
  }
  const on = { ...machine, cgroups, version }
  return {
    works: {
      prepare: (wanted) => ({
        hold: {
          isolator: one.name,
          version,
          path: join(base, wanted.containerId),
          ...accountsOf(cgroups, one, wanted),
        },
        settings: one.settings(wanted, on),
      }),
    },
    missing,
  }
}

const NO_CGROUPS =
  'tasks are held to no share of cpus, memory, processes or devices: that takes root, and cgroups that may be written'

/** What it wants beside is missed only where version 2 does not have it by itself. */
function lacking(
  { bases, missing }: Cgroups,
  { controller, wants, lacks }: ByController,
): readonly string[] {
  const isApart = wants !== undefined && bases.get(controller)?.version === 1
  return (isApart ? [controller, wants] : [controller]).flatMap((name) => {
    const why = missing.get(name)
    return why === undefined ? [] : [`${lacks[name]}: ${why}`]
  })
}

/** Where its time is counted, if not where it is held. */
function accountsOf(
  { bases }: Cgroups,
  { controller, wants }: ByController,
  { containerId }: Wanted,
): Pick<CgroupHold, 'accounts' | 'countedIn'> {
  const found = wants && bases.get(wants)
  if (found === undefined || found.base === bases.get(controller)?.base) return {}
  const path = join(found.base, containerId)
  return found.version === 1 ? { accounts: path } : { countedIn: path }
}
