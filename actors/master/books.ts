/** The master's own count: what is free on an agent, what a role has. Nothing else changes it. */

import assert from 'node:assert/strict'
import { type FrameworkKey, frameworkKey } from '../../protocol/ids.ts'
import { addResources, type Resources, subtractResources } from '../../protocol/resources.ts'
import { type Agent, type Framework, newRole, type RoleState, type Task } from './state.ts'
import type { LeaderTurn } from './turn.ts'

export function frameworkOf({ leader }: LeaderTurn, key: FrameworkKey): Framework | undefined {
  return leader.frameworks.get(frameworkKey(key))
}

/** The agent's figures have changed: the allocator is told at the end of the turn. */
export function touchAgent({ leader }: LeaderTurn, agent: Agent): void {
  agent.version += 1
  leader.dirtyAgents.add(agent.agentId)
}

/** The role's figures have changed: the allocator is told at the end of the turn. */
export function touchRole({ leader }: LeaderTurn, framework: Framework, role: string): void {
  const { principal, frameworkId } = framework
  const entry = { framework: { principal, frameworkId }, role }
  leader.dirtyRoles.set(`${framework.key} ${role}`, entry)
}

/** A role of a framework: one that it has left stays as long as something is allocated to it. */
export function roleOf(framework: Framework, role: string): RoleState {
  const known = framework.roles.get(role)
  if (known !== undefined) return known
  const fresh = newRole()
  framework.roles.set(role, fresh)
  return fresh
}

/** What moves: resources of one agent, for one role. */
export interface Share {
  readonly framework: Framework
  readonly role: string
  readonly agent: Agent
  readonly resources: Resources
}

/** From free to the role. @throws {AssertionError} if it is not free. */
export function take(turn: LeaderTurn, { framework, role, agent, resources }: Share): void {
  const free = subtractResources(agent.free, resources)
  assert(free !== undefined, `what is taken of ${agent.agentId} is not free there`)
  agent.free = free
  allot(turn, framework, role, resources)
  touchAgent(turn, agent)
}

/** From the role to free. */
export function giveBack(turn: LeaderTurn, { framework, role, agent, resources }: Share): void {
  agent.free = addResources(agent.free, resources)
  unallot(turn, framework, role, resources)
  touchAgent(turn, agent)
}

/** Adds to what the role has, without an agent's books: for what an agent has just reported. */
export function allot(
  turn: LeaderTurn,
  framework: Framework,
  role: string,
  resources: Resources,
): void {
  const state = roleOf(framework, role)
  state.allocated = addResources(state.allocated, resources)
  touchRole(turn, framework, role)
}

export function unallot(
  turn: LeaderTurn,
  framework: Framework,
  role: string,
  resources: Resources,
): void {
  const state = roleOf(framework, role)
  const left = subtractResources(state.allocated, resources)
  assert(left !== undefined, `more is given back than ${framework.key} has`)
  state.allocated = left
  touchRole(turn, framework, role)
}

/** The task counts no longer; `agent` is where it ran. */
export function releaseTask(turn: LeaderTurn, task: Task, agent: Agent | undefined): void {
  if (!task.isHeld) return
  task.isHeld = false
  const framework = frameworkOf(turn, task.framework)
  assert(framework !== undefined, `task ${task.taskId} has no framework`)
  const { role, resources } = task
  if (agent !== undefined) giveBack(turn, { framework, role, agent, resources })
  else unallot(turn, framework, role, resources)
}
