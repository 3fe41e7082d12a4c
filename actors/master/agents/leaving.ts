/** Agents that say that they stop: for a while, or for good. */
import { isTerminal } from '../../../protocol/task-state.ts'
import type { Agent, Task } from '../entities.ts'
import { confirmTornDown } from '../frameworks/end.ts'
import { tellWorld } from '../public-events.ts'
import { record } from '../registry.ts'
import { endTask, forgetTask, sendKnown, tellEnd } from '../tasks.ts'
import { type LeaderTurn, log } from '../turn.ts'
import { closeSession, stepAgent, tellFailure } from './agents.ts'

/** It is pinged on: one that does not come back is lost as any other. */
export function agentStops(turn: LeaderTurn, agent: Agent): void {
  if (!stepAgent(turn, agent, 'agent.stopped')) return
  closeSession(turn, agent)
  const { agentId } = agent
  log(turn, 'an agent was stopped', { agentId, tasks: agent.tasks.size })
  tellWorld(turn, { kind: 'agent', what: 'stopped' }, { agentId })
}

/** Written to the registry first, or a later leader would wait for it. */
export function agentLeaves(turn: LeaderTurn, agent: Agent): void {
  // What it holds is not known yet: it can only be gone for a while.
  if (agent.state === 'opening') return agentStops(turn, agent)
  if (!stepAgent(turn, agent, 'agent.leaves')) return
  closeSession(turn, agent)
  const { agentId } = agent
  agent.isAdmitted = false
  turn.leader.deadlines.clear(`agent-ping ${agentId}`)
  record(turn, { kind: 'agent-left', agentId }, { after: 'forget-agent', agentId })
}

/** The registry has it. Whoever came back meanwhile is being admitted anew. */
export function agentHasLeft(turn: LeaderTurn, agent: Agent): void {
  if (agent.state !== 'leaving') return
  const { agentId } = agent
  const { agents, absent, frameworks, dirtyAgents } = turn.leader
  absent.delete(agentId)
  for (const { key, state, unconfirmed } of frameworks.values()) {
    if (state === 'ended' && unconfirmed.has(agentId)) confirmTornDown(turn, agentId, key)
  }
  for (const task of agent.tasks) leaveTask(turn, task)
  agents.delete(agentId)
  dirtyAgents.add(agentId)
  log(turn, 'an agent has left', { agentId })
  tellWorld(turn, { kind: 'agent', what: 'left' }, { agentId })
  tellFailure(turn, agentId)
}

/** Nobody repeats its statuses any more: its framework hears once more how it ended. */
function leaveTask(turn: LeaderTurn, task: Task): void {
  const { framework, agentId } = task
  if (isTerminal(task.state)) sendKnown(turn, framework, task)
  tellEnd(turn, framework, task, 'AGENT_REMOVED')
  const message = `agent ${agentId} was stopped for good`
  endTask(turn, framework, task, { state: 'TASK_GONE', reason: 'AGENT_REMOVED', message })
  forgetTask(turn, task)
}
