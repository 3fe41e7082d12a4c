/**
 * A leader is killed without mercy while tasks run everywhere; how long until its successor knows
 * all agents and all tasks, and offers flow again. The parts are seen from outside: the successor
 * writes the lease (until then: detection), says that it leads, with all agents that the registry
 * names (lease), has them all (rebuild). Before that all of them were admitted to that registry.
 */
import { openScheduler, type Scheduler } from '../../../actors/scheduler/scheduler.ts'
import type { Bus } from '../../../bus/bus.ts'
import { sleep } from '../../../bus/clock.ts'
import { decode } from '../../../bus/codec.ts'
import { bucketSubject } from '../../../bus/nats/store-rights.ts'
import { natsSystem } from '../../../bus/nats/system.ts'
import { check } from '../../../protocol/check.ts'
import { LEASE_KEY, leaderBeat, leaseBucket } from '../../../protocol/subjects.ts'
import type { Actor } from '../../support/cluster.ts'
import {
  type BenchCluster,
  LARGE_CLUSTER_LEASE,
  openBenchCluster,
  registrationsSaid,
  registrationsTook,
  tasksRegistered,
  timesSaid,
} from '../bench-cluster.ts'
import { type Child, startChild } from '../child.ts'
import type { CrowdAnswer, CrowdAsk, CrowdStart } from '../crowd.ts'
import type { Measured } from '../result.ts'
import type { Settings } from '../settings.ts'
import { cpuUsPerTask, type Pids, rssMiB, usageOfAll } from '../usage.ts'

const CLUSTER = 'bourse'
const RESOURCES = { cpus: 0.1, mem: 32 }
/** From here on; detection does not wait for it, for a silent leader is challenged earlier. */
const LARGE_AGENTS = 20_000
/** More than its tasks take: the rest is on offer. */
const CPUS_LEFT = 1
/** Whoever has declined an agent wants it back from the next leader only. */
const REFUSE_MS = 3_600_000
const LOOK_MS = 5
const PATIENCE_MS = 300_000

export async function failover(settings: Settings): Promise<Measured> {
  const { agents = 10_000, tasksPerAgent = 10, frameworks = 10, profile, say } = settings
  const tasks = agents * tasksPerAgent
  say(`starting a cluster of ${agents} emulated agents`)
  const cpus = tasksPerAgent * RESOURCES.cpus + CPUS_LEFT
  const mem = (tasksPerAgent + 1) * RESOURCES.mem
  const resources = `cpus:${cpus};mem:${mem}`
  const cluster = await openBenchCluster({
    emulated: agents,
    profile,
    resources,
    isStandingBy: true,
    ...(agents >= LARGE_AGENTS && { lease: LARGE_CLUSTER_LEASE }),
  })
  let crowd: Child<CrowdAsk, CrowdAnswer> | undefined
  let watch: Watch | undefined
  try {
    await cluster.registered(agents)
    const admittedMs = registrationsTook(cluster.actors['master'] as Actor)
    say(`launching ${tasks} tasks that do not end`)
    const start = { nats: cluster.url, frameworks, resources: RESOURCES } satisfies CrowdStart
    crowd = await startChild<CrowdAsk, CrowdAnswer>('crowd.ts', start)
    await crowd.ask({ ask: 'fill', tasks, runs: 'for ever' })
    await crowd.ask({ ask: 'rest' })
    watch = await Watch.open(cluster.url)
    await watch.offered(agents)
    say('killing the leader')
    const usage = usageOfAll(cluster.pids)
    const { times, cpuUsPerAgent } = await killLeader(cluster, watch, {
      agents,
      tasks,
      survivors: { ...survivorsOf(cluster), frameworks: crowd.pid },
    })
    const { running, strange, endedOtherwise } = await crowd.ask({ ask: 'look' })
    const standby = cluster.actors['standby'] as Actor
    return {
      settings: { agents, tasksPerAgent, frameworks },
      counts: {
        running: { is: running, mustBe: tasks },
        endedOtherwise: { is: endedOtherwise, mustBe: 0 },
        strange: { is: strange, mustBe: 0 },
        registrations: { is: registrationsSaid(standby), mustBe: agents },
        tasksKnown: { is: tasksRegistered(standby), mustBe: tasks },
        losses: { is: timesSaid(standby, 'an agent is unreachable'), mustBe: 0 },
      },
      figures: {
        admittedMs,
        ...times,
        cpuUsPerAgent,
        rssMiB: rssMiB({ ...usage, ...usageOfAll(survivorsOf(cluster)) }),
      },
    }
  } finally {
    await watch?.close()
    await crowd?.close()
    await cluster.close()
  }
}

