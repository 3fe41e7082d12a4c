/** A cluster of real processes that can be broken in many ways: contract.ts says which. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep, systemClock } from '../../bus/clock.ts'
import { BOURSE } from '../support/cluster.ts'
import { testBinary } from '../support/nats.ts'
import type {
  FrameworkOptions,
  LabAgent,
  LabCluster,
  LabFramework,
  LabKind,
  LabOptions,
  LabProcess,
} from './contract.ts'
import { frameworkArgv, RealFramework } from './framework.ts'
import { RealAgent, withBootId } from './lab-agent.ts'
import { type ProcessOptions, RealProcess } from './lab-process.ts'
import { planServers, RealServer } from './lab-server.ts'
import { scalarsOf } from './observed/amounts.ts'
import { type Observer, openObserver } from './observer.ts'
import { type OpenProxy, openProxy } from './proxy.ts'
import { Leftovers, type Reaper, startReaper } from './reaper.ts'
import { type MountedDisk, mountSmallDisk } from './small-disk.ts'
import { type LabWire, openWires, type Wires } from './wires.ts'

const RESOURCES = 'cpus:2;mem:1024;disk:500;ports:[31000-31099]'
const CLUSTER = 'bourse'
/** Of each task of a framework that does not say it. */
const TASK_RESOURCES = { cpus: 0.1, mem: 16 }
/** How long tasks may take to end when all that is left of the lab is to go. */
const END_MS = 15_000
const LOOK_MS = 100

const OPEN_MS = 60_000

/** Resolves when all actors are ready and the agents are registered. */
export async function openLab(options: LabOptions = {}): Promise<LabCluster> {
  const lab = new Lab(options)
  try {
    await within(OPEN_MS, lab.open(), 'the lab is not ready')
    return lab
  } catch (error) {
    await lab.close({ keep: true })
    throw error
  }
}

class Lab implements LabCluster {
  readonly folder: string
  readonly servers: RealServer[] = []
  readonly masters: RealProcess[] = []
  readonly allocators: RealProcess[] = []
  readonly agents: LabAgent[] = []
  readonly frameworks: RealFramework[] = []
  readonly #options: LabOptions
  readonly #proxies: OpenProxy[] = []
  readonly #disks: MountedDisk[] = []
  readonly #leftovers: Leftovers
  readonly #reaper: Reaper
  #wires: Wires | undefined
  #observer: Observer | undefined
  #isClosed = false

  constructor(options: LabOptions) {
    this.#options = options
    this.folder = mkdtempSync(join(options.workDir ?? tmpdir(), 'bourse-lab-'))
    mkdirSync(join(this.folder, 'log'))
    this.#leftovers = new Leftovers(this.folder)
    this.#reaper = startReaper(this.folder)
    if (options.keep === true) this.#reaper.keep()
  }

  get observer(): Observer {
    if (this.#observer === undefined) throw new Error('the lab is not open')
    return this.#observer
  }

  get env(): NodeJS.ProcessEnv {
    return this.#envOf('guest', this.servers.map(({ url }) => url).join(','))
  }

  async open(): Promise<void> {
    const { masters = 2, agents = 2, allocators = 1, namespaces = false } = this.#options
    if (namespaces) this.#wires = await openWires()
    await this.#openServers()
    this.#observer = await openObserver({
      servers: this.servers.map(({ url }) => url),
      cluster: CLUSTER,
      folder: this.folder,
    })
    for (let i = 1; i <= masters; i++) this.masters.push(await this.#master(`m${i}`))
    for (let i = 1; i <= allocators; i++)
      this.allocators.push(await this.#actor('allocator', `allocator-${i}`, []))
    for (let i = 1; i <= agents; i++) this.agents.push(await this.#agent(`a${i}`))
    await Promise.all(this.masters.map((one) => one.start()))
    await Promise.all([...this.allocators, ...this.agents].map((one) => one.start()))
    await Promise.race(this.masters.map((one) => one.says('an agent has registered', agents)))
  }

  async framework(options: FrameworkOptions): Promise<LabFramework> {
    const workDir = join(this.folder, options.name)
    const argv = frameworkArgv(workDir)
    const { resources = TASK_RESOURCES } = options
    const made = await this.#process('framework', { name: options.name, argv, workDir })
    const framework = new RealFramework(made, { ...options, resources })
    this.frameworks.push(framework)
    this.observer.watch({ frameworkId: options.name, folder: workDir, resources })
    await framework.start()
    return framework
  }

  async instance({ name: frameworkId }: LabFramework): Promise<LabProcess> {
    const of = this.frameworks.find(({ name }) => name === frameworkId)
    if (of === undefined) throw new Error(`${frameworkId} is none of this lab`)
    const made = await this.#process('framework', {
      name: `${frameworkId}-instance-${of.instances.length + 2}`,
      argv: frameworkArgv(of.folder),
      workDir: of.folder,
    })
    const instance = new RealProcess(made)
    of.instances.push(instance)
    await instance.start()
    return instance
  }

