/** Emulated agents, and tasks from accept to acknowledged end, as many as the machine can take. */
import { openBenchCluster, profileFlags } from '../bench-cluster.ts'
import { startChild } from '../child.ts'
import type { LoadAnswer, LoadAsk, LoadStart } from '../load.ts'
import type { ObserverAnswer, ObserverAsk, ObserverStart } from '../observer.ts'
import type { Measured } from '../result.ts'
import type { Settings } from '../settings.ts'
import { cpuUsPerTask, rounded, rssMiB, usageOfAll } from '../usage.ts'

/** What is compiled while it runs is compiled before it is measured. */
const WARM_UP_TASKS = 20_000

export async function throughput(settings: Settings): Promise<Measured> {
  const { agents = 1_000, frameworks = 1, tasks = 100_000, profile, say } = settings
  say(`starting a cluster of ${agents} emulated agents`)
  const cluster = await openBenchCluster({ emulated: agents, profile })
  const observer = await startChild<ObserverAsk, ObserverAnswer>('observer.ts', {
    nats: cluster.url,
    cluster: 'bourse',
  } satisfies ObserverStart)
  const load = await startChild<LoadAsk, LoadAnswer>(
    'load.ts',
    {
      nats: cluster.url,
      frameworks,
      resources: { cpus: 1, mem: 32 },
      command: ['true'],
      pretendMs: 0,
    } satisfies LoadStart,
    profileFlags(profile, 'scheduler'),
  )
  const pids = { ...cluster.pids, scheduler: load.pid }
  try {
    say(`warming up with ${WARM_UP_TASKS} tasks`)
    await load.ask({ tasks: WARM_UP_TASKS })
    await observer.ask({ acknowledged: 2 * WARM_UP_TASKS })
    say(`measuring ${tasks} tasks`)
    const before = usageOfAll(pids)
    const ran = await load.ask({ tasks })
    const after = usageOfAll(pids)
    const seen = await observer.ask({ acknowledged: 2 * tasks })
    return {
      settings: { agents, frameworks, tasks, tasksPerAccept: round1(tasks / ran.accepts) },
      counts: {
        finished: { is: ran.finished, mustBe: tasks },
        acknowledged: { is: seen.acknowledged, mustBe: 2 * tasks },
        runningEvents: { is: seen.events['task.running'] ?? 0, mustBe: tasks },
        finishedEvents: { is: seen.events['task.finished'] ?? 0, mustBe: tasks },
      },
      figures: {
        tasksPerS: Math.round((tasks / ran.elapsedMs) * 1_000),
        cpuUsPerTask: cpuUsPerTask(before, after, tasks),
        ...percentiles(ran.acceptToRunningMs),
        rssMiB: rssMiB(after),
      },
    }
  } finally {
    await load.close()
    await observer.close()
    await cluster.close()
  }
}

const round1 = (value: number): number => Math.round(value * 10) / 10

function percentiles(values: readonly number[]): Record<string, number> {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  return rounded({ acceptToRunningMsP50: at(0.5), acceptToRunningMsP99: at(0.99) })
}
