/** What masters say to each other. */
import type { MasterId } from '../../../protocol/ids.ts'
import { LEADER_SILENCE_MS, PEER_BEAT_MS, STANDBYS_MAX } from '../../../protocol/limits.ts'
import type { PeerBeat } from '../../../protocol/schema/master.ts'
import { isHolding } from '../lease-machine.ts'
import { ownPosition, pageToLend } from '../registry/peers.ts'
import type { Turn } from '../turn.ts'

/** One's own beats come back within this, or one's own connection is at fault. */
export const ECHO_MS_MAX = 3 * PEER_BEAT_MS

/** Said with a beat. A probe asks the leader whether it is there; a leader's, everybody. */
type Said = Pick<PeerBeat, 'probe' | 'resigned' | 'asks' | 'copy'>

/** I am here. */
export function sendBeat(turn: Turn, said: Said = {}): void {
  const { state } = turn
  turn.effects.push({
    do: 'send-peer-beat',
    body: {
      run: state.run,
      // Who has taken the lease is there, also while it does not lead yet.
      role: isHolding(state.lease.state) ? 'leader' : 'follower',
      // Of what stands on its disk alone, an earlier run of this master has taken it.
      highest: { epoch: state.highestEpoch, run: state.highestRun ?? state.run },
      ...ownPosition(turn),
      ...said,
    },
  })
}

/** A page of this master's copy, for another that has asked. */
export function lendPage(turn: Turn): void {
  const copy = pageToLend(turn)
  if (copy !== undefined) sendBeat(turn, { copy })
}

/** Another master said something. Of too many at once the rest is not remembered. */
export function notePeer(turn: Turn, masterId: MasterId): void {
  const { peers } = turn.state
  if (!peers.has(masterId) && peers.size >= STANDBYS_MAX) {
    for (const [peer, heardAtMs] of peers) if (!isLately(turn, heardAtMs)) peers.delete(peer)
    if (peers.size >= STANDBYS_MAX) return
  }
  peers.set(masterId, turn.now.monotonicMs)
}

/**
 * Until when (monotonic) others that were there lately may still say how far their copies go, if
 * they have not since `sinceMs`; in the past: all have.
 */
export function unheardUntilMs({ state }: Turn, sinceMs: number): number {
  let untilMs = Number.NEGATIVE_INFINITY
  for (const heardAtMs of state.peers.values())
    if (heardAtMs < sinceMs) untilMs = Math.max(untilMs, heardAtMs + LEADER_SILENCE_MS)
  return untilMs
}

/** Those that were heard lately, but this one. */
export const standbys = (turn: Turn): MasterId[] =>
  [...turn.state.peers]
    .filter(([, heardAtMs]) => isLately(turn, heardAtMs))
    .map(([masterId]) => masterId)
    .toSorted()

const isLately = ({ now }: Turn, heardAtMs: number): boolean =>
  now.monotonicMs - heardAtMs < LEADER_SILENCE_MS
