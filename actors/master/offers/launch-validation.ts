/** May this task be started with what is left of the offers? */
import { CONTAINERIZERS } from '../../../protocol/agent-attributes.ts'
import { onlyForProcesses, problemOfContainer } from '../../../protocol/container-problem.ts'
import { AGENT_TASKS_MAX } from '../../../protocol/limits.ts'
import {
  isEmpty,
  type ResourceBook,
  type Resources,
  rangesOf,
  scalarOf,
  takeFrom,
} from '../../../protocol/resources.ts'
import { fromThousandths } from '../../../protocol/scalar.ts'
import type { TaskInfo } from '../../../protocol/schema/common.ts'
import { spellResources } from '../../../protocol/spell-resources.ts'
import { problemOfTask } from '../../../protocol/task-problem.ts'
import type { Agent } from '../entities.ts'
import type { Leader } from '../state.ts'
import { lackingIsolator } from './isolators.ts'
import { parseWish } from './wishes.ts'

/** `problem` is a sentence for the framework's author. */
export type Validity = { readonly wanted: Resources } | { readonly problem: string }

export interface Wished {
  readonly task: TaskInfo
  /** What is left of the offers. */
  readonly pool: ResourceBook
  /** Valid ones of its group that the agent is still to get; undefined: it is of none. */
  readonly before?: number
}

/** What it wants is taken out of `pool`, if it is valid. */
export function validateLaunch(
  leader: Leader,
  agent: Agent,
  { task, pool, before }: Wished,
): Validity {
  if (agent.tasks.size + (before ?? 0) >= AGENT_TASKS_MAX) {
    return { problem: `agent ${agent.agentId} has ${AGENT_TASKS_MAX} tasks, and takes no more` }
  }
  const problem = problemOfTask(task) ?? lackingIsolator(agent.info, task)
  if (problem !== undefined) return { problem }
  const wanted = parseWish(leader, task.resources)
  if ('code' in wanted) return { problem: wanted.message }
  const gpus = fromThousandths(scalarOf(wanted, 'gpus'))
  const unheld =
    problemOfContainer(task, rangesOf(wanted, 'ports')) ??
    onlyForProcesses(task, { gpus, isGrouped: before !== undefined }) ??
    lacksContainerizer(agent, task)
  if (unheld !== undefined) return { problem: unheld }
  if (isEmpty(wanted)) return { problem: 'it wants no resources at all' }
  if (!Number.isInteger(gpus)) return { problem: `it wants ${gpus} gpus, no whole number` }
  const low = lowLimit(task, wanted)
  if (low !== undefined) return { problem: low }
  if (takeFrom(pool, wanted)) return { wanted }
  const given = spellResources(pool)
  return { problem: `it wants ${spellResources(wanted)}; left of the offers is ${given}` }
}

/** Of an agent that does not say what it has nothing but processes is expected. */
function lacksContainerizer(agent: Agent, { container }: TaskInfo): string | undefined {
  if (container === undefined) return undefined
  const has = agent.info?.attributes.find(({ name }) => name === CONTAINERIZERS)?.text ?? 'process'
  if (has.split(',').includes(container.kind)) return undefined
  return `agent ${agent.agentId} runs no containers of the kind "${container.kind}": it has ${has}`
}

/** What it was promised it must be able to use. */
function lowLimit({ limits = {} }: TaskInfo, wanted: Resources): string | undefined {
  for (const name of ['cpus', 'mem'] as const) {
    const [limit, least] = [limits[name], fromThousandths(scalarOf(wanted, name))]
    if (limit !== undefined && limit < least) {
      return `its limit of ${name} is ${limit}, less than the ${least} that it wants`
    }
  }
  return undefined
}
