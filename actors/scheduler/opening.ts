/** How a session is opened: said again and again, to the byte, until the leader confirms it. */
import type { SessionId } from '../../protocol/ids.ts'
import type { Subscribe } from '../../protocol/schema/calls.ts'
import { PROTOCOL_VERSIONS } from '../../protocol/version.ts'
import { nextFraction, nextHex } from '../parts/random.ts'
import { newSession } from '../parts/session.ts'
import { REPEAT_MS_MAX, repeatMs } from './calls.ts'
import { leaveSession } from './ending.ts'
import { count, type Turn } from './turn.ts'

/**
 * Two sessions do not begin closer to each other: whoever ends them at once is not helped by more.
 */
const PAUSE_MS = 250
/**
 * An open that nobody listened to is said again after so long, then twice that: after a server's
 * end a leader comes back in the same moments as those who look for it.
 */
const UNHEARD_MS = 100
/** Own sessions that are remembered. */
const SESSIONS_MAX = 64

/** Ends the present session, if any, and opens a new one. Nothing of an earlier one counts now. */
export function openSession(turn: Turn): void {
  const { state, now } = turn
  leaveSession(turn)
  if (now.monotonicMs < state.openedAtMs + PAUSE_MS) {
    state.link = { phase: 'pausing' }
    state.deadlines.set('open', state.openedAtMs + PAUSE_MS, { due: 'open' })
    return
  }
  count(turn, 'sessions')
  state.openedAtMs = now.monotonicMs
  const session = newSession(nextHex(state.random, 64) as SessionId)
  session.said = 1
  state.sessions.add(session.id)
  const [oldest] = state.sessions.keys()
  if (state.sessions.size > SESSIONS_MAX && oldest !== undefined) state.sessions.delete(oldest)
  state.link = {
    phase: 'opening',
    session,
    open: openOf(turn, session.id),
    tries: 0,
    unheard: 0,
    isUnheard: false,
  }
  sayOpen(turn)
}

function openOf({ state }: Turn, session: SessionId): Subscribe & { readonly call: SessionId } {
  const { settings, highest, suppressed, random, isKnown } = state
  const { secret, name, roles, failoverMs, terms, holder } = settings
  return {
    session,
    n: 1,
    call: nextHex(random, 64) as SessionId,
    ...(highest && { epoch: highest.epoch }),
    secret,
    version: PROTOCOL_VERSIONS,
    name,
    roles: [...roles],
    suppressed: [...suppressed],
    failoverMs,
    ...holder,
    // It may have been torn down where this process could not hear it: it is not to begin anew.
    ...(isKnown && { known: true }),
    ...terms,
  }
}

/** Says it once more, and looks again when nobody has confirmed it in time. */
export function sayOpen({ state, now, effects }: Turn): void {
  const { link } = state
  if (link.phase !== 'opening') return
  const timeoutMs = repeatMs(link.tries)
  // Frameworks that lost their leader together do not come back together each time.
  const jitterMs = timeoutMs === REPEAT_MS_MAX ? nextFraction(state.random) * timeoutMs : 0
  link.tries += 1
  link.isUnheard = false
  const { open } = link
  effects.push({ do: 'call', key: open.call, timeoutMs, verb: 'subscribe', body: open })
  state.deadlines.set('open', now.monotonicMs + timeoutMs + jitterMs, { due: 'open' })
}

/** The pause is over, or the open was not confirmed in time. */
export function onOpenDue(turn: Turn): void {
  const { phase } = turn.state.link
  if (phase === 'pausing' || phase === 'replaced' || phase === 'standing-by') openSession(turn)
  else if (phase === 'opening') sayOpen(turn)
}

/** Nobody listens where leaders do: a hint, no more. */
export function onUnheard({ state, now }: Turn, call: SessionId): void {
  const { link } = state
  if (link.phase !== 'opening' || link.open.call !== call) return
  const delayMs = Math.min(UNHEARD_MS * 2 ** link.unheard, REPEAT_MS_MAX)
  link.unheard += 1
  link.isUnheard = true
  // It was no try: who was not there is not given more time to answer.
  link.tries = 0
  const jitterMs = nextFraction(state.random) * delayMs
  state.deadlines.set('open', now.monotonicMs + delayMs + jitterMs, { due: 'open' })
}

/** The leader is there: an open that nobody listened to before is said to it now. */
export function onLeaderBack(turn: Turn): void {
  const { link } = turn.state
  if (link.phase === 'opening' && link.isUnheard) sayOpen(turn)
}

/** Something was lost, or the other side knows nothing of this session. */
export function onSessionLost(turn: Turn): void {
  const { phase } = turn.state.link
  if (phase === 'opening' || phase === 'open') openSession(turn)
}
