/** The books: which tasks and frameworks the agent holds, and what of its resources they hold. */
import assert from 'node:assert/strict'
import { type FrameworkKey, frameworkKey, type Launch, type TaskId } from '../../protocol/ids.ts'
import { NO_RESOURCES, putInto, type Resources, takeFrom } from '../../protocol/resources.ts'
import type { StatusNumber, Subscription } from '../../protocol/schema/common.ts'
import { compareSubscription } from '../parts/fence.ts'
import { type AskedChecks, newChecks } from './checks/asked.ts'
import { endChecks } from './checks/checks.ts'
import { frameworkRecord } from './compaction.ts'
import type { AgentRecord } from './records.ts'
import { keepSandbox } from './sandboxes.ts'
import { type AgentState, type Framework, keyOf, type Task } from './state.ts'

/** To be in the checkpoint before anything that follows from it leaves the agent. */
export function record(state: AgentState, entry: AgentRecord): void {
  state.outbox.records.push(entry)
}

export function findFramework(state: AgentState, key: FrameworkKey): Framework | undefined {
  return state.frameworks.get(frameworkKey(key))
}

/** The framework; a new one is recorded with its first task. */
export function holdFramework(state: AgentState, key: FrameworkKey): Framework {
  const known = findFramework(state, key)
  if (known !== undefined) return known
  const framework: Framework = {
    principal: key.principal,
    frameworkId: key.frameworkId,
    subscription: undefined,
    isOver: false,
    isRecorded: false,
    tasks: new Map(),
    launches: new Map(),
  }
  state.frameworks.set(frameworkKey(key), framework)
  return framework
}

export function recordFramework(state: AgentState, framework: Framework): void {
  framework.isRecorded = true
  record(state, frameworkRecord(framework))
}

/** Remembers a subscription that is higher than the one known. */
export function noteSubscription(
  state: AgentState,
  framework: Framework,
  subscription: Subscription,
): void {
  const known = framework.subscription
  if (known !== undefined && compareSubscription(subscription, known) <= 0) return
  framework.subscription = subscription
  if (framework.isRecorded) recordFramework(state, framework)
}

export interface NewTask {
  readonly framework: Framework
  readonly taskId: TaskId
  readonly launch: Launch
  readonly name?: string | undefined
  readonly role: string
  readonly resources: Resources
  readonly killGraceMs?: number | undefined
  readonly group?: Launch | undefined
  readonly staged: StatusNumber
  readonly checks?: AskedChecks | undefined
  readonly startedAtMs?: number | undefined
}

/** Enters a task into the books, holding nothing yet. */
export function addTask(state: AgentState, task: NewTask): Task {
  const { framework, taskId, launch } = task
  const added: Task = {
    framework,
    taskId,
    launch,
    name: task.name,
    role: task.role,
    resources: task.resources,
    killGraceMs: task.killGraceMs,
    group: task.group,
    staged: task.staged,
    container: 'none',
    holds: NO_RESOURCES,
    killedWithMs: undefined,
    killByMs: undefined,
    groupEnd: undefined,
    killCause: undefined,
    checks: task.checks && newChecks(task.checks, task.startedAtMs),
    last: undefined,
    stream: [],
    retryAtMs: Number.POSITIVE_INFINITY,
    retryMs: 0,
    isEndTold: false,
  }
  state.tasks.set(launch, added)
  framework.tasks.set(launch, added)
  const launches = framework.launches.get(taskId)
  if (launches === undefined) framework.launches.set(taskId, [added])
  else launches.push(added)
  if (task.group !== undefined) joinGroup(state, task.group, added)
  return added
}

function joinGroup({ groups }: AgentState, group: Launch, task: Task): void {
  const members = groups.get(group)
  if (members === undefined) groups.set(group, new Set([task]))
  else members.add(task)
}

function leaveGroup({ groups }: AgentState, group: Launch, task: Task): void {
  const members = groups.get(group)
  members?.delete(task)
  if (members?.size === 0) groups.delete(group)
}

/** Takes what the task needs from what is free; false, and nothing taken, if it does not fit. */
export function hold(state: AgentState, task: Task): boolean {
  return holdPart(state, task, task.resources)
}

/**
 * As `hold`, for a task that has run since before this start. A GPU may have fallen off the bus: of
 * GPUs it then holds none here, and to the leader more is held than there is.
 */
export function holdLeft(state: AgentState, task: Task): boolean {
  const rest = [...task.resources].filter(([, { traits }]) => traits.name !== 'gpus')
  return hold(state, task) || holdPart(state, task, new Map(rest))
}

function holdPart(state: AgentState, task: Task, part: Resources): boolean {
  if (!takeFrom(state.free, part)) return false
  task.holds = part
  return true
}

export function release(state: AgentState, task: Task): void {
  putInto(state.free, task.holds)
  task.holds = NO_RESOURCES
}

/** Strikes a task whose container is gone out of the books. Its sandbox stays for a while. */
export function forgetTask(state: AgentState, task: Task): void {
  assert(task.container === 'none' || task.container === 'ended', 'its container is gone')
  strike(state, task)
  state.inFlight.delete(task)
  state.outbox.heads.delete(task)
  record(state, { kind: 'forget', launch: task.launch })
  if (task.container === 'ended') keepSandbox(state, task)
  const { framework } = task
  if (framework.tasks.size > 0) return
  if (framework.isOver) confirmTornDown(state, framework)
  else forgetFramework(state, framework)
}

/** Takes the task out of all lists of the state. */
export function strike(state: AgentState, task: Task): void {
  const { framework, launch, taskId, group } = task
  release(state, task)
  endChecks(state, task)
  if (group !== undefined) leaveGroup(state, group, task)
  state.tasks.delete(launch)
  framework.tasks.delete(launch)
  const others = framework.launches.get(taskId)?.filter((other) => other !== task) ?? []
  if (others.length === 0) framework.launches.delete(taskId)
  else framework.launches.set(taskId, others)
}

/** Strikes a framework that has no task here. */
export function forgetFramework(state: AgentState, framework: Framework): void {
  state.frameworks.delete(frameworkKey(framework))
  if (framework.isRecorded) record(state, { kind: 'framework-gone', ...keyOf(framework) })
}

/**
 * Nothing of a framework is left, and nothing of it may come back: the leader will forget it, so
 * that this is on disk before it is said.
 */
export function confirmTornDown(state: AgentState, key: FrameworkKey): void {
  state.frameworks.delete(frameworkKey(key))
  state.outbox.reports.push({ kind: 'torn-down', ...keyOf(key) })
  record(state, { kind: 'framework-gone', ...keyOf(key) })
  state.outbox.isForDisk = true
}
