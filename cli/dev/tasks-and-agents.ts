/** What a `bourse dev` asks of its own leader: are the agents there, and that their tasks end. */
import { sleep } from '../../bus/clock.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentId } from '../../protocol/ids.ts'
import { KILL_GRACE_MS } from '../../protocol/limits.ts'
import type { TaskItem } from '../../protocol/schema/operator.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import type { FoundCluster } from '../find-cluster.ts'
import { type OperatorClient, openOperatorClient } from '../operator-client.ts'

const LOOK_MS = 100
/** A leader that takes over knows its agents a little later. */
const REGISTERED_MS = 20_000
/** For the kills to get there and the statuses to come back. */
const ENDED_MS = KILL_GRACE_MS + 1_000
/** For the registry to hear that agents have left. */
const FORGOTTEN_MS = 2_000
/** For frameworks whose tasks were killed to read what they wrote, and to leave. */
const LEFT_MS = 2_000

export interface Absent {
  /** Have not registered in time. */
  readonly missing: readonly AgentId[]
  /** Were given up by an operator: they are refused for ever. */
  readonly gone: readonly AgentId[]
}

/** Waits until all of `agentIds` have registered that ever will; gives those that have not. */
export function absentAgents(
  found: FoundCluster,
  agentIds: readonly AgentId[],
  isStopped: () => boolean,
): Promise<Absent> {
  return withClient(found, async (client) => {
    const missing = new Set(agentIds)
    const gone = new Set<AgentId>()
    const look = async (): Promise<boolean> => {
      // Before anything is asked: perhaps nobody leads, and no look comes to its end.
      if (isStopped()) return true
      for await (const page of client.list('agents'))
        for (const { agentId, state } of page) {
          if (state !== 'registered' && state !== 'gone') continue
          if (missing.delete(agentId) && state === 'gone') gone.add(agentId)
        }
      return missing.size === 0
    }
    await repeat(client, REGISTERED_MS, look)
    return { missing: [...missing], gone: [...gone] }
  })
}

/** Of these agents: how many of their tasks have not ended. */
export const tasksOn = (found: FoundCluster, agentIds: readonly AgentId[]): Promise<number> =>
  withClient(found, async (client) => (await unfinished(client, agentIds)).length)

/** Agents that the cluster remembers, and that are not there. */
export function agentsAway(found: FoundCluster): Promise<readonly AgentId[]> {
  return withClient(found, async (client) => {
    const away: AgentId[] = []
    for await (const page of client.list('agents'))
      for (const { agentId, state } of page)
        if (state === 'recovering' || state === 'unreachable') away.push(agentId)
    return away
  })
}

/** Waits until the leader has forgotten those of these agents that left, or time is up. */
export function agentsLeft(found: FoundCluster, agentIds: ReadonlySet<AgentId>): Promise<void> {
  return withClient(found, (client) =>
    repeat(client, FORGOTTEN_MS, async () => {
      for await (const page of client.list('agents'))
        for (const { agentId, state } of page)
          if (agentIds.has(agentId) && (state === 'registered' || state === 'leaving')) return false
      return true
    }),
  )
}

/**
 * Kills all tasks of these agents and waits until they have ended and their frameworks have left,
 * for as long as that may take.
 */
export function endTasks(found: FoundCluster, agentIds: readonly AgentId[]): Promise<void> {
  return withClient(found, async (client) => {
    const killed = new Set<string>()
    const frameworks = new Set<string>()
    const look = async (): Promise<boolean> => {
      const tasks = await unfinished(client, agentIds)
      for (const { principal, frameworkId, taskId, launch } of tasks) {
        if (killed.has(launch)) continue
        killed.add(launch)
        frameworks.add(frameworkId)
        await unlessRefused(client.ask('kill', { principal, frameworkId, taskId }))
      }
      return tasks.length === 0
    }
    await repeat(client, ENDED_MS, look)
    if (frameworks.size > 0) await repeat(client, LEFT_MS, () => haveLeft(client, frameworks))
  })
}

async function haveLeft(client: OperatorClient, left: ReadonlySet<string>): Promise<boolean> {
  for await (const page of client.list('frameworks'))
    for (const { frameworkId, state } of page)
      if (left.has(frameworkId) && state === 'subscribed') return false
  return true
}

async function unfinished(
  client: OperatorClient,
  agentIds: readonly AgentId[],
): Promise<readonly TaskItem[]> {
  const tasks: TaskItem[] = []
  for await (const page of client.list('tasks'))
    tasks.push(...page.filter((task) => agentIds.includes(task.agentId) && !isTerminal(task.state)))
  return tasks
}

async function withClient<T>(
  found: FoundCluster,
  use: (client: OperatorClient) => Promise<T>,
): Promise<T> {
  const client = await openOperatorClient(found)
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

/** Until it is done or time is up. That nobody leads just now is no reason to stop. */
async function repeat(
  { clock }: OperatorClient,
  limitMs: number,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const endMs = clock.now().monotonicMs + limitMs
  while (clock.now().monotonicMs < endMs) {
    const done = await isDone().catch((error: unknown) => {
      if (error instanceof ClusterError && error.code === 'cli/no-leader') return false
      throw error
    })
    if (done) return
    await sleep(LOOK_MS)
  }
}

/** It has ended meanwhile. */
async function unlessRefused(asked: Promise<unknown>): Promise<void> {
  try {
    await asked
  } catch (error) {
    if (!(error instanceof ClusterError && error.code === 'bus/refused')) throw error
  }
}
