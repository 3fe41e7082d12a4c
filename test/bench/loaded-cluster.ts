/** A cluster with frameworks that launch and somebody who only listens: what tasks take there. */
import { type OperatorClient, openOperatorClient } from '../../cli/operator-client.ts'
import type { AgentId, FrameworkId, Principal } from '../../protocol/ids.ts'
import { statusUpdates } from '../../protocol/subjects.ts'
import { type BenchCluster, openBenchCluster, profileFlags } from './bench-cluster.ts'
import { type Child, startChild } from './child.ts'
import type { LoadAnswer, LoadAsk, LoadStart } from './load.ts'
import type { ObserverAnswer, ObserverAsk, ObserverStart } from './observer.ts'
import { type Count, percentile } from './result.ts'
import { trafficOf, trafficPerTask } from './traffic.ts'
import { cpuUsPerTask, type Pids, rssMiB, usageOfAll } from './usage.ts'

const CLUSTER = 'bourse'
/** The one byte that msgpack never uses. */
const NONSENSE = new Uint8Array([0xc1])
const QUESTIONS_MAX = 1_000
/** Of one run: whoever waits for longer waits for something that was lost. */
const PATIENCE_MS = 120_000

export interface LoadedOptions extends Omit<LoadStart, 'nats'> {
  /** Emulated; 0: one real agent. */
  readonly agents: number
  /** Of each agent, as `--resources` of `bourse agent`. */
  readonly agentResources?: string
  /** Of each agent, as its flag. Default: the strongest. */
  readonly isolation?: string
  /** Where CPU profiles go. */
  readonly profile?: string | undefined
  /** See BenchCluster.probe. Default: no. */
  readonly isProbed?: boolean
  /** See BenchCluster.stops. Default: no. */
  readonly watchesStops?: boolean
  /** See BenchClusterOptions. */
  readonly lease?: string
}

/** A run of tasks, from the first accept until the last end. */
export interface TaskRun extends LoadAnswer {
  readonly tasks: number
  readonly seen: ObserverAnswer
  /** What the leader counted meanwhile. */
  readonly counters: Readonly<Record<string, number>>
  readonly cpuUsPerTask: Readonly<Record<string, number>>
  readonly rssMiB: Readonly<Record<string, number>>
  /** Connections that the server cut off since it has begun. */
  readonly cutOff: number
  readonly trafficPerTask: Readonly<Record<string, number>>
}

/** Counters of a leader that say that something was refused or out of place. */
const ODD =
  /^(?:refused\.|statuses-|updates-|launches-foreign|reports-|agent-|framework-events|allocator|complaints|task-ids-|tasks-invalid|settled-before|pages-|registrations-|lead-)/

export class LoadedCluster {
  readonly cluster: BenchCluster
  readonly #load: Child<LoadAsk, LoadAnswer>
  readonly #observer: Child<ObserverAsk, ObserverAnswer>
  readonly #operator: OperatorClient
  readonly #pids: Pids

  private constructor(
    cluster: BenchCluster,
    load: Child<LoadAsk, LoadAnswer>,
    observer: Child<ObserverAsk, ObserverAnswer>,
    operator: OperatorClient,
  ) {
    this.cluster = cluster
    this.#load = load
    this.#observer = observer
    this.#operator = operator
    this.#pids = { ...cluster.pids, scheduler: load.pid }
  }

