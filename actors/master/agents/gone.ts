/**
 * Agents that will not come back, as an operator says: their tasks are over. And how those that are
 * away for weeks are forgotten, so that the registry does not grow for ever.
 */
import { type Refusal, refusal } from '../../../protocol/errors.ts'
import type { AgentId, Principal } from '../../../protocol/ids.ts'
import { LOST_AGENTS_MAX, LOST_AGENTS_MS, LOST_AGENTS_SWEEP_MS } from '../../../protocol/limits.ts'
import { record } from '../registry.ts'
import { count } from '../state.ts'
import { answer, type LeaderTurn, log } from '../turn.ts'
import { agentOf, closeSession, orderNow, stepAgent } from './agents.ts'
import type { Burial } from './membership.ts'
import { isParting, part } from './parting.ts'
import type { Refused } from './registration.ts'

/** Calls that wait until one agent is written down as gone. */
const CALLS_MAX = 16
/** Forgotten at once; the next ones a little later. */
const FORGOTTEN_MAX = 1_000
const FORGET_MORE_MS = 1_000

export function goneRefusal(agentId: AgentId): Refused {
  const message = `an operator has said that agent ${agentId} will not come back: its tasks are over; this machine may join under another id, with another --work-dir`
  return { kind: 'not-registered', reason: 'gone', message }
}

/** Written to the registry first; `later`: it is answered then. May be repeated. */
export function markGone(
  turn: LeaderTurn,
  agentId: AgentId,
  { principal, reply }: { readonly principal: Principal; readonly reply: string | undefined },
): object | Refusal | 'later' {
  const { leader, now } = turn
  if (leader.gone.has(agentId)) return {}
  const begun = leader.burials.get(agentId)
  if (begun !== undefined) {
    if (begun.replies.length < CALLS_MAX) begun.replies.push(reply)
    else return refusal('too-many', `${CALLS_MAX} calls wait for the same of agent ${agentId}`)
    return 'later'
  }
  if (!leader.agents.has(agentId)) return refusal('not-found', `no agent ${agentId}`)
  const burial: Burial = { agentId, principal, atMs: now.wallMs, replies: [reply] }
  leader.burials.set(agentId, burial)
  record(turn, { kind: 'agent-gone', agentId, atMs: burial.atMs }, { after: 'bury-agent', burial })
  return 'later'
}

/**
 * The registry has it, and whoever asked hears so. One that is there is told first: its tasks are
 * to end. At the leader they do, one after the other.
 */
export function agentIsGone(turn: LeaderTurn, burial: Burial): void {
  const { agentId, principal, atMs, replies } = burial
  const { leader } = turn
  const agent = agentOf(turn, agentId)
  const tasks = agent.tasks.size
  leader.burials.delete(agentId)
  if (agent.session !== undefined) orderNow(turn, agent, goneRefusal(agentId))
  closeSession(turn, agent)
  stepAgent(turn, agent, 'operator.gone')
  agent.isAdmitted = false
  leader.gone.set(agentId, atMs)
  const message = `an operator has said that agent ${agentId} will not come back`
  const reason = 'AGENT_REMOVED_BY_OPERATOR'
  const end = { state: 'TASK_GONE_BY_OPERATOR', reason, message } as const
  part(turn, agent, { how: 'gone', end, principal })
  log(turn, 'an operator has given up an agent', { agentId, principal, tasks })
  for (const reply of replies) answer(turn, reply, {})
}

/** The oldest of those that are away for too long, or are too many. */
export function forgetLost(turn: LeaderTurn): void {
  const { leader } = turn
  const isBusy = leader.registry.queue.length > 0
  const left = isBusy ? 0 : forgetOldest(turn, leader.gone, forgetOldest(turn, leader.lost))
  scheduleForgetting(turn, left === 0 ? FORGET_MORE_MS : LOST_AGENTS_SWEEP_MS)
}

export function scheduleForgetting(turn: LeaderTurn, afterMs = LOST_AGENTS_SWEEP_MS): void {
  const atMs = turn.now.monotonicMs + afterMs
  turn.leader.deadlines.set('lost-agents', atMs, { due: 'lost-agents' })
}

/** Returns how many more may be forgotten now. */
function forgetOldest(
  turn: LeaderTurn,
  away: ReadonlyMap<AgentId, number>,
  most = FORGOTTEN_MAX,
): number {
  let left = most
  let beyond = away.size - LOST_AGENTS_MAX
  for (const [agentId, atMs] of away) {
    const isOld = turn.now.wallMs - atMs >= LOST_AGENTS_MS
    if (left === 0 || (beyond <= 0 && !isOld)) break
    left -= 1
    beyond -= 1
    record(turn, { kind: 'agent-forgotten', agentId }, { after: 'forget-lost', agentId })
  }
  return left
}

/** The registry has it. Whoever came back meanwhile is being admitted anew. */
export function agentIsForgotten(turn: LeaderTurn, agentId: AgentId): void {
  const { leader } = turn
  if (leader.gone.delete(agentId)) return count(turn.state, 'agents-forgotten')
  const agent = leader.agents.get(agentId)
  if (agent?.state !== 'unreachable' || isParting(leader, agentId)) return
  part(turn, agent, { how: 'forgotten' })
  count(turn.state, 'agents-forgotten')
}
