/** May this task be started with what is left of the offers? */
import { AGENT_TASKS_MAX } from '../../protocol/limits.ts'
import {
  describeResources,
  isEmpty,
  parseResources,
  type Resources,
  subtractResources,
} from '../../protocol/resources.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import type { Agent, Framework } from './entities.ts'

/** `problem` is a sentence for the framework's author. */
export type Validity =
  | { readonly wanted: Resources; readonly left: Resources }
  | { readonly problem: string }

export function validateLaunch(
  framework: Framework,
  agent: Agent,
  { task, pool }: { readonly task: TaskInfo; readonly pool: Resources },
): Validity {
  if (agent.tasks.size >= AGENT_TASKS_MAX) {
    return { problem: `agent ${agent.agentId} has ${AGENT_TASKS_MAX} tasks, and takes no more` }
  }
  const { argv, shell } = task.command
  if ((argv === undefined) === (shell === undefined)) {
    return { problem: 'the command has not exactly one of argv and shell' }
  }
  if (framework.tasks.has(task.taskId)) {
    return { problem: `a task ${task.taskId} of this framework has not ended yet` }
  }
  const wanted = parseResources(task.resources)
  if ('code' in wanted) return { problem: wanted.message }
  if (isEmpty(wanted)) return { problem: 'it wants no resources at all' }
  const left = subtractResources(pool, wanted)
  if (left !== undefined) return { wanted, left }
  const given = describeResources(pool)
  return { problem: `it wants ${describeResources(wanted)}; left of the offers is ${given}` }
}
