/**
 * Starts of `true` on one real agent, beside the same launcher without a cluster; `--isolation`
 * says what keeps its tasks apart.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Isolation } from '../../../agent-runtime/containerizer/containerizer.ts'
import { TASK_PIDS_MAX } from '../../../protocol/limits.ts'
import type { BareAnswer, BareAsk, BareStart } from '../bare-launcher.ts'
import { startChild } from '../child.ts'
import { countsOf, LoadedCluster, latencies, type TaskRun } from '../loaded-cluster.ts'
import { type Measured, perSecond, round } from '../result.ts'
import type { BenchIsolation, Settings } from '../settings.ts'

/** So many at a time on both sides: more are not started faster. */
const IN_FLIGHT = 16
const AGENT_RESOURCES = `cpus:${IN_FLIGHT};mem:${IN_FLIGHT * 32}`
const COMMAND = ['true']
const WARM_UP_SHARE = 0.25
const TASK = { cpus: 1, mem: 32 }
const MIB = 1_048_576
const LIMITS = { cpus: TASK.cpus, memBytes: TASK.mem * MIB, pidsMax: TASK_PIDS_MAX }
/** As `--isolation` of an agent calls it. */
const KINDS: Readonly<Record<BenchIsolation, Exclude<Isolation, 'pretending'>>> = {
  none: 'session',
  cgroups: 'cgroup',
  namespaces: 'pid-namespace',
}

export async function launch(settings: Settings): Promise<Measured> {
  const { tasks = 2_000, profile, say } = settings
  const half = Math.ceil(tasks / 2)
  const warmUpTasks = Math.ceil(tasks * WARM_UP_SHARE)
  const workDir = mkdtempSync(join(tmpdir(), 'bourse-bare-'))
  const isolation = settings.isolation && KINDS[settings.isolation]
  const start = {
    workDir,
    command: COMMAND,
    inFlight: IN_FLIGHT,
    limits: LIMITS,
    ...(isolation && { isolation }),
  } satisfies BareStart
  const bare = await startChild<BareAsk, BareAnswer>('bare-launcher.ts', start)
  try {
    say(`the launcher alone: ${half} starts, ${IN_FLIGHT} at a time`)
    await bare.ask({ starts: warmUpTasks })
    const before = await bare.ask({ starts: half })
    const { run, longestTurnMs } = await inCluster({ tasks, warmUpTasks, profile, isolation, say })
    say('the launcher alone again')
    const after = await bare.ask({ starts: half })
    const bareElapsedMs = before.elapsedMs + after.elapsedMs
    const startsPerS = perSecond(run)
    const bareStartsPerS = perSecond({ tasks: 2 * half, elapsedMs: bareElapsedMs })
    return {
      settings: { tasks, inFlight: IN_FLIGHT, isolation: before.isolation },
      counts: {
        ...countsOf(run),
        bareFinished: { is: before.finished + after.finished, mustBe: 2 * half },
      },
      figures: {
        startsPerS,
        bareStartsPerS,
        shareOfBare: round(startsPerS / bareStartsPerS, 2),
        longestTurnMs,
        ...latencies(run),
        cpuUsPerTask: run.cpuUsPerTask,
      },
    }
  } finally {
    await bare.close()
    rmSync(workDir, { recursive: true, force: true })
  }
}

interface Course {
  readonly tasks: number
  readonly warmUpTasks: number
  readonly profile: string | undefined
  readonly isolation: Isolation | undefined
  readonly say: Settings['say']
}

async function inCluster({
  tasks,
  warmUpTasks,
  profile,
  isolation,
  say,
}: Course): Promise<{ readonly run: TaskRun; readonly longestTurnMs: number }> {
  say('starting a cluster with one real agent')
  const loaded = await LoadedCluster.open({
    agents: 0,
    agentResources: AGENT_RESOURCES,
    isProbed: true,
    frameworks: 1,
    resources: TASK,
    command: COMMAND,
    pretendMs: 0,
    profile,
    ...(isolation && { isolation }),
  })
  try {
    await loaded.run(warmUpTasks)
    await loaded.cluster.probe('agent')
    say(`measuring ${tasks} starts`)
    const run = await loaded.run(tasks)
    const { longestTurnMs } = await loaded.cluster.probe('agent')
    return { run, longestTurnMs }
  } finally {
    await loaded.close()
  }
}
