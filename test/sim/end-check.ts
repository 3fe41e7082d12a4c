/** Invariant 5: when faults have stopped, all agree. */
import type { AgentState } from '../../actors/agent/state.ts'
import { hasQuota, termsOf } from '../../actors/master/roles/books.ts'
import type { Leader, MasterState } from '../../actors/master/state.ts'
import type { SchedulerState } from '../../actors/scheduler/state.ts'
import { frameworkKey } from '../../protocol/ids.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { Violation } from './ledger.ts'
import type { Operator } from './operator.ts'
import type { Kind } from './strikes.ts'
import type { FrameworkDisk } from './workload.ts'
import type { World } from './world.ts'

/** The first thing on which somebody does not agree yet. */
export function checkEnd(world: World, operator: Operator): Violation | undefined {
  const view = viewOf(world)
  if (view === undefined) return problem('there is not one master that leads')
  return (
    roles(view, operator) ??
    sessions(view) ??
    offers(view) ??
    tasks(view) ??
    kills(view) ??
    leftovers(view) ??
    running(view) ??
    ends(view)
  )
}

/** Undefined: no master leads, or several think so. */
export function viewOf(world: World): View | undefined {
  const [first, ...others] = statesOf<MasterState>(world, 'master').filter(
    ({ lease }) => lease.state === 'leading',
  )
  if (first?.leader === undefined || others.length > 0) return undefined
  const { leader } = first
  return { world, leader, agents: statesOf<AgentState>(world, 'agent') }
}

/** The leader knows a framework that is over, if only as one that agents tear down just now. */
export function hasGhosts(world: World): boolean {
  return statesOf<MasterState>(world, 'master').some(({ leader }) =>
    [...(leader?.frameworks.keys() ?? [])].some(
      (key) => world.ledger.frameworks.get(key)?.isOver === true,
    ),
  )
}

export interface View {
  readonly world: World
  readonly leader: Leader
  readonly agents: readonly AgentState[]
}

function statesOf<State>({ nodes }: World, kind: Kind): readonly State[] {
  return nodes
    .filter((node) => node.kind === kind)
    .map(({ process }) => process?.state as State | undefined)
    .filter((state) => state !== undefined)
}

export const problem = (what: string, ...about: string[]): Violation => ({
  invariant: '5: in the end all agree',
  what,
  about,
})

/** What an operator was answered is so, whoever leads since. */
function roles({ leader }: View, { settled }: Operator): Violation | undefined {
  if (settled === undefined) return problem('an operator was not answered')
  for (const [role, weight] of settled) {
    const terms = termsOf(leader.roles, role)
    if (terms.weight !== weight) return problem(`${role} weighs ${terms.weight}, not ${weight}`)
    if (hasQuota(terms)) return problem(`${role} still has a quota`)
  }
  return undefined
}

function sessions(view: View): Violation | undefined {
  if (view.leader.allocator === undefined) return problem('no allocator has a session')
  return agentSessions(view) ?? frameworkSessions(view)
}

function agentSessions({ leader, agents }: View): Violation | undefined {
  for (const { profile, link } of agents) {
    const { agentId } = profile
    const known = leader.agents.get(agentId)
    const isOne = link.kind === 'open' && link.session.id === known?.session?.id
    if (known?.state !== 'registered' || !isOne)
      return problem(`${agentId} is ${link.kind}, for the leader ${known?.state}`, agentId)
  }
  return undefined
}

function frameworkSessions({ world, leader }: View): Violation | undefined {
  for (const { disk, instances } of frameworksOf(world)) {
    const { frameworkId } = disk.key
    const known = leader.frameworks.get(frameworkKey(disk.key))
    const phases = instances.map((instance) => instance?.link.phase ?? 'not there')
    const { link } = leads(instances) ?? {}
    const isOne = link?.phase === 'open' && link.session.id === known?.session?.id
    const others = phases.filter((phase) => phase !== 'standing-by')
    if (known?.state !== 'subscribed' || !isOne || others.length > 1)
      return problem(
        `${frameworkId} is ${phases.join(' and ')}, for the leader ${known?.state}`,
        frameworkId,
      )
  }
  return undefined
}

interface Shown {
  readonly disk: FrameworkDisk
  /** Those of processes that have begun. */
  readonly instances: readonly (SchedulerState | undefined)[]
}

function frameworksOf({ nodes }: World): readonly Shown[] {
  const teams = new Set(nodes.map(({ team }) => team).filter((team) => team !== undefined))
  return [...teams].map((team) => ({
    disk: team.disk,
    instances: nodes
      .filter((node) => node.team === team)
      .map(({ process }) => process?.state as SchedulerState | undefined),
  }))
}

/** The one that has the framework. */
const leads = (instances: Shown['instances']): SchedulerState | undefined =>
  instances.find((instance) => instance?.link.phase === 'open')

