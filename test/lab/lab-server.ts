/** A nats-server of a lab, killed, frozen, and started again with a store that is not the last. */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { packageConfig, type RunningServer, startServer } from '../../bus/nats/server.ts'
import { freePorts } from '../support/free-ports.ts'
import type { LabServer, SmallDisk } from './contract.ts'

export interface ServerPlan {
  readonly name: string
  readonly port: number
  /** Where the servers of a cluster meet; one alone has none. */
  readonly routePort: number
}

/** So many plans, with ports that were free just now. */
export async function planServers(count: number): Promise<readonly ServerPlan[]> {
  const ports = await freePorts(count * 2)
  return Array.from({ length: count }, (_, i) => ({
    name: `n${i + 1}`,
    port: ports[i * 2] ?? 0,
    routePort: ports[i * 2 + 1] ?? 0,
  }))
}

export interface RealServerOptions {
  readonly plan: ServerPlan
  /** All of the cluster, this one too. */
  readonly all: readonly ServerPlan[]
  readonly binary: string
  /** Its files lie in here. */
  readonly folder: string
  readonly disk?: SmallDisk
}

export class RealServer implements LabServer {
  readonly name: string
  readonly url: string
  readonly port: number
  readonly storeDir: string
  readonly disk?: SmallDisk
  readonly #binary: string
  readonly #configPath: string
  readonly #copyDir: string
  onOwnEnd: (() => void) | undefined
  #server: RunningServer | undefined
  #isRunning = false

  constructor({ plan, all, binary, folder, disk }: RealServerOptions) {
    this.name = plan.name
    this.port = plan.port
    this.url = `nats://127.0.0.1:${plan.port}`
    this.storeDir = disk?.folder ?? join(folder, 'store')
    this.#copyDir = join(folder, 'copy')
    this.#configPath = join(folder, 'nats.conf')
    this.#binary = binary
    if (disk !== undefined) this.disk = disk
    mkdirSync(folder, { recursive: true })
    const own = readFileSync(packageConfig(), 'utf8')
    writeFileSync(this.#configPath, all.length > 1 ? own + clusterConfig(plan, all) : own)
  }

  get pid(): number {
    if (this.#server === undefined || !this.#isRunning) throw new Error(`${this.name} does not run`)
    return this.#server.pid
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  get logPath(): string {
    return `${this.storeDir}-server.log`
  }

  async start(): Promise<void> {
    const server = await startServer({
      binary: this.#binary,
      configPath: this.#configPath,
      storeDir: this.storeDir,
      port: this.port,
    })
    this.#server = server
    this.#isRunning = true
    void server.ended.then(() => {
      if (this.#server !== server || !this.#isRunning) return
      this.#isRunning = false
      this.onOwnEnd?.()
    })
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#server === undefined || !this.#isRunning) return
    this.#isRunning = false
    process.kill(this.#server.pid, signal)
    await this.#server.ended
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  thaw(): void {
    if (this.#isRunning) process.kill(this.pid, 'SIGCONT')
  }

  copyStore(): void {
    rmSync(this.#copyDir, { recursive: true, force: true })
    try {
      execFileSync('cp', ['-a', this.storeDir, this.#copyDir], { stdio: 'ignore' })
    } catch {
      // A file went away between two looks: so it would be in a power cut.
    }
  }

  async restart({ store }: { readonly store: 'kept' | 'empty' | 'copy' }): Promise<void> {
    await this.kill()
    if (store !== 'kept') {
      for (const name of readdirSync(this.storeDir))
        rmSync(join(this.storeDir, name), { recursive: true })
    }
    if (store === 'copy' && existsSync(this.#copyDir))
      cpSync(this.#copyDir, this.storeDir, { recursive: true })
    await this.start()
  }
}

/** Clients are not told of the other servers: they would go round their proxies. */
function clusterConfig(plan: ServerPlan, all: readonly ServerPlan[]): string {
  const routes = all
    .filter(({ name }) => name !== plan.name)
    .map(({ routePort }) => `nats://127.0.0.1:${routePort}`)
  return `
server_name: ${plan.name}
cluster {
  name: lab
  listen: "127.0.0.1:${plan.routePort}"
  no_advertise: true
  routes: [${routes.map((route) => `"${route}"`).join(', ')}]
}
`
}
