/** What a cluster costs in which nothing happens: pings, beats, the lease. */
import { openScheduler } from '../../../actors/scheduler/scheduler.ts'
import { sleep } from '../../../bus/clock.ts'
import type { Actor } from '../../support/cluster.ts'
import {
  type BenchCluster,
  openBenchCluster,
  registrationsSaid,
  timesSaid,
} from '../bench-cluster.ts'
import { type Count, type Figure, type Measured, round } from '../result.ts'
import type { Settings } from '../settings.ts'
import { cpuPercent, rssMiB, usageOfAll } from '../usage.ts'

const SIZES = [1_000, 10_000]
/**
 * Until all agents are pinged as often as they will be, and V8 has compiled what runs often: with
 * so little to do that takes it a minute, and half of the CPU meanwhile. A master idles for days.
 */
const SETTLE_S = 90
/** Short runs, which only show that it works, wait for less. */
const SETTLE_SHARE = 9
const BYTES_PER_KB = 1_000
const MS_PER_S = 1_000

export async function idle(settings: Settings): Promise<Measured> {
  const { agents, seconds = 10, profile, say } = settings
  const sizes = agents === undefined ? SIZES : [agents]
  const measured: Idle[] = []
  for (const size of sizes) {
    say(`starting a cluster of ${size} emulated agents`)
    const startedAtMs = performance.now()
    const cluster = await openBenchCluster({ emulated: size, profile, isProbed: true })
    try {
      await cluster.registered(size)
      const registeredMs = Math.round(performance.now() - startedAtMs)
      say(`all are there after ${registeredMs} ms; waiting until they have settled`)
      measured.push({ size, registeredMs, ...(await measure(cluster, seconds, say)) })
    } finally {
      await cluster.close()
    }
  }
  const [least, most] = [measured[0] as Idle, measured.at(-1) as Idle]
  const perAgent = (least.masterHeap - most.masterHeap) / (least.size - most.size)
  return {
    settings: { agents: sizes.join(' '), seconds },
    counts: Object.assign({}, ...measured.map(countsOf)),
    figures: {
      ...Object.assign({}, ...measured.map(figuresOf)),
      ...(sizes.length > 1 && { masterKbPerAgent: round(perAgent / BYTES_PER_KB, 2) }),
    },
  }
}

interface Idle {
  readonly size: number
  readonly registeredMs: number
  /** Of a core, of each process: with no framework, and with one that wants no offers. */
  readonly alone: Readonly<Record<string, number>>
  readonly subscribed: Readonly<Record<string, number>>
  readonly rssMiB: Readonly<Record<string, number>>
  readonly masterHeap: number
  readonly longestTurnMs: number
  readonly registrations: number
  readonly losses: number
}

async function measure(
  cluster: BenchCluster,
  seconds: number,
  say: Settings['say'],
): Promise<Omit<Idle, 'size' | 'registeredMs'>> {
  await sleep(Math.min(SETTLE_S, SETTLE_SHARE * seconds) * MS_PER_S)
  const before = await cluster.probe('master')
  say(`measuring for ${seconds} s without a framework`)
  const alone = await cpuFor(cluster, seconds)
  const scheduler = await openScheduler({
    name: 'idle',
    frameworkId: 'idle',
    nats: cluster.url,
    suppressed: true,
  })
  say(`measuring for ${seconds} s with one that wants nothing`)
  const subscribed = await cpuFor(cluster, seconds)
  await scheduler.close()
  const usage = usageOfAll(cluster.pids)
  const { longestTurnMs } = await cluster.probe('master')
  const master = cluster.actors['master'] as Actor
  return {
    alone,
    subscribed,
    rssMiB: rssMiB(usage),
    masterHeap: before.heapUsed,
    longestTurnMs,
    registrations: registrationsSaid(master),
    losses: timesSaid(master, 'an agent is unreachable'),
  }
}

async function cpuFor(cluster: BenchCluster, seconds: number) {
  const before = usageOfAll(cluster.pids)
  const startedAtMs = performance.now()
  await sleep(seconds * MS_PER_S)
  return cpuPercent(before, usageOfAll(cluster.pids), performance.now() - startedAtMs)
}

const countsOf = ({ size, registrations, losses }: Idle): Record<string, Count> => ({
  [`registrations${size}`]: { is: registrations, mustBe: size },
  [`losses${size}`]: { is: losses, mustBe: 0 },
})

const figuresOf = (idle: Idle): Record<string, Figure> => ({
  [`registeredMs${idle.size}`]: idle.registeredMs,
  [`cpuPercent${idle.size}`]: idle.alone,
  [`cpuPercentSubscribed${idle.size}`]: idle.subscribed,
  [`rssMiB${idle.size}`]: idle.rssMiB,
  [`longestTurnMs${idle.size}`]: idle.longestTurnMs,
})