  async leader(): Promise<LabProcess> {
    const name = await this.observer.nextBeat()
    const found = this.masters.find((one) => one.name === name)
    if (found === undefined) throw new Error(`${name} leads, and is none of this lab`)
    return found
  }

  async standby(): Promise<LabProcess> {
    const leader = await this.leader()
    const found = this.masters.find((one) => one !== leader && one.isRunning)
    if (found === undefined) throw new Error('no master stands by')
    return found
  }

  async close({ keep = false }: { readonly keep?: boolean } = {}): Promise<readonly string[]> {
    if (this.#isClosed) return []
    this.#isClosed = true
    this.#leftovers.look()
    this.#thaw()
    await this.#endFrameworks()
    await this.#observer?.close()
    const running = [...this.agents, ...this.allocators, ...this.masters]
    await Promise.all(running.map((one) => endOf(one)))
    for (const server of this.servers) await server.kill('SIGTERM')
    for (const proxy of this.#proxies) await proxy.close()
    for (const disk of this.#disks) disk.unmount()
    const networks = (await this.#wires?.close()) ?? []
    const left = [...(await this.#leftovers.left()), ...networks]
    await this.#leftovers.clear()
    this.#reaper.dismiss()
    if (!keep) rmSync(this.folder, { recursive: true, force: true })
    return left
  }

  /** What is cut is healed, what is frozen goes on: all can end in order. */
  #thaw(): void {
    for (const disk of this.#disks) disk.free()
    for (const proxy of this.#proxies) proxy.heal()
    const all = [...this.servers, ...this.masters, ...this.allocators, ...this.agents]
    const instances = this.frameworks.flatMap((framework) => framework.instances)
    for (const one of [...all, ...this.frameworks, ...instances]) one.thaw()
    for (const { wire } of [...this.masters, ...this.agents]) void wire?.heal()
  }

  /** Tears those down that have not ended, and waits for the end of their tasks. */
  async #endFrameworks(): Promise<void> {
    for (const { instances } of this.frameworks)
      for (const instance of instances) await instance.kill()
    const endMs = performance.now() + END_MS
    const unfinished = this.frameworks.filter(({ isDone }) => !isDone)
    await Promise.all(unfinished.map((one) => tearDown(one, endMs)))
    if (unfinished.length === 0) return
    while (this.#observer?.tasksHere().length !== 0 && performance.now() < endMs)
      await sleep(LOOK_MS)
  }

  async #openServers(): Promise<void> {
    const plans = await planServers(this.#options.servers ?? 1)
    const binary = await testBinary()
    for (const plan of plans) {
      const folder = join(this.folder, plan.name)
      const disk = this.#disk('server', join(folder, 'store'))
      const options = { plan, all: plans, binary, folder }
      this.servers.push(new RealServer(disk === undefined ? options : { ...options, disk }))
    }
    await Promise.all(this.servers.map((server) => server.start()))
  }

  #master(name: string): Promise<RealProcess> {
    const { servers = 1, masterFlags = [] } = this.#options
    const workDir = join(this.folder, name)
    const flags = ['--id', name, '--work-dir', workDir, '--replicas', String(servers)]
    return this.#actor('master', name, [...flags, ...masterFlags])
  }

  async #agent(name: string): Promise<RealAgent> {
    const { resources = RESOURCES, agentFlags = [], bootIds = false } = this.#options
    const workDir = join(this.folder, name)
    const flags = ['--id', name, '--work-dir', workDir, '--resources', resources, ...agentFlags]
    const bootIdPath = join(this.folder, `${name}.boot-id`)
    const command = bourse('agent', flags)
    const argv = bootIds ? withBootId(bootIdPath, command) : command
    const made = await this.#process('agent', { name, argv, workDir })
    this.observer.watchAgent({ agentId: name, total: scalarsOf(resources) })
    return new RealAgent({ ...made, resources, ...(bootIds && { bootIdPath }) })
  }

  async #actor(kind: LabKind, name: string, flags: readonly string[]): Promise<RealProcess> {
    const workDir = join(this.folder, name)
    return new RealProcess(await this.#process(kind, { name, argv: bourse(kind, flags), workDir }))
  }

  async #process(
    kind: LabKind,
    { name, argv, workDir }: Pick<ProcessOptions, 'name' | 'argv' | 'workDir'>,
  ): Promise<ProcessOptions> {
    mkdirSync(workDir, { recursive: true })
    const disk = kind === 'master' || kind === 'agent' ? this.#disk(kind, workDir) : undefined
    const wire = await this.#wires?.add(name)
    const link = await this.#link()
    return {
      name,
      kind,
      argv: onWire(wire, argv),
      workDir,
      logPath: join(this.folder, 'log', `${name}.jsonl`),
      env: this.#envOf(name, link?.url ?? this.servers.map(({ url }) => url).join(',')),
      ...(disk !== undefined && { disk }),
      ...(wire !== undefined && { wire }),
      ...(link !== undefined && { link }),
    }
  }

  async #link(): Promise<OpenProxy | undefined> {
    const { proxied = false } = this.#options
    if (!proxied && this.#wires === undefined) return undefined
    const ports = this.servers.map(({ port }) => port)
    const address = this.#wires?.address
    const proxy = await openProxy(address === undefined ? { ports } : { ports, address })
    this.#proxies.push(proxy)
    return proxy
  }

  #disk(kind: 'master' | 'agent' | 'server', folder: string): MountedDisk | undefined {
    const mib = this.#options.smallDisksMib?.[kind]
    if (mib === undefined) return undefined
    const disk = mountSmallDisk(folder, mib)
    this.#disks.push(disk)
    return disk
  }

  /** Nothing of another cluster; the folder tells which processes are of this one. */
  #envOf(name: string, url: string): NodeJS.ProcessEnv {
    const others = /^(NATS|BOURSE)_/
    const own = Object.entries(process.env).filter(([variable]) => !others.test(variable))
    const state = { BOURSE_STATE_DIR: join(this.folder, `${name}.state`), NATS_URL: url }
    return { ...Object.fromEntries(own), ...this.#options.env, ...state }
  }
}

const bourse = (kind: LabKind, flags: readonly string[]): readonly string[] => [
  process.execPath,
  BOURSE,
  kind,
  ...flags,
  '--json',
]

const onWire = (wire: LabWire | undefined, argv: readonly string[]): readonly string[] =>
  wire === undefined ? argv : wire.on(argv)

/** Rejects when `what` has not come about in so long. */
export function within<Value>(ms: number, what: Promise<Value>, otherwise: string): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${otherwise} after ${ms / 1000} s`)), ms)
    what.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** In order, or without: a lab that ends waits for nobody for long. */
async function endOf(one: LabProcess): Promise<void> {
  const late = systemClock.after(END_MS, () => void one.kill('SIGKILL'))
  await one.kill('SIGTERM')
  late.cancel()
}

async function tearDown(framework: RealFramework, endMs: number): Promise<void> {
  try {
    if (!framework.isRunning) await framework.start()
  } catch {
    // There is nobody whom it could ask: what is left of it is told.
    return
  }
  const late = systemClock.after(endMs - performance.now(), () => void framework.kill('SIGKILL'))
  await framework.kill('SIGTERM')
  late.cancel()
}
