/**
 * Decides what the word count does: which offers it uses, what it starts again, when it is over.
 */
import { isTerminal, type TaskStatus, type TaskWish } from '../../actors/scheduler/scheduler.ts'
import type {
  AgentRecord,
  CountState,
  Effect,
  Input,
  OfferInput,
  PartRecord,
  TaskRecord,
} from './state.ts'
import { addCounts, COUNT_SCRIPT, parseCounts, totalOf } from './words.ts'

/** By each task. */
export const WANTED = { cpus: 0.1, mem: 32 } as const
/** At a time, so that a large machine does not count everything alone. */
const TASKS_PER_AGENT_MAX = 2
const TRIES_MAX = 5
/** An offer that is not needed; what becomes free beside it comes sooner. */
const REFUSE_MS = 60_000

const REASONS = {
  placed: 'every part is placed',
  busy: `${TASKS_PER_AGENT_MAX} tasks at a time are enough on one agent`,
  small: `a task wants ${WANTED.cpus} cpus and ${WANTED.mem} MiB`,
} as const

export function handleCount(state: CountState, input: Input): readonly Effect[] {
  if (state.isOver) return []
  switch (input.kind) {
    case 'offer':
      return onOffer(state, input)
    case 'answered':
      return onAnswered(state, input)
    case 'status':
      return onStatus(state, input.status)
    case 'output':
      return onOutput(state, input)
    default:
      return input satisfies never
  }
}

function onOffer(state: CountState, offer: OfferInput): readonly Effect[] {
  const { agentId, room } = offer
  const agent = agentOf(state, agentId)
  agent.offers += 1
  const waiting = state.parts.filter((part) => part.state === 'waiting')
  const allowed = TASKS_PER_AGENT_MAX - unfinishedAt(state, agentId)
  const taken = waiting.slice(0, Math.max(0, Math.min(allowed, room)))
  if (taken.length === 0) {
    const isBusy = allowed <= 0
    const reason = waiting.length === 0 ? REASONS.placed : isBusy ? REASONS.busy : REASONS.small
    agent.declined.set(reason, (agent.declined.get(reason) ?? 0) + 1)
    return [{ do: 'decline', offer, reason, refuseMs: REFUSE_MS }]
  }
  const placed = taken.map((part) => place(state, part, agentId))
  const told = placed.map(({ task }): Effect => ({ do: 'tell', task }))
  return [{ do: 'accept', offer, tasks: placed.map(({ wish }) => wish) }, ...told]
}

function place(state: CountState, part: PartRecord, agentId: string) {
  part.state = 'placed'
  part.tries += 1
  const { number, tries } = part
  const pieces = part.part
  const task: TaskRecord = {
    taskId: tries === 1 ? `count-${number}` : `count-${number}-${tries}`,
    part: number,
    agentId,
    files: pieces.length,
    bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0),
    state: 'placed',
  }
  state.tasks.set(task.taskId, task)
  const places = pieces.flatMap(({ path, offset, bytes }) => [`${offset + 1}`, `${bytes}`, path])
  const command = ['sh', '-c', COUNT_SCRIPT, 'word-count', state.folder, ...places]
  const wish: TaskWish = { taskId: task.taskId, name: 'word-count', command, resources: WANTED }
  return { task, wish }
}

function agentOf({ agents }: CountState, agentId: string): AgentRecord {
  const known = agents.get(agentId)
  if (known !== undefined) return known
  const added = { agentId, offers: 0, accepted: 0, unanswered: 0, declined: new Map() }
  agents.set(agentId, added)
  return added
}

const isUnfinished = ({ state }: TaskRecord): boolean => state === 'placed' || state === 'running'

function unfinishedAt({ tasks }: CountState, agentId: string): number {
  let count = 0
  for (const task of tasks.values()) if (task.agentId === agentId && isUnfinished(task)) count += 1
  return count
}

function onAnswered(
  state: CountState,
  { agentId, accepted }: Extract<Input, { kind: 'answered' }>,
): readonly Effect[] {
  const agent = agentOf(state, agentId)
  if (accepted.outcome === 'done') agent.accepted += 1
  else agent.unanswered += 1
  // Unknown: statuses tell.
  if (accepted.outcome !== 'refused') return []
  const { message } = accepted.refusal
  return accepted.taskIds.flatMap((taskId) => {
    const task = state.tasks.get(taskId)
    return task === undefined || !isUnfinished(task) ? [] : lose(state, task, message)
  })
}

function onStatus(state: CountState, status: TaskStatus): readonly Effect[] {
  const task = state.tasks.get(status.taskId)
  if (task === undefined || !isUnfinished(task)) return []
  const { taskId, agentId } = task
  if (status.state === 'TASK_RUNNING') {
    if (task.state === 'running') return []
    task.state = 'running'
    task.runningAtMs = status.atMs
    return [{ do: 'tell', task }]
  }
  if (status.state === 'TASK_FINISHED') {
    task.state = 'ended'
    if (task.runningAtMs !== undefined) task.tookMs = status.atMs - task.runningAtMs
    return [{ do: 'read', taskId, agentId, stream: 'stdout' }]
  }
  if (status.state === 'TASK_FAILED' && status.source === 'agent') {
    task.state = 'ended'
    task.why = status.message ?? status.state
    return [{ do: 'read', taskId, agentId, stream: 'stderr' }]
  }
  // To count a part twice does no harm: nobody has to wait for an agent that may come back.
  const away = AWAY[status.state]
  if (away !== undefined) return [{ do: 'kill', taskId }, ...lose(state, task, away)]
  return isTerminal(status.state) ? lose(state, task, status.message ?? status.state) : []
}

function onOutput(
  state: CountState,
  { taskId, text, missing }: Extract<Input, { kind: 'output' }>,
): readonly Effect[] {
  const task = state.tasks.get(taskId)
  if (task?.state !== 'ended') return []
  if (task.why !== undefined) {
    const said = text.trim().split('\n').at(-1)
    return lose(state, task, said ? `${task.why}: ${said}` : task.why)
  }
  if (missing !== undefined) return lose(state, task, missing)
  const counts = parseCounts(text)
  if (counts === undefined) return lose(state, task, 'it wrote something else than counts')
  task.state = 'counted'
  task.words = totalOf(counts)
  addCounts(state.counts, counts)
  partOf(state, task).state = 'counted'
  const told: Effect = { do: 'tell', task }
  if (state.parts.some((part) => part.state !== 'counted')) return [told]
  state.isOver = true
  return [told, { do: 'end' }]
}

/** It has not ended, and may never be heard of again. */
const AWAY: Readonly<Partial<Record<TaskStatus['state'], string>>> = {
  TASK_UNREACHABLE: 'its agent cannot be reached',
  TASK_UNKNOWN: 'nobody knows its agent',
}

/** Its part waits for another offer, unless it was tried often enough. */
function lose(state: CountState, task: TaskRecord, why: string): readonly Effect[] {
  task.state = 'lost'
  task.why = why
  const part = partOf(state, task)
  const told: Effect = { do: 'tell', task }
  if (part.tries >= TRIES_MAX) {
    state.isOver = true
    const sentence = `part ${part.number} was tried ${part.tries} times: ${why}`
    return [told, { do: 'end', why: sentence }]
  }
  part.state = 'waiting'
  return [told, { do: 'revive' }]
}

/** Parts are numbered from 1. */
function partOf({ parts }: CountState, { part }: TaskRecord) {
  const record = parts[part - 1]
  if (record === undefined) throw new Error(`there is no part ${part}`)
  return record
}
