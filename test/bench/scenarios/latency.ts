/**
 * One task in flight: from accept to RUNNING, where it only pretends and with a real process. One
 * right after the other, and each from rest: then the machine's cores have gone to sleep too.
 */
import { startChild } from '../child.ts'
import { countsOf, LoadedCluster, type TaskRun } from '../loaded-cluster.ts'
import { type Count, type Figure, type Measured, percentile, perSecond } from '../result.ts'
import type { Settings } from '../settings.ts'
import type { TracerAnswer, TracerStart } from '../tracer.ts'

const TASK = { resources: { cpus: 1, mem: 32 }, command: ['true'], pretendMs: 0 }
/** As many before as are measured in a row; fewer from rest, for these take long. */
const WARM_UP_SHARE = 1
const RESTED_SHARE = 0.25
const TRACED_SHARE = 0.1
/** Twenty times what a launch takes. */
const REST_MS = 20

export async function latency(settings: Settings): Promise<Measured> {
  const { agents = 1, tasks = 2_000, profile, say } = settings
  const pretending = await measure({ agents, tasks, profile, say })
  const real = await measure({ agents: 0, tasks: Math.ceil(tasks / 2), profile: undefined, say })
  const both = <Value>(value: (run: Latency) => Value) => ({
    pretending: value(pretending),
    real: value(real),
  })
  return {
    settings: { agents, tasks },
    counts: { ...named('pretending', pretending.counts), ...named('real', real.counts) },
    figures: {
      acceptToRunningMsP50: both(({ run }) => percentile(run.acceptToRunningMs, 0.5)),
      acceptToRunningMsP99: both(({ run }) => percentile(run.acceptToRunningMs, 0.99)),
      fromRestMsP50: both(({ rested }) => percentile(rested.acceptToRunningMs, 0.5)),
      fromRestMsP99: both(({ rested }) => percentile(rested.acceptToRunningMs, 0.99)),
      stepsMsP50Pretending: pretending.steps,
      stepsMsP50Real: real.steps,
      tasksPerS: both(({ run }) => perSecond(run)),
      cpuUsPerTaskPretending: pretending.run.cpuUsPerTask,
      cpuUsPerTaskReal: real.run.cpuUsPerTask,
    } satisfies Record<string, Figure>,
  }
}

interface Course {
  /** 0: a real one. */
  readonly agents: number
  readonly tasks: number
  readonly profile: string | undefined
  readonly say: Settings['say']
}

interface Latency {
  readonly run: TaskRun
  readonly rested: TaskRun
  readonly counts: Record<string, Count>
  readonly steps: Readonly<Record<string, number>>
}

async function measure({ agents, tasks, profile, say }: Course): Promise<Latency> {
  say(agents === 0 ? 'starting a real agent' : `starting ${agents} emulated agents`)
  const options = { agents, frameworks: 1, inFlightMax: 1, profile, ...TASK }
  const cluster = await LoadedCluster.open(options)
  try {
    await cluster.run(Math.ceil(tasks * WARM_UP_SHARE))
    say(`measuring ${tasks} tasks, one right after the other`)
    const run = await cluster.run(tasks)
    const few = Math.ceil(tasks * RESTED_SHARE)
    say(`measuring ${few} tasks, each from rest`)
    const rested = await cluster.run(few, REST_MS)
    say('and a few with somebody who writes down when each step passes')
    const traced = await traceSteps(cluster, Math.ceil(tasks * TRACED_SHARE))
    const counts = {
      ...countsOf(run),
      ...named('rested', countsOf(rested)),
      ...named('traced', traced.counts),
    }
    return { run, rested, counts, steps: traced.steps }
  } finally {
    await cluster.close()
  }
}

/** Where the time goes: medians of each step. What passes on the bus is seen when it is told. */
async function traceSteps(
  cluster: LoadedCluster,
  tasks: number,
): Promise<Pick<Latency, 'counts' | 'steps'>> {
  const start = { nats: cluster.cluster.url, cluster: 'bourse' } satisfies TracerStart
  const tracer = await startChild<object, TracerAnswer>('tracer.ts', start)
  try {
    const run = await cluster.run(tasks)
    const { acceptToRunningMs, runningAtMs } = run
    const passed = await tracer.ask({})
    const acceptedAtMs = runningAtMs.map((atMs, i) => atMs - (acceptToRunningMs[i] ?? 0))
    const passes = Object.entries(passed).map(
      ([name, { length }]) => [name, { is: length, mustBe: tasks }] as const,
    )
    return {
      counts: { ...countsOf(run), ...Object.fromEntries(passes) },
      steps: {
        scheduler: between(acceptedAtMs, passed.acceptAtMs),
        master: between(passed.acceptAtMs, passed.runAtMs),
        agent: between(passed.runAtMs, passed.runningAtMs),
        schedulerHears: between(passed.runningAtMs, runningAtMs),
      },
    }
  } finally {
    await tracer.close()
  }
}

/** One of each for each task: the counts say whether that holds. */
function between(from: readonly number[], to: readonly number[]): number {
  const took = to.map((atMs, i) => atMs - (from[i] ?? Number.NaN))
  return percentile(took, 0.5)
}

function named(prefix: string, counts: Record<string, Count>): Record<string, Count> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [`${prefix} ${name}`, count]),
  )
}
