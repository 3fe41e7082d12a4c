/**
 * Agents that are not there any more: their tasks are lost, or end, a part of them in each turn,
 * for one agent may have a hundred thousand. What the registry holds of such an agent was written
 * before; a later leader knows none of its tasks, and frameworks ask it.
 */
import type { AgentId } from '../../../protocol/ids.ts'
import type { Agent, Task } from '../entities.ts'
import { agentIsOver, endWithFramework } from '../frameworks/end.ts'
import { tellWorld } from '../public-events.ts'
import type { Leader } from '../state.ts'
import { endWithAgent, forgetTask, loseTask } from '../tasks.ts'
import type { LeaderTurn } from '../turn.ts'
import { expectNoLonger, forgetAgent } from './agents.ts'
import { tellFailure } from './failures.ts'
import { newParting, type Parting } from './membership.ts'

/** Tasks of all such agents that are seen to in one turn: a few milliseconds. */
const TASKS_PER_TURN = 128
/** Of one agent, before it is another's turn: who has few tasks need not wait for who has many. */
const TASKS_IN_ROW = 32

/** It goes for good: nothing is expected of it, and it is forgotten behind its last task. */
export function part(turn: LeaderTurn, agent: Agent, how: Parameters<typeof newParting>[1]): void {
  const { partings, dirtyAgents } = turn.leader
  expectNoLonger(turn, agent)
  dirtyAgents.add(agent.agentId)
  partings.set(agent.agentId, newParting(agent, how))
}

/** It goes for good, and not all of its tasks have ended: nobody may have its id meanwhile. */
export function isParting({ partings }: Leader, agentId: AgentId): boolean {
  const parting = partings.get(agentId)
  return parting !== undefined && parting.how !== 'unreachable'
}

/** The next tasks of each. */
export function partSome(turn: LeaderTurn): void {
  const { partings } = turn.leader
  let left = TASKS_PER_TURN
  for (const [agentId, parting] of partings) {
    const most = Math.min(left, TASKS_IN_ROW)
    const unused = seeToSome(turn, parting, most)
    left -= Math.max(1, most - unused)
    // Behind the others.
    partings.delete(agentId)
    if (unused === 0) partings.set(agentId, parting)
    else end(turn, parting)
    if (left === 0) return
  }
}

/** Returns how many more it could have been; zero: there may be more. */
function seeToSome(turn: LeaderTurn, parting: Parting, most: number): number {
  for (let left = most; left > 0; left--) {
    const { done, value } = parting.tasks.next()
    if (done === true) return left
    seeTo(turn, parting, value)
  }
  return 0
}

function seeTo(turn: LeaderTurn, { how, end }: Parting, task: Task): void {
  if (how === 'unreachable') return loseTask(turn, task)
  if (task.framework.state === 'ended') endWithFramework(turn, task)
  // Without an end nobody knows how it is, and from here on nobody knows it: who asks hears that.
  else if (end !== undefined) endWithAgent(turn, task, end)
  forgetTask(turn, task)
}

/** Nothing is left of it: the world is told that, and frameworks. */
function end(turn: LeaderTurn, { agent, how, principal }: Parting): void {
  const { agentId } = agent
  if (how !== 'unreachable') {
    agentIsOver(turn, agentId)
    forgetAgent(turn, agent)
  }
  if (how === 'forgotten') return
  tellWorld(turn, { kind: 'agent', what: how }, { agentId, ...(principal && { principal }) })
  tellFailure(turn, agentId)
}
