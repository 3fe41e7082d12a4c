/** The isolators that work on this machine, and all that they do for one container. */
import { isolatorsAskedBy } from '../../protocol/agent-attributes.ts'
import { openCgroups, placesOf } from './cgroups/cgroups.ts'
import type { Setting } from './cgroups/files.ts'
import { type CgroupWorld, removeBase } from './cgroups/mounts.ts'
import { Held } from './held.ts'
import type { Hold } from './hold.ts'
import type { Asked, IsolatorName, Part, Wanted, Working } from './isolator.ts'
import { cgroupStrangers } from './kill/cgroup.ts'
import type { KillScope } from './kill/scope.ts'
import { ISOLATORS } from './order.ts'
import type { Shared } from './shared.ts'

/** The parts of all isolators in one container. */
export interface Prepared extends Required<Omit<Part, 'hold' | 'settings'>> {
  readonly held: Held
  /** By the name of the isolator that has the hold. */
  readonly settings: ReadonlyMap<IsolatorName, readonly Setting[]>
}

/** All of them, as one. */
export interface OpenIsolators {
  /** Names of those that work. */
  readonly names: readonly IsolatorName[]
  /** A sentence for each thing that a task is not held to, or cannot have, here. */
  readonly missing: readonly string[]
  /** The cgroups in which containers are held, of this agent. */
  readonly bases: ReadonlySet<string>
  /** Why a container cannot be held so, in a sentence. Undefined: it can. */
  problem(asked: Asked): string | undefined
  /** As `Working.prepare`. */
  prepare(wanted: Wanted): Prepared
  /** It has been held so since before this agent started. */
  keep(containerId: string, holds: readonly Hold[]): void
  /** No process of it is left. May be repeated. */
  release(containerId: string): void
  /** What there is of containers but these. */
  strangers(known: ReadonlySet<string>): readonly KillScope[]
  /** Removes what all containers shared, if none is left. */
  close(): void
}

export interface IsolatorsOptions extends Omit<Shared, 'cgroups'> {
  /** Tells the agents of one machine apart. */
  readonly name: string
  /** The cgroup that holds what a kill reaches, if that is one. */
  readonly killBase: string | undefined
  /** Default: what the kernel says. */
  readonly world?: CgroupWorld
}

/** Nothing but a kill that reaches all lets a limited container be removed, so that comes first. */
export async function openIsolators(options: IsolatorsOptions): Promise<OpenIsolators> {
  const { killBase, gpus, defaultDiskBytes } = options
  const cgroups = killBase === undefined ? undefined : await openCgroups({ ...options, killBase })
  const shared: Shared = { cgroups, gpus, defaultDiskBytes }
  const found = await Promise.all(
    ISOLATORS.map(async (isolator) => ({ name: isolator.name, ...(await isolator.open(shared)) })),
  )
  const working = new Map(found.flatMap(({ name, works }) => (works ? [[name, works]] : [])))
  const bases = cgroups === undefined ? new Set<string>() : placesOf(cgroups)
  const all = [...working.values()]
  return {
    names: [...working.keys()],
    // Those that lack the same say so once.
    missing: [...new Set(found.flatMap(({ missing }) => missing))],
    bases,
    problem: (asked) => problemOf(working, asked),
    prepare: (wanted) => prepare(working, wanted),
    keep(containerId, holds) {
      for (const isolator of all) isolator.keep?.(containerId, holds)
    },
    release(containerId) {
      for (const isolator of all) isolator.release?.(containerId)
    },
    strangers: (known) =>
      [...bases]
        .filter((base) => base !== killBase)
        .flatMap((base) => cgroupStrangers({ base, kind: 'one-by-one' }, known)),
    close() {
      for (const base of bases) removeBase(base)
    },
  }
}

type AllWorking = ReadonlyMap<IsolatorName, Working>

function problemOf(working: AllWorking, asked: Asked): string | undefined {
  const lacking = isolatorsAskedBy(asked).find((name) => !working.has(name))
  if (lacking !== undefined) return `this machine does not give it ${lacking}`
  if (asked.gpus && !working.has('gpus')) return 'it was given GPUs, and this machine has none'
  for (const isolator of working.values()) {
    const problem = isolator.problem?.(asked)
    if (problem !== undefined) return problem
  }
  return undefined
}

function prepare(working: AllWorking, wanted: Wanted): Prepared {
  const parts: Part[] = []
  const settings = new Map<IsolatorName, readonly Setting[]>()
  for (const [name, isolator] of working) {
    const part = isolator.prepare(wanted)
    if (part === undefined) continue
    parts.push(part)
    if (part.settings !== undefined) settings.set(name, part.settings)
  }
  return {
    held: new Held(parts.flatMap(({ hold }) => hold ?? [])),
    settings,
    environment: Object.assign({}, ...parts.map(({ environment }) => environment)),
    enter: parts.flatMap(({ enter = [] }) => enter),
    unshare: [...new Set(parts.flatMap(({ unshare = [] }) => unshare))],
    lines: parts.flatMap(({ lines = [] }) => lines),
    words: parts.flatMap(({ words = [] }) => words),
    setpriv: [...new Set(parts.flatMap(({ setpriv = [] }) => setpriv))],
  }
}