  /** Resolves when all agents are there. */
  static async open(options: LoadedOptions): Promise<LoadedCluster> {
    const { agents, agentResources: resources, profile, isProbed = false, ...more } = options
    const { isolation, lease, watchesStops = false, ...load } = more
    const watched = { isProbed, watchesStops }
    const sized = {
      ...(isolation === undefined ? {} : { isolation }),
      ...(resources === undefined ? {} : { resources }),
      ...(lease === undefined ? {} : { lease }),
    }
    const cluster = await openBenchCluster({ emulated: agents, profile, ...watched, ...sized })
    try {
      await cluster.registered(Math.max(1, agents))
      const nats = cluster.url
      const listener = { nats, cluster: CLUSTER } satisfies ObserverStart
      const location = { servers: [nats], source: 'the bench' }
      return new LoadedCluster(
        cluster,
        await startChild('load.ts', { nats, ...load }, profileFlags(profile, 'scheduler')),
        await startChild('observer.ts', listener),
        await openOperatorClient({ location, cluster: CLUSTER }),
      )
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  /** `restMs`: see LoadAsk. */
  async run(tasks: number, restMs = 0): Promise<TaskRun> {
    const { server } = this.cluster
    const countersBefore = await this.#counters()
    const traffic = await trafficOf(server)
    const before = usageOfAll(this.#pids)
    const ran = await this.#load.ask({ tasks, restMs }, PATIENCE_MS)
    const after = usageOfAll(this.#pids)
    const trafficAfter = await trafficOf(server)
    const seen = await this.#observer.ask({ acknowledged: 2 * tasks, finished: tasks })
    const counters = Object.entries(await this.#counters()).map(
      ([name, count]): [string, number] => [name, count - (countersBefore[name] ?? 0)],
    )
    return {
      tasks,
      ...ran,
      seen,
      counters: Object.fromEntries(counters),
      cpuUsPerTask: cpuUsPerTask(before, after, tasks),
      rssMiB: rssMiB(after),
      cutOff: trafficAfter.cutOff,
      trafficPerTask: trafficPerTask(traffic, trafficAfter, tasks),
    }
  }

  /** Others have launched here: when nothing more comes of it, that is forgotten. */
  async passOverOthers(): Promise<void> {
    const never = Number.MAX_SAFE_INTEGER
    await this.#observer.ask({ acknowledged: never, finished: never })
  }

  /** Nothing is taken unread: the leader counts a status that is none. */
  async refusesNonsense(): Promise<Count> {
    const [principal, frameworkId] = ['local' as Principal, 'bench-1' as FrameworkId]
    const ids = { cluster: CLUSTER, principal, frameworkId, agentId: 'bench-1' as AgentId }
    const before = await this.#refused()
    const { bus } = this.#operator.messenger
    bus.publish(statusUpdates.to(ids), NONSENSE)
    await bus.flush()
    // It comes by another connection than questions: it may come after some of them.
    for (let asked = 1; asked <= QUESTIONS_MAX; asked++) {
      const refused = (await this.#refused()) - before
      if (refused > 0) return { is: refused, mustBe: 1 }
    }
    return { is: 0, mustBe: 1 }
  }

  async close(): Promise<void> {
    await this.#operator.close()
    await this.#load.close()
    await this.#observer.close()
    await this.cluster.close()
  }

  async #counters(): Promise<Readonly<Record<string, number>>> {
    return (await this.#operator.ask('master', {})).counters
  }

  async #refused(): Promise<number> {
    return (await this.#counters())['refused.malformed'] ?? 0
  }
}

/** What must hold of every run, whatever its figures are. */
export function countsOf(run: TaskRun): Record<string, Count> {
  const { tasks, accepts, seen, counters } = run
  const event = (name: string): number => seen.events[name] ?? 0
  const odd = Object.entries(counters)
    .filter(([name, count]) => ODD.test(name) && count > 0)
    .map(([name, is]) => [name, { is, mustBe: 0 }] as const)
  return {
    finished: { is: run.finished, mustBe: tasks },
    launched: { is: counters['tasks-launched'] ?? 0, mustBe: tasks },
    acknowledged: { is: seen.acknowledged, mustBe: 2 * tasks },
    acceptedEvents: { is: event('offer.accepted'), mustBe: accepts },
    stagingEvents: { is: event('task.staging'), mustBe: tasks },
    runningEvents: { is: event('task.running'), mustBe: tasks },
    finishedEvents: { is: event('task.finished'), mustBe: tasks },
    cutOff: { is: run.cutOff, mustBe: 0 },
    oddities: { is: odd.length, mustBe: 0 },
    ...Object.fromEntries(odd),
  }
}

export function latencies({ acceptToRunningMs }: TaskRun): Record<string, number> {
  return {
    acceptToRunningMsP50: percentile(acceptToRunningMs, 0.5),
    acceptToRunningMsP99: percentile(acceptToRunningMs, 0.99),
  }
}
