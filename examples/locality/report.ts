/** What the experiment tells people: a line for each setting. */
import type { Outcome, Plan, Setting } from './experiment.ts'

const NAME_WIDTH = 23

export function planLine(plan: Plan): string {
  const { agents, jobs, tasksPerJob, taskMs, copies, seed } = plan
  const what = `${jobs} jobs of ${tasksPerJob} tasks, ${seconds(taskMs)} each`
  return `${what}, on ${agents} agents that run 2 at a time; ${copies} of them hold a task's data; seed ${seed}`
}

export const headLine = (): string => `${'CLUSTER'.padEnd(NAME_WIDTH)}  LOCAL  JOB`

export function outcomeLine({ setting, local, tasks, jobMs }: Outcome): string {
  const part = `${percentOf({ local, tasks })} %`.padStart('LOCAL'.length)
  return `${nameOf(setting).padEnd(NAME_WIDTH)}  ${part}  ${seconds(jobMs)}`
}

/** Rounded down: what is told was reached. */
export const percentOf = ({ local, tasks }: Pick<Outcome, 'local' | 'tasks'>): number =>
  Math.floor((100 * local) / tasks)

function nameOf(setting: Setting): string {
  if (setting.kind === 'split') return 'split, each has its own'
  return setting.waitMs === 0 ? 'shared, no wait' : `shared, wait ${seconds(setting.waitMs)}`
}

const seconds = (ms: number): string => `${Number((ms / 1000).toFixed(1))} s`
