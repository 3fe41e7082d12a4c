/** Operations of an accept, in order, on what is left of its offers. */
import type { Launch } from '../../../protocol/ids.ts'
import { REFUSAL_LENGTH_MAX } from '../../../protocol/limits.ts'
import type { ResourceBook, Resources } from '../../../protocol/resources.ts'
import type { Accept, NotLaunched } from '../../../protocol/schema/calls.ts'
import type { TaskInfo } from '../../../protocol/schema/common.ts'
import { isTerminal } from '../../../protocol/task-state.ts'
import type { Agent, Framework, Task } from '../entities.ts'
import { count } from '../state.ts'
import { isAhead, sayStatus, sendKnown } from '../tasks.ts'
import type { LeaderTurn } from '../turn.ts'
import { validateLaunch } from './launch-validation.ts'

type Operation = Accept['operations'][number]

/** A launch as it travels to the agent; those of one group name the launch of its first. */
export interface Launched {
  readonly launch: Launch
  readonly task: TaskInfo
  readonly group?: Launch
}

/** What operations work on, and what they have come to so far. */
export interface Using {
  readonly framework: Framework
  readonly role: string
  readonly agent: Agent
  /** What is left of the offers. */
  readonly pool: ResourceBook
  readonly launched: Launched[]
  /** What was not launched because its id is in use. */
  readonly inUse: NotLaunched[]
}

/** What one operation leaves is for the next. */
export function operate(turn: LeaderTurn, using: Using, { kind, tasks }: Operation): void {
  if (kind === 'launch-group') launchGroup(turn, using, tasks)
  else for (const task of tasks) launchOne(turn, using, task)
}

/** The bad ones are refused, the others run. */
function launchOne(turn: LeaderTurn, using: Using, task: TaskInfo): void {
  const { framework, agent, pool, inUse, launched } = using
  if (!isFree(turn, framework, task, inUse)) return
  const valid = validateLaunch(turn.leader, agent, { task, pool })
  if ('problem' in valid) return refuseTask(turn, framework, task, valid.problem)
  launched.push({ launch: launch(turn, using, { task, wanted: valid.wanted }), task })
}

/** All of them are launched, or none is and nothing of the pool is used. */
function launchGroup(turn: LeaderTurn, using: Using, tasks: readonly TaskInfo[]): void {
  const { framework, pool, launched } = using
  const rest: ResourceBook = new Map(pool)
  const judged = judgeGroup(turn, { ...using, pool: rest }, tasks)
  if ('problem' in judged) {
    for (const task of judged.refused) refuseTask(turn, framework, task, judged.problem)
    return
  }
  pool.clear()
  for (const [key, quantity] of rest) pool.set(key, quantity)
  let group: Launch | undefined
  for (const valid of judged) {
    const id = launch(turn, using, valid)
    group ??= id
    launched.push({ launch: id, task: valid.task, group })
  }
}

interface Valid {
  readonly task: TaskInfo
  readonly wanted: Resources
}

/** `refused`: who hears of the problem; whose id is in use does not, for it is another's. */
interface BadGroup {
  readonly problem: string
  readonly refused: readonly TaskInfo[]
}

function judgeGroup(
  turn: LeaderTurn,
  { framework, agent, pool, inUse }: Using,
  tasks: readonly TaskInfo[],
): readonly Valid[] | BadGroup {
  const byId = new Map(tasks.map((task) => [task.taskId, task]))
  const twice = tasks.find((task) => byId.get(task.taskId) !== task)
  const fresh = [...byId.values()].filter((task) => isFree(turn, framework, task, inUse))
  const bad = (taskId: string, why: string): BadGroup => ({
    problem: `its group is not launched, for ${taskId}: ${why}`,
    refused: fresh,
  })
  if (twice !== undefined) return bad(twice.taskId, 'the id stands in it twice')
  const used = tasks.find((task) => !fresh.includes(task))
  if (used !== undefined) return bad(used.taskId, 'the id is in use by another task')
  const valid: Valid[] = []
  for (const task of tasks) {
    const one = validateLaunch(turn.leader, agent, { task, pool, before: valid.length })
    if ('problem' in one) return bad(task.taskId, one.problem)
    valid.push({ task, wanted: one.wanted })
  }
  return valid
}

/**
 * False: a task of that id is there. An end said of that id would be taken for its, so the
 * framework hears how that one is instead, unless its agent has yet to say how it ended. The answer
 * names the id.
 */
export function isFree(
  turn: LeaderTurn,
  framework: Framework,
  { taskId }: TaskInfo,
  inUse: NotLaunched[],
): boolean {
  const task = framework.tasks.get(taskId)
  if (task === undefined) return true
  const { state, agentId } = task
  const how = isTerminal(state)
    ? `its ${state} on ${agentId} is not acknowledged yet`
    : `it is ${state} on ${agentId}`
  const message = `task id ${taskId} is in use: ${how}`
  inUse.push({ taskId, message })
  count(turn.state, 'task-ids-in-use')
  if (!isAhead(state, task.said)) sendKnown(turn, task, message)
  return false
}

function refuseTask(
  turn: LeaderTurn,
  framework: Framework,
  { taskId }: TaskInfo,
  problem: string,
): void {
  count(turn.state, 'tasks-invalid')
  sayStatus(turn, {
    framework,
    taskId,
    state: 'TASK_ERROR',
    reason: 'TASK_INVALID',
    message: problem.slice(0, REFUSAL_LENGTH_MAX),
  })
}

/** The latest launch of this leader. */
export function lastLaunch({ leader, state }: LeaderTurn): Launch {
  return `${leader.epoch}-${state.run}-${leader.launchCount}` as Launch
}

function launch(
  turn: LeaderTurn,
  { framework, agent, role }: Using,
  { task: info, wanted }: Valid,
): Launch {
  const { leader, state, now } = turn
  leader.launchCount += 1
  const id = lastLaunch(turn)
  const task: Task = {
    framework,
    taskId: info.taskId,
    launch: id,
    agentId: agent.agentId,
    role,
    name: info.name,
    resources: wanted,
    state: 'TASK_STAGING',
    number: undefined,
    said: undefined,
    shownEnd: undefined,
    isEndSaidEarlier: false,
    health: undefined,
    healthTold: undefined,
    kill: undefined,
    // What it holds was the offer's: it is with the role already.
    isHeld: true,
    changedAtMs: now.wallMs,
  }
  framework.kills.forget(task)
  framework.tasks.add(task)
  agent.tasks.add(task)
  count(state, 'tasks-launched')
  return id
}
