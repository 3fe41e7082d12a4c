/** Isolators by a controller of the kernel's cgroups: they differ in what they write and read. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { CgroupHold, CgroupIsolatorName, LimitHit, Usage } from '../hold.ts'
import type { Isolator, Opened, Wanted } from '../isolator.ts'
import type { Shared } from '../shared.ts'
import type { Cgroups } from './cgroups.ts'
import type { Controller } from './controllers.ts'
import { type Setting, writeSetting } from './files.ts'

/** These read a hold, whoever made it, and whether or not the isolator works here now. */
interface Reading {
  readonly limitHit?: (hold: CgroupHold) => LimitHit | undefined
  /** A file that inotify tells of when a limit was hit; undefined: somebody has to look. */
  readonly limitFile?: (hold: CgroupHold) => string | undefined
  readonly usage?: (hold: CgroupHold) => Usage
}

/** Opened and prepared as any other, and read besides: here the kernel counts. */
export interface CgroupIsolator extends Isolator, Reading {
  readonly name: CgroupIsolatorName
  /** What it needs, and what it can do without. */
  readonly controller: Controller
  readonly wants?: Controller
}

/** One of them, in what is its own. */
interface ByController extends Reading {
  readonly name: CgroupIsolatorName
  readonly controller: Controller
  /** What it means that this is not there. */
  readonly lacks: string
  readonly wants?: { readonly controller: Controller; readonly lacks: string }
  /** What is written to a new cgroup, in order. Nothing: it is only counted there. */
  settings(wanted: Wanted, on: Version & SharedCgroups): readonly Setting[]
  /** What the cgroup that holds all of them is given, once, on a machine of so many cores. */
  share?(cores: number, on: Version): Setting
}

interface Version {
  readonly version: 1 | 2
}

interface SharedCgroups extends Shared {
  readonly cgroups: Cgroups
}

export function cgroupIsolator(one: ByController): CgroupIsolator {
  const { name, controller, wants, limitHit, limitFile, usage } = one
  return {
    name,
    controller,
    ...(wants && { wants: wants.controller }),
    ...(limitHit && { limitHit }),
    ...(limitFile && { limitFile }),
    ...(usage && { usage }),
    open: ({ cgroups, ...shared }) =>
      cgroups === undefined ? { missing: [NO_CGROUPS] } : openIn({ ...shared, cgroups }, one),
  }
}

const NO_CGROUPS =
  'tasks are held to no share of cpus, memory, processes or devices: that takes root, and cgroups that may be written'

function openIn(shared: SharedCgroups, one: ByController): Opened {
  const { cgroups } = shared
  const found = cgroups.bases.get(one.controller)
  const missing = lacking(cgroups, one)
  if (found === undefined) return { missing }
  const { version, base } = found
  const share = one.share?.(availableParallelism(), { version })
  if (share !== undefined) {
    for (const path of [join(base, '..'), base]) writeSetting(path, { ...share, ifThere: true })
  }
  return {
    works: {
      prepare: (wanted) => ({
        hold: {
          isolator: one.name,
          version,
          path: join(base, wanted.containerId),
          ...accountsOf(cgroups, one, wanted),
        },
        settings: one.settings(wanted, { ...shared, version }),
      }),
    },
    missing,
  }
}

/** What it wants beside is missed only where version 2 does not have it by itself. */
function lacking({ bases, missing }: Cgroups, one: ByController): readonly string[] {
  const isApart = bases.get(one.controller)?.version === 1
  return [one, ...(isApart && one.wants ? [one.wants] : [])].flatMap(({ controller, lacks }) => {
    const why = missing.get(controller)
    return why === undefined ? [] : [`${lacks}: ${why}`]
  })
}

/** Where its time is counted, if not where it is held. */
function accountsOf(
  { bases }: Cgroups,
  { controller, wants }: ByController,
  { containerId }: Wanted,
): Pick<CgroupHold, 'accounts' | 'countedIn'> {
  const found = wants && bases.get(wants.controller)
  if (found === undefined || found.base === bases.get(controller)?.base) return {}
  const path = join(found.base, containerId)
  return found.version === 1 ? { accounts: path } : { countedIn: path }
}
