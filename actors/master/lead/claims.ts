/**
 * Who says that there is a higher epoch: masters and admitted agents. One that claims an absurd
 * one is not heard for a while; an agent that makes the leader begin anew, ever more seldom.
 */
import { CLAIMANTS_SHOWN_MAX } from '../../../protocol/limits.ts'
import type { Fence } from '../../../protocol/schema/common.ts'
import { type Claimant, count } from '../state.ts'
import { type Turn, warn } from '../turn.ts'
import { isNear, isTakenTwice, raiseEpoch } from './epochs.ts'
import { stepLease } from './lease.ts'

const QUARANTINE_MS = 600_000
/** So many are remembered; the oldest make room. */
const CLAIMANTS_MAX = 1_000

/** Takes note of an epoch that `who` tells of; it only ever rises, and never by an absurd jump. */
export function noteClaim(turn: Turn, claimed: Fence, who: string): void {
  if (claimed.epoch >= turn.state.highestEpoch && !isQuarantined(turn, who)) {
    note(turn, claimed, who)
  }
}

/**
 * The same of a leader's beat. All who hear it may follow it, so it is noted whoever says it: this
 * master must not get out of their reach.
 */
export function noteBeat(turn: Turn, claimed: Fence): void {
  if (claimed.epoch >= turn.state.highestEpoch) note(turn, claimed, `run ${claimed.run}`)
}

function note(turn: Turn, claimed: Fence, who: string): void {
  const { state } = turn
  const { epoch, run } = claimed
  if (isTakenTwice(turn, claimed)) state.epochTakenTwice = epoch
  if (isNear(state.highestEpoch, epoch)) return raiseEpoch(turn, epoch, run)
  count(state, 'epoch-jumps-refused')
  if (isQuarantined(turn, who)) return
  hold(turn, who, { waitMs: QUARANTINE_MS, isAbsurd: true })
  const message = 'an epoch is absurdly high: who claims it is not heard for a while'
  warn(turn, message, { epoch, highest: state.highestEpoch, claimant: who })
}

function isQuarantined(turn: Turn, who: string): boolean {
  const { state, now } = turn
  const claimant = state.claimants.get(who)
  if (!claimant?.isAbsurd || now.monotonicMs >= claimant.untilMs) return false
  count(state, 'epoch-claims-unheard')
  return true
}

function hold(
  { state, now }: Turn,
  who: string,
  { waitMs, isAbsurd }: Pick<Claimant, 'waitMs' | 'isAbsurd'>,
): void {
  const { claimants } = state
  const [oldest] = claimants.keys()
  claimants.delete(who)
  if (oldest !== undefined && claimants.size >= CLAIMANTS_MAX) claimants.delete(oldest)
  claimants.set(who, { untilMs: now.monotonicMs + waitMs, waitMs, isAbsurd })
}

/** Those of which an operator should know. */
export const quarantined = ({ state, now }: Turn): string[] =>
  [...state.claimants]
    .flatMap(([who, { isAbsurd, untilMs }]) => (isAbsurd && now.monotonicMs < untilMs ? [who] : []))
    .slice(0, CLAIMANTS_SHOWN_MAX)

/**
 * Another leader's beat names an epoch that is not lower than this leader's. It is noted also when
 * nothing is done about it now: whoever follows it must not get out of reach.
 */
export function leaderClaims(turn: Turn, claimed: Fence): void {
  if (!isAbove(turn, claimed)) return
  noteBeat(turn, claimed)
  if (!isTooSoon(turn)) obey(turn, claimed)
}

/**
 * An admitted agent knows such a leader: this one takes the lease again in a higher epoch, or
 * follows. All agents together are heard once in a lease's time; each that was, half as often.
 */
export function agentClaims(turn: Turn, claimed: Fence, agentId: string): void {
  if (!isAbove(turn, claimed) || isTooSoon(turn)) return
  const { state, now } = turn
  const who = `agent ${agentId}`
  const before = state.claimants.get(who)
  if (before?.isAbsurd === false && now.monotonicMs < before.untilMs) {
    return count(state, 'complaints-too-soon')
  }
  noteClaim(turn, claimed, who)
  if (!obey(turn, claimed)) return
  const isAgain = before !== undefined && now.monotonicMs < before.untilMs + QUARANTINE_MS
  const waitMs = isAgain ? Math.min(2 * before.waitMs, QUARANTINE_MS) : state.rules.leaseMs
  hold(turn, who, { waitMs, isAbsurd: false })
}

/** What this leader said in an earlier epoch of its own was refused: nothing is wrong. */
function isAbove({ state }: Turn, { epoch, run }: Fence): boolean {
  if (state.leader === undefined || epoch < state.leader.epoch) return false
  return epoch > state.leader.epoch || run !== state.run
}

function isTooSoon({ state, now }: Turn): boolean {
  if (now.monotonicMs - state.lease.raisedAtMs >= state.rules.leaseMs) return false
  count(state, 'complaints-too-soon')
  return true
}

/** False of an epoch that is not believed. */
function obey(turn: Turn, { epoch }: Fence): boolean {
  const { state, now } = turn
  if (state.highestEpoch < epoch) return false
  state.lease.raisedAtMs = now.monotonicMs
  count(state, 'complaints-obeyed')
  stepLease(turn, 'lease.lost')
  return true
}
