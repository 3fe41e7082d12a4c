/**
 * What the leader says: believed in its session, which is opened anew when numbers prove nothing.
 */
import type { AgentId, SessionId } from '../../protocol/ids.ts'
import { CALL_TIMEOUT_MS } from '../../protocol/limits.ts'
import type { Fence, Subscription } from '../../protocol/schema/common.ts'
import type { FrameworkEvent, FrameworkEvents } from '../../protocol/schema/scheduler.ts'
import { compareFence } from '../parts/fence.ts'
import { hear } from '../parts/session.ts'
import { onHeard } from './calls.ts'
import { end, leaveSession, sayTeardown } from './ending.ts'
import type { Beat } from './inputs.ts'
import { sayKills } from './kills.ts'
import { onOffers, onRescind } from './offers.ts'
import { onLeaderBack, onSessionLost, openSession, sayOpen } from './opening.ts'
import { repeatReadings } from './output.ts'
import { askAboutLost, noteInviting, onSubscribed as reconcile } from './reconcile.ts'
import { askSoon, standBy, tellStanding } from './standing.ts'
import { onLeaderStatus } from './tasks.ts'
import { count, type Turn } from './turn.ts'

/** Whoever has taken our place is heard within so long, by the leader's pings to it. */
const REPLACED_MS = 20_000
/** A refused leader is told so at most this often. */
const COMPLAIN_MS = 1_000
type Event<K extends FrameworkEvent['kind']> = Extract<FrameworkEvent, { readonly kind: K }>

export function onBeat(turn: Turn, beat: Beat): void {
  const { state } = turn
  if (state.link.phase === 'closed') return
  const isFirst = state.highest === undefined
  switch (compareFence(state.highest, beat)) {
    case 'absurd':
      return count(turn, 'absurdLeader')
    case 'lower':
      return count(turn, 'refusedLeader')
    case 'current':
      noteInviting(turn, beat.inviting === true)
      return onLeaderBack(turn)
    case 'higher':
      state.highest = { epoch: beat.epoch, run: beat.run }
      state.isInviting = beat.inviting === true
      // The first open went out before there was a leader to hear it.
      if (isFirst && state.link.phase === 'opening') sayOpen(turn)
      else onSessionLost(turn)
  }
}

export function onEvents(turn: Turn, message: FrameworkEvents): void {
  const { state } = turn
  const { link } = state
  if (link.phase === 'closed') return
  const fence = { epoch: message.epoch, run: message.run }
  switch (compareFence(state.highest, fence)) {
    case 'absurd':
      return count(turn, 'absurdLeader')
    case 'lower':
      return complain(turn, fence)
    case 'current':
      break
    case 'higher':
      // A leader makes itself known by its beats, which all hear, the leader that it deposes too;
      // or it has heard our open, which nobody else was told of.
      if (link.phase !== 'opening' || message.session !== link.session.id)
        return count(turn, 'unknownLeader')
      state.highest = fence
      state.isInviting = false
  }
  inSession(turn, message)
}

/** A leader that is not the highest learns of the one that is. */
function complain(turn: Turn, refused: Fence): void {
  const { state, now, effects } = turn
  count(turn, 'refusedLeader')
  const lastMs = state.complained.get(refused.run)
  if (state.highest === undefined) return
  if (lastMs !== undefined && now.monotonicMs < lastMs + COMPLAIN_MS) return
  state.complained.delete(refused.run)
  state.complained.set(refused.run, now.monotonicMs)
  const [oldest] = state.complained.keys()
  if (state.complained.size > 16 && oldest !== undefined) state.complained.delete(oldest)
  effects.push({ do: 'send', verb: 'complain', body: { highest: state.highest, refused } })
}

function inSession(turn: Turn, { session, n, heard, events }: FrameworkEvents): void {
  const { state, now } = turn
  const { link } = state
  if (link.phase === 'replaced' && session !== undefined) {
    // A late repeat of an open of ours is no other process.
    if (state.sessions.has(session)) return openSession(turn)
    return end(turn, { name: 'failed-over', message: link.message })
  }
  if (link.phase === 'standing-by') return asideOfSession(turn, session, events)
  if (link.phase !== 'opening' && link.phase !== 'open') return
  if (session === undefined) return outOfSession(turn, events)
  if (session !== link.session.id) return onForeign(turn, session)
  const order = n === undefined ? 'next' : hear(link.session, n)
  if (order === 'repeated') return count(turn, 'repeatedMessage')
  if (order === 'gap') {
    count(turn, 'gap')
    return openSession(turn)
  }
  if (link.phase === 'open') link.heardAtMs = now.monotonicMs
  const lost = new Set<AgentId>()
  for (const event of events) {
    onEvent(turn, event, heard ?? 0)
    if (event.kind === 'failure') lost.add(event.agentId)
    // An event may end the session; what follows in the list was said in it.
    const after = state.link
    if (after.phase !== 'opening' && after.phase !== 'open') return
    if (after.session !== link.session) return
  }
  if (lost.size > 0) askAboutLost(turn, lost)
}

