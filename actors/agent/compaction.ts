/** The checkpoint written anew: what its records have come to. */
import { listResources } from '../../protocol/resources.ts'
import type { WantedResources } from '../../protocol/schema/common.ts'
import type { Effect } from './effects.ts'
import { type AgentRecord, FORMAT } from './records.ts'
import { type AgentState, type Framework, type KeptSandbox, keyOf, type Task } from './state.ts'

/** Covers what was still to be appended. */
export function compact(state: AgentState): readonly Effect[] {
  state.outbox.records = []
  state.outbox.isForDisk = false
  return [{ do: 'compact', records: allRecords(state) }]
}

function allRecords(state: AgentState): readonly AgentRecord[] {
  const { highest, sandboxes } = state
  return [
    {
      kind: 'start',
      format: FORMAT,
      incarnation: state.incarnation,
      bootId: state.bootId,
      directory: state.directory,
      resources: listResources(state.total),
      resourcesVersion: state.resourcesVersion,
    },
    ...(highest === undefined ? [] : [{ kind: 'leader', fence: highest } as const]),
    ...[...state.frameworks.values()].filter((f) => f.isRecorded).map(frameworkRecord),
    ...[...state.tasks.values()].flatMap(taskRecords),
    ...[...sandboxes.values()].map(sandboxRecord),
  ]
}

function sandboxRecord({ endedAtMs, ...ref }: KeptSandbox): AgentRecord {
  return { kind: 'sandbox', ...ref, ...(endedAtMs !== undefined && { endedAtMs }) }
}

export function frameworkRecord(framework: Framework): AgentRecord {
  const { subscription, isOver } = framework
  return {
    kind: 'framework',
    ...keyOf(framework),
    ...(subscription === undefined ? {} : { subscription }),
    ...(isOver ? { isOver } : {}),
  }
}

function taskRecords(task: Task): readonly AgentRecord[] {
  const { launch, stream } = task
  const records: AgentRecord[] = [taskRecord(task)]
  if (task.killedWithMs !== undefined) records.push(killRecord(task))
  for (const status of stream) records.push({ kind: 'status', launch, status })
  return records
}

/** Of a task that is killed. */
export function killRecord({
  launch,
  killedWithMs,
  killByMs,
  groupEnd,
  killCause,
}: Task): AgentRecord {
  const by = killByMs === undefined ? {} : { byMs: killByMs }
  const end = groupEnd === undefined ? {} : { groupEnd }
  const why = killCause === undefined ? {} : { cause: killCause }
  return { kind: 'kill', launch, graceMs: killedWithMs ?? 0, ...by, ...end, ...why }
}

/** The task as it is when none of its statuses waits for an acknowledgement. */
export function taskRecord(
  task: Task,
  resources: WantedResources = listResources(task.resources),
): AgentRecord {
  const { framework, taskId, launch, name, role, killGraceMs, group, staged, stream } = task
  const { checks } = task
  const { principal, frameworkId } = framework
  const last = stream.length > 0 ? undefined : task.last
  return {
    kind: 'task',
    principal,
    frameworkId,
    taskId,
    launch,
    name,
    role,
    resources,
    killGraceMs,
    group,
    staged,
    checks: checks?.asked,
    startedAtMs: checks?.startedAtMs,
    last,
  }
}
