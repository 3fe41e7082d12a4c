/** Asking agents whether they are there. */
import { AGENT_PINGS_PER_S_MAX, PAGE_WAIT_MS } from '../../../protocol/limits.ts'
import type { Agent } from '../entities.ts'
import { agentIsOver } from '../frameworks/end.ts'
import type { LeaderTurn } from '../turn.ts'
import {
  forgetAgent,
  invite,
  isEchoing,
  loseSession,
  order,
  pingAt,
  schedulePing,
  scheduleReturn,
} from './agents.ts'
import { loseAgent, mayLose } from './losing.ts'

/**
 * Pings an agent of which nothing was missed, and schedules the next ping. Those of all such agents
 * are a place apart in time, so that what pings cost is bounded: with many agents the next free
 * place is further away than the rules ask for, and the ping says so.
 */
function pingInTurn(turn: LeaderTurn, agent: Agent): void {
  const { leader, state, now } = turn
  const soonestMs = now.monotonicMs + state.rules.agentPingMs
  leader.pingPlaceMs = Math.max(soonestMs, leader.pingPlaceMs + 1_000 / AGENT_PINGS_PER_S_MAX)
  const isLater = leader.pingPlaceMs > soonestMs
  const nextMs = Math.ceil(leader.pingPlaceMs - now.monotonicMs)
  order(turn, agent, isLater ? { kind: 'ping', nextMs } : { kind: 'ping' })
  agent.pingPlaceMs = leader.pingPlaceMs
  schedulePing(turn, agent)
}

/**
 * A ping is due: the last one was answered, or it counts as missed. One that has answered waits for
 * its turn; any other is asked as often as the rules say, however many agents there are.
 */
export function pingAgent(turn: LeaderTurn, agent: Agent): void {
  if (agent.state === 'unreachable') return
  if (agent.missed === 0 && turn.now.monotonicMs < agent.pingPlaceMs) {
    return pingAt(turn, agent, agent.pingPlaceMs)
  }
  if (isEchoing(turn, 'agents')) agent.missed += 1
  if (agent.missed > turn.state.rules.agentPingsMissedMax) {
    if (isStranger(agent)) return forgetStranger(turn, agent)
    if (mayLose(turn, agent)) return loseAgent(turn, agent)
  }
  if (agent.state === 'registered' && agent.missed <= 1) return pingInTurn(turn, agent)
  if (agent.state === 'registered') order(turn, agent, { kind: 'ping' })
  else if (isStalled(turn, agent)) loseSession(turn, agent)
  else if (agent.state !== 'opening' || agent.missed > 1) invite(turn, agent)
  schedulePing(turn, agent)
}

/** Where it left, and came back without saying what it holds, an ended framework may await it. */
function forgetStranger(turn: LeaderTurn, agent: Agent): void {
  agentIsOver(turn, agent.agentId)
  forgetAgent(turn, agent)
}

/** It says something, but no page of the snapshot that it has begun. */
function isStalled({ now }: LeaderTurn, { opening }: Agent): boolean {
  if (opening === undefined || opening.isAdmitting) return false
  return now.monotonicMs - opening.heardAtMs > PAGE_WAIT_MS
}

/**
 * It has opened a session, and the registry was never asked to admit it. One that has left and is
 * back before that was written may have tasks.
 */
function isStranger({ isAdmitted, opening, tasks, unreachableAtMs }: Agent): boolean {
  if (isAdmitted || unreachableAtMs !== undefined) return false
  return tasks.size === 0 && opening?.isAdmitting !== true
}

/** A known agent has not come back since the takeover; if it could be heard, it is lost. */
export function returnIsOver(turn: LeaderTurn, agent: Agent): void {
  if (!isEchoing(turn, 'agents')) scheduleReturn(turn, agent, turn.state.rules.agentPingMs)
  else if (mayLose(turn, agent)) loseAgent(turn, agent)
}
