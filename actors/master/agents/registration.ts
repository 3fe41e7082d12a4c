/** The register that an agent opens a session with: is it too late, is it in order? */
import type { AgentId } from '../../../protocol/ids.ts'
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

const MAY_BEGIN_ANEW: ReadonlySet<AgentState> = new Set(['unknown', 'recovering', 'unreachable'])

/**
 * An open that the agent has left behind, by whose snapshot ended tasks would run again, or that of
 * another agent with its id. Whoever comes from another machine, or begins to count anew because
 * its disk is new, must wait until the one that is known was silent for long enough.
 */
export function isTaken(
  { state }: LeaderTurn,
  agent: Agent,
  { incarnation, opens, info }: Register,
): boolean {
  const isSilent = agent.missed > state.rules.agentPingsMissedMax
  if (isSilent || MAY_BEGIN_ANEW.has(agent.state)) return false
  const isBehind = incarnation - agent.incarnation || opens - agent.opens
  if (isBehind <= 0) return true
  const isThere = agent.state !== 'stopped' && agent.state !== 'leaving'
  return isThere && agent.info !== undefined && agent.info.hostname !== info.hostname
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

/** What it held before has left with it, and is not over. */
export function partingRefusal(agentId: AgentId): Refused {
  const message = `the tasks that agent ${agentId} had are not seen to yet`
  return { kind: 'not-registered', reason: 'taken', message, retryMs: PARTING_RETRY_MS }
}

export function malformed(message: string): Refused {
  return { kind: 'not-registered', reason: 'malformed-snapshot', message, retryMs: PAGE_WAIT_MS }
}
