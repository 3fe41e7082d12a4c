/**
 * Members whose last answer was a decline are late: they are asked after all others, for a while
 * that doubles with each decline in a row. Who launches something is late no more; who lets an
 * offer time out is late until it answers one, or is tried with a single one a long time later.
 */
import { DECLINE_FILTER_MS, LATE_MS_MAX } from '../../../protocol/limits.ts'
import type { Decline } from '../../../protocol/schema/calls.ts'
import { touchMember } from '../books.ts'
import type { Framework, Member } from '../entities.ts'
import type { LeaderTurn } from '../turn.ts'

/** `name`: of the role in which the framework is this member. */
interface Which {
  readonly framework: Framework
  readonly name: string
  readonly member: Member
}

/** `said` undefined: no answer in time counts as a decline, but nobody has said it. */
export function noteDecline(
  turn: LeaderTurn,
  { framework, name, member }: Which,
  said: Pick<Decline, 'reason'> | undefined,
): void {
  const { monotonicMs } = turn.now
  member.isDeclinedLast = true
  member.isSilent = said === undefined
  const key = `late ${framework.key} ${name}`
  const due = { due: 'late', key: framework.key, role: name } as const
  if (said === undefined) return turn.leader.deadlines.set(key, monotonicMs + LATE_MS_MAX, due)
  member.lastDecline = { reason: said.reason, atMs: monotonicMs }
  const lateMs = Math.min(LATE_MS_MAX, DECLINE_FILTER_MS * 2 ** member.declinesInRow)
  member.declinesInRow += 1
  turn.leader.deadlines.set(key, monotonicMs + lateMs, due)
}

/** Of one that was silent nobody knows whether it hears: it may have one offer at a time. */
export const isOnTrial = ({ isSilent, isDeclinedLast }: Member): boolean =>
  isSilent && !isDeclinedLast

/** It has launched something. */
export function noteLaunch(member: Member): void {
  member.isDeclinedLast = false
  member.isSilent = false
  member.excusedAtMs = undefined
  member.declinesInRow = 0
}

/** It has been late for long enough: its share decides again. */
export function latenessIsOver(turn: LeaderTurn, framework: Framework, name: string): void {
  const member = framework.roles.get(name)
  if (member === undefined || !member.isDeclinedLast) return
  member.isDeclinedLast = false
  if (!member.isSilent) member.excusedAtMs = turn.now.monotonicMs
  touchMember(turn, framework, name)
}

/**
 * It revives: its last answer no longer counts as a decline. Who has launched nothing since the
 * last time waits for a while; else it could decline and revive for ever, with the smallest share
 * of all, and nobody else would be asked.
 */
export function excuse({ now }: LeaderTurn, member: Member): void {
  const { isDeclinedLast, isSilent, excusedAtMs = Number.NEGATIVE_INFINITY } = member
  if (!isDeclinedLast || isSilent || now.monotonicMs < excusedAtMs + DECLINE_FILTER_MS) return
  member.isDeclinedLast = false
  member.excusedAtMs = now.monotonicMs
}
