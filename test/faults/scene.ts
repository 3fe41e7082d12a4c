/**
 * What most rows play on: a lab with tasks that run on through the fault, under load also with
 * others that are launched all the time, and an end at which all tasks are counted.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../bus/clock.ts'
import { isTerminal, type TaskState } from '../../protocol/task-state.ts'
import type {
  FrameworkOptions,
  HeardStatus,
  LabCluster,
  LabFramework,
  LabOptions,
  LabProcess,
} from '../lab/contract.ts'
import { openLab } from '../lab/lab.ts'
import { scalarsOf } from '../lab/observed/amounts.ts'
import { EACH, openProbe, PROBE, type Probe } from './probe.ts'
import type { RowOutcome } from './row.ts'
import type { Stage } from './stage.ts'
import { type Tally, tallyOf, toldOf } from './tally.ts'

export interface SceneOptions extends LabOptions {
  /**
   * Of the tasks that run when the fault comes. Default: ten, for 4 to 8 s, and of such a size that
   * no agent has room for one more.
   */
  readonly steady?: Partial<FrameworkOptions>
  /** No master and no agent may grow by more, in MiB. Default 200. */
  readonly growthMib?: number
}

export interface Seen {
  readonly recoveryMs: number
  readonly note: string
  readonly problems?: readonly string[]
  readonly missing?: string
  /** Ends of steady tasks that the fault explains, beside TASK_FINISHED. */
  readonly mayEnd?: readonly string[]
  /** Of the observer's sentences those that the fault explains. */
  readonly explains?: RegExp
}

export interface Scene {
  readonly lab: LabCluster
  /** All its tasks run when the scene is open. */
  readonly steady: LabFramework
  readonly probe: Probe
  /** Waits until all tasks have ended, and counts them. Call it once. */
  readonly finish: (seen: Seen) => Promise<RowOutcome>
}

const STEADY: FrameworkOptions = { name: 'steady', tasks: 10, runMs: [4_000, 8_000] }
/** What is launched all the time under load: never done before it is told so. */
export const LOADING: FrameworkOptions = { name: 'loading', tasks: 0, atOnce: 8, runMs: [50, 400] }
/** Generous: of what is small and grows without bound little is left to doubt. */
export const GROWTH_MIB = 200
/** What does not come in so long will not come. */
const PATIENCE_MS = 90_000
const TRIES_MAX = 3

/** What is not given is as the lab has it. */
export async function openScene(stage: Stage, options: SceneOptions = {}): Promise<Scene> {
  const { steady: more, growthMib = GROWTH_MIB, ...labOptions } = options
  const lab = await openSurely({ ...labOptions, workDir: stage.folder, keep: true })
  let isClosed = false
  const closeLab = async (): Promise<readonly string[]> => {
    if (isClosed) return []
    isClosed = true
    return await lab.close({ keep: true })
  }
  stage.onEnd(closeLab)
  const folder = join(stage.folder, 'probe')
  mkdirSync(folder)
  lab.observer.count(PROBE, EACH)
  const probe = await openProbe({
    nats: lab.servers.map(({ url }) => url).join(','),
    folder,
    overlap: (agentId, { cpus, mem }) => lab.observer.overlap(agentId, { cpus, mem }),
  })
  stage.onEnd(() => probe.scheduler.close())
  await inTime(probe.ran(), 'a first task')
  const wanted = { ...STEADY, ...more }
  const steady = await lab.framework({ resources: fillingOf(lab, wanted), ...wanted })
  const count = wanted.tasks
  await inTime(
    steady.reaches((all) => tasksIn(all, 'TASK_RUNNING').size >= count),
    `${count} tasks that run`,
  )
  const grown = growthOf(lab, growthMib)
  // Not on agents that a row adds and that only pretend.
  const only = lab.agents.map(({ name }) => name)
  const loading = stage.isLoaded ? [await lab.framework({ ...LOADING, only })] : []
  return {
    lab,
    steady,
    probe,
    async finish(seen) {
      for (const one of loading) await inTime(one.drain(), 'the end of all that was launched')
      await inTime(
        steady.reaches((all) => ended(all) >= steady.launched().length),
        'the end of the tasks that ran when the fault came',
      )
      const tooLarge = grown()
      await probe.close()
      const frameworks = lab.frameworks.map(toldOf)
      const tally = tallyOf([...frameworks, probe])
      const violations = [...(await lab.observer.conclude()), ...probe.problems()].filter(
        (sentence) => seen.explains?.test(sentence) !== true,
      )
      const left = (await closeLab()).map((line) => `left behind: ${line}`)
      const odd = oddEnds(tallyOf([toldOf(steady)]), seen.mayEnd ?? [])
      const { lost, doubled, phantom, launched } = tally
      return {
        recoveryMs: seen.recoveryMs,
        lost,
        doubled,
        phantom,
        note: `${seen.note}; ${launched} tasks`,
        problems: [...(seen.problems ?? []), ...odd, ...violations, ...tooLarge, ...left],
        ...(seen.missing !== undefined && { missing: seen.missing }),
      }
    },
  }
}

