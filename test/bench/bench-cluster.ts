/** A cluster for measuring: one nats-server, and each actor in a process of its own. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { sleep } from '../../bus/clock.ts'
import { Actor, type Line } from '../support/cluster.ts'
import { startTestServer, type TestServer } from '../support/nats.ts'
import { PROBE_FLAGS, PROBED } from './probe.ts'
import { STOPS, STOPS_FLAGS, type Stops } from './stops.ts'
import { MONITORED } from './traffic.ts'
import type { Pids } from './usage.ts'

/** What a process says of itself when it is probed. */
export interface Probed {
  /** Bytes, after garbage was collected. */
  readonly heapUsed: number
  /** Since the last time. */
  readonly longestTurnMs: number
}

const LOOK_MS = 100
/** Ten times what 50,000 take. */
const REGISTERED_MS_MAX = 300_000

/** Of large clusters, whose leader may be busy for long where others use the machine, too. */
export const LARGE_CLUSTER_LEASE = '15s'

export interface BenchCluster {
  readonly url: string
  readonly server: TestServer
  readonly pids: Pids
  readonly folder: string
  readonly actors: Readonly<Record<string, Actor>>
  /** Resolves when the master has said of so many agents that they have registered. */
  registered(agents: number): Promise<void>
  /** Only of a cluster that is probed. */
  probe(name: string): Promise<Probed>
  /** Only of a cluster whose stops are watched. */
  stops(name: string): Promise<Stops>
  /** Ends everything; what is profiled is written then. */
  close(): Promise<void>
}

export interface BenchClusterOptions {
  /** Agents that only pretend, with their checkpoint on disk; 0: one real agent. */
  readonly emulated: number
  /** Where CPU profiles of all actors go. */
  readonly profile?: string | undefined
  /** As `--resources` of `bourse agent`. */
  readonly resources?: string
  /** As `--isolation` of `bourse agent`. */
  readonly isolation?: string
  /** Default: no. */
  readonly isProbed?: boolean
  /** Default: no. */
  readonly watchesStops?: boolean
  /** As `--lease` of `bourse master`. */
  readonly lease?: string
  /** A second master, `standby`. Default: none. */
  readonly isStandingBy?: boolean
}

export async function openBenchCluster(options: BenchClusterOptions): Promise<BenchCluster> {
  const { emulated, profile, resources, isolation, lease } = options
  const { isProbed = false, watchesStops = false, isStandingBy = false } = options
  const leased = lease === undefined ? [] : ['--lease', lease]
  const server = await startTestServer(MONITORED)
  const folder = join(server.folder, 'actors')
  const env = { ...process.env, NATS_URL: server.url, BOURSE_STATE_DIR: folder }
  const actors: Record<string, Actor> = {}
  const start = async (name: string, ...args: string[]): Promise<void> => {
    const actor = new Actor(args, env, (node = '', ...rest) => [
      node,
      ...profileFlags(profile, name),
      ...(isProbed ? PROBE_FLAGS : []),
      ...(watchesStops ? STOPS_FLAGS : []),
      ...rest,
    ])
    actors[name] = actor
    await actor.start()
  }
  const close = async (): Promise<void> => {
    for (const actor of Object.values(actors).reverse()) if (actor.isRunning) await actor.end()
    await server.close()
  }
  try {
    await start('master', 'master', '--id', 'm1', '--work-dir', join(folder, 'm1'), ...leased)
    if (isStandingBy) {
      const where = ['--id', 'm2', '--work-dir', join(folder, 'm2')]
      await start('standby', 'master', ...where, ...leased)
    }
    await start('allocator', 'allocator')
    const sized = resources === undefined ? [] : ['--resources', resources]
    const kind = emulated === 0 ? [] : ['--emulate', String(emulated)]
    const where = ['--id', 'bench', '--work-dir', join(folder, 'agent')]
    const apart = isolation === undefined ? [] : ['--isolation', isolation]
    await start('agent', 'agent', ...where, ...kind, ...sized, ...apart)
  } catch (error) {
    await close()
    throw error
  }
  const pids = Object.fromEntries(Object.entries(actors).map(([name, { pid }]) => [name, pid]))
  return {
    url: server.url,
    server,
    pids: { nats: server.pid, ...pids },
    folder,
    actors,
    registered: (agents) => registered(actors, agents),
    probe: (name) => probe(actors[name] as Actor),
    stops: (name) => stops(actors[name] as Actor),
    close,
  }
}

/** @throws when an actor has ended, or some have not registered for very long. */
async function registered(actors: BenchCluster['actors'], agents: number): Promise<void> {
  const untilMs = performance.now() + REGISTERED_MS_MAX
  while (true) {
    const said = registrationsSaid(actors['master'] as Actor)
    if (said >= agents) return
    const gone = Object.entries(actors).find(([, { isRunning }]) => !isRunning)
    if (gone !== undefined) throw new Error(`process ${gone[0]} has ended`)
    if (performance.now() > untilMs) throw new Error(`${said} of ${agents} agents have registered`)
    await sleep(LOOK_MS)
  }
}

async function probe(actor: Actor): Promise<Probed> {
  const times = timesSaid(actor, PROBED) + 1
  process.kill(actor.pid, 'SIGUSR2')
  const { heapUsed, longestTurnMs } = await actor.says(PROBED, times)
  return { heapUsed: Number(heapUsed), longestTurnMs: Number(longestTurnMs) }
}

async function stops(actor: Actor): Promise<Stops> {
  const times = timesSaid(actor, STOPS) + 1
  process.kill(actor.pid, 'SIGUSR2')
  const said = await actor.says(STOPS, times)
  return {
    longestStopMs: Number(said['longestStopMs']),
    longestOwnStopMs: Number(said['longestOwnStopMs']),
    onCorePart: Number(said['onCorePart']),
    noCorePart: Number(said['noCorePart']),
  }
}

/** A line for each, or for many of them. */
export function registrationsSaid({ lines }: Actor): number {
  return lines.reduce((sum, { message, ...fields }) => {
    if (message === 'an agent has registered') return sum + 1
    return message === 'agents have registered' ? sum + Number(fields['agents']) : sum
  }, 0)
}

/** From the first of them to the last. */
export function registrationsTook({ lines }: Actor): number {
  const atMs = lines.filter(isRegistration).map(({ time }) => Number(time))
  return Math.max(...atMs) - Math.min(...atMs)
}

const isRegistration = ({ message }: Line): boolean =>
  message === 'an agent has registered' || message === 'agents have registered'

/** What a master has said of the tasks of agents that have registered. */
export function tasksRegistered({ lines }: Actor): number {
  return lines.filter(isRegistration).reduce((sum, { tasks }) => sum + Number(tasks ?? 0), 0)
}

export function timesSaid({ lines }: Actor, message: string): number {
  return lines.filter((line) => line.message === message).length
}

export function profileFlags(profile: string | undefined, name: string): string[] {
  if (profile === undefined) return []
  const folder = resolve(profile)
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}`)
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`]
}
