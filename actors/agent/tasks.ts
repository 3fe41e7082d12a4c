/** One task's way through the agent: accepted or dropped, started, ended. */
import type { Launch } from '../../protocol/ids.ts'
import { TASK_PIDS_MAX } from '../../protocol/limits.ts'
import type { Now } from '../../protocol/now.ts'
import { NO_RESOURCES, type Resources, rangesOf, scalarOf } from '../../protocol/resources.ts'
import { fromThousandths } from '../../protocol/scalar.ts'
import type { Missing } from '../../protocol/schema/agent.ts'
import type { TaskInfo, TaskLimits, WantedResources } from '../../protocol/schema/common.ts'
import { endChecks } from './checks/checks.ts'
import { beginChecks } from './checks/watching.ts'
import { taskRecord } from './compaction.ts'
import type { Container } from './effects.ts'
import { addTask, holdFramework, record, recordFramework } from './held.ts'
import type { ContainerInput, EndSeen, ExitSeen } from './inputs.ts'
import { endTask, killedDuringLaunch } from './kills.ts'
import { lookAfterFailure } from './sandboxes.ts'
import { type AgentState, refOf, type Task } from './state.ts'
import { type News, nextStatusNumber, report } from './streams.ts'

/** Writes a task that has just been entered into the checkpoint, with `resources` as it asked. */
export function recordTask(state: AgentState, task: Task, resources: WantedResources): void {
  if (!task.framework.isRecorded) recordFramework(state, task.framework)
  record(state, taskRecord(task, resources))
}

/**
 * Of a task that `problemOfContainer` finds nothing wrong with. `isApart`: one of its group wants
 * no network but its own, so all of them get that.
 */
export function containerOf(task: Task, info: TaskInfo, isApart: boolean): Container {
  const { argv, shell, env, user } = info.command
  const ports = rangesOf(task.resources, 'ports').flatMap(([begin, end]) =>
    Array.from({ length: end - begin + 1 }, (_, i) => begin + i),
  )
  return {
    containerId: task.launch,
    sandbox: refOf(task),
    command: shell === undefined ? { argv: argv ?? [] } : { shell },
    ...((argv ?? shell) === undefined && { isImagesCommand: true }),
    ...(info.container !== undefined && { container: info.container }),
    env: env ?? {},
    user,
    ports,
    role: task.role,
    limits: limitsOf(task.resources, info.limits),
    ...(info.rlimits !== undefined && { rlimits: info.rlimits }),
    ...linuxOf(info, isApart),
    ...(task.group !== undefined && { group: { id: task.group, sharesNetwork: isApart } }),
  }
}

function linuxOf({ linux }: TaskInfo, isApart: boolean): Pick<Container, 'linux'> {
  if (!isApart) return linux === undefined ? {} : { linux }
  const namespaces = new Set([...(linux?.namespaces ?? []), 'network' as const])
  return { linux: { ...linux, namespaces: [...namespaces] } }
}

/** It asks for a network of its own. */
export const wantsOwnNetwork = ({ linux }: TaskInfo): boolean =>
  linux?.namespaces?.includes('network') === true

function limitsOf(resources: Resources, { cpus, mem }: TaskLimits = {}): Container['limits'] {
  const asked = fromThousandths(scalarOf(resources, 'cpus'))
  const askedMib = fromThousandths(scalarOf(resources, 'mem'))
  const mib = mem ?? (askedMib > 0 ? askedMib : undefined)
  const diskMib = fromThousandths(scalarOf(resources, 'disk'))
  const gpus = Math.floor(fromThousandths(scalarOf(resources, 'gpus')))
  return {
    pidsMax: TASK_PIDS_MAX,
    ...(asked > 0 && { cpus: asked }),
    ...(cpus !== undefined && { cpusMax: cpus }),
    ...(mib !== undefined && { memBytes: Math.round(mib * MIB) }),
    ...(diskMib > 0 && { diskBytes: Math.round(diskMib * MIB) }),
    ...(gpus > 0 && { gpus }),
  }
}

const MIB = 1024 * 1024

