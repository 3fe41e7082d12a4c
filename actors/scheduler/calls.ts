/**
 * Numbered calls. Each is kept until the leader is known to have heard it, and repeated under its
 * number and call id: most until they are answered, declines when a ping shows that they were not
 * heard. With the session all of them end.
 */
import assert from 'node:assert/strict'
import type { SessionId } from '../../protocol/ids.ts'
import { CALL_TIMEOUT_MS } from '../../protocol/limits.ts'
import { nextHex } from '../parts/random.ts'
import { nextNumber } from '../parts/session.ts'
import type { VerbCall } from './effects.ts'
import type { Ask } from './inputs.ts'
import type { OutCall } from './state.ts'
import type { Turn } from './turn.ts'

/** A leader that answers nothing is asked less and less often. */
export const REPEAT_MS_MAX = 8_000

/** After so many tries the next one waits so long. */
export function repeatMs(tries: number): number {
  return Math.min(CALL_TIMEOUT_MS * 2 ** tries, REPEAT_MS_MAX)
}

const isAnswered = ({ said }: OutCall): boolean => said.verb !== 'decline'

/**
 * Makes a numbered call of what is to be said, whose body becomes what is sent. There must be an
 * open session.
 */
export function startCall(turn: Turn, said: VerbCall, ask?: Ask): SessionId {
  const { link, random, highest, calls } = turn.state
  assert(link.phase === 'open', 'a call without a session')
  const call = nextHex(random, 64) as SessionId
  const n = nextNumber(link.session)
  Object.assign(said.body, { session: link.session.id, n, call })
  if (highest !== undefined) Object.assign(said.body, { epoch: highest.epoch })
  const out: OutCall = { call, n, said, ask, sentAtMs: 0, tries: 0 }
  calls.set(call, out)
  transmit(turn, out)
  return call
}

function transmit({ state, now, effects }: Turn, out: OutCall): void {
  out.sentAtMs = now.monotonicMs
  if (!isAnswered(out)) {
    effects.push({ do: 'send', ...out.said })
    return
  }
  const timeoutMs = repeatMs(out.tries)
  out.tries += 1
  effects.push({ do: 'call', key: out.call, timeoutMs, ...out.said })
  // Under its own id: a key that is made for it would be made and hashed twice a call.
  state.deadlines.set(out.call, now.monotonicMs + timeoutMs, { due: 'repeat', call: out.call })
}

/**
 * No answer came in time. A kill of a task that has ended would find the next one of its id, if it
 * names no launch.
 */
export function repeatCall(turn: Turn, call: SessionId): void {
  const { calls, tasks, link } = turn.state
  const out = calls.get(call)
  // Who has left says nothing more.
  if (out === undefined || link.phase !== 'open') return
  const { said } = out
  const mayFindNext = said.verb === 'kill' && said.body.launch === undefined
  if (mayFindNext && tasks.get(said.body.taskId)?.kill === undefined) keepNumber(turn, out)
  transmit(turn, out)
}

/**
 * Of a call that is over only the number is said again, until it is answered: else the leader waits
 * for it, and all that is said after it is repeated. Without the id of the call: a leader that has
 * refused it would do so again.
 */
export function keepNumber({ state }: Turn, out: OutCall): void {
  const { link, highest } = state
  if (link.phase !== 'open') return
  const body = { session: link.session.id, n: out.n, ...(highest && { epoch: highest.epoch }) }
  out.said = { verb: 'pong', body }
  out.ask = undefined
}

/** The call was answered: it is not repeated. Undefined: nobody waits for it any more. */
export function takeCall({ state }: Turn, call: SessionId): OutCall | undefined {
  const out = state.calls.get(call)
  state.calls.delete(call)
  state.deadlines.clear(call)
  return out
}

/** The leader has heard all numbers up to `heard`. What was said lately may still be on its way. */
export function onHeard(turn: Turn, heard: number): void {
  const { calls } = turn.state
  const before = turn.now.monotonicMs - CALL_TIMEOUT_MS
  for (const out of calls.values()) {
    if (isAnswered(out)) continue
    if (out.n <= heard) calls.delete(out.call)
    else if (out.sentAtMs <= before) transmit(turn, out)
  }
}

/** Declines, and accepts, that were not heard yet must not filter what a revive asks for. */
export function softenDeclines({ state }: Turn): void {
  for (const out of state.calls.values()) {
    const { said } = out
    if (said.verb === 'decline') out.said = { ...said, body: { ...said.body, refuseMs: 0 } }
    // What is left of an accept counts as declined.
    if (said.verb === 'accept') out.said = { ...said, body: { ...said.body, refuseMs: 0 } }
  }
}

/** The session is over: none of its calls is repeated. Gives them in the order of their numbers. */
export function takeAllCalls({ state }: Turn): readonly OutCall[] {
  const all = [...state.calls.values()]
  for (const { call } of all) state.deadlines.clear(call)
  state.calls.clear()
  return all
}
