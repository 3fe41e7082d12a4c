/** The end of a turn: first what must not be forgotten, then what is done, then what is said. */
import type { Now } from '../../protocol/now.ts'
import type { TaskStatus } from '../../protocol/schema/common.ts'
import type { AgentReport } from '../../protocol/schema/master.ts'
import type { StatusUpdates } from '../../protocol/schema/scheduler.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { cut } from '../parts/outbox.ts'
import { nextNumber } from '../parts/session.ts'
import type { Effect } from './effects.ts'
import { isTellable } from './recording.ts'
import type { StatusBody } from './records.ts'
import { noteOpenSent } from './session.ts'
import { chunks } from './snapshot.ts'
import { type AgentState, type Framework, keyOf, stateOf, type Task, type Turn } from './state.ts'
import { noteSent } from './streams.ts'

/** Settled tasks of one report: it fits into one message with the longest ids. */
const REPORT_TASKS_MAX = 512

export function wantsFlush(state: AgentState): boolean {
  const { outbox, link } = state
  const hasReports = outbox.reports.length > 0 || outbox.settled.length > 0
  if (isAtEnd(state)) return true
  if (outbox.kills.size > 0 || outbox.removals.length > 0 || outbox.strays.length > 0) return true
  if (state.cannotRecord !== undefined)
    return [...outbox.heads].some((one) => isTellable(state, one))
  return (
    outbox.records.length > 0 ||
    outbox.heads.size > 0 ||
    outbox.launches.size > 0 ||
    outbox.destroys.length > 0 ||
    (link.kind === 'opening' && link.isDue) ||
    (link.kind === 'open' && hasReports)
  )
}

export function flush(state: AgentState, now: Now): readonly Effect[] {
  const effects: Effect[] = []
  if (state.cannotRecord === undefined) remember(state, effects)
  act(state, effects)
  open(state, effects, now)
  update(state, effects, now)
  tell(state, effects)
  if (isAtEnd(state) && state.endsWith !== undefined) {
    effects.push({ do: 'give-up', message: state.endsWith })
    state.endsWith = undefined
  }
  return effects
}

const isAtEnd = ({ endsWith, tasks }: AgentState): boolean =>
  endsWith !== undefined && tasks.size === 0

export function remember({ outbox }: AgentState, effects: Effect[]): void {
  const { records, isForDisk } = outbox
  outbox.records = []
  outbox.isForDisk = false
  if (records.length === 0) return
  effects.push({ do: 'checkpoint', records, durability: isForDisk ? 'disk' : 'kernel' })
}

/** The record of a container goes when its end is in the checkpoint, not before. */
function act({ outbox, tasks, cannotRecord }: AgentState, effects: Effect[]): void {
  for (const [launch, container] of outbox.launches) {
    const task = tasks.get(launch)
    if (task !== undefined) task.container = 'launched'
    effects.push({ do: 'launch', container })
  }
  for (const [containerId, graceMs] of outbox.kills) {
    effects.push({ do: 'kill', containerId, graceMs })
  }
  if (cannotRecord === undefined) {
    for (const containerId of outbox.destroys) effects.push({ do: 'destroy', containerId })
    outbox.destroys = []
  }
  for (const sandbox of outbox.removals) effects.push({ do: 'remove-sandbox', sandbox })
  outbox.launches.clear()
  outbox.kills.clear()
  outbox.removals = []
}

function open(state: AgentState, effects: Effect[], now: Now): void {
  const { link } = state
  if (link.kind !== 'opening' || !link.isDue) return
  noteOpenSent(state, now)
  for (const message of link.messages) effects.push({ do: 'report', message })
}

/** Statuses go out in any case; they have numbers only within a confirmed session. */
function update(state: AgentState, effects: Effect[], now: Now): void {
  const session = state.link.kind === 'open' ? state.link.session : undefined
  for (const [framework, due] of takeHeads(state, now)) {
    for (const list of cut(due)) {
      const message: StatusUpdates = { statuses: [...list] }
      if (framework.subscription !== undefined) message.subscription = framework.subscription
      if (session !== undefined) {
        message.session = session.id
        message.n = nextNumber(session)
      }
      effects.push({ do: 'update', to: keyOf(framework), message })
    }
  }
}

/** Others wait until they are in the checkpoint. */
function takeTellable(state: AgentState): readonly Task[] {
  const { heads } = state.outbox
  const all = [...heads]
  if (state.cannotRecord === undefined) {
    heads.clear()
    return all
  }
  const taken = all.filter((task) => isTellable(state, task))
  for (const task of taken) heads.delete(task)
  return taken
}

/** The statuses that are due, as each framework is to hear them. */
function takeHeads(state: AgentState, now: Now): Map<Framework, TaskStatus[]> {
  const heads = takeTellable(state)
  const taken = new Map<Framework, TaskStatus[]>()
  for (const task of heads) {
    const { framework, stream } = task
    const body = stream[0] ?? task.last
    if (body === undefined) continue
    const status = statusOf(task, body)
    const others = taken.get(framework)
    if (others === undefined) taken.set(framework, [status])
    else others.push(status)
    if (stream.length > 0) noteSent(state, task, now)
    if (state.link.kind === 'open' && isTerminal(body.state)) task.isEndTold = true
  }
  return taken
}

/** Field by field: in Node 20 each field that follows a spread costs more than all of these. */
function statusOf(task: Task, body: StatusBody): TaskStatus {
  const { taskId, launch } = task
  const { state, number, uuid, atMs, reason, message, exit, healthy, checkResult } = body
  const latest = stateOf(task)
  const status: TaskStatus = { taskId, state, latest, launch, number, uuid, source: 'agent', atMs }
  if (reason !== undefined) status.reason = reason
  if (message !== undefined) status.message = message
  if (exit !== undefined) status.exit = exit
  if (healthy !== undefined) status.healthy = healthy
  if (checkResult !== undefined) status.checkResult = checkResult
  return status
}

function tell(state: AgentState, effects: Effect[]): void {
  const { outbox, link } = state
  if (outbox.strays.length > 0) {
    for (const list of cut(outbox.strays)) {
      effects.push({ do: 'report', message: { reports: [...list] } })
    }
    outbox.strays = []
  }
  if (link.kind !== 'open') return
  const { session } = link
  for (const list of cut(takeReports(outbox))) {
    const n = nextNumber(session)
    for (const report of list) {
      if (report.kind === 'settled') state.awaited.push({ n, tasks: report.tasks })
    }
    const message = { session: session.id, n, heard: session.heard, reports: [...list] }
    effects.push({ do: 'report', message })
  }
}

function takeReports(outbox: Turn): readonly AgentReport[] {
  const { reports, settled } = outbox
  for (const tasks of chunks(settled, REPORT_TASKS_MAX)) {
    reports.push({ kind: 'settled', tasks: [...tasks] })
  }
  outbox.reports = []
  outbox.settled = []
  return reports
}
