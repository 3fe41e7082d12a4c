/** The register that an agent opens a session with: is it too late, is it in order? */
import type { AgentId, DirectoryId } from '../../../protocol/ids.ts'
import { LATER_ORDERS } from '../../../protocol/later-orders.ts'
import { AGENT_BYTES_MAX, PAGE_WAIT_MS } from '../../../protocol/limits.ts'
import { parseResources } from '../../../protocol/resources.ts'
import type { AgentOrder } from '../../../protocol/schema/agent.ts'
import type { AgentInfo, AgentReport } from '../../../protocol/schema/master.ts'
import { commonVersion, PROTOCOL_VERSION } from '../../../protocol/version.ts'
import { wireBytes } from '../../../protocol/wire-size.ts'
import { isSameValue } from '../../parts/same-value.ts'
import type { AgentState } from '../agent-machine.ts'
import type { Agent } from '../entities.ts'
import type { LeaderTurn } from '../turn.ts'

export type Register = Extract<AgentReport, { kind: 'register' }>
export type Refused = Extract<AgentOrder, { kind: 'not-registered' }>

/** An agent of so many tasks as there may be is seen to in a few seconds. */
const PARTING_RETRY_MS = 1_000

/** Nobody is expected to have its id. */
const IS_FREE: ReadonlySet<AgentState> = new Set(['unknown', 'unreachable'])
/** It said that it goes: whoever else has the id need not wait. */
const MAKES_ROOM: ReadonlySet<AgentState> = new Set(['stopped', 'leaving'])

/**
 * An open that the agent has left behind, by whose snapshot ended tasks would run again, or that of
 * another agent with its id. Whoever comes from another work directory or another machine, or
 * begins to count anew because its disk is new, must wait until the one that is known was silent
 * for long enough.
 */
export function isTaken(turn: LeaderTurn, agent: Agent, register: Register): boolean {
  const { rules } = turn.state
  if (agent.missed > rules.agentPingsMissedMax || IS_FREE.has(agent.state)) return false
  if (isInOther(agent, register.directory))
    return agent.state === 'recovering' ? isAwaited(turn) : !MAKES_ROOM.has(agent.state)
  if (agent.state === 'recovering') return false
  const isBehind = register.incarnation - agent.incarnation || register.opens - agent.opens
  if (isBehind <= 0) return true
  const isElsewhere = agent.info !== undefined && agent.info.hostname !== register.info.hostname
  return isElsewhere && !MAKES_ROOM.has(agent.state)
}

/**
 * As long after a takeover's last invitations as an agent may be silent: those that are there have
 * come by then, also those whose own were lost. Before that it may not have been its turn.
 */
function isAwaited({ leader, state, now }: LeaderTurn): boolean {
  const { agentPingMs, agentPingsMissedMax } = state.rules
  return now.monotonicMs < leader.recovery.askedAtMs + agentPingMs * (agentPingsMissedMax + 1)
}

/** Both say in which work directory they are, and it is not the same. */
export const isInOther = ({ directory }: Agent, other: DirectoryId | undefined): boolean =>
  directory !== undefined && other !== undefined && directory !== other

/** For the one that is refused its id. */
export function takenBy({ agentId, info }: Agent, isOther: boolean): string {
  if (info === undefined) return `agent ${agentId} is awaited, from another work directory`
  const where = isOther ? `${info.hostname}, in another work directory` : info.hostname
  return `agent ${agentId} is on ${where}, and was heard a moment ago`
}

/** It has other resources or attributes, or another name, than in its last session. */
export function hasChanged({ info }: Agent, now: AgentInfo): boolean {
  if (info === undefined) return false
  return !isSameValue({ ...info, resourcesVersion: now.resourcesVersion }, now)
}

export function refusalOf({ version, info }: Register): Refused | undefined {
  const kind = 'not-registered'
  if (commonVersion(version) === undefined) {
    const message = `this master speaks version ${PROTOCOL_VERSION}, not ${version.min}-${version.max}`
    return { kind, reason: 'no-common-version', message }
  }
  if (wireBytes(info) > AGENT_BYTES_MAX) {
    return malformed(`resources and attributes take more than ${AGENT_BYTES_MAX} bytes`)
  }
  const parsed = parseResources(info.resources)
  return 'code' in parsed ? malformed(parsed.message) : undefined
}

const ALL: ReadonlySet<string> = new Set(LATER_ORDERS)

/** Of those that this leader may say. One set does for all agents that understand them all. */
export function laterOrdersOf({ understands = [] }: Register): ReadonlySet<string> {
  const known = understands.filter((kind) => ALL.has(kind))
  return new Set(known).size === ALL.size ? ALL : new Set(known)
}

/** What it held before has left with it, and is not over. */
export function partingRefusal(agentId: AgentId): Refused {
  const message = `the tasks that agent ${agentId} had are not seen to yet`
  return { kind: 'not-registered', reason: 'taken', message, retryMs: PARTING_RETRY_MS }
}

export function malformed(message: string): Refused {
  return { kind: 'not-registered', reason: 'malformed-snapshot', message, retryMs: PAGE_WAIT_MS }
}
