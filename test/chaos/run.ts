/** One run of chaos, from an empty cluster to the last look for what is left. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { sleep } from '../../bus/clock.ts'
import type { FrameworkOptions, LabCluster, LabFramework, LabProcess } from '../lab/contract.ts'
import { openLab, within } from '../lab/lab.ts'
import { disksNeed } from '../lab/small-disk.ts'
import { wiresNeed } from '../lab/wires.ts'
import { agree } from './agree.ts'
import { Dice } from './dice.ts'
import { drawRound, type Planned } from './draw.ts'
import { type Affected, type Drawn, processOf, type Scope, seconds } from './fault.ts'
import { type ChaosOutcome, type KindFigures, tooFewBegan } from './outcome.ts'
import { type Part, partsOf } from './parts.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly ms: number
  readonly servers: 1 | 3
  /** Logs stay, whatever comes. */
  readonly keep: boolean
  readonly say: (line: string) => void
}

const MASTERS = 3
const AGENTS = 4
const FRAMEWORKS = 3
/** One more framework, of two processes: one leads, the other stands by. */
const OF_TWO = 'f4'
/** Tasks of 100 mcpu: eight at once, and all frameworks together want more than all agents have. */
const RESOURCES = 'cpus:0.8;mem:256;disk:100;ports:[31000-31099]'
const AT_ONCE = 12
/** An agent's holds the sandboxes of a quarter of an hour without a fault, and more. */
const DISKS_MIB = { master: 16, agent: 64, server: 64 }
/** Short, so that what is frozen for 20 s is given up and comes back. */
const MASTER_FLAGS = ['--agent-ping', '1s', '--framework-ping', '1s', '--offer-timeout', '5s']
const REVIVE_MS = 60_000
const AGAIN_MS = 300
/** All tasks end and all agree: the longest that a framework waits for an accept that was lost. */
const CALM_MS = 90_000
const AGREE_MS = 30_000

/** What all frameworks have in common. */
const USUAL = {
  tasks: 0,
  atOnce: AT_ONCE,
  runMs: [200, 3_000],
  endings: ['ok', 'ok', 'fails', 'ok', 'crashes', 'ok', 'sick', 'stubborn'],
  killPart: 0.15,
  failoverMs: 120_000,
} satisfies Partial<FrameworkOptions>

export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const run = new Run(options)
  return await run.run()
}

class Run {
  readonly #options: ChaosOptions
  readonly #dice: Dice
  readonly #kinds: Record<string, KindFigures> = {}
  readonly #ownEnds: Record<string, number> = {}
  readonly #broken: string[] = []
  readonly #skipped: string[] = []
  /** They are not started again before tasks flow without them. */
  readonly #away = new Set<LabProcess>()
  readonly #stood = monitorEventLoopDelay({ resolution: 20 })
  #rounds = 0
  #faults = 0

  constructor(options: ChaosOptions) {
    this.#options = options
    this.#dice = new Dice(options.seed)
  }

  async run(): Promise<ChaosOutcome> {
    const { say, ms, seed, servers, keep } = this.#options
    this.#stood.enable()
    const { wires, disks } = await this.#allowed()
    const lab = await openLab({
      masters: MASTERS,
      agents: AGENTS,
      servers,
      proxied: true,
      namespaces: wires,
      bootIds: true,
      resources: RESOURCES,
      masterFlags: MASTER_FLAGS,
      keep,
      ...(disks && { smallDisksMib: DISKS_MIB }),
    })
    let leftBehind: readonly string[] = []
    let calmMs = 0
    try {
      await this.#startFrameworks(lab)
      this.#watchEnds(lab)
      const scope = scopeOf(lab, { wires, disks })
      const endMs = performance.now() + ms
      say(`${scope.masters.length} masters, ${scope.agents.length} agents: chaos in ${lab.folder}`)
      while (performance.now() < endMs && this.#isWell(lab)) await this.#round(lab, scope)
      calmMs = await this.#calm(lab)
    } catch (error) {
      this.#broken.push((error as Error).message)
      await lab.observer.conclude()
    }
    const figures = lab.observer.figures()
    const fewBegan = tooFewBegan(figures)
    if (fewBegan !== undefined) this.#broken.push(fewBegan)
    const isKept = keep || !this.#isWell(lab)
    const violations = [...lab.observer.violations(), ...this.#broken]
    leftBehind = await lab.close({ keep: isKept })
    return {
      seed,
      minutes: ms / 60_000,
      servers,
      rounds: this.#rounds,
      faults: this.#faults,
      kinds: this.#kinds,
      calmMs,
      figures,
      ownEnds: this.#ownEnds,
      violations,
      leftBehind,
      skipped: this.#skipped,
      ...(isKept && { folder: lab.folder }),
    }
  }

  #isWell({ observer }: LabCluster): boolean {
    return this.#broken.length === 0 && observer.violations().length === 0
  }

  async #allowed(): Promise<{ readonly wires: boolean; readonly disks: boolean }> {
    const needs = { wires: await wiresNeed(), disks: disksNeed() }
    for (const { name, found } of Object.values(needs))
      if (!found) this.#skipped.push(`${name} is missing`)
    return { wires: needs.wires.found, disks: needs.disks.found }
  }