function survivorsOf({ pids }: BenchCluster): Pids {
  const { master: _, ...others } = pids
  return others
}

interface Wanted {
  readonly agents: number
  readonly tasks: number
  readonly survivors: Pids
}

interface Recovered {
  readonly times: Readonly<Record<string, number>>
  /** Of each process, from the kill until all agents and tasks are known. */
  readonly cpuUsPerAgent: Readonly<Record<string, number>>
}

async function killLeader(
  { actors }: BenchCluster,
  watch: Watch,
  { agents, tasks, survivors }: Wanted,
): Promise<Recovered> {
  const standby = actors['standby'] as Actor
  const before = usageOfAll(survivors)
  const killedAtMs = performance.now()
  await (actors['master'] as Actor).end('SIGKILL')
  const allThereAtMs = await reached(
    () => registrationsSaid(standby) >= agents && tasksRegistered(standby) >= tasks,
  )
  const cpuUsPerAgent = cpuUsPerTask(before, usageOfAll(survivors), agents)
  await watch.offered(1)
  const { claimedAtMs, ledAtMs, firstOfferAtMs } = watch
  await watch.offered(agents)
  const since = (atMs: number): number => Math.round(atMs - killedAtMs)
  const times = {
    recoveryMs: since(Math.max(allThereAtMs, firstOfferAtMs)),
    detectionMs: since(claimedAtMs),
    leaseMs: since(ledAtMs) - since(claimedAtMs),
    rebuildMs: since(allThereAtMs) - since(ledAtMs),
    firstOfferMs: since(firstOfferAtMs),
    allOfferedMs: since(performance.now()),
  }
  return { times, cpuUsPerAgent }
}

/** Resolves with the time at which it first was so. */
async function reached(isSo: () => boolean): Promise<number> {
  const untilMs = performance.now() + PATIENCE_MS
  while (!isSo()) {
    if (performance.now() > untilMs) throw new Error('the successor does not know all of them')
    await sleep(LOOK_MS)
  }
  return performance.now()
}

/** Somebody who wants every agent, declines it for long, and listens to who leads. */
class Watch {
  readonly #scheduler: Scheduler
  readonly #bus: Bus
  #epoch = 0
  #offers = 0
  /** Of the epoch that is heard last. */
  claimedAtMs = Number.NaN
  ledAtMs = Number.NaN
  firstOfferAtMs = Number.NaN

  private constructor(scheduler: Scheduler, bus: Bus) {
    this.#scheduler = scheduler
    this.#bus = bus
    bus.subscribe(bucketSubject(leaseBucket(CLUSTER), LEASE_KEY), ({ payload }) => {
      if (this.#isNewer(epochOf('LeaseRecord', payload))) this.claimedAtMs = performance.now()
    })
    bus.subscribe(leaderBeat.on({ cluster: CLUSTER }), ({ payload }) => {
      this.#isNewer(epochOf('LeaderBeat', payload))
      if (Number.isNaN(this.ledAtMs)) this.ledAtMs = performance.now()
    })
    void this.#declineAll()
  }

  static async open(nats: string): Promise<Watch> {
    const name = 'watch'
    const system = natsSystem({ location: { servers: [nats], source: 'nats' } })
    const bus = await system.connect({ name: 'bench-watch' })
    return new Watch(await openScheduler({ name, frameworkId: name, nats }), bus)
  }

  /** Resolves when so many offers were made in the newest epoch. */
  async offered(offers: number): Promise<void> {
    await reached(() => this.#offers >= offers)
  }

  async close(): Promise<void> {
    await this.#scheduler.close()
    await this.#bus.close()
  }

  #isNewer(epoch: number): boolean {
    if (epoch <= this.#epoch) return false
    this.#epoch = epoch
    this.#offers = 0
    this.ledAtMs = Number.NaN
    this.firstOfferAtMs = Number.NaN
    return true
  }

  async #declineAll(): Promise<void> {
    for await (const offer of this.#scheduler.offers()) {
      this.#offers += 1
      if (Number.isNaN(this.firstOfferAtMs)) this.firstOfferAtMs = performance.now()
      void offer.decline('watches', { refuseMs: REFUSE_MS })
    }
  }
}

function epochOf(name: 'LeaseRecord' | 'LeaderBeat', payload: Uint8Array): number {
  const decoded = decode(payload)
  if (!decoded.ok) throw new Error(decoded.refusal.message)
  const checked = check(name, decoded.value)
  if (!checked.ok) throw new Error(checked.refusal.message)
  return checked.value.epoch
}
