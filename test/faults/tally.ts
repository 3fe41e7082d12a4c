/** What became of tasks: what their frameworks were told, beside the files that tasks write. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isTerminal, type TaskState } from '../../protocol/task-state.ts'
import type { LabFramework } from '../lab/contract.ts'
import { Journal } from '../lab/journal.ts'

/** One framework's side of it. */
export interface Told {
  /** States in the order in which they were told, by task. */
  told(): ReadonlyMap<string, readonly TaskState[]>
  launched(): readonly string[]
  /** Those that it wanted to launch, and was told that nobody did. */
  refused?(): readonly string[]
  /** How often the task has said that it started. */
  startsOf(taskId: string): number
}

export interface Tally {
  readonly launched: number
  /** By terminal state. */
  readonly ended: Readonly<Record<string, number>>
  readonly lost: number
  readonly doubled: number
  readonly phantom: number
}

/** The leader and the agent say: it has never started. */
const NEVER: ReadonlySet<TaskState> = new Set(['TASK_DROPPED', 'TASK_ERROR'])

export function tallyOf(all: readonly Told[]): Tally {
  const ended: Record<string, number> = {}
  const sums = { launched: 0, lost: 0, doubled: 0, phantom: 0 }
  for (const framework of all) {
    const told = framework.told()
    const launched = new Set(framework.launched())
    sums.launched += launched.size
    const unasked = new Set([
      ...[...told.keys()].filter((taskId) => !launched.has(taskId)),
      ...(framework.refused?.() ?? []).filter((taskId) => framework.startsOf(taskId) > 0),
    ])
    sums.phantom += unasked.size
    for (const taskId of launched) {
      // At least once: the same end may be told again.
      const ends = new Set((told.get(taskId) ?? []).filter(isTerminal))
      const starts = framework.startsOf(taskId)
      for (const end of ends) ended[end] = (ended[end] ?? 0) + 1
      const isUntrue = starts > 0 && [...ends].some((end) => NEVER.has(end))
      if (ends.size === 0 || isUntrue) sums.lost += 1
      if (starts > 1 || ends.size > 1) sums.doubled += 1
      // Others may not have come to start.
      if (starts === 0 && ends.has('TASK_FINISHED')) sums.phantom += 1
    }
  }
  return { ...sums, ended }
}

/** What the framework of a lab was told, from its folder. */
export function toldOf(framework: LabFramework): Told {
  // A refused accept has launched nothing, and what nobody knows was never launched; a start or a
  // status of such a task is a phantom.
  const refused = (): readonly string[] =>
    new Journal(framework.folder)
      .entries()
      .flatMap((one) => (one.do === 'refuse' || one.do === 'give-up' ? [one.taskId] : []))
  return {
    told() {
      const states = new Map<string, TaskState[]>()
      for (const { taskId, state } of framework.statuses())
        if (state !== 'TASK_UNKNOWN')
          states.set(taskId, [...(states.get(taskId) ?? []), state as TaskState])
      return states
    },
    refused,
    launched() {
      const never = new Set(refused())
      return framework.launched().filter((taskId) => !never.has(taskId))
    },
    startsOf(taskId) {
      const path = join(framework.folder, 'starts', taskId)
      return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0
    },
  }
}
