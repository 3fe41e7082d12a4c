/** The polite end of an agent: what it had to say, and that it stops. */
import type { Now } from '../../protocol/now.ts'
import { nextNumber } from '../parts/session.ts'
import type { Effect } from './effects.ts'
import { flush, remember } from './flush.ts'
import type { Stop } from './inputs.ts'
import { endWaits } from './output.ts'
import { closeSession } from './session.ts'
import type { AgentState } from './state.ts'
import { isSettled } from './streams.ts'

/** The last input that counts: the agent hears and says nothing after it. */
export function stop(state: AgentState, { leaves }: Stop, now: Now): readonly Effect[] {
  const { link } = state
  // An open is not repeated by one who goes.
  if (link.kind === 'opening') link.isDue = false
  const effects: Effect[] = []
  // It could not be written before, and may be now.
  if (state.cannotRecord !== undefined) remember(state, effects)
  effects.push(...flush(state, now))
  if (link.kind === 'opening' || link.kind === 'open') {
    const { session } = link
    const numbers = { session: session.id, n: nextNumber(session), heard: session.heard }
    const isGone = leaves === 'always' || (leaves === 'when-idle' && isIdle(state))
    const kind = isGone ? 'leaving' : 'stopping'
    effects.push({ do: 'report', message: { ...numbers, reports: [{ kind }] } })
  }
  // After its last word: what they ask then is not passed on to this agent.
  effects.push(...endWaits(state))
  closeSession(state)
  state.link = { kind: 'given-up' }
  return effects
}

/** Nothing that it holds would be missed by anybody. */
function isIdle({ tasks }: AgentState): boolean {
  for (const task of tasks.values()) if (!isSettled(task)) return false
  return true
}
