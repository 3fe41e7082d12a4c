/**
 * After a takeover known agents are asked for sessions: so many at once as their snapshots are
 * likely to take no more than WINDOW_BYTES, the next ones as those are there. Its beats say that
 * it still asks: whoever is never asked comes by itself in 5 to 10 s after that.
 */
import { LIST_BYTES_MAX } from '../../../protocol/limits.ts'
import type { Agent, Opening } from '../entities.ts'
import type { LeaderTurn } from '../turn.ts'
import { invite } from './agents.ts'
import { scheduleForgetting } from './gone.ts'
import { awaitNoLonger, type Recovery } from './membership.ts'
import { orderAway } from './recalling.ts'

/** Snapshots on their way: what a connection and its reader hold meanwhile. */
const WINDOW_BYTES = 16 * LIST_BYTES_MAX
/** Invitations on their way, however little agents have to tell. */
const INVITED_MAX = 4_096
/** In one turn: each is a message of its own. */
const INVITED_PER_TURN = 512
/** Before any is back nobody knows how much they have to tell: so many are thought to, so much. */
const GUESSES = 8
const GUESS_BYTES = 64 * 1_024
/** About what the wire takes for an agent, and for each task of it. */
const AGENT_BYTES = 512
const TASK_BYTES = 256
/** Who says nothing of its snapshot for so long leaves its place to another. */
const PATIENCE_MS = 1_000
/** Looked after so often while some are not invited. */
const TICK_MS = 200

/** All that are to come back are asked, as there is room. */
export function inviteAll(turn: LeaderTurn): void {
  inviteMore(turn)
  orderAway(turn.leader)
  scheduleForgetting(turn)
}

/** Its snapshot is on its way, asked for or not: it takes a place of the window. */
export function noteOpening({ leader, now }: LeaderTurn, { agentId }: Agent): void {
  const { missing, uninvited, invited } = leader.recovery
  if (!missing.has(agentId)) return
  uninvited.delete(agentId)
  // Behind those that were heard before it.
  invited.delete(agentId)
  invited.set(agentId, now.monotonicMs)
}

/** One of them is there: its place in the window is free for another at the end of the turn. */
export function noteBack({ leader }: LeaderTurn, { agentId }: Agent, { tasks }: Opening): void {
  const { recovery } = leader
  if (!recovery.missing.has(agentId)) return
  awaitNoLonger(recovery, agentId)
  recovery.confirmed += 1
  recovery.bytes += AGENT_BYTES + tasks.length * TASK_BYTES
  recovery.hasRoom = true
}

/**
 * Those that were back in this turn make room. Once for all of them: whoever looks for the first of
 * those that wait walks over the places of all that were taken out before it.
 */
export function fillRoom(turn: LeaderTurn): void {
  const { recovery } = turn.leader
  if (!recovery.hasRoom) return
  recovery.hasRoom = false
  if (recovery.uninvited.size > 0) inviteMore(turn)
}

/** As many as there is room for. One whose invitation is lost comes by itself. */
export function inviteMore(turn: LeaderTurn): void {
  const { leader, now } = turn
  const { uninvited, invited } = leader.recovery
  leader.recovery.askedAtMs = now.monotonicMs
  forgetInvited(leader.recovery, now.monotonicMs - PATIENCE_MS)
  let left = Math.min(windowOf(leader.recovery) - invited.size, INVITED_PER_TURN)
  for (const agentId of uninvited) {
    if (left <= 0) break
    left -= 1
    uninvited.delete(agentId)
    const agent = leader.agents.get(agentId)
    if (agent?.state !== 'recovering') continue
    invited.set(agentId, now.monotonicMs)
    invite(turn, agent)
  }
  if (uninvited.size === 0) return leader.deadlines.clear('invitations')
  leader.deadlines.set('invitations', now.monotonicMs + TICK_MS, { due: 'invitations' })
}

/** So many agents may be about to open. */
export function windowOf({ confirmed, bytes }: Recovery): number {
  const mean = (GUESSES * GUESS_BYTES + bytes) / (GUESSES + confirmed)
  return Math.min(INVITED_MAX, Math.max(1, Math.floor(WINDOW_BYTES / mean)))
}

function forgetInvited({ invited }: Recovery, beforeMs: number): void {
  for (const [agentId, atMs] of invited) {
    if (atMs > beforeMs) return
    invited.delete(agentId)
  }
}
