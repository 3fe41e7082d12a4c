/**
 * Several processes of one framework: one leads, the others stand by and ask again. The leader of
 * the cluster is the judge.
 */
import { INSTANCE_LEASE_MS_MIN } from '../../protocol/limits.ts'
import { nextFraction } from '../parts/random.ts'
import type { Standing } from './contract.ts'
import { leaveSession } from './ending.ts'
import type { Turn } from './turn.ts'

/** Who stands by asks no more often, unless the holder hands over. */
const RETRY_MS = INSTANCE_LEASE_MS_MIN
/** Standbys of one framework do not ask together. */
const JITTER_MS = 500

/** Another instance has the framework, for so long if it is not heard again. */
export function standBy(turn: Turn, message: string, heldMs: number = RETRY_MS): void {
  const { state, now } = turn
  leaveSession(turn)
  // What this process wanted, the one that leads decides now.
  for (const task of state.tasks.values()) task.kill = undefined
  state.kills.clear()
  state.link = { phase: 'standing-by', triedAtMs: now.monotonicMs }
  const waitMs = Math.max(heldMs, RETRY_MS) + nextFraction(state.random) * JITTER_MS
  state.deadlines.set('open', now.monotonicMs + waitMs, { due: 'open' })
  tellStanding(turn, 'stands-by', message)
}

/** Nobody seems to hold it: asked as soon as may be. */
export function askSoon({ state }: Turn): void {
  const { link } = state
  if (link.phase !== 'standing-by') return
  state.deadlines.set('open', link.triedAtMs + RETRY_MS, { due: 'open' })
}

export function tellStanding(turn: Turn, standing: Standing, message: string): void {
  const { state, effects } = turn
  if (state.settings.holder === undefined || state.standing === standing) return
  state.standing = standing
  effects.push({ do: 'tell-standing', standing, message })
}

/** Another instance need not wait until this one was silent for its lease. */
export function onLeave({ state }: Turn): void {
  state.isLeaving = state.settings.holder !== undefined && state.link.phase === 'open'
}

/** The last word of the session. */
export function sayLeave({ state, effects }: Turn): void {
  const { link, highest } = state
  if (!state.isLeaving || link.phase !== 'open') return
  const body = { session: link.session.id, ...(highest && { epoch: highest.epoch }) }
  effects.push({ do: 'send', verb: 'hand-over', body })
  state.isLeaving = false
  state.link = { phase: 'closed' }
}