export function handleContainer(state: AgentState, input: ContainerInput, now: Now): void {
  const task = state.tasks.get(input.containerId as Launch)
  if (task === undefined || (task.container !== 'launched' && task.container !== 'started')) {
    state.counts.strayContainer += 1
    return
  }
  switch (input.kind) {
    case 'container.started':
      // One that was found after a restart was told of then, and its checks began.
      if (task.container === 'started') return
      task.container = 'started'
      if (task.framework.isOver) return
      report(state, task, { news: startOf(task), now })
      if (task.killedWithMs === undefined) beginChecks(state, task, now)
      return
    case 'container.ended':
      endContainer(state, task)
      endTask(state, task, { news: endOf(task, input), now })
      // Its sandbox fills the disk still.
      if (input.limit?.reason === 'CONTAINER_LIMITATION_DISK') lookAfterFailure(state, now)
      return
    case 'container.launch-failed':
      endContainer(state, task)
      endTask(state, task, { news: launchFailure(task, input.why), now })
      lookAfterFailure(state, now)
      return
    case 'container.strange-ports':
      tellPorts(state, task, { message: input.message, now })
  }
}

/** Nobody is harmed yet: its framework is told, and it goes on. */
function tellPorts(
  state: AgentState,
  task: Task,
  { message, now }: { readonly message: string; readonly now: Now },
): void {
  if (task.container !== 'started' || task.framework.isOver) return
  if (task.killedWithMs !== undefined) return
  const reason = 'CONTAINER_LIMITATION_PORTS'
  report(state, task, { news: { state: 'TASK_RUNNING', reason, message }, now })
}

/** The end is in the checkpoint before what is left of the container is removed. */
function endContainer(state: AgentState, task: Task): void {
  task.container = 'ended'
  endChecks(state, task)
  state.outbox.kills.delete(task.launch)
  state.outbox.destroys.push(task.launch)
}

export function startOf(task: Task): News {
  return { state: task.killedWithMs === undefined ? 'TASK_RUNNING' : 'TASK_KILLING' }
}

export function launchFailure(task: Task, why: string): News {
  if (task.killedWithMs !== undefined) return killedDuringLaunch(task)
  return { state: 'TASK_FAILED', reason: 'LAUNCH_FAILED', message: why }
}

/** After a kill it is KILLED, after a limit FAILED, whatever the exit. */
export function endOf(task: Task, { exit, limit }: EndSeen): News {
  const isKilled = task.killedWithMs !== undefined
  const isWell = 'code' in exit && exit.code === 0 && limit === undefined
  if (isWell && !isKilled) return { state: 'TASK_FINISHED', exit }
  const seen = 'unknown' in exit ? {} : { exit: 'code' in exit ? exit : { signal: exit.signal } }
  const message = [...(limit ? [limit.message] : []), sentenceOf(exit)].join('; ')
  if (isKilled) return { ...killed(task, message), ...seen }
  const reason = limit?.reason ?? ('unknown' in exit ? 'EXIT_UNKNOWN' : 'COMMAND_FAILED')
  return { state: 'TASK_FAILED', reason, message, ...seen }
}

/** Who was not done in time has failed. */
function killed({ groupEnd, killCause }: Task, message: string): News {
  if (killCause !== undefined) {
    const { reason, message: why } = killCause
    const state = reason === 'MAX_COMPLETION_TIME_REACHED' ? 'TASK_FAILED' : 'TASK_KILLED'
    return { state, reason, message: `${why}; ${message}` }
  }
  if (groupEnd === undefined) return { state: 'TASK_KILLED', message }
  return { state: 'TASK_KILLED', reason: 'GROUP_ENDED', message: `${groupEnd}; ${message}` }
}

function sentenceOf(exit: ExitSeen): string {
  if ('unknown' in exit) return `nobody saw how the command ended: ${exit.unknown}`
  if ('code' in exit) return `command exited with status ${exit.code}`
  return `command was ended by ${exit.name}`
}

/**
 * Answers for tasks that the leader had sent here and the snapshot lacked. A power cut may have
 * taken from the checkpoint what was told: the leader knows better.
 */
export function answerMissing(state: AgentState, tasks: Missing['tasks'], now: Now): void {
  for (const ref of tasks) {
    const framework = holdFramework(state, ref)
    if (state.tasks.has(ref.launch) || framework.isOver) continue
    const wasHere = ref.reported === true || state.sandboxes.has(ref.launch)
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
