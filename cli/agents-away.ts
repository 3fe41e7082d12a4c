/**
 * Where a task may run that the leader does not know: agents tell each new leader what they have.
 */
import { RefusedError } from '../bus/service.ts'
import { ClusterError } from '../protocol/errors.ts'
import type { AgentItem } from '../protocol/schema/operator.ts'
import type { OperatorClient } from './operator-client.ts'

export type AwayAgent = Pick<AgentItem, 'agentId' | 'state'>

const NAMED_MAX = 5
/** A leader remembers the newest ends, and only those that it has heard itself. */
export const ENDED_UNKNOWN =
  'ended long ago or under an earlier leader: see `bourse events task --since all`'
/** What the leader says of their tasks may not be all that there is. */
const AWAY: ReadonlySet<AgentItem['state']> = new Set(['recovering', 'silent', 'unreachable'])

/** Those that may have a task that is not known here. @throws {ClusterError} as `ask`. */
export async function agentsAway(client: OperatorClient): Promise<readonly AwayAgent[]> {
  const away: AwayAgent[] = []
  for await (const page of client.list('agents', undefined))
    away.push(...page.filter(({ state }) => AWAY.has(state)))
  return away
}

/** That agent, if the leader does not reach it now. @throws {ClusterError} as `ask`. */
export async function ifAway(
  client: OperatorClient,
  wanted: AwayAgent['agentId'],
): Promise<AwayAgent | undefined> {
  for await (const page of client.list('agents', wanted)) {
    const found = page.find(({ agentId }) => agentId === wanted)
    if (found !== undefined) return found.state === 'registered' ? undefined : found
  }
  return undefined
}

/**
 * Why nothing can be read there. `error`: what the leader says to it. What lies on an agent that is
 * away is read when it is back.
 *
 * @throws {ClusterError} as `ask`.
 */
export async function whyUnread(
  client: OperatorClient,
  agentId: AwayAgent['agentId'],
  error: ClusterError,
): Promise<ClusterError> {
  if (!(error instanceof RefusedError)) return error
  const away = await ifAway(client, agentId)
  if (away === undefined || away.state === 'gone') return error
  const message = `agent ${agentId} is ${away.state}: what its tasks wrote can be read when it is back`
  return new ClusterError('cli/agent-away', 'later', message)
}

/** `it may run on a1 (recovering) or a2 (unreachable)`; undefined: all are there. */
export function mayRunOn(away: readonly AwayAgent[]): string | undefined {
  const names = away.slice(0, NAMED_MAX).map(({ agentId, state }) => `${agentId} (${state})`)
  const more = away.length - names.length
  if (more > 0) names.push(`one of ${more} more that are not back`)
  const last = names.pop()
  if (last === undefined) return undefined
  return `it may run on ${names.length === 0 ? last : `${names.join(', ')} or ${last}`}`
}

/** Of an id that nobody here has. */
export function ifTask(away: readonly AwayAgent[]): string {
  const where = mayRunOn(away)
  return `if it is a task, ${where === undefined ? 'it may' : `${where}, or`} have ${ENDED_UNKNOWN}`
}
