/** Which leader is obeyed: never one that is older than one obeyed before. */
import { UNINVITED_MS_MAX, UNINVITED_MS_MIN } from '../../protocol/limits.ts'
import type { Now } from '../../protocol/now.ts'
import type { Fence } from '../../protocol/schema/common.ts'
import { compareFence } from '../parts/fence.ts'
import { nextInteger } from '../parts/random.ts'
import { record } from './held.ts'
import type { Beat } from './inputs.ts'
import { closeSession, openAfter, openSession } from './session.ts'
import type { AgentState } from './state.ts'

/** A refused leader is told so once in this time. */
const COMPLAINT_MS = 1_000
/** Refused leaders that are remembered for it. */
const REFUSED_MAX = 16

/** True if the sender is to be obeyed. A higher one is on disk before what it causes leaves. */
export function isLeader(state: AgentState, { epoch, run }: Fence, now: Now): boolean {
  const fence: Fence = { epoch, run }
  switch (compareFence(state.highest, fence)) {
    case 'current':
      return true
    case 'higher':
      follow(state, fence, now)
      return true
    case 'lower':
      complain(state, fence, now)
      return false
    case 'absurd':
      state.counts.absurdLeader += 1
      return false
  }
}

/**
 * A leader makes itself known by its beats, which all hear, the leader that it deposes too: whoever
 * could be won over alone would be out of that one's reach. Who knows none takes the first.
 */
export function isUnknown({ highest }: AgentState, given: Fence): boolean {
  return highest !== undefined && compareFence(highest, given) === 'higher'
}

function follow(state: AgentState, fence: Fence, now: Now): void {
  state.highest = fence
  record(state, { kind: 'leader', fence })
  state.outbox.isForDisk = true
  if (!state.hasHeardLeader) return
  // It invites the agents that it knows, in turn; one that it does not know comes by itself.
  closeSession(state)
  awaitInvitation(state, now)
}

function complain(state: AgentState, fence: Fence, now: Now): void {
  state.counts.refusedLeader += 1
  const { highest, refused, outbox } = state
  const key = `${fence.epoch}.${fence.run}`
  const toldAtMs = refused.get(key)
  if (highest === undefined) return
  if (toldAtMs !== undefined && now.monotonicMs - toldAtMs < COMPLAINT_MS) return
  if (refused.size >= REFUSED_MAX) refused.clear()
  refused.set(key, now.monotonicMs)
  outbox.strays.push({ kind: 'complaint', highest, refused: fence })
}

/** The first leader that is heard since the start needs not invite. */
export function heardBeat(state: AgentState, beat: Beat, now: Now): void {
  if (state.cannotRecord !== undefined) return
  if (!isLeader(state, beat, now)) return
  state.isInviting = beat.inviting === true
  if (state.hasHeardLeader) return
  state.hasHeardLeader = true
  openSession(state, now)
}

/** True if a beat changes nothing: most of them, for most agents. */
export function ignoresBeat(state: AgentState, { epoch, run, inviting = false }: Beat): boolean {
  const { hasHeardLeader, highest, isInviting } = state
  const isSame = highest?.epoch === epoch && highest.run === run
  return hasHeardLeader && isSame && isInviting === inviting
}

/**
 * It has waited for an invitation, or was told to come again. If all who wait came at once, while
 * the leader still reads what it has asked for, it would not hear those who answer its pings.
 */
export function openUninvited(state: AgentState, now: Now): void {
  if (state.isInviting) awaitInvitation(state, now)
  else openSession(state, now)
}

function awaitInvitation(state: AgentState, now: Now): void {
  openAfter(state, nextInteger(state.random, UNINVITED_MS_MIN, UNINVITED_MS_MAX), now)
}
