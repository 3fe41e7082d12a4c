/** A cluster for measuring: one nats-server, and each actor in a process of its own. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Actor } from '../support/cluster.ts'
import { startTestServer } from '../support/nats.ts'
import type { Pids } from './usage.ts'

export interface BenchCluster {
  readonly url: string
  readonly pids: Pids
  readonly folder: string
  readonly actors: Readonly<Record<string, Actor>>
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
}

export async function openBenchCluster(options: BenchClusterOptions): Promise<BenchCluster> {
  const { emulated, profile, resources } = options
  const server = await startTestServer()
  const folder = join(server.folder, 'actors')
  const env = { ...process.env, NATS_URL: server.url, BOURSE_STATE_DIR: folder }
  const actors: Record<string, Actor> = {}
  const start = async (name: string, ...args: string[]): Promise<void> => {
    const actor = new Actor(args, env, (node = '', ...rest) => [
      node,
      ...profileFlags(profile, name),
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
    await start('master', 'master', '--id', 'm1', '--work-dir', join(folder, 'm1'))
    await start('allocator', 'allocator')
    const sized = resources === undefined ? [] : ['--resources', resources]
    const kind = emulated === 0 ? [] : ['--emulate', String(emulated)]
    const where = ['--id', 'bench', '--work-dir', join(folder, 'agent')]
    await start('agent', 'agent', ...where, ...kind, ...sized)
  } catch (error) {
    await close()
    throw error
  }
  const pids = Object.fromEntries(Object.entries(actors).map(([name, { pid }]) => [name, pid]))
  const natsPid = Number(readFileSync(`${server.storeDir}-server.pid`, 'utf8'))
  return { url: server.url, pids: { nats: natsPid, ...pids }, folder, actors, close }
}

export function profileFlags(profile: string | undefined, name: string): string[] {
  if (profile === undefined) return []
  const folder = resolve(profile)
  if (!existsSync(folder)) throw new Error(`there is no folder ${folder}`)
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`]
}
