/** What the leader says to this agent. */
import type { Now } from '../../protocol/now.ts'
import type { AgentOrder, AgentOrders } from '../../protocol/schema/agent.ts'
import { hear } from '../parts/session.ts'
import type { Effect } from './effects.ts'
import { findFramework, noteSubscription } from './held.ts'
import { obeyKill } from './kills.ts'
import { isLeader, isUnknown } from './leader.ts'
import { sendOutput } from './output.ts'
import { answerWaiting } from './recording.ts'
import { run } from './run.ts'
import { sendSandbox } from './sandbox-questions.ts'
import { answerPing, confirm, forgetHeard, invited, openSession, refused } from './session.ts'
import type { AgentState } from './state.ts'
import { sendHeadsAgain } from './streams.ts'
import { answerMissing } from './tasks.ts'
import { tearDown } from './tear-down.ts'
import { sendUsage } from './usage.ts'

export function heardOrders(state: AgentState, message: AgentOrders, now: Now): readonly Effect[] {
  if (state.link.kind === 'given-up') return []
  if (state.cannotRecord !== undefined) {
    answerWaiting(state, message)
    return []
  }
  if (isUnknown(state, message)) {
    state.counts.unknownLeader += 1
    return []
  }
  if (!isLeader(state, message, now)) return []
  if (message.orders.some(({ kind }) => kind === 'invite')) {
    state.hasHeardLeader = true
    invited(state, now)
    return []
  }
  const { link } = state
  const isOurs = link.kind !== 'closed' && link.session.id === message.session
  if (!isOurs || message.n === undefined) {
    state.counts.foreignSession += 1
    return []
  }
  switch (hear(link.session, message.n)) {
    case 'repeated':
      state.counts.repeatedMessage += 1
      return []
    case 'gap':
      state.counts.gap += 1
      openSession(state, now)
      return []
    case 'next':
      return obey(state, message, now)
  }
}

function obey(state: AgentState, message: AgentOrders, now: Now): readonly Effect[] {
  const effects: Effect[] = []
  for (const order of message.orders) {
    effects.push(...obeyOne(state, order, now))
    if (state.link.kind === 'closed' || state.link.kind === 'given-up') return effects
  }
  if (state.link.kind !== 'open') return effects
  state.link.heardAtMs = now.monotonicMs
  if (message.heard !== undefined) forgetHeard(state, message.heard)
  return effects
}

const NOTHING: readonly Effect[] = []

function obeyOne(state: AgentState, order: AgentOrder, now: Now): readonly Effect[] {
  if (order.kind === 'registered') {
    confirm(state, order, now)
    return NOTHING
  }
  if (order.kind === 'not-registered') return refused(state, order, now)
  if (state.link.kind !== 'open') {
    state.counts.foreignSession += 1
    return NOTHING
  }
  switch (order.kind) {
    case 'missing':
      answerMissing(state, order.tasks, now)
      return NOTHING
    case 'run':
      run(state, order, now)
      return NOTHING
    case 'kill':
      obeyKill(state, order, now)
      return NOTHING
    case 'framework-subscribed': {
      const framework = findFramework(state, order)
      if (framework === undefined || framework.isOver) return NOTHING
      noteSubscription(state, framework, order.subscription)
      sendHeadsAgain(state, framework)
      return NOTHING
    }
    case 'tear-down':
      tearDown(state, order, now)
      return NOTHING
    case 'ping':
      answerPing(state, order)
      return NOTHING
    case 'send-output':
      return sendOutput(state, order, now)
    case 'send-sandbox':
      return sendSandbox(order)
    case 'send-usage':
      return sendUsage(state, order)
    case 'invite':
      return NOTHING
  }
}
