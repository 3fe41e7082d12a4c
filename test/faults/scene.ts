/**
 * What most rows play on: a lab with tasks that run on through the fault, under load also with
 * others that are launched all the time, and an end at which all tasks are counted.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../bus/clock.ts'
import { isTerminal, type TaskState } from '../../protocol/task-state.ts'
import type {
  FrameworkOptions,
  HeardStatus,
  LabCluster,
  LabFramework,
  LabOptions,
} from '../lab/contract.ts'
import { openLab } from '../lab/lab.ts'
import { openProbe, type Probe } from './probe.ts'
import type { RowOutcome } from './row.ts'
import type { Stage } from './stage.ts'
import { type Tally, tallyOf, toldOf } from './tally.ts'

export interface SceneOptions extends LabOptions {
  /** Of the tasks that run when the fault comes. Default: ten, for 4 to 8 s. */
  readonly steady?: Partial<FrameworkOptions>
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
/** What does not come in so long will not come. */
const PATIENCE_MS = 90_000
const TRIES_MAX = 3

/** What is not given is as the lab has it. */
export async function openScene(stage: Stage, options: SceneOptions = {}): Promise<Scene> {
  const { steady: more, ...labOptions } = options
  const lab = await openSurely({ ...labOptions, workDir: stage.folder })
  let isClosed = false
  const closeLab = async (): Promise<readonly string[]> => {
    if (isClosed) return []
    isClosed = true
    return await lab.close({ keep: stage.keepsFiles })
  }
  stage.onEnd(closeLab)
  const folder = join(stage.folder, 'probe')
  mkdirSync(folder)
  const probe = await openProbe(lab.servers.map(({ url }) => url).join(','), folder)
  stage.onEnd(() => probe.scheduler.close())
  await inTime(probe.ran(), 'a first task')
  const steady = await lab.framework({ ...STEADY, ...more })
  const count = more?.tasks ?? STEADY.tasks
  await inTime(
    steady.reaches((all) => tasksIn(all, 'TASK_RUNNING').size >= count),
    `${count} tasks that run`,
  )
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
      await probe.close()
      const frameworks = lab.frameworks.map(toldOf)
      const tally = tallyOf([...frameworks, probe])
      const violations = (await lab.observer.conclude()).filter(
        (sentence) => seen.explains?.test(sentence) !== true,
      )
      const left = (await closeLab())
        .filter((line) => !stage.keepsFiles || !line.startsWith('folder '))
        .map((line) => `left behind: ${line}`)
      const odd = oddEnds(tallyOf([toldOf(steady)]), seen.mayEnd ?? [])
      const { lost, doubled, phantom, launched } = tally
      return {
        recoveryMs: seen.recoveryMs,
        lost,
        doubled,
        phantom,
        note: `${seen.note}; ${launched} tasks`,
        problems: [...(seen.problems ?? []), ...odd, ...violations, ...left],
        ...(seen.missing !== undefined && { missing: seen.missing }),
      }
    },
  }
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
export const ended = (all: readonly HeardStatus[]): number =>
  new Set(all.filter(({ state }) => isTerminal(state as TaskState)).map(({ taskId }) => taskId))
    .size

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
