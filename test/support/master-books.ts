/** What must be true of a leader's books after every input. */
import type { Agent } from '../../actors/master/entities.ts'
import type { Leader, MasterState } from '../../actors/master/state.ts'
import {
  addResources,
  containsResources,
  listResources,
  NO_RESOURCES,
  type Resources,
  scalarOf,
  subtractResources,
} from '../../protocol/resources.ts'
import { isTerminal } from '../../protocol/task-state.ts'

const isSame = (a: Resources, b: Resources): boolean =>
  containsResources(a, b) && containsResources(b, a)

const show = (resources: Resources): string => JSON.stringify(listResources(resources))

function agentProblems(leader: Leader, agent: Agent): string[] {
  const problems: string[] = []
  const given = [...agent.tasks].filter(({ isHeld }) => isHeld)
  const offered = [...agent.offers].flatMap((id) => leader.offers.get(id) ?? [])
  if (offered.length < agent.offers.size) problems.push(`${agent.agentId} has offers that are over`)
  if (agent.offers.size > 0 && agent.state !== 'registered') {
    problems.push(`${agent.agentId} is ${agent.state} and offered`)
  }
  // Figures of an agent that is not registered are set anew when it is.
  if (agent.state !== 'registered') return problems
  let left: Resources | undefined = agent.total
  for (const { resources } of [...given, ...offered]) {
    left = left && subtractResources(left, resources)
  }
  const free = left ?? NO_RESOURCES
  if (!isSame(free, agent.free)) {
    problems.push(`${agent.agentId}: free is ${show(agent.free)}, not ${show(free)}`)
  }
  return problems
}

/** Roles count scalars only: the same port of two agents is no amount. */
const scalars = (resources: Resources): Resources =>
  new Map([...resources].filter(([, { amount }]) => amount.kind === 'scalar'))

function roleProblems(leader: Leader): string[] {
  const allocated = new Map<string, Resources>()
  const add = (key: string, role: string, resources: Resources): void => {
    const name = `${key} ${role}`
    allocated.set(name, addResources(allocated.get(name) ?? NO_RESOURCES, scalars(resources)))
  }
  for (const [key, framework] of leader.frameworks) {
    for (const task of framework.tasks.values()) {
      if (task.isHeld) add(key, task.role, task.resources)
    }
    for (const id of framework.offers) {
      const offer = leader.offers.get(id)
      if (offer !== undefined) add(key, offer.role, offer.resources)
    }
  }
  const problems: string[] = []
  for (const [key, framework] of leader.frameworks) {
    for (const [role, state] of framework.roles) {
      const counted = allocated.get(`${key} ${role}`) ?? NO_RESOURCES
      allocated.delete(`${key} ${role}`)
      if (!isSame(counted, state.allocated)) {
        problems.push(`${key} ${role}: ${show(state.allocated)}, not ${show(counted)}`)
      }
    }
  }
  for (const [name, counted] of allocated) {
    if (counted.size > 0) problems.push(`${name} is not there and has ${show(counted)}`)
  }
  return problems
}

function taskProblems(leader: Leader): string[] {
  const problems: string[] = []
  for (const framework of leader.frameworks.values()) {
    for (const task of framework.tasks.values()) {
      if (leader.agents.get(task.agentId)?.tasks.has(task) !== true) {
        problems.push(`task ${task.taskId} is not with ${task.agentId}`)
      }
      const isIdle = isTerminal(task.state) || task.state === 'TASK_UNREACHABLE'
      if (isIdle === task.isHeld) problems.push(`task ${task.taskId} is ${task.state}, held wrong`)
      if (task.state === 'TASK_UNKNOWN') problems.push(`task ${task.taskId} is stored as unknown`)
    }
  }
  for (const agent of leader.agents.values()) {
    for (const task of agent.tasks) {
      const { principal, frameworkId } = task.framework
      const framework = leader.frameworks.get(`${principal}.${frameworkId}`)
      if (framework?.tasks.at(agent.agentId, task.taskId) !== task) {
        problems.push(`task ${task.taskId} at ${agent.agentId} is not its framework's`)
      }
    }
  }
  return problems
}

const unreserved = (all: Resources): Resources =>
  new Map([...all].filter(([, { traits }]) => (traits.role ?? traits.reservations) === undefined))

/** What a role with a limit has is what all below it have, but for what is reserved for it. */
function limitProblems({ roles, frameworks }: Leader): string[] {
  const members = [...frameworks.values()].flatMap((framework) => [...framework.roles])
  return [...roles.limited].flatMap(([top, has]) => {
    const below = members.filter(([role]) => role === top || role.startsWith(`${top}/`))
    const all = below.reduce((sum, [, { allocated }]) => addResources(sum, allocated), NO_RESOURCES)
    const names = new Set([...has.keys(), ...[...all.values()].map(({ traits }) => traits.name)])
    return [...names].flatMap((name) => {
      const counted = scalarOf(unreserved(all), name)
      const is = has.get(name) ?? 0
      return is === counted ? [] : [`role ${top} has ${is} of ${name}, not ${counted}`]
    })
  })
}

/** One sentence for each thing that is wrong; none: the books are in order. */
export function bookProblems({ leader }: MasterState): readonly string[] {
  if (leader === undefined) return []
  const agents = [...leader.agents.values()].flatMap((agent) => agentProblems(leader, agent))
  return [...agents, ...roleProblems(leader), ...limitProblems(leader), ...taskProblems(leader)]
}