  async #startFrameworks(lab: LabCluster): Promise<void> {
    for (let i = 1; i <= FRAMEWORKS; i++) {
      const seed = this.#options.seed * FRAMEWORKS + i
      await lab.framework({
        ...USUAL,
        name: `f${i}`,
        groups: i === 2,
        checks: i === 3,
        seed,
      })
    }
    const seed = this.#options.seed
    await lab.instance(await lab.framework({ ...USUAL, name: OF_TWO, standby: true, seed }))
    const flowing = Promise.all(partsIn(lab).map((of) => lab.observer.nextFinished(of)))
    await within(REVIVE_MS, flowing, 'no task has finished')
  }

  /** A process that ends by itself is started again; one that says why is no fault. */
  #watchEnds(lab: LabCluster): void {
    const frameworks = lab.frameworks.flatMap((one) => [one, ...one.instances])
    for (const one of [...lab.masters, ...lab.allocators, ...lab.agents, ...frameworks]) {
      one.onOwnEnd = (code, last) => {
        if (one.kind === 'framework' && code === 0) return
        this.#ownEnds[one.name] = (this.#ownEnds[one.name] ?? 0) + 1
        this.#options.say(`  ${one.name} ended by itself: ${code}, ${last}`)
        const why = isBug(code, one) ? `${one.name} ended by a bug: ${code}, ${last}` : undefined
        if (why !== undefined) this.#broken.push(why)
      }
    }
    for (const server of lab.servers) {
      server.onOwnEnd = () => {
        this.#ownEnds[server.name] = (this.#ownEnds[server.name] ?? 0) + 1
        this.#options.say(`  ${server.name} ended by itself: ${server.logPath}`)
        server.restart({ store: 'kept' }).catch((error: Error) => this.#broken.push(error.message))
      }
    }
  }

  async #round(lab: LabCluster, scope: Scope): Promise<void> {
    this.#rounds += 1
    const planned = drawRound(this.#dice, scope)
    this.#stood.reset()
    const ends = await Promise.all(planned.map((one) => this.#strike(lab, one)))
    const frameworks = scope.frameworks.map((name) => processOf(lab, name))
    const back = frameworks.filter((one) => !this.#away.has(one))
    await Promise.all(back.map((one) => this.#revive(one)))
    const healedMs = Math.max(...ends)
    const sinceMs = Date.now() - (performance.now() - healedMs)
    const faults = planned.map(({ fault }) => fault)
    const took = new Map<Part, number>()
    await Promise.all(
      partsOf(faults, partsIn(lab)).map(async (part) => {
        await this.#flow(lab, part, sinceMs)
        took.set(part, performance.now() - healedMs)
      }),
    )
    for (const fault of faults) this.#count(fault, took)
    await Promise.all([...this.#away].map((one) => this.#revive(one)))
    this.#away.clear()
  }

  /** Gives when it was over. */
  async #strike(lab: LabCluster, { fault, afterMs }: Planned): Promise<number> {
    await sleep(afterMs)
    this.#faults += 1
    this.#options.say(`${String(this.#faults).padStart(4)}  ${fault.what}`)
    try {
      await fault.strike({
        lab,
        sleep,
        revive: (one) => this.#revive(one),
        keepAway: (one) => this.#away.add(one),
      })
    } catch (error) {
      this.#broken.push(`"${fault.what}": ${(error as Error).message}`)
    }
    return performance.now()
  }

  async #revive(one: LabProcess): Promise<void> {
    const endMs = performance.now() + REVIVE_MS
    while (!one.isRunning && performance.now() < endMs) {
      try {
        await within(REVIVE_MS, one.start(), `${one.name} is not ready`)
        return
      } catch {
        // No server, or a disk that is still full: it is started again, as by a supervisor.
        if (one.isRunning) await one.kill()
        await sleep(AGAIN_MS)
      }
    }
    if (!one.isRunning) this.#broken.push(`${one.name} cannot be started any more`)
  }

  /** A task of that part that was launched since then has finished. */
  async #flow(
    { observer }: LabCluster,
    { of, fault }: Part,
    launchedSinceMs: number,
  ): Promise<void> {
    const flowing = observer.nextFinished({ ...of, launchedSinceMs })
    const late = `after "${fault.what}" no task of ${of.agentId ?? of.frameworkId} has finished`
    await within(fault.withinMs, flowing, late).catch((error: Error) => {
      this.#broken.push(`${error.message}; ${this.#stoodStill()}`)
    })
  }

  /** All links go through this process: what it was too slow for, nobody else can be blamed for. */
  #stoodStill(): string {
    return `the lab itself stood still for up to ${seconds(this.#stood.max / 1e6)}`
  }

  /** None counts for it where another one of the round had longer on all that it hit. */
  #count(fault: Drawn, took: ReadonlyMap<Part, number>): void {
    const { kind, what, withinMs } = fault
    const own = [...took].filter(([part]) => part.fault === fault)
    const tookMs = Math.round(Math.max(0, ...own.map(([, ms]) => ms)))
    if (tookMs > withinMs / 2)
      this.#options.say(`  ${what}: ${seconds(tookMs)}; ${this.#stoodStill()}`)
    const before = this.#kinds[kind] ?? { times: 0, worstMs: 0, withinMs }
    before.times += 1
    before.worstMs = Math.max(before.worstMs, tookMs)
    this.#kinds[kind] = before
  }

  async #calm(lab: LabCluster): Promise<number> {
    const { say } = this.#options
    const begunMs = performance.now()
    say('calm: no more tasks are launched')
    await this.#agreement(lab)
    const tookMs = performance.now() - begunMs
    say(`calm after ${seconds(tookMs)}`)
    await lab.observer.conclude()
    return Math.round(tookMs)
  }

  async #agreement(lab: LabCluster): Promise<void> {
    const drained = Promise.all(lab.frameworks.map((framework) => this.#drain(framework)))
    await within(CALM_MS, drained, 'tasks have not ended')
    let differing = ''
    const agreed = agree(lab, (why) => {
      differing = why
    })
    await within(AGREE_MS, agreed, 'nobody agrees').catch((error: Error) => {
      throw new Error(`${error.message}: ${differing}`)
    })
  }

  async #drain(framework: LabFramework): Promise<void> {
    await Promise.all([framework, ...framework.instances].map((one) => this.#revive(one)))
    await framework.drain()
  }
}

/** What Node, or an actor that finds its own books wrong, ends with. */
const isBug = (code: number | null, { lines }: LabProcess): boolean =>
  code === 70 || (code !== null && lines.some(({ message }) => /^\s+at .*\.js:\d+/.test(message)))

const partsIn = ({ agents, frameworks }: LabCluster): readonly Affected[] => [
  ...agents.map(({ name }) => ({ agentId: name })),
  ...frameworks.map(({ name }) => ({ frameworkId: name })),
]

const scopeOf = (
  { masters, agents, allocators, frameworks, servers }: LabCluster,
  allowed: Pick<Scope, 'wires' | 'disks'>,
): Scope => ({
  masters: masters.map(({ name }) => name),
  agents: agents.map(({ name }) => name),
  allocators: allocators.map(({ name }) => name),
  frameworks: frameworks.flatMap((one) => [one, ...one.instances]).map(({ name }) => name),
  instances: frameworks.flatMap(({ name: frameworkId, instances }) =>
    instances.map(({ name }) => ({ name, frameworkId })),
  ),
  servers: servers.map(({ name }) => name),
  ...allowed,
})
