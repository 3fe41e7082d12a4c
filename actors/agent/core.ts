/** The agent's decisions, without the agent: no clock, no bus, no process. Same in, same out. */
import type { Now } from '../../protocol/now.ts'
import type { CommonInput, Core } from '../parts/core.ts'
import { endOverdue, heardCheck } from './checks/results.ts'
import { runCheck } from './checks/watching.ts'
import { compact } from './compaction.ts'
import type { Effect } from './effects.ts'
import { flush, wantsFlush } from './flush.ts'
import type { Input } from './inputs.ts'
import { heardBeat, openUninvited } from './leader.ts'
import { heardOrders } from './orders.ts'
import { heardOutput, lookAgain } from './output.ts'
import { goOnRecording, stopRecording } from './recording.ts'
import { start } from './recovery.ts'
import { findSandboxes } from './sandbox-questions.ts'
import { heardDisk, measureDisk } from './sandboxes.ts'
import { checkSilence, openSession } from './session.ts'
import type { AgentState, Deadline } from './state.ts'
import { stop } from './stop.ts'
import { acknowledge, retryStreams } from './streams.ts'
import { handleContainer } from './tasks.ts'
import { heardUsage } from './usage.ts'

const NOTHING: readonly Effect[] = []

function handle(state: AgentState, input: Input | CommonInput, now: Now): readonly Effect[] {
  switch (input.kind) {
    case 'start':
      return start(state, input, now)
    case 'leader.beat':
      heardBeat(state, input.beat, now)
      return NOTHING
    case 'leader.orders':
      return heardOrders(state, input.message, now)
    case 'leader.finds':
      return findSandboxes(state, input.question)
    case 'framework.acks':
      acknowledge(state, input.from, input.message)
      return NOTHING
    case 'container.started':
    case 'container.ended':
    case 'container.launch-failed':
    case 'container.strange-ports':
      handleContainer(state, input, now)
      return NOTHING
    case 'check.ended':
      heardCheck(state, input, now)
      return NOTHING
    case 'output.read':
      return heardOutput(state, input, now)
    case 'usage.read':
      return heardUsage(input)
    case 'bus.disconnected':
      state.isDisconnected = true
      return NOTHING
    case 'bus.connected':
      reconnected(state, now)
      return NOTHING
    case 'disk.measured':
      return heardDisk(state, input, now)
    case 'stop':
      return stop(state, input, now)
    case 'wake':
      return wake(state, now)
    case 'flush':
      return flush(state, now)
    default:
      return heardJournal(state, input, now)
  }
}

type OfJournal = Extract<Input, { kind: `recording.${string}` | 'checkpoint.grown' }>

function heardJournal(state: AgentState, input: OfJournal, now: Now): readonly Effect[] {
  if (input.kind === 'checkpoint.grown') return compact(state)
  if (input.kind === 'recording.failed') stopRecording(state, input, now)
  else goOnRecording(state, now)
  return NOTHING
}

function reconnected(state: AgentState, now: Now): void {
  if (state.isDisconnected && state.hasHeardLeader) openSession(state, now)
  state.isDisconnected = false
}

function wake(state: AgentState, now: Now): readonly Effect[] {
  const effects: Effect[] = []
  retryStreams(state, now)
  for (let due = state.deadlines.takeDue(now.monotonicMs); due !== undefined; ) {
    effects.push(...meet(state, due, now))
    due = state.deadlines.takeDue(now.monotonicMs)
  }
  return effects
}

function meet(state: AgentState, deadline: Deadline, now: Now): readonly Effect[] {
  switch (deadline.kind) {
    case 'open':
      openUninvited(state, now)
      return NOTHING
    case 'repeat':
      if (state.link.kind === 'opening') state.link.isDue = true
      return NOTHING
    case 'silence':
      checkSilence(state, now)
      return NOTHING
    case 'disk':
      return measureDisk(state)
    case 'output':
      return lookAgain(state, deadline.request)
    case 'check':
      return runCheck(state, deadline)
    case 'completion':
      endOverdue(state, deadline.launch, now)
      return NOTHING
  }
}

function wakeAtMs(state: AgentState): number | undefined {
  const dueMs = state.deadlines.nextMs() ?? Number.POSITIVE_INFINITY
  const atMs = Math.min(dueMs, state.retryAtMs)
  return atMs === Number.POSITIVE_INFINITY ? undefined : atMs
}

export const agentCore: Core<AgentState, Input, Effect> = { handle, wakeAtMs, wantsFlush }
