/**
 * How records stand in the log. Those that every task has several of are lists, in which a place
 * needs no name: that halves what is written, and the time that it takes. All others stand as they
 * are.
 */
import type { FrameworkId, Launch, Principal, TaskId } from '../../protocol/ids.ts'
import type { WantedResources } from '../../protocol/schema/common.ts'
import type { AgentRecord, StatusBody, TaskRecord } from './records.ts'

type Told = Pick<StatusBody, 'reason' | 'message' | 'exit' | 'healthy' | 'checkResult'>
type Rest = Pick<TaskRecord, 'name' | 'killGraceMs' | 'group' | 'checks' | 'startedAtMs' | 'last'>

type TaskRow = readonly [
  kind: 'task',
  principal: Principal,
  frameworkId: FrameworkId,
  taskId: TaskId,
  launch: Launch,
  role: string,
  resources: WantedResources,
  incarnation: number,
  count: number,
  rest: Rest,
]

type StatusRow = readonly [
  kind: 'status',
  launch: Launch,
  state: StatusBody['state'],
  incarnation: number,
  count: number,
  uuid: string,
  atMs: number,
  told: Told,
  replaces?: boolean,
]

export type Row =
  | TaskRow
  | StatusRow
  | readonly [kind: 'ack' | 'forget', launch: Launch]
  | Exclude<AgentRecord, { kind: 'task' | 'status' | 'ack' | 'forget' }>

export function rowOf(record: AgentRecord): Row {
  switch (record.kind) {
    case 'task': {
      const { principal, frameworkId, taskId, launch, role, resources, staged } = record
      const { incarnation, count } = staged
      const { name, killGraceMs, group, checks, startedAtMs, last } = record
      const rest = { name, killGraceMs, group, checks, startedAtMs, last }
      const ref = [principal, frameworkId, taskId, launch] as const
      return ['task', ...ref, role, resources, incarnation, count, rest]
    }
    case 'status': {
      const { launch, status, replaces } = record
      const { state, number, uuid, atMs, reason, message, exit, healthy, checkResult } = status
      const told = { reason, message, exit, healthy, checkResult } as Told
      const { incarnation, count } = number
      const row = ['status', launch, state, incarnation, count, uuid, atMs, told] as const
      return replaces ? [...row, replaces] : row
    }
    case 'ack':
    case 'forget':
      return [record.kind, record.launch]
    default:
      return record
  }
}

const LISTED: ReadonlySet<unknown> = new Set(['task', 'status', 'ack', 'forget'])

/** Only its kind is asked: what has a good checksum was written by an agent, maybe a newer one. */
export function isRow(value: unknown): value is Row {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) ? LISTED.has(value[0]) : 'kind' in value
}

export function recordOf(row: Row): AgentRecord {
  if ('kind' in row) return row
  switch (row[0]) {
    case 'task': {
      const [kind, principal, frameworkId, taskId, launch, role, resources, ...more] = row
      const [incarnation, count, rest] = more
      const staged = { incarnation, count }
      const ref = { kind, principal, frameworkId, taskId, launch }
      return { ...ref, role, resources, staged, ...rest }
    }
    case 'status': {
      const [kind, launch, state, incarnation, count, uuid, atMs, told, replaces] = row
      const number = { incarnation, count }
      const status = { state, number, uuid, atMs, ...told }
      return replaces ? { kind, launch, status, replaces } : { kind, launch, status }
    }
    case 'ack':
    case 'forget':
      return { kind: row[0], launch: row[1] }
  }
}
