/**
 * Reading what a task wrote: one piece is asked for at a time, by its offset, so that a lost one is
 * asked for again and none comes twice.
 */
import type { Refusal } from '../../protocol/errors.ts'
import type { AgentId, SessionId, TaskId } from '../../protocol/ids.ts'
import { CALL_TIMEOUT_MS, OUTPUT_BYTES_MAX } from '../../protocol/limits.ts'
import type { Output } from '../../protocol/schema/scheduler.ts'
import type { OpenReadingInput } from './inputs.ts'
import type { Reading, SchedulerState } from './state.ts'
import type { Turn } from './turn.ts'

/** The agent waits so long for output before it says that there is none yet. */
const WAIT_MS = 10_000
/** An answer that has not come so long after that is lost. */
const LATE_MS = 2_000
/** An ended task's output that nobody has sent for so long is given up: its agent is gone. */
export const OUTPUT_PATIENCE_MS = 30_000

const deadlineOf = (request: SessionId): string => `read ${request}`

export function openReading({ state, now }: Turn, input: OpenReadingInput): void {
  const { kind: _, ...reading } = input
  state.readings.set(input.request, { ...reading, isAsking: false, heardAtMs: now.monotonicMs })
}

export function closeReading({ state }: Turn, request: SessionId): void {
  state.readings.delete(request)
  state.deadlines.clear(deadlineOf(request))
}

export function onRead(turn: Turn, request: SessionId): void {
  const reading = turn.state.readings.get(request)
  if (reading === undefined || reading.isAsking) return
  reading.isAsking = true
  reading.heardAtMs = turn.now.monotonicMs
  ask(turn, reading)
}

/** A new session: questions of the old one were lost with their leader. */
export function repeatReadings(turn: Turn): void {
  for (const reading of turn.state.readings.values()) if (reading.isAsking) ask(turn, reading)
}

/** Its agent has begun anew, perhaps, or is gone: what it was asked before is lost then. */
export function repeatReadingsOf(turn: Turn, taskId: TaskId): void {
  for (const reading of turn.state.readings.values())
    if (reading.isAsking && reading.taskId === taskId) ask(turn, reading)
}

/** No piece has come in time. */
export function onReadDue(turn: Turn, request: SessionId): void {
  const reading = turn.state.readings.get(request)
  if (reading === undefined) return
  const silentMs = turn.now.monotonicMs - reading.heardAtMs
  if (isUnfinished(turn.state, reading) || silentMs < OUTPUT_PATIENCE_MS) return ask(turn, reading)
  const { agentId, offset, stream } = reading
  giveUp(
    turn,
    reading,
    `agent ${agentId} has sent nothing of ${stream} from byte ${offset} on for ${Math.floor(silentMs / 1000)} s`,
  )
}

/**
 * The leader could not pass the question on. It may later, when the agent is back; for what an
 * ended task wrote, nobody waits until an unreachable one is.
 */
export function onReadRefused(turn: Turn, request: SessionId, { name, message }: Refusal): void {
  const { state, now } = turn
  const reading = state.readings.get(request)
  // What was never heard of may run: of tasks out of reach nobody tells a process that comes back.
  if (reading !== undefined && name === 'conflict' && state.ended.has(reading.taskId))
    return giveUp(turn, reading, `${message}: the rest of ${reading.stream} is not read`)
  state.deadlines.set(deadlineOf(request), now.monotonicMs + CALL_TIMEOUT_MS, {
    due: 'read',
    request,
  })
}

export function onOutput(turn: Turn, agentId: AgentId, message: Output): void {
  const { state, now, effects } = turn
  const { request, taskId, stream, offset, data, end, missing, goneBytes = 0, begunAnew } = message
  const reading = state.readings.get(request)
  const isWanted =
    reading?.isAsking &&
    reading.agentId === agentId &&
    reading.taskId === taskId &&
    reading.stream === stream &&
    reading.offset === offset
  if (!isWanted) return
  if (missing) return onMissing(turn, reading)
  reading.heardAtMs = now.monotonicMs
  if (begunAnew) reading.offset = 0
  else if (data.length === 0 && goneBytes === 0 && !end) return ask(turn, reading)
  else reading.offset += goneBytes + data.length
  reading.isAsking = false
  state.deadlines.clear(deadlineOf(request))
  const about = { ...(goneBytes > 0 && { goneBytes }), ...(begunAnew && { begunAnew }) }
  const piece = { offset: reading.offset - data.length, data, end, ...about }
  effects.push({ do: 'tell-output', request, piece })
  if (end) state.readings.delete(request)
}

/** The task may not have written anything yet; once it has ended, this is all that there is. */
function onMissing(turn: Turn, reading: Reading): void {
  if (!isUnfinished(turn.state, reading))
    return giveUp(turn, reading, `agent ${reading.agentId} has no ${reading.stream} of this task`)
  const atMs = turn.now.monotonicMs + CALL_TIMEOUT_MS
  turn.state.deadlines.set(deadlineOf(reading.request), atMs, {
    due: 'read',
    request: reading.request,
  })
}

function giveUp(turn: Turn, { request, offset }: Reading, missing: string): void {
  closeReading(turn, request)
  const piece = { offset, data: new Uint8Array(), end: false, missing }
  turn.effects.push({ do: 'tell-output', request, piece })
}

const isUnfinished = ({ tasks }: SchedulerState, { taskId }: Reading): boolean => tasks.has(taskId)

function ask({ state, now, effects }: Turn, reading: Reading): void {
  const { request, taskId, agentId, stream, offset } = reading
  const { link, highest } = state
  const isOpen = link.phase === 'open'
  const againMs = isOpen ? WAIT_MS + LATE_MS : CALL_TIMEOUT_MS
  state.deadlines.set(deadlineOf(request), now.monotonicMs + againMs, { due: 'read', request })
  if (!isOpen) return
  effects.push({
    do: 'call',
    key: request,
    timeoutMs: CALL_TIMEOUT_MS,
    verb: 'read-output',
    body: {
      session: link.session.id,
      ...(highest && { epoch: highest.epoch }),
      taskId,
      agentId,
      stream,
      offset,
      bytesMax: OUTPUT_BYTES_MAX,
      waitMs: WAIT_MS,
      request,
    },
  })
}
