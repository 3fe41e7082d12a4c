/** The leader's side of a framework's session: numbers of calls, and their first answers. */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import type { InstanceId, SessionId } from '../../../protocol/ids.ts'
import { nextNumber, type Session } from '../../parts/session.ts'
import type { CallAnswer, Framework } from '../entities.ts'
import { answer, fenceOf, type LeaderTurn, refuse } from '../turn.ts'

export interface CallHeader {
  readonly session?: SessionId
  readonly n?: number
  readonly call?: SessionId
  readonly epoch?: number
}

/** What is to be done with a call: handle it, or nothing more, or refuse it. */
export type Heard = 'new' | CallAnswer | Refusal

/**
 * Judges a call by its header. Gaps never end a framework's session: pings name the number up to
 * which everything was heard, and the framework repeats the rest by call id.
 */
export function hearCall(
  { leader, now }: LeaderTurn,
  framework: Framework,
  header: CallHeader,
): Heard {
  const { session, holder } = framework
  if (header.epoch !== undefined && header.epoch !== leader.epoch) {
    return refusal('stale', `epoch ${header.epoch} is not ${leader.epoch}, which leads`)
  }
  if (header.session !== undefined) {
    if (header.session !== session?.id) {
      return refusal('stale-session', 'another session of this framework is open')
    }
    if (header.n !== undefined && !noteNumber(framework, session, header.n)) {
      const first = session.heard + 1
      return refusal(
        'too-many',
        `call ${first}, and too many others before this one, were not heard`,
      )
    }
  }
  // Where there are instances, who names no session may be one that stands by.
  if (header.session !== undefined || holder === undefined) {
    framework.missed = 0
    framework.heardAtMs = now.monotonicMs
  }
  return (header.call !== undefined && framework.answers.get(header.call)) || 'new'
}

/** False: it could not be noted. Were it handled now, nobody would repeat it, nor close its gap. */
function noteNumber({ heardAhead }: Framework, session: Session, n: number): boolean {
  if (n > session.heard + 1) return heardAhead.add(n)
  if (n === session.heard + 1) session.heard = heardAhead.closeGap(n)
  return true
}

export function rememberAnswer(
  { answers }: Framework,
  call: SessionId | undefined,
  given: CallAnswer,
): void {
  if (call !== undefined) answers.set(call, given)
}

export function giveAnswer(turn: LeaderTurn, reply: string | undefined, given: CallAnswer): void {
  if (given.ok) answer(turn, reply, given.body)
  else refuse(turn, reply, given.refusal)
}

interface Said {
  readonly name: 'failed-over' | 'torn-down'
  readonly message: string
  readonly instance?: InstanceId
}

/**
 * Tells the framework that it is over, as the last thing said in its session. Where there is none,
 * a new subscription is no news: the same process may just have repeated its own.
 */
export function cutOff(turn: LeaderTurn, framework: Framework, said: Said): void {
  const { session, principal, frameworkId, key } = framework
  turn.leader.events.drop(key)
  if (session === undefined && said.name === 'failed-over') return
  const numbers = session && {
    session: session.id,
    n: nextNumber(session),
    heard: session.heard,
  }
  turn.effects.push({
    do: 'send-events',
    principal,
    frameworkId,
    body: { ...fenceOf(turn), ...numbers, events: [{ kind: 'error', ...said }] },
  })
}
