/** How sessions end, and how the framework does. */
import { startCall, takeAllCalls } from './calls.ts'
import { giveUpDemand } from './demand.ts'
import type { EndReason } from './effects.ts'
import type { Ask } from './inputs.ts'
import { dropOffers, giveUpAccept } from './offers.ts'
import { settle, type Turn } from './turn.ts'

/** Calls and offers end with their session. */
export function leaveSession(turn: Turn): void {
  for (const out of takeAllCalls(turn)) if (out.said.verb === 'accept') giveUpAccept(turn, out)
  giveUpDemand(turn)
  dropOffers(turn)
  turn.state.questions.clear()
  turn.state.deadlines.clear('silence')
  turn.state.deadlines.clear('reconcile')
}

/** The framework wants to end for good. */
export function onTeardown(turn: Turn, ask: Ask): void {
  const { state } = turn
  if (state.link.phase === 'closed') return settle(turn, ask, { outcome: 'done' })
  if (state.teardown !== undefined) {
    state.teardown.push(ask)
    return
  }
  state.teardown = [ask]
  if (state.link.phase === 'open') sayTeardown(turn)
}

export function sayTeardown(turn: Turn): void {
  startCall(turn, { verb: 'teardown', body: {} })
}

/** Nothing follows. `reason`: why, if it did not want to. */
export function end(turn: Turn, reason?: EndReason): void {
  const { state, effects } = turn
  const isWanted = state.teardown !== undefined && (reason?.name ?? 'torn-down') === 'torn-down'
  leaveSession(turn)
  for (const ask of state.teardown ?? [])
    settle(turn, ask, { outcome: isWanted ? 'done' : 'unknown' })
  state.link = { phase: 'closed' }
  state.deadlines.clearAll()
  effects.push({
    do: 'end',
    ...(!isWanted &&
      reason !== undefined && { reason: { name: reason.name, message: reason.message } }),
  })
}
