/**
 * Starts of `true` on one real agent, beside the same launcher without a cluster; `--isolation`
 * says what keeps its tasks apart.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Isolation } from '../../../agent-runtime/containerizer/containerizer.ts'
import { TASK_PIDS_MAX } from '../../../protocol/limits.ts'
import { NAMESPACES } from '../../../protocol/linux.ts'
import type { TaskContainer } from '../../../protocol/schema/task-container.ts'
import type { TaskLinux } from '../../../protocol/schema/task-linux.ts'
import type { BareAnswer, BareAsk, BareStart } from '../bare-launcher.ts'
import { startChild } from '../child.ts'
import { countsOf, LoadedCluster, latencies, type TaskRun } from '../loaded-cluster.ts'
import { type Measured, perSecond, round } from '../result.ts'
import type { BenchIsolation, Settings } from '../settings.ts'
import type { Stops } from '../stops.ts'
import { MissingPeer } from '../versus/peer.ts'

/** So many at a time on both sides: more are not started faster. */
const IN_FLIGHT = 16
const AGENT_RESOURCES = `cpus:${IN_FLIGHT};mem:${IN_FLIGHT * 32}`
const COMMAND = ['true']
const WARM_UP_SHARE = 0.25
const TASK = { cpus: 1, mem: 32 }
const MIB = 1_048_576
const LIMITS = { cpus: TASK.cpus, memBytes: TASK.mem * MIB, pidsMax: TASK_PIDS_MAX }
/** What a root filesystem needs so that `true` can be run in it. */
const BUSYBOX = '/bin/busybox'

/** How tasks are kept apart. */
interface Apart {
  /** As `--isolation` of an agent calls it. Default: the strongest. */
  readonly isolation?: Exclude<Isolation, 'pretending'>
  readonly linux?: TaskLinux
  readonly container?: TaskContainer
  /** Without these there is nothing to be measured. */
  readonly needs: readonly string[]
}

export async function launch(settings: Settings): Promise<Measured> {
  const workDir = mkdtempSync(join(tmpdir(), 'bourse-bare-'))
  try {
    return await launchIn(workDir, settings)
  } finally {
    rmSync(workDir, { recursive: true, force: true })
  }
}

async function launchIn(workDir: string, settings: Settings): Promise<Measured> {
  const { tasks = 2_000, say } = settings
  const half = Math.ceil(tasks / 2)
  const warmUpTasks = Math.ceil(tasks * WARM_UP_SHARE)
  const { needs, ...apart } = apartBy(settings.isolation, workDir)
  const start = { workDir, command: COMMAND, inFlight: IN_FLIGHT, limits: LIMITS, ...apart }
  const bare = await startChild<BareAsk, BareAnswer>('bare-launcher.ts', start satisfies BareStart)
  try {
    checkNeeds(needs, await bare.ask({ starts: 0 }))
    say(`the launcher alone: ${half} starts, ${IN_FLIGHT} at a time`)
    await bare.ask({ starts: warmUpTasks })
    const before = await bare.ask({ starts: half })
    const { run, stops } = await inCluster({ ...settings, tasks, warmUpTasks, apart })
    say('the launcher alone again')
    const after = await bare.ask({ starts: half })
    const bareElapsedMs = before.elapsedMs + after.elapsedMs
    const startsPerS = perSecond(run)
    const bareStartsPerS = perSecond({ tasks: 2 * half, elapsedMs: bareElapsedMs })
    return {
      settings: {
        tasks,
        inFlight: IN_FLIGHT,
        isolation: settings.isolation ?? 'default',
        killReaches: before.isolation,
      },
      counts: {
        ...countsOf(run),
        bareFinished: { is: before.finished + after.finished, mustBe: 2 * half },
      },
      figures: {
        startsPerS,
        bareStartsPerS,
        shareOfBare: round(startsPerS / bareStartsPerS, 2),
        longestStopMs: stops.longestStopMs,
        longestOwnStopMs: stops.longestOwnStopMs,
        agentOnCorePart: round(stops.onCorePart, 2),
        agentNoCorePart: round(stops.noCorePart, 2),
        ...latencies(run),
        cpuUsPerTask: run.cpuUsPerTask,
      },
    }
  } finally {
    await bare.close()
  }
}

function apartBy(isolation: BenchIsolation | undefined, folder: string): Apart {
  if (isolation === 'none') return { isolation: 'session', needs: [] }
  if (isolation === 'cgroups') return { isolation: 'cgroup', needs: ['memory'] }
  if (isolation === 'namespaces')
    return {
      linux: { namespaces: [...NAMESPACES] },
      needs: NAMESPACES.map((name) => `${name}-namespace`),
    }
  if (isolation === undefined) return { needs: [] }
  return { container: { kind: 'oci', root: makeRoot(folder) }, needs: ['oci'] }
}

/** A root filesystem in which there is nothing but the command. */
function makeRoot(folder: string): string {
  if (!existsSync(BUSYBOX))
    throw new MissingPeer(`${BUSYBOX} is not installed: apt-get install busybox-static`)
  const root = join(folder, 'root')
  mkdirSync(join(root, 'bin'), { recursive: true })
  copyFileSync(BUSYBOX, join(root, 'bin', 'busybox'))
  for (const name of COMMAND) symlinkSync('busybox', join(root, 'bin', name))
  return root
}

/** @throws {MissingPeer} that says why they are not here. */
function checkNeeds(needs: readonly string[], { has, missing }: BareAnswer): void {
  const lacking = needs.filter((name) => !has.includes(name))
  if (lacking.length === 0) return
  const why = lacking.includes('oci') ? [OCI, ...missing] : missing
  throw new MissingPeer(`tasks cannot be kept apart by ${lacking.join(', ')}: ${why.join('; ')}`)
}

const OCI = 'that takes root, runc and perl'

interface Course extends Settings {
  readonly tasks: number
  readonly warmUpTasks: number
  readonly apart: Omit<Apart, 'needs'>
}

async function inCluster({
  tasks,
  warmUpTasks,
  profile,
  apart,
  say,
}: Course): Promise<{ readonly run: TaskRun; readonly stops: Stops }> {
  say('starting a cluster with one real agent')
  const loaded = await LoadedCluster.open({
    agents: 0,
    agentResources: AGENT_RESOURCES,
    watchesStops: true,
    frameworks: 1,
    resources: TASK,
    command: COMMAND,
    pretendMs: 0,
    profile,
    ...apart,
  })
  try {
    await loaded.run(warmUpTasks)
    await loaded.cluster.stops('agent')
    say(`measuring ${tasks} starts`)
    const run = await loaded.run(tasks)
    return { run, stops: await loaded.cluster.stops('agent') }
  } finally {
    await loaded.close()
  }
}
