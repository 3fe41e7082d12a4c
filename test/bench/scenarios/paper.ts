/**
 * The experiment of Hindman, Konwinski, Zaharia, Ghodsi, Joseph, Katz, Shenker, Stoica: Mesos: A
 * Platform for Fine-Grained Resource Sharing in the Data Center, NSDI 2011, §6.5: many frameworks
 * keep a large emulated cluster busy with tasks of 30 s (deviation 10 s); one more launches a task
 * at a time, and what it waits for beside the task is the overhead.
 *
 * Each agent has room for two tasks, and a quarter of that is used: 50,000 tasks of 30 s would be
 * more than two cores can take with everything on. Tasks come up at a steady rate, whether there is
 * room for them or not.
 */
import { LARGE_CLUSTER_LEASE, openBenchCluster, profileFlags } from '../bench-cluster.ts'
import { type Child, startChild } from '../child.ts'
import type { CrowdAnswer, CrowdAsk, CrowdStart } from '../crowd.ts'
import { OneAtATime, type Taken } from '../one-at-a-time.ts'
import { type Count, type Measured, percentile } from '../result.ts'
import type { Settings } from '../settings.ts'
import { cpuPercent, rssMiB, usageOfAll } from '../usage.ts'

const RESOURCES = { cpus: 1, mem: 32 }
const AGENT_RESOURCES = 'cpus:2;mem:64'
const RUNS = { meanMs: 30_000, sdMs: 10_000 }
const PROBE_RUN_MS = 100
const WARM_UP_S = 5
const MS_PER_S = 1_000
const BYTES_PER_MB = 1e6

/** `runs`: how long tasks run, of which every other agent has one on average. */
export async function paper(settings: Settings, runs = RUNS): Promise<Measured> {
  const { agents = 50_000, frameworks = 200, seconds = 20, profile, say } = settings
  const { tasks = Math.ceil(agents / 2) } = settings
  const perS = tasks / (runs.meanMs / MS_PER_S)
  say(`starting a cluster of ${agents} emulated agents`)
  const startedAtMs = performance.now()
  const sized = { emulated: agents, resources: AGENT_RESOURCES, lease: LARGE_CLUSTER_LEASE }
  const cluster = await openBenchCluster({ ...sized, profile, isProbed: true })
  let crowd: Child<CrowdAsk, CrowdAnswer> | undefined
  try {
    await cluster.registered(agents)
    const registeredMs = Math.round(performance.now() - startedAtMs)
    say(`all are there after ${registeredMs} ms; launching ${tasks} tasks`)
    const filledAtMs = performance.now()
    const start = { nats: cluster.url, frameworks, resources: RESOURCES } satisfies CrowdStart
    crowd = await startChild('crowd.ts', start, profileFlags(profile, 'scheduler'))
    await crowd.ask({ ask: 'fill', tasks, runs: { ...runs, isUnderWay: true } })
    const fillMs = Math.round(performance.now() - filledAtMs)
    say(`launched after ${fillMs} ms; from now on ${Math.round(perS)} a second`)
    await crowd.ask({ ask: 'flow', perS, runs })
    const one = await OneAtATime.open({
      nats: cluster.url,
      resources: RESOURCES,
      runMs: PROBE_RUN_MS,
    })
    await one.run(Math.min(WARM_UP_S, seconds))
    await cluster.probe('master')
    const pids = { ...cluster.pids, scheduler: crowd.pid }
    const before = { atMs: performance.now(), usage: usageOfAll(pids) }
    const at = await crowd.ask({ ask: 'look' })
    say(`measuring for ${seconds} s while ${at.running} tasks run`)
    const taken = await one.run(seconds)
    const elapsedMs = performance.now() - before.atMs
    const usage = usageOfAll(pids)
    const then = await crowd.ask({ ask: 'look' })
    const { heapUsed, longestTurnMs } = await cluster.probe('master')
    say(`waiting for the end of ${then.wanted - then.finished} tasks`)
    await one.close()
    return {
      settings: { agents, frameworks, tasks, tasksPerS: Math.round(perS), seconds },
      counts: countsOf(await crowd.ask({ ask: 'drain' })),
      figures: {
        registeredMs,
        fillMs,
        running: then.running,
        waiting: then.wanted - then.launched,
        droppedLaunches: then.dropped,
        finishedPerS: Math.round(((then.finished - at.finished) / elapsedMs) * MS_PER_S),
        probes: taken.length,
        ...percentiles(taken, 'askToOfferMs'),
        ...percentiles(taken, 'acceptToRunningMs'),
        ...percentiles(taken, 'overheadMs'),
        cpuPercent: cpuPercent(before.usage, usage, elapsedMs),
        rssMiB: rssMiB(usage),
        masterHeapMb: Math.round(heapUsed / BYTES_PER_MB),
        longestTurnMs,
      },
    }
  } finally {
    await crowd?.close()
    await cluster.close()
  }
}

/** Nothing is lost: each task that came up was launched and has ended once, as it should. */
function countsOf({ wanted, launched, finished, endedOtherwise, strange }: CrowdAnswer) {
  return {
    launched: { is: launched, mustBe: wanted },
    finished: { is: finished, mustBe: wanted },
    endedOtherwise: { is: endedOtherwise, mustBe: 0 },
    strange: { is: strange, mustBe: 0 },
  } satisfies Record<string, Count>
}

function percentiles(taken: readonly Taken[], name: keyof Taken): Record<string, number> {
  const values = taken.map((one) => one[name])
  return { [`${name}P50`]: percentile(values, 0.5), [`${name}P99`]: percentile(values, 0.99) }
}
