/** The order to run tasks of one accept: all of them are taken, or none. */
import { problemOfContainer } from '../../protocol/container-problem.ts'
import type { Refusal } from '../../protocol/errors.ts'
import type { Launch } from '../../protocol/ids.ts'
import type { Now } from '../../protocol/now.ts'
import {
  isEmpty,
  NO_RESOURCES,
  parseResources,
  type Resources,
  rangesOf,
} from '../../protocol/resources.ts'
import type { Run } from '../../protocol/schema/agent.ts'
import type { TaskInfo } from '../../protocol/schema/common.ts'
import { spellResources } from '../../protocol/spell-resources.ts'
import { problemOfTask } from '../../protocol/task-problem.ts'
import { askedOf } from './checks/asked.ts'
import { addTask, hold, holdFramework, noteSubscription, release } from './held.ts'
import { endTask } from './kills.ts'
import type { AgentState, Framework, Task } from './state.ts'
import { type News, nextStatusNumber, report } from './streams.ts'
import { containerOf, recordTask, wantsOwnNetwork } from './tasks.ts'

interface Entered {
  readonly task: Task
  readonly info: TaskInfo
}

/** Accepted tasks are launched at the end of the turn, after they are in the checkpoint. */
export function run(state: AgentState, order: Run, now: Now): void {
  const framework = holdFramework(state, order)
  if (framework.isOver) {
    state.counts.unknownFramework += 1
    return
  }
  noteSubscription(state, framework, order.subscription)
  const { asked, problem } = newHere(state, order)
  const entered = asked.map(({ launch, info, group, resources }): Entered => {
    const taken = problem === undefined ? resources : NO_RESOURCES
    const task = enter(state, framework, { order, launch, info, group, resources: taken })
    return { task, info }
  })
  const why =
    problem === undefined
      ? takeAll(state, order, entered)
      : dropped('INVALID_OFFERS', problem.message)
  const apart = new Set(entered.filter(({ info }) => wantsOwnNetwork(info)).map(groupOf))
  for (const { task, info } of entered) {
    const isApart = apart.has(groupOf({ task }))
    if (why === undefined) launch(state, task, { info, isApart, now })
    else report(state, task, { news: why, now })
  }
}

/** Who is of no group is alone. */
const groupOf = ({ task }: Pick<Entered, 'task'>): Launch => task.group ?? task.launch

interface Asked {
  readonly launch: Launch
  readonly info: TaskInfo
  readonly group: Launch | undefined
  readonly resources: Resources
}

/** Each launch once, unless it was seen before; `problem`: what one of them wants is no good. */
function newHere(
  state: AgentState,
  { tasks }: Run,
): { readonly asked: readonly Asked[]; readonly problem: Refusal | undefined } {
  const asked: Asked[] = []
  const seen = new Set<Launch>()
  // Tasks of one accept want the same, most often: then they share what it was parsed to.
  const parsed = new Map<string, Resources | Refusal>()
  let problem: Refusal | undefined
  for (const { launch, task: info, group } of tasks) {
    if (seen.has(launch) || state.tasks.has(launch) || state.sandboxes.has(launch)) continue
    seen.add(launch)
    const spelling = JSON.stringify(info.resources)
    const resources = parsed.get(spelling) ?? parseResources(info.resources)
    parsed.set(spelling, resources)
    if ('code' in resources) problem ??= resources
    asked.push({ launch, info, group, resources: 'code' in resources ? NO_RESOURCES : resources })
  }
  return { asked, problem }
}

interface Entry extends Asked {
  readonly order: Run
}

function enter(state: AgentState, framework: Framework, entry: Entry): Task {
  const task = addTask(state, {
    framework,
    taskId: entry.info.taskId,
    launch: entry.launch,
    name: entry.info.name,
    role: entry.order.role,
    resources: entry.resources,
    killGraceMs: entry.info.killGraceMs,
    group: entry.group,
    staged: nextStatusNumber(state),
    checks: askedOf(entry.info),
  })
  recordTask(state, task, isEmpty(entry.resources) ? [] : entry.info.resources)
  return task
}

/** Takes what all of them need, or nothing and says why. */
function takeAll(state: AgentState, order: Run, entered: readonly Entered[]): News | undefined {
  if (order.resourcesVersion !== state.resourcesVersion) {
    return dropped(
      'RESOURCES_STALE',
      `the offer was of resources version ${order.resourcesVersion}, now it is ${state.resourcesVersion}`,
    )
  }
  const misfit = entered.find(({ task }) => !hold(state, task))
  if (misfit === undefined) return undefined
  for (const { task } of entered) release(state, task)
  const needed = spellResources(misfit.task.resources)
  const free = spellResources(state.free)
  return dropped('INVALID_OFFERS', `${misfit.task.taskId} needs ${needed}; free here: ${free}`)
}

function dropped(reason: 'INVALID_OFFERS' | 'RESOURCES_STALE', message: string): News {
  return { state: 'TASK_DROPPED', reason, message }
}

interface Starting {
  readonly info: TaskInfo
  readonly isApart: boolean
  readonly now: Now
}

function launch(state: AgentState, task: Task, { info, isApart, now }: Starting): void {
  // Another of its group was no good.
  if (task.last !== undefined) return
  const problem = problemOfTask(info) ?? problemOfContainer(info, rangesOf(task.resources, 'ports'))
  if (problem !== undefined) {
    const news: News = { state: 'TASK_ERROR', reason: 'TASK_INVALID', message: problem }
    endTask(state, task, { news, now })
    return
  }
  task.container = 'waiting'
  state.outbox.launches.set(task.launch, containerOf(task, info, isApart))
}
