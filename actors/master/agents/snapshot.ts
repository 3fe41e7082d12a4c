/** What an agent held when it opened its session, and what the leader makes of it. */
import assert from 'node:assert/strict'
import { isLaterLaunch } from '../../../protocol/ids.ts'
import { AGENT_BYTES_MAX } from '../../../protocol/limits.ts'
import {
  addResources,
  excessOf,
  parseResources,
  type Resources,
  scalarsOf,
} from '../../../protocol/resources.ts'
import type { Missing } from '../../../protocol/schema/agent.ts'
import type { HeldTask } from '../../../protocol/schema/master.ts'
import { isTerminal } from '../../../protocol/task-state.ts'
import { wireBytes, wireBytesAtMost } from '../../../protocol/wire-size.ts'
import { frameworkOf } from '../books.ts'
import type { Agent, Framework, Opening, Said, Task } from '../entities.ts'
import { frameworkFromAgent } from '../frameworks/end.ts'
import { healthOf } from '../health.ts'
import { parseWish } from '../offers/wishes.ts'
import { count } from '../state.ts'
import {
  compareNumbers,
  endTask,
  forgetEnd,
  forgetTask,
  isReportable,
  moveTask,
  settleTask,
  tellAll,
} from '../tasks.ts'
import type { LeaderTurn } from '../turn.ts'
import { order } from './agents.ts'

/** Adds what a task holds; says what is wrong with it, if something is. */
export function countHeld(opening: Opening, { resources, latest }: HeldTask): string | undefined {
  // Counted only where a quick look does not say that it is little.
  if (wireBytesAtMost(resources) > AGENT_BYTES_MAX && wireBytes(resources) > AGENT_BYTES_MAX) {
    return `its resources take more than ${AGENT_BYTES_MAX} bytes`
  }
  const parsed = parseResources(resources)
  if ('code' in parsed) return parsed.message
  if (isTerminal(latest)) return undefined
  // The books add up what all agents hold: each of them must stay within bounds.
  opening.held = addResources(opening.held, scalarsOf(parsed))
  return excessOf(opening.held)?.message
}

/**
 * Takes over what the agent holds; returns what it should hold and does not. Of several launches
 * of one id it shows the oldest first: the newest is taken over first, and is the one that counts.
 */
export function compare(turn: LeaderTurn, agent: Agent, opening: Opening): Missing['tasks'] {
  const held = new Set<Task>()
  for (const shown of opening.tasks.toReversed()) {
    if (isOver(turn, opening, shown)) continue
    const task = adopt(turn, agent, shown)
    if (task !== undefined) held.add(task)
  }
  const missing: Missing['tasks'] = []
  for (const task of agent.tasks) {
    // What is left of an ended framework is asked for by `tear-down`.
    const { principal, frameworkId, state } = task.framework
    if (held.has(task) || state === 'ended') continue
    if (isTerminal(task.state)) forgetEnd(turn, task)
    else if (countsAnew(agent, task)) endUnheard(turn, task)
    else missing.push({ principal, frameworkId, ...refOf(task) })
  }
  return missing
}

/** Its disk is another, and its clock is behind: what it says of the task would be old. */
function countsAnew({ incarnation }: Agent, { number }: Task): boolean {
  return number !== undefined && number.incarnation > incarnation
}

function endUnheard(turn: LeaderTurn, task: Task): void {
  task.number = undefined
  const message = 'its agent has lost its work directory'
  endTask(turn, task, { state: 'TASK_GONE', reason: 'RECONCILIATION', message })
  forgetTask(turn, task)
}

function refOf({ taskId, launch, number }: Task) {
  return { taskId, launch, ...(number !== undefined && { reported: true }) }
}

function adopt(turn: LeaderTurn, agent: Agent, shown: HeldTask): Task | undefined {
  const framework = frameworkFromAgent(turn, shown)
  // What it holds is held until the agent has confirmed, also under a leader that never knew it.
  if (framework.state === 'ended') framework.unconfirmed.add(agent.agentId)
  const own = framework.tasks.at(agent.agentId, shown.taskId)
  const known = own?.launch === shown.launch ? own : undefined
  const other = own ?? framework.tasks.get(shown.taskId)
  if (known === undefined && other !== undefined && !mayCount(turn, agent, { shown, other }))
    return undefined
  if (!isReportable(shown.latest)) {
    count(turn.state, 'statuses-illegal')
    return undefined
  }
  const task = known ?? newTaskFrom(turn, framework, agent, shown)
  update(turn, task, shown)
  if (shown.settled && isTerminal(task.state)) settleTask(turn, task)
  else if (task.kill !== undefined && !isTerminal(task.state)) {
    const { principal, frameworkId } = framework
    const { graceMs } = task.kill
    const kill = { kind: 'kill', principal, frameworkId, taskId: task.taskId } as const
    order(turn, agent, { ...kill, ...(graceMs !== undefined && { graceMs }) })
  }
  return task
}

