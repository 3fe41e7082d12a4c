/** Kills of one framework that nobody could be told: the task's agent may still come with it. */
import type { AgentId, TaskId } from '../../../protocol/ids.ts'
import { KILLS_REMEMBERED_MAX } from '../../../protocol/limits.ts'
import { Recent } from '../../parts/recent.ts'

interface Launched {
  readonly taskId: TaskId
  readonly agentId: AgentId
}

/** Each is for what the agent brings that it names, or for whatever is brought under the id. */
export class RememberedKills<Kill> {
  readonly #kills = new Recent<string, Kill>(KILLS_REMEMBERED_MAX)

  add(taskId: TaskId, agentId: AgentId | undefined, kill: Kill): void {
    this.#kills.set(agentId === undefined ? taskId : atAgent({ taskId, agentId }), kill)
  }

  /** It stays: more than one agent may bring a launch of the id. */
  of(brought: Launched): Kill | undefined {
    return this.#kills.get(atAgent(brought)) ?? this.#kills.get(brought.taskId)
  }

  /** Its framework has launched it anew: what it said before is not for this one. */
  forget(launched: Launched): void {
    this.#kills.delete(launched.taskId)
    this.#kills.delete(atAgent(launched))
  }
}

/** No token holds a dot. */
const atAgent = ({ taskId, agentId }: Launched): string => `${taskId}.${agentId}`
