/**
 * Agents that do not answer become unreachable: so many at a time, for when most of a cluster is
 * silent at once it is not they who are lost. Those beyond wait, and whoever answers is not lost.
 */
import type { AgentId } from '../../../protocol/ids.ts'
import type { AgentState } from '../agent-machine.ts'
import type { Agent } from '../entities.ts'
import { record } from '../registry.ts'
import { count, type Leader } from '../state.ts'
import { type LeaderTurn, warn } from '../turn.ts'
import { closeSession, isEchoing, schedulePing, stepAgent } from './agents.ts'
import { admission, awaitNoLonger } from './membership.ts'
import { isParting } from './parting.ts'
import { mayWait } from './waiting.ts'

/** The log says how many wait when those that fell silent together are likely to be known. */
const TELL_AFTER_MS = 1_000

/** Asked of an agent that is silent for too long. False: it waits for its turn. */
export function mayLose(turn: LeaderTurn, { agentId }: Agent): boolean {
  const { removals } = turn.leader
  if (removals.waiting.size === 0 && takeTurn(turn)) return true
  if (removals.waiting.has(agentId)) return false
  removals.waiting.add(agentId)
  count(turn.state, 'agent-removals-held')
  if (removals.waiting.size === 1) schedule(turn, TELL_AFTER_MS)
  return false
}

/** The turns that are free by now. */
export function loseSome(turn: LeaderTurn): void {
  const { agents, removals } = turn.leader
  const { waiting } = removals
  if (!isEchoing(turn, 'agents')) return schedule(turn, TELL_AFTER_MS)
  for (const agentId of waiting) {
    const agent = agents.get(agentId)
    const isSilent = agent !== undefined && isLost(turn, agent)
    if (isSilent && !takeTurn(turn)) break
    waiting.delete(agentId)
    if (isSilent) loseAgent(turn, agent)
  }
  if (waiting.size === 0) return
  tell(turn)
  schedule(turn, Math.max(1, nextTurnMs(turn) - turn.now.monotonicMs))
}

/** Once in the time of the limit. */
function tell(turn: LeaderTurn): void {
  const { leader, state, now } = turn
  const { waiting, toldAtMs } = leader.removals
  const { perMs } = state.rules.agentRemovals
  if (now.monotonicMs - toldAtMs < perMs) return
  leader.removals.toldAtMs = now.monotonicMs
  const message = 'more agents are silent than may become unreachable at once: they wait'
  warn(turn, message, { waiting: waiting.size, most: mostOf(turn), perMs })
}

function schedule({ leader, now }: LeaderTurn, afterMs: number): void {
  leader.deadlines.set('agent-removals', now.monotonicMs + afterMs, { due: 'agent-removals' })
}

function mostOf({ leader, state }: LeaderTurn): number {
  const { part, least } = state.rules.agentRemovals
  return Math.max(least, Math.floor((leader.agents.size - leader.lost.size) * part))
}

/** It may be lost now, and counts. */
function takeTurn(turn: LeaderTurn): boolean {
  const { leader, state, now } = turn
  const { atMs } = leader.removals
  const sinceMs = now.monotonicMs - state.rules.agentRemovals.perMs
  const over = atMs.findIndex((one) => one > sinceMs)
  atMs.splice(0, over < 0 ? atMs.length : over)
  if (atMs.length >= mostOf(turn)) return false
  atMs.push(now.monotonicMs)
  return true
}

function nextTurnMs(turn: LeaderTurn): number {
  const { atMs } = turn.leader.removals
  const oldest = atMs[Math.max(0, atMs.length - mostOf(turn))] ?? turn.now.monotonicMs
  return oldest + turn.state.rules.agentRemovals.perMs
}

const NEVER_LOST: ReadonlySet<AgentState> = new Set(['leaving', 'unreachable', 'gone'])

/** Not heard since the takeover, nor that it waits, or for all its pings. */
function isLost(turn: LeaderTurn, agent: Agent): boolean {
  if (NEVER_LOST.has(agent.state)) return false
  if (agent.missed > turn.state.rules.agentPingsMissedMax) return true
  return agent.state === 'recovering' && !mayWait(turn, agent)
}

/** Written to the registry first: a later leader must know that its tasks may live on. */
export function loseAgent(turn: LeaderTurn, agent: Agent): void {
  const { agentId } = agent
  turn.leader.deadlines.clear(`agent-ping ${agentId}`)
  const atMs = turn.now.wallMs
  const fact = { kind: 'agent-unreachable', agentId, atMs } as const
  record(turn, fact, { after: 'lose-agent', agentId, atMs })
}

/**
 * The registry has it. Whoever came back meanwhile is not lost, and the registry must hear that.
 * `atMs`: as it is written there, for every leader says the same. Its tasks are seen to from here
 * on, and then the world and frameworks are told of it.
 */
export function agentIsLost(turn: LeaderTurn, agentId: AgentId, atMs: number): void {
  const { leader } = turn
  const agent = leader.agents.get(agentId)
  // It has left, or was given up, or was heard once more, and the registry is being told so.
  if (agent === undefined || agent.state === 'leaving' || isParting(leader, agentId)) return
  if (!isLost(turn, agent)) {
    if (agent.isAdmitted) record(turn, admission(agent), { after: 'nothing' })
    return schedulePing(turn, agent)
  }
  agent.isAdmitted = false
  agent.unreachableAtMs = atMs
  if (!stepAgent(turn, agent, 'agent.lost')) return
  closeSession(turn, agent)
  awaitNoLonger(leader.recovery, agentId)
  forgetDeadlines(leader, agentId)
  leader.dirtyAgents.add(agentId)
  leader.losses.push({ agentId, tasks: agent.tasks.size })
}

function forgetDeadlines({ deadlines }: Leader, agentId: AgentId): void {
  deadlines.clear(`agent-ping ${agentId}`)
  deadlines.clear(`agent-return ${agentId}`)
}
