/** What calls were answered. Silence is no answer: deadlines repeat what was not heard. */
import { type Refusal, retryOf } from '../../protocol/errors.ts'
import type { SessionId } from '../../protocol/ids.ts'
import { keepNumber, takeCall } from './calls.ts'
import { onDemandDone } from './demand.ts'
import { end } from './ending.ts'
import type { Input } from './inputs.ts'
import { onAccepted } from './offers.ts'
import { onSessionLost } from './opening.ts'
import { onReadRefused } from './output.ts'
import { askMore } from './reconcile.ts'
import { standBy } from './standing.ts'
import { count, settle, settleRefused, type Turn } from './turn.ts'

/** Refusals of an open that no repeat can cure. */
const FATAL: ReadonlySet<Refusal['name']> = new Set([
  'wrong-secret',
  'torn-down',
  'no-common-version',
  'invalid',
  'too-large',
])

type Answered = Extract<Input, { kind: 'leader.answered' }>

/** The answer to a call, or to a question for output. */
export function onAnswered(turn: Turn, answered: Answered): void {
  const { key, refusal: refused } = answered
  const { state } = turn
  const { link } = state
  if (link.phase === 'opening' && link.open.call === key) {
    if (refused?.name === 'held') standBy(turn, refused.message, refused.retryMs)
    else if (refused !== undefined && FATAL.has(refused.name)) end(turn, refused)
    return
  }
  if (state.readings.has(key)) {
    if (refused !== undefined) onReadRefused(turn, key, refused)
    return
  }
  // Not now, or too many at once: the deadline repeats it, less and less often.
  if (refused !== undefined && retryOf(refused) === 'later') return
  if (!state.calls.has(key)) return
  if (refused?.name === 'stale-session' || refused?.name === 'not-subscribed')
    return onSessionLost(turn)
  if (refused?.name === 'torn-down') return end(turn, refused)
  onCallDone(turn, answered)
}

function onCallDone(turn: Turn, { key, refusal: refused, notLaunched = [] }: Answered): void {
  if (refused?.name === 'stale') return onStale(turn, key, refused)
  const out = takeCall(turn, key)
  if (out === undefined) return
  if (turn.state.demanding?.call === key) onDemandDone(turn, refused !== undefined)
  if (out.said.verb === 'accept') return onAccepted(turn, out, refused ?? notLaunched)
  if (refused !== undefined) {
    count(turn, 'refusedCall')
    settleRefused(turn, out.ask, refused)
  } else if (out.said.verb === 'teardown') end(turn)
  else settle(turn, out.ask, { outcome: 'done' })
  if (out.said.verb === 'reconcile') askMore(turn)
}

/**
 * It leads no more, or we have not heard yet that it does: the next session decides. An accept may
 * have been heard by the leader that we mean, which is not asked to launch once more.
 */
function onStale(turn: Turn, key: SessionId, refused: Refusal): void {
  const out = turn.state.calls.get(key)
  if (out?.said.verb !== 'accept') return
  onAccepted(turn, out, refused)
  keepNumber(turn, out)
}
