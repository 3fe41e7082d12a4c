/**
 * Emulated agents, and tasks from accept to acknowledged end, as many as the machine can take;
 * beside the floor, half of it before and half of it after: what else the machine does meanwhile
 * then weighs on both.
 */
import { LARGE_CLUSTER_LEASE } from '../bench-cluster.ts'
import { Floor, type FloorRun, together } from '../floor/floor.ts'
import { countsOf, LoadedCluster, latencies, type TaskRun } from '../loaded-cluster.ts'
import { type Count, type Figure, type Measured, perSecond, round } from '../result.ts'
import type { Settings } from '../settings.ts'
import { countsOfFloor, IN_FLIGHT_MAX, TASKS_PER_ACCEPT } from './floor.ts'

/** What is compiled while it runs is compiled before it is measured. */
const WARM_UP_TASKS = 20_000
const LARGE_AGENTS = 10_000
const TASK = { resources: { cpus: 1, mem: 32 }, command: ['true'], pretendMs: 0 }

export async function throughput(settings: Settings): Promise<Measured> {
  const { agents = 1_000, frameworks = 1, tasks = 100_000, profile, say } = settings
  const warmUpTasks = Math.min(WARM_UP_TASKS, tasks)
  const half = Math.ceil(tasks / 2)
  say(`the floor of ${agents} agents: ${warmUpTasks} tasks to warm up, then ${half}`)
  const floor = await Floor.open({
    agents,
    tasksPerAccept: TASKS_PER_ACCEPT,
    inFlightMax: IN_FLIGHT_MAX,
  })
  try {
    await floor.run(warmUpTasks)
    const before = await floor.run(half)
    say(`starting a cluster of ${agents} emulated agents`)
    const { run, counts } = await measure({ agents, frameworks, tasks, warmUpTasks, profile, say })
    say(`the floor again: ${half} tasks`)
    const beside = together(before, await floor.run(half))
    return {
      settings: { agents, frameworks, tasks, tasksPerAccept: round(tasks / run.accepts, 1) },
      counts: { ...counts, ...countsOfFloor(beside) },
      figures: { ...figuresOf(run), ...besideFloor(run, beside) },
    }
  } finally {
    await floor.close()
  }
}

interface Course {
  readonly agents: number
  readonly frameworks: number
  readonly warmUpTasks: number
  readonly tasks: number
  readonly profile: string | undefined
  readonly say: Settings['say']
}

async function measure(
  course: Course,
): Promise<{ readonly run: TaskRun; readonly counts: Record<string, Count> }> {
  const { agents, frameworks, warmUpTasks, tasks, profile, say } = course
  const lease = agents >= LARGE_AGENTS ? { lease: LARGE_CLUSTER_LEASE } : {}
  const inFlightMax = Math.floor(IN_FLIGHT_MAX / frameworks)
  const load = { frameworks, inFlightMax, ...TASK }
  const cluster = await LoadedCluster.open({ agents, profile, ...lease, ...load })
  try {
    say(`all agents are there; warming up with ${warmUpTasks} tasks`)
    await cluster.run(warmUpTasks)
    say(`measuring ${tasks} tasks`)
    const run = await cluster.run(tasks)
    return { run, counts: { ...countsOf(run), nonsenseRefused: await cluster.refusesNonsense() } }
  } finally {
    await cluster.close()
  }
}

function figuresOf(run: TaskRun): Record<string, Figure> {
  return {
    tasksPerS: perSecond(run),
    cpuUsPerTask: run.cpuUsPerTask,
    ...latencies(run),
    rssMiB: run.rssMiB,
    trafficPerTask: run.trafficPerTask,
    refusedAccepts: run.refusedAccepts,
  }
}

function besideFloor(run: TaskRun, floor: FloorRun): Record<string, Figure> {
  const over = (name: string): number =>
    round((run.cpuUsPerTask[name] ?? 0) / (floor.cpuUsPerTask[name] ?? 0), 2)
  const names = Object.keys(floor.cpuUsPerTask)
  return {
    floorTasksPerS: perSecond(floor),
    floorCpuUsPerTask: floor.cpuUsPerTask,
    floorTrafficPerTask: floor.trafficPerTask,
    shareOfFloor: round(perSecond(run) / perSecond(floor), 2),
    cpuOverFloor: Object.fromEntries(names.map((name) => [name, over(name)])),
  }
}
