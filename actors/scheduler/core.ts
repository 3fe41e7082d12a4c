/** Decides what a framework's side of the protocol does. Each input has one line here. */
import type { Now } from '../../protocol/now.ts'
import type { CommonInput, Core } from '../parts/core.ts'
import { onAnswered } from './answers.ts'
import { repeatCall } from './calls.ts'
import { flushDemand, hasDemand, onDemand, onUpdate } from './demand.ts'
import type { Effect } from './effects.ts'
import { onTeardown } from './ending.ts'
import type { Input } from './inputs.ts'
import { flushDeclines, onAccept, onDecline } from './offers.ts'
import { onOpenDue, onSessionLost, onUnheard, openSession } from './opening.ts'
import { closeReading, onOutput, onRead, onReadDue, openReading } from './output.ts'
import { askAboutAll, onReconcileDue } from './reconcile.ts'
import { onBeat, onEvents } from './session.ts'
import { onEcho, onSilenceDue } from './silence.ts'
import { onLeave, sayLeave } from './standing.ts'
import type { Due, SchedulerState } from './state.ts'
import { flushAcks, hasAcks, onAgentStatuses, onKill, onSeen } from './tasks.ts'
import type { Turn } from './turn.ts'

export const schedulerCore: Core<SchedulerState, Input, Effect> = {
  handle(state, input, now: Now) {
    const turn: Turn = { state, now, effects: [] }
    handle(turn, input)
    return turn.effects
  },
  wakeAtMs: (state) => state.deadlines.nextMs(),
  wantsFlush: (state) =>
    hasAcks(state) ||
    (state.link.phase === 'open' &&
      (state.isLeaving || state.declines.size > 0 || hasDemand(state))),
}

function handle(turn: Turn, input: Input | CommonInput): void {
  switch (input.kind) {
    case 'start':
      return openSession(turn)
    case 'leader.beat':
      return onBeat(turn, input.beat)
    case 'leader.events':
      return onEvents(turn, input.message)
    case 'leader.answered':
      return onAnswered(turn, input)
    case 'leader.unheard':
      return onUnheard(turn, input.key)
    case 'agent.statuses':
      return onAgentStatuses(turn, input.agentId, input.message)
    case 'agent.output':
      return onOutput(turn, input.agentId, input.message)
    case 'bus.connected':
      return onSessionLost(turn)
    case 'bus.echoed':
      return onEcho(turn, true)
    case 'bus.silent':
      return onEcho(turn, false)
    case 'wake':
      return wake(turn)
    case 'flush':
      return flush(turn)
    default:
      return command(turn, input)
  }
}

function command(turn: Turn, input: Extract<Input, { kind: `framework.${string}` }>): void {
  const { state } = turn
  switch (input.kind) {
    case 'framework.accept':
      return onAccept(turn, input)
    case 'framework.decline':
      return onDecline(turn, input)
    case 'framework.suppress':
    case 'framework.revive':
      return onDemand(turn, input)
    case 'framework.update':
      return onUpdate(turn, input)
    case 'framework.kill':
      return onKill(turn, input.taskId, input.graceMs)
    case 'framework.reconcile':
      if (state.link.phase === 'open') askAboutAll(turn)
      return
    case 'framework.teardown':
      return onTeardown(turn, input.ask)
    case 'framework.leave':
      return onLeave(turn)
    case 'framework.seen':
      return onSeen(turn, input.keys)
    case 'framework.open-reading':
      return openReading(turn, input)
    case 'framework.read':
      return onRead(turn, input.request)
    case 'framework.close-reading':
      return closeReading(turn, input.request)
  }
}

function wake(turn: Turn): void {
  const { state, now } = turn
  for (
    let due = state.deadlines.takeDue(now.monotonicMs);
    due !== undefined;
    due = state.deadlines.takeDue(now.monotonicMs)
  )
    onDue(turn, due)
}

function onDue(turn: Turn, due: Due): void {
  switch (due.due) {
    case 'open':
      return onOpenDue(turn)
    case 'silence':
      return onSilenceDue(turn)
    case 'reconcile':
      return onReconcileDue(turn)
    case 'repeat':
      return repeatCall(turn, due.call)
    case 'read':
      return onReadDue(turn, due.request)
  }
}

/** Declines before changes of what is wanted: a revive clears the filters that they make. */
function flush(turn: Turn): void {
  if (turn.state.link.phase === 'open') {
    flushDeclines(turn)
    flushDemand(turn)
  }
  flushAcks(turn)
  sayLeave(turn)
}
