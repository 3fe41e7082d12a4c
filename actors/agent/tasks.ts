/** One task's way through the agent: accepted or dropped, started, killed, ended. */
import type { Launch } from '../../protocol/ids.ts'
import { KILL_GRACE_MS } from '../../protocol/limits.ts'
import type { Now } from '../../protocol/now.ts'
import { NO_RESOURCES, rangesOf } from '../../protocol/resources.ts'
import type { Kill } from '../../protocol/schema/agent.ts'
import type { TaskInfo, WantedResources } from '../../protocol/schema/common.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { taskRecord } from './compaction.ts'
import type { Container } from './effects.ts'
import {
  addTask,
  findFramework,
  forgetTask,
  holdFramework,
  record,
  recordFramework,
} from './held.ts'
import type { ContainerInput, ExitSeen } from './inputs.ts'
import type { Ref } from './records.ts'
import { type AgentState, refOf, stateOf, type Task } from './state.ts'
import { type News, nextStatusNumber, report, type Told } from './streams.ts'

/** Writes a task that has just been entered into the checkpoint, with `resources` as it asked. */
export function recordTask(state: AgentState, task: Task, resources: WantedResources): void {
  if (!task.framework.isRecorded) recordFramework(state, task.framework)
  record(state, taskRecord(task, resources))
}

/** Undefined: the command has not exactly one of argv and shell. */
export function containerOf(task: Task, info: TaskInfo): Container | undefined {
  const { argv, shell, env, user } = info.command
  if ((argv === undefined) === (shell === undefined)) return undefined
  const ports = rangesOf(task.resources, 'ports').flatMap(([begin, end]) =>
    Array.from({ length: end - begin + 1 }, (_, i) => begin + i),
  )
  return {
    containerId: task.launch,
    sandbox: refOf(task),
    command: argv === undefined ? { shell: shell as string } : { argv },
    env: env ?? {},
    user,
    ports,
    role: task.role,
  }
}

/**
 * Kills what the order names, of one launch or of all; a task that is not here is the leader's to
 * reconcile.
 */
export function obeyKill(state: AgentState, order: Kill, now: Now): void {
  const launches = findFramework(state, order)?.launches.get(order.taskId) ?? []
  const isMeant = (task: Task): boolean =>
    !isTerminal(stateOf(task)) && (order.launch === undefined || order.launch === task.launch)
  const alive = launches.filter(isMeant)
  if (alive.length === 0) state.counts.unknownTask += 1
  for (const task of alive) {
    const graceMs = order.graceMs ?? task.killGraceMs ?? KILL_GRACE_MS
    killTask(state, task, { graceMs, now })
  }
}

/** Kills a task that has not ended. One that has no container yet never gets one. */
export function killTask(
  state: AgentState,
  task: Task,
  { graceMs, now }: { readonly graceMs: number; readonly now: Now },
): void {
  if (task.container === 'waiting') {
    state.outbox.launches.delete(task.launch)
    task.container = 'none'
    finish(state, task, { news: KILLED_DURING_LAUNCH, now })
    return
  }
  const { kills } = state.outbox
  kills.set(task.launch, Math.min(graceMs, kills.get(task.launch) ?? graceMs))
  if (task.killedWithMs === undefined || graceMs < task.killedWithMs) {
    task.killedWithMs = graceMs
    record(state, { kind: 'kill', launch: task.launch, graceMs })
  }
  if (stateOf(task) === 'TASK_RUNNING' && !task.framework.isOver) {
    report(state, task, { news: { state: 'TASK_KILLING' }, now })
  }
}

export function handleContainer(state: AgentState, input: ContainerInput, now: Now): void {
  const task = state.tasks.get(input.containerId as Launch)
  if (task === undefined || (task.container !== 'launched' && task.container !== 'started')) {
    state.counts.strayContainer += 1
    return
  }
  switch (input.kind) {
    case 'container.started':
      task.container = 'started'
      if (!task.framework.isOver) report(state, task, { news: startOf(task), now })
      return
    case 'container.ended':
      endContainer(state, task)
      finish(state, task, { news: endOf(task, input.exit), now })
      return
    case 'container.launch-failed':
      endContainer(state, task)
      finish(state, task, { news: launchFailure(task, input.why), now })
  }
}

/** The end is in the checkpoint before what is left of the container is removed. */
function endContainer(state: AgentState, task: Task): void {
  task.container = 'ended'
  state.outbox.kills.delete(task.launch)
  state.outbox.destroys.push(task.launch)
}

/** The task is over. Of a framework that is over nobody is told. */
export function finish(state: AgentState, task: Task, told: Told): void {
  if (task.framework.isOver) forgetTask(state, task)
  else report(state, task, told)
}

export function startOf(task: Task): News {
  return { state: task.killedWithMs === undefined ? 'TASK_RUNNING' : 'TASK_KILLING' }
}

export const KILLED_DURING_LAUNCH: News = {
  state: 'TASK_KILLED',
  reason: 'KILLED_DURING_LAUNCH',
  message: 'the task was killed before it started',
}

export function launchFailure(task: Task, why: string): News {
  if (task.killedWithMs !== undefined) return KILLED_DURING_LAUNCH
  return { state: 'TASK_FAILED', reason: 'LAUNCH_FAILED', message: why }
}

/** After a kill it is KILLED, whatever the exit. */
export function endOf(task: Task, exit: ExitSeen): News {
  const isKilled = task.killedWithMs !== undefined
  if ('code' in exit && exit.code === 0 && !isKilled) return { state: 'TASK_FINISHED', exit }
  const seen = 'unknown' in exit ? {} : { exit: 'code' in exit ? exit : { signal: exit.signal } }
  const message = sentenceOf(exit)
  if (isKilled) return { state: 'TASK_KILLED', message, ...seen }
  if ('unknown' in exit) return { state: 'TASK_FAILED', reason: 'EXIT_UNKNOWN', message }
  return { state: 'TASK_FAILED', reason: 'COMMAND_FAILED', message, ...seen }
}

function sentenceOf(exit: ExitSeen): string {
  if ('unknown' in exit) return `nobody saw how the command ended: ${exit.unknown}`
  if ('code' in exit) return `command exited with status ${exit.code}`
  return `command was ended by ${exit.name}`
}

/** Answers for tasks that the leader had sent here and the snapshot lacked. */
export function answerMissing(state: AgentState, refs: readonly Ref[], now: Now): void {
  for (const ref of refs) {
    const framework = holdFramework(state, ref)
    if (state.tasks.has(ref.launch) || framework.isOver) continue
    const wasHere = state.sandboxes.has(ref.launch)
    const task = addTask(state, {
      framework,
      taskId: ref.taskId,
      launch: ref.launch,
      role: '*',
      resources: NO_RESOURCES,
      staged: nextStatusNumber(state),
    })
    recordTask(state, task, [])
    report(state, task, { news: wasHere ? GONE : NEVER_ARRIVED, now })
  }
}

const GONE: News = {
  state: 'TASK_GONE',
  reason: 'RECONCILIATION',
  message: 'the task was here and is not any more',
}
const NEVER_ARRIVED: News = {
  state: 'TASK_DROPPED',
  reason: 'RECONCILIATION',
  message: 'the task never arrived at its agent',
}
