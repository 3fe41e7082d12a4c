/** Finds the task that a person means. */
import { ClusterError } from '../protocol/errors.ts'
import { isLaterLaunch } from '../protocol/ids.ts'
import type { TaskItem } from '../protocol/schema/operator.ts'
import { isTerminal } from '../protocol/task-state.ts'
import { agentsAway, mayRunOn } from './agents-away.ts'
import { wrongUse } from './exit-code.ts'
import type { OperatorClient } from './operator-client.ts'

/** Prefixes, both. */
export interface WantedTask {
  readonly text: string
  readonly framework: string
  readonly task: string
}

export interface FoundTask {
  readonly task: TaskItem
  /** Others of that very id. */
  readonly others: readonly TaskItem[]
}

const NAMED_MAX = 5

/** `TASK` or `FRAMEWORK/TASK`, each the begin of an id. @throws {ClusterError} `cli/usage`. */
export function wantedTask(text: string): WantedTask {
  const parts = /^(?:(?<framework>[\w-]{1,64})\/)?(?<task>[\w-]{1,64})$/.exec(text)?.groups
  const { framework = '', task } = parts ?? {}
  if (task === undefined) throw wrongUse(`"${text}" is neither TASK nor FRAMEWORK/TASK`)
  return { text, framework, task }
}

/**
 * All that may be meant. Whole ids win over longer ones that begin so, and so do whole names:
 * `web` is `web-0` and `web-1`, and not `web2-0`.
 *
 * @throws {ClusterError} as `ask`.
 */
export async function tasksMeant(
  client: OperatorClient,
  { framework, task }: WantedTask,
): Promise<readonly TaskItem[]> {
  const found: TaskItem[] = []
  for await (const page of client.list('tasks', task))
    found.push(
      ...page.filter(
        ({ taskId, frameworkId }) => taskId.startsWith(task) && frameworkId.startsWith(framework),
      ),
    )
  const whole = preferring(found, ({ taskId }) => taskId === task)
  const named = preferring(whole, ({ taskId }) => /^-\d+$/.test(taskId.slice(task.length)))
  return preferring(named, ({ frameworkId }) => frameworkId === framework)
}

/**
 * The one to look at: of several with the same id the newest.
 *
 * @throws {ClusterError} `cli/no-task`; `cli/several-tasks`; as `ask`.
 */
export async function findTask(client: OperatorClient, wanted: WantedTask): Promise<FoundTask> {
  const found = newestFirst(await tasksMeant(client, wanted))
  const live = preferring(found, ({ state }) => !isTerminal(state))
  const [task] = live
  if (task === undefined) throw await noTask(client, wanted)
  if (live.some(({ taskId }) => taskId !== task.taskId)) throw severalTasks(wanted, live)
  return { task, others: othersOfId(task, found) }
}

/** Those of other frameworks: earlier attempts of a framework's own task have its very name. */
export const othersOfId = (task: TaskItem, found: readonly TaskItem[]): readonly TaskItem[] =>
  found.filter((other) => other.taskId === task.taskId && nameOfTask(other) !== nameOfTask(task))

/**
 * The one to end: of several that have not ended nobody guesses. One that has ended already is
 * found where there is no other.
 *
 * @throws {ClusterError} `cli/no-task`; `cli/several-tasks`; as `ask`.
 */
export async function findTaskToEnd(client: OperatorClient, wanted: WantedTask): Promise<TaskItem> {
  const found = newestFirst(await tasksMeant(client, wanted))
  const live = found.filter(({ state }) => !isTerminal(state))
  if (live.length > 1) throw severalTasks(wanted, live, howToEndAll(live))
  const task = live[0] ?? found[0]
  if (task === undefined) throw await noTask(client, wanted)
  return task
}

/** By when they were launched. */
export const newestFirst = (tasks: readonly TaskItem[]): readonly TaskItem[] =>
  tasks.toSorted((a, b) => (a.launch === b.launch ? 0 : isLaterLaunch(a.launch, b.launch) ? -1 : 1))

/** For people: how to say which one. */
export const nameOfTask = ({ frameworkId, taskId }: TaskItem): string => `${frameworkId}/${taskId}`

/** `a, b and 3 more`. */
export function namesOfTasks(tasks: readonly TaskItem[]): string {
  const names = tasks.slice(0, NAMED_MAX).map(nameOfTask).join(', ')
  return tasks.length > NAMED_MAX ? `${names} and ${tasks.length - NAMED_MAX} more` : names
}

function preferring(
  tasks: readonly TaskItem[],
  isPreferred: (task: TaskItem) => boolean,
): readonly TaskItem[] {
  const preferred = tasks.filter(isPreferred)
  return preferred.length > 0 ? preferred : tasks
}

async function noTask(client: OperatorClient, { text }: WantedTask): Promise<ClusterError> {
  const where = mayRunOn(await agentsAway(client))
  const message = `no task has an id that begins with ${text}${where ? `, as far as the leader knows; ${where}` : ''}`
  return new ClusterError('cli/no-task', 'never', message)
}

const severalTasks = ({ text }: WantedTask, tasks: readonly TaskItem[], hint = ''): ClusterError =>
  new ClusterError(
    'cli/several-tasks',
    'never',
    `${text} begins ${tasks.length} tasks: ${namesOfTasks(tasks)}${hint}`,
  )

function howToEndAll([first, ...rest]: readonly TaskItem[]): string {
  const isOne = rest.every(({ frameworkId }) => frameworkId === first?.frameworkId)
  return isOne ? `; all of them: bourse teardown ${first?.frameworkId}` : ''
}
