/** A run: one real cluster with one agent, a neighbour on it, and hostile tasks beside that. */
import type { TaskStatus } from '../../actors/scheduler/scheduler.ts'
import { systemClock } from '../../bus/clock.ts'
import type { LabCluster } from '../lab/contract.ts'
import { openLab, within } from '../lab/lab.ts'
import { disksNeed } from '../lab/small-disk.ts'
import { freePort } from '../support/free-ports.ts'
import { type Cage, openCage } from './cage.ts'
import type { HostileTask } from './case.ts'
import { type Following, HostileFramework } from './framework.ts'
import { leftOf, settled } from './left.ts'
import { type Neighbourhood, openNeighbourhood } from './neighbourhood.ts'
import {
  type HostileOutcome,
  type Phase,
  problemsOf,
  type Skipped,
  type TaskEnd,
} from './outcome.ts'

export interface HostileOptions {
  readonly tasks: readonly HostileTask[]
  /** Of each of before and after. */
  readonly restMs: number
  /** Default both: one after another, then all at once. */
  readonly only?: 'alone' | 'together'
  /** Files and logs stay, in a folder below `workDir`: by default the temporary one. */
  readonly keep?: boolean
  readonly workDir?: string
  readonly say: (line: string) => void
}

const AGENT_RESOURCES = 'cpus:4;mem:2560;disk:400'
const AGENT_DISK_MIB = 1_024
const CAGE = { memMib: 4_096, pidsMax: 6_000 }
/** Long enough to see a p99, also of what is over at once. */
const PHASE_MS_MIN = 2_000
/** What has not ended by then is killed. Who listens where is looked for every 30 s. */
const WATCHDOG_MS = 45_000
/** What that does not end is ended from outside, with all that there is. */
const LAST_MS = 15_000

/** All is ended and removed when it resolves, or rejects. */
export async function runHostile(options: HostileOptions): Promise<HostileOutcome> {
  const cage = openCage(CAGE)
  const run = new Run(options, cage)
  try {
    return await run.through()
  } finally {
    await run.close()
    await cage.kill()
    cage.close()
  }
}

class Run {
  readonly #options: HostileOptions
  readonly #cage: Cage
  readonly #skipped: Skipped[] = []
  readonly #launches: string[] = []
  #lab: LabCluster | undefined
  #framework: HostileFramework | undefined
  #neighbourhood: Neighbourhood | undefined

  constructor(options: HostileOptions, cage: Cage) {
    this.#options = options
    this.#cage = cage
  }