/**
 * Its end was acknowledged, and the agent forgets it with the confirmation. A leader that never
 * heard this agent before tells of it nevertheless: the end may have been acknowledged while nobody
 * led. Its framework may be one that nobody has any more: that one does not rise for it.
 */
function isOver(turn: LeaderTurn, { isFirst }: Opening, shown: HeldTask): boolean {
  if (!shown.settled || !isTerminal(shown.latest)) return false
  const framework = frameworkOf(turn, shown)
  return framework === undefined || (!isFirst && !framework.tasks.has(shown.taskId))
}

/**
 * Of a task id that is known as another launch: an agent was away with one when its framework was
 * told that nobody knows the task, and started it again. The earlier one is killed, and does not
 * count. The later one counts beside another agent's, and ends nothing: an agent must not end
 * another's task by what it says.
 */
function mayCount(
  turn: LeaderTurn,
  agent: Agent,
  { shown, other }: { readonly shown: HeldTask; readonly other: Task },
): boolean {
  count(turn.state, 'launches-foreign')
  const { principal, frameworkId, taskId, launch, latest } = shown
  if (isTerminal(latest)) return false
  const isEarlier = isLaterLaunch(other.launch, launch)
  if (isEarlier) order(turn, agent, { kind: 'kill', principal, frameworkId, taskId, launch })
  return !isEarlier && other.agentId !== agent.agentId
}

function newTaskFrom(turn: LeaderTurn, framework: Framework, agent: Agent, shown: HeldTask): Task {
  const task: Task = {
    framework,
    taskId: shown.taskId,
    launch: shown.launch,
    agentId: agent.agentId,
    role: shown.role,
    name: shown.name,
    resources: heldBy(turn, shown),
    state: 'TASK_UNKNOWN',
    number: undefined,
    said: undefined,
    shownEnd: undefined,
    isEndSaidEarlier: false,
    health: undefined,
    healthTold: undefined,
    kill: framework.kills.of({
      taskId: shown.taskId,
      agentId: agent.agentId,
      launch: shown.launch,
    }),
    isHeld: false,
    changedAtMs: turn.now.wallMs,
  }
  framework.tasks.add(task)
  agent.tasks.add(task)
  forgetOldEnd(turn, task, shown)
  return task
}

/**
 * An agent that was started once in an empty work directory said of its tasks that they are gone,
 * and then comes back in its own, where they run. Of another's task its word changes nothing; the
 * end that it shows is told as that of any task.
 */
function forgetOldEnd({ leader }: LeaderTurn, task: Task, { latest, launch }: HeldTask): void {
  const { framework, agentId, taskId } = task
  const told = leader.ended.get(launch)
  const isOwn = told?.agentId === agentId && told.framework === framework && told.taskId === taskId
  if (isOwn && !isTerminal(latest)) leader.ended.delete(launch)
}

/** It was counted before: it is in order. */
function heldBy({ leader }: LeaderTurn, { taskId, resources }: HeldTask): Resources {
  const parsed = parseWish(leader, resources)
  if ('code' in parsed) assert.fail(`task ${taskId}: ${parsed.message}`)
  return parsed
}

/** Undefined: it has not ended, or an older agent does not say how. */
function shownEndOf({ latest, reason, message, exit }: HeldTask): Said | undefined {
  const isSaid = reason !== undefined || message !== undefined || exit !== undefined
  return isTerminal(latest) && isSaid ? { state: latest, reason, message, exit } : undefined
}

/**
 * The snapshot is the agent's newest word: a task that was thought lost is told of. How one ended
 * the agent tells itself.
 */
function update(turn: LeaderTurn, task: Task, shown: HeldTask): void {
  if (compareNumbers(shown.number, task.number) < 0) return
  const before = task.state
  if (before !== shown.latest && !moveTask(turn, task, shown.latest, shown.atMs)) return
  task.number = shown.number
  task.health = healthOf(shown)
  task.shownEnd = shownEndOf(shown)
  const isBack = before === 'TASK_UNREACHABLE' && !isTerminal(shown.latest)
  if (isBack) tellAll(turn, task, 'AGENT_RETURNED')
}
