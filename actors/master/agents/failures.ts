/** Frameworks hear of agents that are not there any more: of each, each framework. */
import type { AgentId } from '../../../protocol/ids.ts'
import type { Leader } from '../state.ts'
import type { LeaderTurn } from '../turn.ts'

/** Of so many agents each framework is told at once. */
const AGENTS_AT_ONCE = 256
/** What is said in one turn, and to how many: each is a message of its own. */
const PER_TURN = 1_024
/** A message costs as much as so many agents in it. */
const MESSAGE = 7

export function tellFailure({ leader }: Pick<LeaderTurn, 'leader'>, agentId: AgentId): void {
  leader.failures.waiting.add(agentId)
}

export const wantsToTellFailures = ({ failures }: Leader): boolean =>
  failures.waiting.size > 0 || failures.telling !== undefined

/** Goes on telling them. */
export function tellFailures({ leader }: LeaderTurn): void {
  const { failures, events } = leader
  for (let left = PER_TURN; left > 0; ) {
    failures.telling ??= nextOf(leader)
    if (failures.telling === undefined) return
    const { agentIds, frameworks } = failures.telling
    const { done, value: framework } = frameworks.next()
    left -= 1
    if (done === true) failures.telling = undefined
    else if (framework.state === 'subscribed') {
      left -= MESSAGE + agentIds.length
      for (const agentId of agentIds)
        events.add(framework.key, framework, { kind: 'failure', agentId })
    }
  }
}

function nextOf({ failures, frameworks }: Leader): Leader['failures']['telling'] {
  if (failures.waiting.size === 0) return undefined
  const agentIds: AgentId[] = []
  for (const agentId of failures.waiting) {
    if (agentIds.length === AGENTS_AT_ONCE) break
    failures.waiting.delete(agentId)
    agentIds.push(agentId)
  }
  return { agentIds, frameworks: frameworks.values() }
}