const HUNDREDTHS = 100

/** As few cpus as leave no agent room for one more; all else has what is left. */
function fillingOf(
  { agents }: LabCluster,
  { tasks, only }: FrameworkOptions,
): Readonly<Record<string, number>> {
  const taken = agents.filter(({ name }) => only?.includes(name) !== false)
  const cpus = Math.min(...taken.map(({ resources }) => scalarsOf(resources)['cpus'] ?? 0))
  const each = Math.ceil(tasks / taken.length)
  return { ...EACH, cpus: (Math.floor((HUNDREDTHS * cpus) / (each + 1)) + 1) / HUNDREDTHS }
}

/** From now on: who has grown too much, a sentence each. One that was started again is smaller. */
function growthOf({ masters, agents }: LabCluster, mibMax: number): () => readonly string[] {
  const before = new Map([...masters, ...agents].map((one) => [one, rssMibOf(one)]))
  return () =>
    [...before].flatMap(([one, mib]) => {
      const grown = Math.round(rssMibOf(one) - mib)
      return grown > mibMax ? [`I7: ${one.name} has grown by ${grown} MiB`] : []
    })
}

const PAGES_PER_MIB = 256

function rssMibOf(one: LabProcess): number {
  if (!one.isRunning) return 0
  const pages = readFileSync(`/proc/${one.pid}/statm`, 'utf8').split(' ')[1]
  return Number(pages) / PAGES_PER_MIB
}

/** A busy machine may be too slow for actors, which give up at their start. */
async function openSurely(options: LabOptions): Promise<LabCluster> {
  for (let tries = 1; ; tries++)
    try {
      return await openLab(options)
    } catch (error) {
      const isSlow = error instanceof Error && error.message.includes('no NATS server answers')
      if (!isSlow || tries === TRIES_MAX) throw error
    }
}

/** Tasks that were told to be in one of these states. */
export function tasksIn(all: readonly HeardStatus[], ...states: readonly string[]): Set<string> {
  return new Set(all.filter(({ state }) => states.includes(state)).map(({ taskId }) => taskId))
}

/** How many tasks have ended, as their framework was told. */
export const ended = (all: readonly HeardStatus[]): number => endedTasks(all).size

/** In the order in which their ends were told. */
export const endedTasks = (all: readonly HeardStatus[]): ReadonlySet<string> =>
  new Set(all.filter(({ state }) => isTerminal(state as TaskState)).map(({ taskId }) => taskId))

function oddEnds({ ended }: Tally, mayEnd: readonly string[]): readonly string[] {
  const expected = new Set(['TASK_FINISHED', ...mayEnd])
  return Object.entries(ended)
    .filter(([state]) => !expected.has(state))
    .map(([state, count]) => `${count} of the tasks that ran ended as ${state}`)
}

/** @throws {Error} It has not come in so long. */
export async function inTime<T>(
  promise: Promise<T>,
  what: string,
  ms: number = PATIENCE_MS,
): Promise<T> {
  const tooLate = sleep(ms).then(() => {
    throw new Error(`${what} has not come within ${ms} ms`)
  })
  tooLate.catch(() => undefined)
  return await Promise.race([promise, tooLate])
}

/** Whole milliseconds since now. */
export function stopwatch(): () => number {
  const fromMs = performance.now()
  return () => Math.round(performance.now() - fromMs)
}
