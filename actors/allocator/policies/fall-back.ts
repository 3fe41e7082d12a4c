/** What is done when the policy was no good, or time was over before a turn was. */
import type { Now } from '../../../protocol/now.ts'
import type { Effect } from '../effects.ts'
import { reopen } from '../session.ts'
import { type AllocatorState, newBooks } from '../state.ts'
import { drf } from './drf.ts'

/** Of what a policy says of itself. */
const NAME_LENGTH_MAX = 256
const PROBLEM_LENGTH_MAX = 512

/** Goes on with the default policy; the leader is told so when the next session is confirmed. */
export function fallBack(state: AllocatorState, problem: string, now: Now): readonly Effect[] {
  const failed = {
    policy: state.policy.name.slice(0, NAME_LENGTH_MAX),
    problem: problem.slice(0, PROBLEM_LENGTH_MAX),
  }
  state.failed = failed
  state.policy = drf
  // Where there is no session to be closed, too: nobody is to be asked with the old one again.
  state.books = newBooks(drf)
  return [{ do: 'tell-failure', ...failed }, ...beginAnew(state, now)]
}

/** The books may be half changed: another session fills new ones. */
export function beginAnew(state: AllocatorState, now: Now): readonly Effect[] {
  const before = state.phase
  const effects = reopen(state, now)
  const { phase } = state
  return phase === before ? effects : [...effects, { do: 'tell-phase', phase }]
}
