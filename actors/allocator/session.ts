/** The allocator's side of its session: when one is opened, heard and over. */
import type { SessionId } from '../../protocol/ids.ts'
import type { Now } from '../../protocol/now.ts'
import type { AllocatorFigures } from '../../protocol/schema/allocator.ts'
import type { Fence } from '../../protocol/schema/common.ts'
import type { LeaderBeat } from '../../protocol/schema/master.ts'
import { commonVersion, PROTOCOL_VERSIONS } from '../../protocol/version.ts'
import { compareFence } from '../parts/fence.ts'
import { nextHex, nextInteger } from '../parts/random.ts'
import { hear, newSession, nextNumber } from '../parts/session.ts'
import type { Effect } from './effects.ts'
import { takeAllocations } from './giving/allocation-list.ts'
import { type AllocatorState, newBooks } from './state.ts'

/** Allocators that stand by do not all open at once. */
const OPEN_JITTER_MS = 500
/** An open that is not confirmed is repeated; and sessions do not follow each other faster. */
const OPEN_REPEAT_MS = 1_000
/** Of a policy's name. */
const POLICY_LENGTH_MAX = 256
/** One leader is told that it is refused no more often. */
const COMPLAIN_MS = 1_000

/** Takes a leader's beat: a new leader, or what the one that is known says about allocators. */
export function hearBeat(state: AllocatorState, beat: LeaderBeat, now: Now): readonly Effect[] {
  const refused = admitFence(state, beat, now)
  if (refused !== undefined) return refused
  state.named = beat.allocator
  if (commonVersion(beat.version) === undefined || namesAnother(state)) {
    if (state.phase === 'opening') state.phase = 'standing-by'
    if (state.phase === 'standing-by') state.openAtMs = undefined
  } else if (state.phase === 'standing-by') {
    state.openAtMs ??= now.monotonicMs + nextInteger(state.random, 0, OPEN_JITTER_MS + 1)
  }
  return []
}

/** True if the leader's last beat named an allocator that is not us. */
function namesAnother({ named, ownIds }: AllocatorState): boolean {
  return named !== undefined && !ownIds.has(named)
}

/** Undefined: the leader counts. Else what is done about it. */
function admitFence(
  state: AllocatorState,
  { epoch, run }: Fence,
  now: Now,
): readonly Effect[] | undefined {
  const fence = { epoch, run }
  switch (compareFence(state.highest, fence)) {
    case 'current':
      return undefined
    case 'higher':
      state.highest = fence
      state.named = undefined
      state.ownIds.clear()
      endSession(state)
      return undefined
    case 'lower':
      return complain(state, fence, now)
    case 'absurd':
      state.counts.absurdLeader += 1
      return []
  }
}

function complain(state: AllocatorState, refused: Fence, { monotonicMs }: Now): readonly Effect[] {
  const { highest, complained } = state
  state.counts.refusedLeader += 1
  const isSame =
    complained?.refused.epoch === refused.epoch && complained.refused.run === refused.run
  if (highest === undefined || (isSame && monotonicMs < complained.atMs + COMPLAIN_MS)) return []
  state.complained = { refused, atMs: monotonicMs }
  return [{ do: 'publish', message: { reports: [{ kind: 'complaint', highest, refused }] } }]
}

/**
 * Takes note of a message. `isHeard`: its figures are to be taken in, it is the next one of our
 * session.
 */
export function hearMessage(
  state: AllocatorState,
  message: AllocatorFigures,
  now: Now,
): { readonly isHeard: boolean; readonly effects: readonly Effect[] } {
  // A leader makes itself known by its beats, which all hear, the leader that it deposes too.
  if (compareFence(state.highest, message) === 'higher') {
    state.counts.unknownLeader += 1
    return { isHeard: false, effects: [] }
  }
  const refused = admitFence(state, message, now)
  if (refused !== undefined) return { isHeard: false, effects: refused }
  const { session } = state
  // Figures of another allocator come on the same subject.
  if (session === undefined || session.id !== message.session) {
    state.counts.foreignSession += 1
    return { isHeard: false, effects: [] }
  }
  switch (hear(session, message.n)) {
    case 'next':
      if (state.silentAtMs !== undefined) state.silentAtMs = now.monotonicMs + state.silenceMaxMs
      return { isHeard: true, effects: [] }
    case 'repeated':
      state.counts.repeatedMessage += 1
      return { isHeard: false, effects: [] }
    case 'gap':
      state.counts.gap += 1
      return { isHeard: false, effects: reopen(state, now) }
  }
}

/** The leader confirms: from here on its figures count. */
export function confirm(
  state: AllocatorState,
  { pingMs, pingsMissedMax }: { readonly pingMs: number; readonly pingsMissedMax: number },
  { monotonicMs }: Now,
): void {
  state.phase = 'filling'
  state.openAtMs = undefined
  state.silenceMaxMs = pingMs * (pingsMissedMax + 1)
  state.silentAtMs = monotonicMs + state.silenceMaxMs
  // Every leader is to know it, and what is said without a session may be lost.
  if (state.failed !== undefined) state.reports.push({ kind: 'policy-failed', ...state.failed })
}

/** The session is over; beats say who has another one. */
export function close(state: AllocatorState): void {
  endSession(state)
  state.ownIds.clear()
}

/** Something may have been lost: all is asked anew, if there is anybody to ask. */
export function reopen(state: AllocatorState, now: Now): readonly Effect[] {
  if (state.phase === 'standing-by') return []
  endSession(state)
  const atMs = (state.lastOpenMs ?? Number.NEGATIVE_INFINITY) + OPEN_REPEAT_MS
  state.openAtMs = Math.max(now.monotonicMs, atMs)
  return openIfDue(state, now)
}

/** The leader was silent for too long: it is gone, or it has let us go. */
export function endIfSilent(state: AllocatorState, { monotonicMs }: Now): void {
  if (state.silentAtMs === undefined || monotonicMs < state.silentAtMs) return
  endSession(state)
  if (namesAnother(state)) return
  state.openAtMs = monotonicMs + nextInteger(state.random, 0, OPEN_JITTER_MS + 1)
}

/** Sends the open, first or again, when it is time. */
export function openIfDue(state: AllocatorState, { monotonicMs }: Now): readonly Effect[] {
  if (state.openAtMs === undefined || monotonicMs < state.openAtMs) return []
  if (state.phase === 'standing-by') {
    state.phase = 'opening'
    state.session = newSession(nextHex(state.random, 64) as SessionId)
    state.ownIds.add(state.session.id)
    nextNumber(state.session)
  }
  const { session } = state
  if (session === undefined) return []
  state.lastOpenMs = monotonicMs
  state.openAtMs = monotonicMs + OPEN_REPEAT_MS
  const policy = state.policy.name.slice(0, POLICY_LENGTH_MAX)
  const reports = [{ kind: 'open' as const, version: PROTOCOL_VERSIONS, policy }]
  return [{ do: 'publish', message: { session: session.id, n: 1, heard: 0, reports } }]
}

function endSession(state: AllocatorState): void {
  state.phase = 'standing-by'
  state.session = undefined
  state.openAtMs = undefined
  state.silentAtMs = undefined
  state.books = newBooks(state.policy)
  state.reports = []
  takeAllocations(state.allocations)
}
