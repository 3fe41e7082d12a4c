/** What a task costs in larger clusters and in fuller ones, and what agents and tasks take. */
import { LARGE_CLUSTER_LEASE } from '../bench-cluster.ts'
import { type Child, startChild } from '../child.ts'
import type { CrowdAnswer, CrowdAsk, CrowdStart } from '../crowd.ts'
import { countsOf, LoadedCluster, type TaskRun } from '../loaded-cluster.ts'
import { type Count, type Figure, type Measured, perSecond, round } from '../result.ts'
import type { Settings } from '../settings.ts'

const SIZES = [1_000, 10_000, 50_000]
/** Of the largest cluster up to this size so much is used by tasks that do not end. */
const FILLED_AGENTS_MAX = 10_000
const FILLS = [0.1, 0.5, 0.95]
const RESOURCES = { cpus: 1, mem: 32 }
const CPUS_PER_AGENT = 8
const WARM_UP_TASKS = 20_000
const BYTES_PER_KB = 1_000

/** One point: tasks run on `agents` of which `fill` is taken. */
interface Point {
  readonly name: string
  readonly agents: number
  /** Tasks that do not end. */
  readonly held: number
  readonly run: TaskRun
  readonly masterHeap: number
  readonly longestTurnMs: number
}

export async function growth(settings: Settings): Promise<Measured> {
  const { agents, tasks = 40_000 } = settings
  const sizes = agents === undefined ? SIZES : [agents]
  const filled = sizes.findLast((size) => size <= FILLED_AGENTS_MAX)
  const points: Point[] = []
  for (const size of sizes) {
    points.push(...(await measure(settings, size, size === filled ? FILLS : [])))
  }
  return {
    settings: { agents: sizes.join(' '), filledAgents: filled ?? 'none', tasks },
    counts: Object.assign({}, ...points.map(pointCounts)),
    figures: { ...Object.assign({}, ...points.map(pointFigures)), ...memory(points) },
  }
}

async function measure(
  { tasks = 40_000, frameworks = 1, profile, say }: Settings,
  agents: number,
  fills: readonly number[],
): Promise<readonly Point[]> {
  say(`starting a cluster of ${agents} emulated agents`)
  const startedAtMs = performance.now()
  const load = { frameworks, resources: RESOURCES, command: ['true'], pretendMs: 0 }
  const lease = LARGE_CLUSTER_LEASE
  const loaded = await LoadedCluster.open({ agents, profile, isProbed: true, lease, ...load })
  const { cluster } = loaded
  const points: Point[] = []
  let crowd: Child<CrowdAsk, CrowdAnswer> | undefined
  const point = async (name: string, held: number): Promise<void> => {
    const { heapUsed: masterHeap } = await cluster.probe('master')
    say(`measuring ${tasks} tasks: ${name}`)
    const run = await loaded.run(tasks)
    const { longestTurnMs } = await cluster.probe('master')
    points.push({ name, agents, held, run, masterHeap, longestTurnMs })
  }
  try {
    say(`all are there after ${Math.round(performance.now() - startedAtMs)} ms; warming up`)
    await loaded.run(Math.min(WARM_UP_TASKS, tasks))
    await point(`of${agents}`, 0)
    let held = 0
    for (const fill of fills) {
      const more = Math.floor(fill * agents * CPUS_PER_AGENT) - held
      say(`${more} tasks more that do not end`)
      const start = { nats: cluster.url, frameworks: 1, resources: RESOURCES } satisfies CrowdStart
      crowd ??= await startChild<CrowdAsk, CrowdAnswer>('crowd.ts', start)
      await crowd.ask({ ask: 'fill', tasks: more, runs: 'for ever' })
      await crowd.ask({ ask: 'rest' })
      await loaded.passOverOthers()
      held += more
      await point(`of${agents}Filled${fill * 100}`, held)
    }
    return points
  } finally {
    await crowd?.close()
    await loaded.close()
  }
}

function pointCounts({ name, run }: Point): Record<string, Count> {
  const counts = Object.entries(countsOf(run))
  return Object.fromEntries(counts.map(([what, count]) => [`${what}.${name}`, count]))
}

const pointFigures = ({ name, run, masterHeap, longestTurnMs }: Point): Record<string, Figure> => ({
  [`tasksPerS.${name}`]: perSecond(run),
  [`cpuUsPerTask.${name}`]: run.cpuUsPerTask,
  [`masterHeapMb.${name}`]: round(masterHeap / 1e6, 1),
  [`longestTurnMs.${name}`]: longestTurnMs,
})

/** By differences: what the largest and the fullest cluster take more than the others. */
function memory(points: readonly Point[]): Record<string, Figure> {
  const empty = points.filter(({ held }) => held === 0)
  const full = points.filter(({ held }) => held > 0)
  const [least, most] = [empty[0], empty.at(-1)]
  const [sparse, dense] = [full[0], full.at(-1)]
  const kb = (bytes: number): number => round(bytes / BYTES_PER_KB, 2)
  return {
    ...(least !== undefined &&
      most !== undefined &&
      most !== least && {
        masterKbPerAgent: kb((most.masterHeap - least.masterHeap) / (most.agents - least.agents)),
      }),
    ...(sparse !== undefined &&
      dense !== undefined && {
        masterKbPerTask: kb((dense.masterHeap - sparse.masterHeap) / (dense.held - sparse.held)),
      }),
  }
}
