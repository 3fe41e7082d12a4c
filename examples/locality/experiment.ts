/** The experiment: the same jobs, on a cluster that is split, and on one that they share. */
import { type Block, seededNumbers, spreadBlocks } from './blocks.ts'
import type { OwnCluster } from './cluster.ts'
import { type JobResult, runJob } from './job.ts'

export interface Plan {
  readonly agents: number
  /** Each is a framework of its own. */
  readonly jobs: number
  readonly tasksPerJob: number
  readonly taskMs: number
  /** So many agents hold a block. */
  readonly copies: number
  readonly waitsMs: readonly number[]
  readonly seed: number
}

/** How the cluster is given to the jobs. */
export type Setting =
  /** Each job has agents of its own. */
  | { readonly kind: 'split' }
  /** All jobs have all agents; a task waits so long for one that holds its block. */
  | { readonly kind: 'shared'; readonly waitMs: number }

export interface Outcome {
  readonly setting: Setting
  readonly tasks: number
  /** Tasks that ran where their block lies. */
  readonly local: number
  /** From the first start of all to the last end of a job, on average. */
  readonly jobMs: number
}

export const settingsOf = ({ waitsMs }: Plan): readonly Setting[] => [
  { kind: 'split' },
  ...waitsMs.map((waitMs): Setting => ({ kind: 'shared', waitMs })),
]

/** The blocks of each job; the same for all settings. */
export function blocksOf(plan: Plan, agents: readonly string[]): readonly (readonly Block[])[] {
  const { jobs, tasksPerJob: blocks, copies, seed } = plan
  const random = seededNumbers(seed)
  return Array.from({ length: jobs }, () => spreadBlocks({ agents, blocks, copies, random }))
}

/** The agents of one job, if each has its own: as many as another. */
export function partitionOf(agents: readonly string[], job: number, jobs: number): Set<string> {
  return new Set(agents.filter((_, index) => index % jobs === job))
}

/** Runs all jobs at once, to their end. @throws {ClusterError} as `runJob`. */
export async function runSetting(
  plan: Plan,
  { url, agents }: OwnCluster,
  setting: Setting,
): Promise<Outcome> {
  const { jobs, taskMs } = plan
  const results = await Promise.all(
    blocksOf(plan, agents).map((blocks, job) =>
      runJob({
        name: `job-${job + 1}`,
        nats: url,
        blocks,
        taskMs,
        waitMs: setting.kind === 'split' ? 0 : setting.waitMs,
        ...(setting.kind === 'split' && { partition: partitionOf(agents, job, jobs) }),
      }),
    ),
  )
  return outcomeOf(setting, results)
}

export function outcomeOf(setting: Setting, results: readonly JobResult[]): Outcome {
  const sum = (of: (result: JobResult) => number): number =>
    results.reduce((all, result) => all + of(result), 0)
  const startedAtMs = Math.min(...results.map((result) => result.startedAtMs))
  return {
    setting,
    tasks: sum(({ tasks }) => tasks),
    local: sum(({ local }) => local),
    jobMs: sum(({ endedAtMs }) => endedAtMs - startedAtMs) / results.length,
  }
}
