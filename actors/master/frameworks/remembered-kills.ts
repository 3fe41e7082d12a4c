/** Kills of one framework that nobody could be told: the task's agent may still come with it. */
import { type AgentId, isLaterLaunch, type Launch, type TaskId } from '../../../protocol/ids.ts'
import { KILLS_REMEMBERED_MAX } from '../../../protocol/limits.ts'
import type { KillTask } from '../../../protocol/schema/calls.ts'
import { Recent } from '../../parts/recent.ts'

/** What a kill says of whom it is for. */
type Asked = Pick<KillTask, 'taskId' | 'agentId' | 'launch'>
type Reach = Pick<Asked, 'launch'>

interface Launched {
  readonly taskId: TaskId
  readonly agentId: AgentId
  readonly launch: Launch
}

/** Who named a launch knew of no later one under that id. */
export function isMeant(asked: Reach, { launch }: Pick<Launched, 'launch'>): boolean {
  return asked.launch === undefined || !isLaterLaunch(launch, asked.launch)
}

/** Each is for what the agent brings that it names, or for whatever is brought under the id. */
export class RememberedKills<Kill> {
  readonly #kills = new Recent<string, Reach & { readonly kill: Kill }>(KILLS_REMEMBERED_MAX)

  add(asked: Asked, kill: Kill): void {
    const { taskId, agentId } = asked
    const key = agentId === undefined ? taskId : atAgent({ taskId, agentId })
    const { launch } = wider(this.#kills.get(key) ?? asked, asked)
    this.#kills.set(key, { ...(launch !== undefined && { launch }), kill })
  }

  /** It stays: more than one agent may bring a launch of the id. */
  of(brought: Launched): Kill | undefined {
    const said = [this.#kills.get(atAgent(brought)), this.#kills.get(brought.taskId)]
    return said.find((one) => one !== undefined && isMeant(one, brought))?.kill
  }

  /** Its framework has launched it anew: what it said before is not for this one. */
  forget(launched: Omit<Launched, 'launch'>): void {
    this.#kills.delete(launched.taskId)
    this.#kills.delete(atAgent(launched))
  }
}

/** Both are said: what the one spares the other may mean. */
function wider(one: Reach, other: Reach): Reach {
  if (one.launch === undefined || other.launch === undefined) return {}
  return isLaterLaunch(other.launch, one.launch) ? other : one
}

/** No token holds a dot. */
const atAgent = ({ taskId, agentId }: Omit<Launched, 'launch'>): string => `${taskId}.${agentId}`
