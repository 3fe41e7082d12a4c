/** The end of a turn: first what must not be forgotten, then what is done, then what is said. */
import { type FrameworkKey, frameworkKey } from '../../protocol/ids.ts'
import type { Now } from '../../protocol/now.ts'
import type { TaskStatus } from '../../protocol/schema/common.ts'
import type { AgentReport } from '../../protocol/schema/master.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { cut, Outbox } from '../parts/outbox.ts'
import { nextNumber } from '../parts/session.ts'
import type { Effect } from './effects.ts'
import { noteOpenSent } from './session.ts'
import { chunks } from './snapshot.ts'
import { type AgentState, keyOf, stateOf } from './state.ts'

import { noteSent } from './streams.ts'

/** Settled tasks of one report: it fits into one message with the longest ids. */
const REPORT_TASKS_MAX = 512

export function wantsFlush({ outbox, link }: AgentState): boolean {
  const hasReports = outbox.reports.length > 0 || outbox.settled.length > 0
  return (
    outbox.records.length > 0 ||
    outbox.heads.size > 0 ||
    outbox.launches.size > 0 ||
    outbox.kills.size > 0 ||
    outbox.destroys.length > 0 ||
    outbox.removals.length > 0 ||
    outbox.complaints.length > 0 ||
    (link.kind === 'opening' && link.isDue) ||
    (link.kind === 'open' && hasReports)
  )
}

export function flush(state: AgentState, now: Now): readonly Effect[] {
  return [
    ...remember(state),
    ...act(state),
    ...open(state, now),
    ...update(state, now),
    ...tell(state),
  ]
}

function remember({ outbox }: AgentState): readonly Effect[] {
  const { records, isForDisk } = outbox
  outbox.records = []
  outbox.isForDisk = false
  if (records.length === 0) return []
  return [{ do: 'checkpoint', records, durability: isForDisk ? 'disk' : 'kernel' }]
}

function act({ outbox, tasks }: AgentState): readonly Effect[] {
  const effects: Effect[] = []
  for (const [launch, container] of outbox.launches) {
    const task = tasks.get(launch)
    if (task !== undefined) task.container = 'launched'
    effects.push({ do: 'launch', container })
  }
  for (const [containerId, graceMs] of outbox.kills) {
    effects.push({ do: 'kill', containerId, graceMs })
  }
  for (const containerId of outbox.destroys) effects.push({ do: 'destroy', containerId })
  for (const sandbox of outbox.removals) effects.push({ do: 'remove-sandbox', sandbox })
  outbox.launches.clear()
  outbox.kills.clear()
  outbox.destroys = []
  outbox.removals = []
  return effects
}

function open(state: AgentState, now: Now): readonly Effect[] {
  const { link } = state
  if (link.kind !== 'opening' || !link.isDue) return []
  noteOpenSent(state, now)
  return link.messages.map((message) => ({ do: 'report', message }))
}

/** Statuses go out in any case; they have numbers only within a confirmed session. */
function update(state: AgentState, now: Now): readonly Effect[] {
  const { heads } = state.outbox
  if (heads.size === 0) return []
  const session = state.link.kind === 'open' ? state.link.session : undefined
  const sorted = new Outbox<FrameworkKey, TaskStatus>()
  for (const task of heads) {
    const status = task.stream[0] ?? task.last
    if (status === undefined) continue
    sorted.add(frameworkKey(task.framework), task.framework, { ...status, latest: stateOf(task) })
    if (task.stream.length > 0) noteSent(state, task, now)
    if (session !== undefined && isTerminal(status.state)) task.isEndTold = true
  }
  heads.clear()
  return sorted.takeAll().flatMap(({ to, lists }) =>
    lists.map((statuses): Effect => {
      const numbered = session === undefined ? {} : { session: session.id, n: nextNumber(session) }
      return { do: 'update', to: keyOf(to), message: { ...numbered, statuses: [...statuses] } }
    }),
  )
}

function tell(state: AgentState): readonly Effect[] {
  const { outbox, link } = state
  const effects: Effect[] = cut(outbox.complaints).map((list) => ({
    do: 'report',
    message: { reports: [...list] },
  }))
  outbox.complaints = []
  if (link.kind !== 'open') return effects
  const { session } = link
  const settled = chunks(outbox.settled, REPORT_TASKS_MAX).map(
    (tasks): AgentReport => ({ kind: 'settled', tasks: [...tasks] }),
  )
  const reports = [...outbox.reports, ...settled]
  outbox.reports = []
  outbox.settled = []
  for (const list of reports.length === 0 ? [] : cut(reports)) {
    const n = nextNumber(session)
    for (const report of list) {
      if (report.kind === 'settled') state.awaited.push({ n, tasks: report.tasks })
    }
    const message = { session: session.id, n, heard: session.heard, reports: [...list] }
    effects.push({ do: 'report', message })
  }
  return effects
}