  async through(): Promise<HostileOutcome> {
    const { restMs, only, say } = this.#options
    const { lab, framework, neighbourhood } = await this.#open()
    const tasks = this.#options.tasks.filter((one) => this.#canRun(one, neighbourhood.isolators))
    const known = new Set(this.#cage.strangers())
    say('the neighbour alone')
    const before = await neighbourhood.measured(restMs, () => Promise.resolve())
    const phase = async (some: readonly HostileTask[]): Promise<Phase> => {
      say(`beside the neighbour: ${some.map(({ name }) => name).join(', ')}`)
      let ends: readonly TaskEnd[] = []
      const latency = await neighbourhood.measured(PHASE_MS_MIN, async () => {
        ends = await this.#endsOf(some, framework)
      })
      return { ends, latency }
    }
    const alone: Phase[] = []
    if (only !== 'together') for (const one of tasks) alone.push(await phase([one]))
    const together = only !== 'alone' && tasks.length > 1 ? await phase(tasks) : undefined
    const leftOfTasks = await settled(() => [
      ...leftOf(this.#launches, lab),
      ...processesOf(this.#cage).filter((line) => !known.has(line.replace(/^process /, ''))),
    ])
    say('the neighbour alone again')
    const after = await neighbourhood.measured(restMs, () => Promise.resolve())
    const neighbour = await neighbourhood.end()
    const leftAtEnd = await this.close()
    return {
      isolators: neighbourhood.isolators,
      uncaged: this.#cage.missing,
      before,
      alone,
      ...(together && { together }),
      after,
      skipped: this.#skipped,
      neighbour,
      leftBehind: [...leftOfTasks, ...leftAtEnd],
    }
  }

  /** Resolves to what is left behind. The second time it does nothing. */
  async close(): Promise<readonly string[]> {
    await this.#neighbourhood?.close()
    await this.#framework?.close()
    const lab = this.#lab
    this.#neighbourhood = undefined
    this.#framework = undefined
    this.#lab = undefined
    if (lab === undefined) return []
    const left = await lab.close({ keep: this.#options.keep ?? false })
    return [...left, ...(await settled(() => processesOf(this.#cage)))]
  }

  async #open() {
    this.#options.say('a cluster with one agent is opened')
    const hasDisk = disksNeed().found
    const { workDir, keep = false } = this.#options
    // Of its own: clusters side by side would give the same one to two neighbours.
    const port = await freePort()
    const lab = await openLab({
      masters: 1,
      agents: 1,
      resources: `${AGENT_RESOURCES};ports:[${port}-${port}]`,
      // Else who listens where it may not is only told of.
      agentFlags: ['--enforce-ports'],
      keep,
      ...(workDir !== undefined && { workDir }),
      ...(hasDisk && { smallDisksMib: { agent: AGENT_DISK_MIB } }),
    })
    this.#lab = lab
    const framework = await HostileFramework.open(lab.env['NATS_URL'] ?? '')
    this.#framework = framework
    const neighbourhood = await openNeighbourhood(framework)
    this.#neighbourhood = neighbourhood
    return { lab, framework, neighbourhood }
  }

  #canRun({ name, needs }: HostileTask, has: readonly string[]): boolean {
    const missing = needs.filter((one) => !has.includes(one))
    if (missing.length === 0) return true
    const why = `nothing here holds tasks by ${missing.join(' and ')}`
    this.#skipped.push({ name, why })
    return false
  }

  /** Launches them at once; resolves when all have ended. */
  async #endsOf(
    tasks: readonly HostileTask[],
    framework: HostileFramework,
  ): Promise<readonly TaskEnd[]> {
    const wishes = tasks.map(({ name, wish }) => ({ ...wish, name }))
    const followed = await framework.launch(() => wishes, wishes)
    return await Promise.all(
      tasks.flatMap((task, i) => {
        const following = followed[i]
        return following === undefined ? [] : [this.#endOf(task, { framework, following })]
      }),
    )
  }

  async #endOf(
    task: HostileTask,
    { framework, following }: { framework: HostileFramework; following: Following },
  ): Promise<TaskEnd> {
    const { scheduler } = framework
    const { taskId, running, ended } = following
    const begunMs = performance.now()
    let isByWatchdog = false
    const watchdog = systemClock.after(WATCHDOG_MS, () => {
      isByWatchdog = true
      scheduler.kill(taskId, { graceMs: 0 })
    })
    if (task.killedAfterMs !== undefined) {
      await this.#inTime(running)
      systemClock.after(task.killedAfterMs, () => scheduler.kill(taskId))
    }
    const { state, reason, message, launch } = await this.#inTime(ended)
    watchdog.cancel()
    if (launch !== undefined) this.#launches.push(launch)
    const seen = {
      state,
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
      isByWatchdog,
    }
    const tookMs = Math.round(performance.now() - begunMs)
    return { name: task.name, tookMs, ...seen, problems: problemsOf(task, seen) }
  }

  async #inTime(status: Promise<TaskStatus>): Promise<TaskStatus> {
    try {
      return await within(WATCHDOG_MS + LAST_MS, status, 'a hostile task has not ended')
    } catch (error) {
      await this.#cage.kill()
      throw error
    }
  }
}

const processesOf = (cage: Cage): readonly string[] =>
  (cage.strangers() ?? []).map((line) => `process ${line}`)