/** Of several instances another has it, and nobody could tell this one: the leader is asked. */
function onForeign(turn: Turn, session: SessionId): void {
  const { state } = turn
  count(turn, 'foreignSession')
  if (state.settings.holder === undefined || state.sessions.has(session)) return
  state.isKnown = true
  if (state.link.phase === 'open') openSession(turn)
}

/** Who stands by hears what the leader says to all instances, and what it says to the holder. */
function asideOfSession(
  turn: Turn,
  session: SessionId | undefined,
  events: readonly FrameworkEvent[],
): void {
  const { state } = turn
  // A late open of ours was taken in.
  if (session !== undefined && state.sessions.has(session)) return openSession(turn)
  if (session !== undefined) state.isKnown = true
  for (const event of events) {
    // The holder is told so in its session: it is over for all instances.
    if (event.kind === 'error' && event.name === 'torn-down') return onError(turn, event)
    if (session !== undefined) continue
    if (event.kind === 'handed-over') return openSession(turn)
    if (event.kind === 'ping') askSoon(turn)
  }
}

/** A leader that knows no session of ours says so, or pings: either way it needs an open. */
function outOfSession(turn: Turn, events: readonly FrameworkEvent[]): void {
  for (const event of events) {
    const isTornDown = event.kind === 'error' && event.name === 'torn-down'
    if (isTornDown) return onError(turn, event)
    const isForUs = event.kind === 'ping' || event.kind === 'error'
    if (isForUs && turn.state.link.phase === 'open') return openSession(turn)
  }
}

function onEvent(turn: Turn, event: FrameworkEvent, heard: number): void {
  switch (event.kind) {
    case 'subscribed':
      return onSubscribed(turn, event)
    case 'offers':
      return onOffers(turn, event.offers)
    case 'rescind':
      return onRescind(turn, event.offers, event.reason)
    case 'status':
      return onLeaderStatus(turn, event.status)
    case 'failure':
      turn.effects.push({ do: 'tell-failure', agentId: event.agentId })
      return
    case 'ping':
      return onPing(turn, heard)
    case 'handed-over':
      return
    case 'error':
      return onError(turn, event)
  }
}

function onSubscribed(turn: Turn, event: Event<'subscribed'>): void {
  const { state, now, effects } = turn
  const { link } = state
  // A repeated open is confirmed twice.
  if (link.phase !== 'opening') return
  const { subscription, pingMs, pingsMissedMax } = event
  const silenceMs = Math.max(CALL_TIMEOUT_MS, pingMs * pingsMissedMax)
  state.link = {
    phase: 'open',
    session: link.session,
    silenceMs,
    heardAtMs: now.monotonicMs,
    isEchoing: false,
  }
  if (!isNext(state.subscription, subscription)) state.handovers += 1
  state.subscription = subscription
  state.lastLaunch = event.lastLaunch
  state.isKnown = true
  state.deadlines.clear('open')
  state.deadlines.set('silence', now.monotonicMs + silenceMs, { due: 'silence' })
  effects.push({ do: 'tell-subscribed', subscription })
  tellStanding(turn, 'leads', 'this instance has the framework')
  if (state.teardown !== undefined) sayTeardown(turn)
  sayKills(turn, state.tasks.values())
  reconcile(turn)
  repeatReadings(turn)
}

/** A leader counts whoever subscribes; of what was before it, nobody knows. */
function isNext(before: Subscription | undefined, { epoch, count }: Subscription): boolean {
  return before === undefined || (before.epoch === epoch && before.count + 1 === count)
}

function onPing(turn: Turn, heard: number): void {
  const { link, highest } = turn.state
  if (link.phase !== 'open') return
  const body = { session: link.session.id, ...(highest && { epoch: highest.epoch }) }
  turn.effects.push({ do: 'send', verb: 'pong', body })
  onHeard(turn, heard)
}

function onError(turn: Turn, { name, message, instance }: Event<'error'>): void {
  if (name === 'torn-down') return end(turn, { name, message })
  if (name !== 'failed-over') return openSession(turn)
  const { state, now } = turn
  const own = state.settings.holder?.instance
  if (own !== undefined && instance !== undefined && instance !== own)
    return standBy(turn, `instance ${instance} has taken the framework over`)
  leaveSession(turn)
  state.link = { phase: 'replaced', message }
  state.deadlines.set('open', now.monotonicMs + REPLACED_MS, { due: 'open' })
}
