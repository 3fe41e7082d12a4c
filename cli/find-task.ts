/** Finds the one task that a person means. */
import { ClusterError } from '../protocol/errors.ts'
import type { TaskItem } from '../protocol/schema/operator.ts'
import { isTerminal } from '../protocol/task-state.ts'
import { wrongUse } from './exit-code.ts'
import type { OperatorClient } from './operator-client.ts'

const NAMED_MAX = 5

/**
 * `wanted` is a prefix of a task's id, or `FRAMEWORK/TASK` with a prefix of each. A whole id wins
 * over prefixes; of what ended and what did not, the latter wins.
 *
 * @throws {ClusterError} `cli/no-task`; `cli/several-tasks`; `cli/usage`; as `ask`.
 */
export async function findTask(client: OperatorClient, wanted: string): Promise<TaskItem> {
  const parts = /^(?:(?<framework>[\w-]{1,64})\/)?(?<task>[\w-]{1,64})$/.exec(wanted)?.groups
  const { framework = '', task } = parts ?? {}
  if (task === undefined) throw wrongUse(`"${wanted}" is neither TASK nor FRAMEWORK/TASK`)
  const found: TaskItem[] = []
  for await (const page of client.list('tasks', task))
    found.push(
      ...page.filter((item) => isMeant(item.taskId, task) && isMeant(item.frameworkId, framework)),
    )
  return theOne(wanted, narrowed(found, task, framework))
}

const isMeant = (id: string, prefix: string): boolean => id.startsWith(prefix)

function narrowed(
  found: readonly TaskItem[],
  task: string,
  framework: string,
): readonly TaskItem[] {
  return [
    (item: TaskItem) => item.taskId === task,
    (item: TaskItem) => item.frameworkId === framework,
    (item: TaskItem) => !isTerminal(item.state),
  ].reduce((left, prefers) => {
    const preferred = left.filter(prefers)
    return preferred.length > 0 ? preferred : left
  }, found)
}

function theOne(wanted: string, found: readonly TaskItem[]): TaskItem {
  const [first, ...others] = found
  if (first === undefined)
    throw new ClusterError('cli/no-task', 'never', `no task has an id that begins with ${wanted}`)
  if (others.length === 0) return first
  const names = found
    .slice(0, NAMED_MAX)
    .map(({ frameworkId, taskId }) => `${frameworkId}/${taskId}`)
  const more = found.length > NAMED_MAX ? ` and ${found.length - NAMED_MAX} more` : ''
  throw new ClusterError(
    'cli/several-tasks',
    'never',
    `${wanted} begins ${found.length} tasks: ${names.join(', ')}${more}`,
  )
}
