/** The master's own count: what is free on an agent, what a role has. Nothing else changes it. */
import assert from 'node:assert/strict'
import { type FrameworkKey, frameworkKey } from '../../protocol/ids.ts'
import {
  addResources,
  isEmpty,
  NO_RESOURCES,
  putInto,
  type ResourceBook,
  type Resources,
  scalarsOf,
  takeFrom,
} from '../../protocol/resources.ts'
import { type Agent, type Framework, type Member, newMember, type Task } from './entities.ts'
import { countAllotted } from './roles/books.ts'
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
export function touchMember({ leader }: LeaderTurn, framework: Framework, role: string): void {
  const roles = leader.dirtyMembers.get(framework)
  if (roles === undefined) leader.dirtyMembers.set(framework, new Set([role]))
  else roles.add(role)
}

/** The roles that a framework has asked for. */
export function wantedRoles({ roles }: Framework): readonly string[] {
  return [...roles].flatMap(([role, { isLeft }]) => (isLeft ? [] : [role]))
}

/** A role of a framework; one that it did not ask for stays while something is allocated to it. */
export function memberOf(framework: Framework, role: string): Member {
  const known = framework.roles.get(role)
  if (known !== undefined) return known
  const fresh = newMember()
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
  if (!takeFrom(agent.free, resources))
    assert.fail(`what is taken of ${agent.agentId} is not free there`)
  allot(turn, framework, role, resources)
  touchAgent(turn, agent)
}

/** From the role to free. */
export function giveBack(turn: LeaderTurn, { framework, role, agent, resources }: Share): void {
  unallot(turn, framework, role, resources)
  // The books of any other agent are opened when its session is confirmed.
  if (agent.state !== 'registered') return
  if (agent.isOverdrawn) countFree(turn, agent)
  else putInto(agent.free, resources)
  touchAgent(turn, agent)
}

/** What the tasks that count hold of the agent. */
export function heldAt(agent: Agent): Resources {
  let held = NO_RESOURCES
  for (const task of agent.tasks) if (task.isHeld) held = addResources(held, task.resources)
  return held
}

/**
 * Counts anew: more may be held of an agent than it says it has, or the same port by two tasks.
 * Then nothing of it is free.
 */
export function countFree({ leader }: LeaderTurn, agent: Agent): void {
  const free: ResourceBook = new Map(agent.total)
  // One by one: the sum of all would hold a port once that two of them hold.
  let fits = true
  for (const task of agent.tasks) {
    if (task.isHeld && !takeFrom(free, task.resources)) fits = false
  }
  for (const id of agent.offers) {
    if (!takeFrom(free, leader.offers.get(id)?.resources ?? NO_RESOURCES)) fits = false
  }
  agent.free = fits ? free : new Map()
  agent.isOverdrawn = !fits
}

/** A task that its agent has reported counts from now on. */
export function holdTask(turn: LeaderTurn, task: Task): void {
  if (task.isHeld) return
  const agent = agentOf(turn, task)
  const { framework, role, resources } = task
  task.isHeld = true
  allot(turn, framework, role, resources)
  // The books of any other agent are opened when its session is confirmed.
  if (agent.state !== 'registered') return
  // What is overdrawn stays so, whatever more is held: of very many tasks none is counted again.
  if (!agent.isOverdrawn && !takeFrom(agent.free, resources)) countFree(turn, agent)
  touchAgent(turn, agent)
}

function allot(turn: LeaderTurn, framework: Framework, role: string, resources: Resources): void {
  putInto(memberOf(framework, role).allocated, scalarsOf(resources))
  countAllotted(turn.leader.roles, role, resources, 1)
  touchMember(turn, framework, role)
}

function unallot(turn: LeaderTurn, framework: Framework, role: string, resources: Resources): void {
  const { allocated, isLeft } = memberOf(framework, role)
  if (!takeFrom(allocated, scalarsOf(resources)))
    assert.fail(`more is given back than ${framework.key} has`)
  countAllotted(turn.leader.roles, role, resources, -1)
  if (isLeft && isEmpty(allocated)) framework.roles.delete(role)
  touchMember(turn, framework, role)
}

/** The task counts no longer. */
export function releaseTask(turn: LeaderTurn, task: Task): void {
  if (!task.isHeld) return
  task.isHeld = false
  const { framework, role, resources } = task
  giveBack(turn, { framework, agent: agentOf(turn, task), role, resources })
}

function agentOf({ leader }: LeaderTurn, { taskId, agentId }: Task): Agent {
  const agent = leader.agents.get(agentId)
  if (agent === undefined) assert.fail(`task ${taskId} has no agent`)
  return agent
}