/** What a framework believes it may still answer has not been taken back. */
function offers({ world, leader }: View): Violation | undefined {
  for (const { disk, instances } of frameworksOf(world))
    for (const offerId of instances.flatMap((instance) => [...(instance?.offers.keys() ?? [])]))
      if (!leader.offers.has(offerId))
        return problem(`${disk.key.frameworkId} holds ${offerId}, which is over`, offerId)
  return undefined
}

/** Who holds which unfinished task in which state, as `launch state`. */
function tasks({ world, leader, agents }: View): Violation | undefined {
  const atAgents = new Map<string, string>()
  for (const { tasks } of agents)
    for (const task of tasks.values()) {
      const state = task.last?.state ?? 'TASK_STAGING'
      if (isTerminal(state)) continue
      atAgents.set(`${frameworkKey(task.framework)} ${task.taskId}`, `${task.launch} ${state}`)
    }
  const atLeader = new Map<string, string>()
  for (const framework of leader.frameworks.values())
    for (const task of framework.tasks.values())
      if (!isTerminal(task.state))
        atLeader.set(`${framework.key} ${task.taskId}`, `${task.launch} ${task.state}`)
  const atFrameworks = new Map<string, string>()
  for (const { disk, instances } of frameworksOf(world))
    for (const task of leads(instances)?.tasks.values() ?? [])
      atFrameworks.set(`${frameworkKey(disk.key)} ${task.taskId}`, `${task.launch} ${task.state}`)
  return (
    difference(atAgents, atLeader, 'the leader') ??
    difference(atAgents, atFrameworks, 'its framework')
  )
}

/** Nobody kills any more, and the longest grace is over: who was to be killed is gone. */
function kills({ world }: View): Violation | undefined {
  for (const { instances } of frameworksOf(world))
    for (const { taskId, kill, state: known } of leads(instances)?.tasks.values() ?? [])
      if (kill !== undefined && !isTerminal(known))
        return problem(`${taskId} was to be killed, and is ${known}`, taskId)
  return undefined
}

function difference(
  atAgents: ReadonlyMap<string, string>,
  others: ReadonlyMap<string, string>,
  who: string,
): Violation | undefined {
  for (const key of new Set([...atAgents.keys(), ...others.keys()])) {
    const [here, there] = [atAgents.get(key), others.get(key)]
    if (here !== there)
      return problem(
        `${key} is ${here} at its agent, for ${who} ${there}`,
        key.split(' ')[1] as string,
      )
  }
  return undefined
}

/** Ended tasks are forgotten everywhere. */
function leftovers({ leader, agents }: View): Violation | undefined {
  for (const { tasks, profile } of agents)
    for (const { taskId, last, stream } of tasks.values())
      if (last !== undefined && isTerminal(last.state))
        return problem(
          `${profile.agentId} still has ${taskId}: ${last.state}, ${stream.length} not acknowledged`,
          taskId,
        )
  for (const { tasks, state, frameworkId } of leader.frameworks.values()) {
    for (const { taskId, state } of tasks.values())
      if (isTerminal(state)) return problem(`the leader still has ${taskId}: ${state}`, taskId)
    if (state !== 'subscribed')
      return problem(`the leader still has ${frameworkId}, which is ${state}`, frameworkId)
  }
  return undefined
}

/** What truly runs is what the agents say, and all that they say runs. */
function running({ world, agents }: View): Violation | undefined {
  for (const machine of world.machines) {
    const agent = agents.find(({ profile }) => profile.agentId === machine.agentId)
    for (const { launch, taskId, last } of agent?.tasks.values() ?? []) {
      const isSaid = last?.state === 'TASK_RUNNING' || last?.state === 'TASK_KILLING'
      if (isSaid && !machine.isRunning(launch))
        return problem(`${taskId} is ${last.state} at ${machine.agentId}, and nothing runs`, taskId)
    }
    for (const { launch, taskId } of machine.running())
      if (agent?.tasks.get(launch) === undefined)
        return problem(`${taskId} runs at ${machine.agentId}, which knows nothing of it`, taskId)
  }
  return undefined
}

/** Every end that an agent ever wrote down has reached its framework. */
function ends({ world }: View): Violation | undefined {
  for (const framework of world.ledger.frameworks.values()) {
    if (framework.isOver) continue
    for (const { taskId, ends, over, ran, ...task } of framework.tasks.values()) {
      const [end] = ends.values()
      if (end === undefined || task.isDropped) continue
      const invariant = '4: an end reaches its framework'
      if (over === undefined)
        return { invariant, what: `nobody was told that ${taskId} is ${end}`, about: [taskId] }
      // Of an agent that was given up the leader says it, once.
      const isRepeated = task.agentId === undefined || !world.ledger.gone.has(task.agentId)
      if (isRepeated && !task.isHandled)
        return { invariant, what: `nobody was done with ${taskId}, ${end}`, about: [taskId] }
      if (ran !== undefined && ends.get(ran) !== over.state)
        return {
          invariant,
          what: `${taskId} was ${ends.get(ran)}, and ${over.state} was told`,
          about: [taskId],
        }
    }
  }
  return undefined
}
