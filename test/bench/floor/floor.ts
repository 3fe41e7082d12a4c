/** The floor, open: its processes on a server of their own. Between runs it costs nothing. */
import { startTestServer, type TestServer } from '../../support/nats.ts'
import { type Child, startChild } from '../child.ts'
import type { ObserverAnswer, ObserverAsk, ObserverStart } from '../observer.ts'
import { round } from '../result.ts'
import { MONITORED, trafficOf, trafficPerTask } from '../traffic.ts'
import { cpuUsPerTask, type Pids, usageOfAll } from '../usage.ts'
import { CLUSTER } from './bodies.ts'
import type { FrameworkAnswer, FrameworkAsk, FrameworkStart } from './framework.ts'
import type { MasterCounts, MasterStart } from './master.ts'

/** Nothing is repeated on the floor: of what is lost nobody hears again. */
const PATIENCE_MS = 60_000

export interface FloorOptions {
  readonly agents: number
  readonly tasksPerAccept: number
  readonly inFlightMax: number
}

export interface FloorRun {
  readonly tasks: number
  readonly elapsedMs: number
  readonly accepts: number
  /** Statuses that were acknowledged, by distinct uuid. */
  readonly acknowledged: number
  /** What the master has heard of. */
  readonly heard: MasterCounts
  readonly cpuUsPerTask: Readonly<Record<string, number>>
  readonly trafficPerTask: Readonly<Record<string, number>>
}

/** Two runs of as many tasks as one. */
export function together(a: FloorRun, b: FloorRun): FloorRun {
  return {
    tasks: a.tasks + b.tasks,
    elapsedMs: a.elapsedMs + b.elapsedMs,
    accepts: a.accepts + b.accepts,
    acknowledged: a.acknowledged + b.acknowledged,
    heard: {
      running: a.heard.running + b.heard.running,
      finished: a.heard.finished + b.heard.finished,
      settled: a.heard.settled + b.heard.settled,
    },
    cpuUsPerTask: mean(a.cpuUsPerTask, b.cpuUsPerTask, 1),
    trafficPerTask: mean(a.trafficPerTask, b.trafficPerTask, 2),
  }
}

/** `b` has the names of `a`. */
function mean(a: Readonly<Record<string, number>>, b: typeof a, digits: number): typeof a {
  return Object.fromEntries(
    Object.entries(a).map(([name, value]) => [name, round((value + (b[name] ?? 0)) / 2, digits)]),
  )
}

interface Parts {
  readonly server: TestServer
  readonly master: Child<object, MasterCounts>
  readonly allocator: Child<object, object>
  readonly agent: Child<object, object>
  readonly scheduler: Child<FrameworkAsk, FrameworkAnswer>
  readonly observer: Child<ObserverAsk, ObserverAnswer>
}

export class Floor {
  readonly #parts: Parts
  readonly #pids: Pids

  private constructor(parts: Parts) {
    this.#parts = parts
    const { server, master, allocator, agent, scheduler } = parts
    this.#pids = {
      nats: server.pid,
      master: master.pid,
      allocator: allocator.pid,
      agent: agent.pid,
      scheduler: scheduler.pid,
    }
  }

  static async open({ agents, ...course }: FloorOptions): Promise<Floor> {
    const server = await startTestServer(MONITORED)
    const nats = server.url
    const many = { nats, agents } satisfies MasterStart
    const one = { nats, ...course } satisfies FrameworkStart
    const listener = { nats, cluster: CLUSTER } satisfies ObserverStart
    const opened = new Floor({
      server,
      master: await startChild('floor/master.ts', many),
      allocator: await startChild('floor/allocator.ts', { nats }),
      agent: await startChild('floor/agents.ts', many),
      scheduler: await startChild('floor/framework.ts', one),
      observer: await startChild('observer.ts', listener),
    })
    await opened.#settle()
    return opened
  }

  async run(tasks: number): Promise<FloorRun> {
    const { server, scheduler, observer } = this.#parts
    const heardBefore = await this.#settle()
    const traffic = await trafficOf(server)
    const before = usageOfAll(this.#pids)
    const ran = await scheduler.ask({ tasks }, PATIENCE_MS)
    const after = usageOfAll(this.#pids)
    const { acknowledged } = await observer.ask({ acknowledged: 2 * tasks, finished: 0 })
    const heard = await this.#settle()
    return {
      tasks,
      ...ran,
      acknowledged,
      heard: {
        running: heard.running - heardBefore.running,
        finished: heard.finished - heardBefore.finished,
        settled: heard.settled - heardBefore.settled,
      },
      cpuUsPerTask: cpuUsPerTask(before, after, tasks),
      trafficPerTask: trafficPerTask(traffic, await trafficOf(server), tasks),
    }
  }

  async close(): Promise<void> {
    const { server, ...children } = this.#parts
    for (const child of Object.values(children)) await child.close()
    await server.close()
  }

  /** What has been said to the agents is answered, and the answers are heard. */
  async #settle(): Promise<MasterCounts> {
    await this.#parts.agent.ask({})
    return this.#parts.master.ask({})
  }
}
