/** Ids that a cluster knows, for who is typing one: quickly, or none. */
import { systemClock } from '../../bus/clock.ts'
import { ClusterError } from '../../protocol/errors.ts'
import type { TaskItem } from '../../protocol/schema/operator.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { type ListingVerb, type OperatorClient, withOperator } from '../operator-client.ts'
import type { Invocation } from '../options.ts'

/** Nobody waits longer for a word to be completed. */
const PATIENCE_MS = 700

/** A word that may stand somewhere. */
export interface Candidate {
  readonly value: string
  readonly about?: string
}

export interface WantedIds {
  readonly verbs: readonly ListingVerb[]
  /** What stands already. */
  readonly begin: string
  /** Tasks that have ended are left out. */
  readonly unfinished?: boolean
}

/**
 * Of the first page of each listing. Without a cluster, or a quick answer: none, and no complaint.
 */
export function liveIds(
  wanted: WantedIds,
  { options, io }: Invocation,
): Promise<readonly Candidate[]> {
  const late = new Promise<readonly Candidate[]>((resolve) => {
    systemClock.after(PATIENCE_MS, () => resolve([]))
  })
  const asked = ask(wanted, { options, io }).catch((error: unknown) => {
    if (error instanceof ClusterError) return []
    throw error
  })
  return Promise.race([asked, late])
}

const ask = async (wanted: WantedIds, { options, io }: Invocation): Promise<readonly Candidate[]> =>
  withOperator(options, io.env, async (client) => {
    const lists = await Promise.all(wanted.verbs.map((verb) => idsOf(client, verb, wanted)))
    return lists.flat()
  })

async function idsOf(
  client: OperatorClient,
  verb: ListingVerb,
  { begin, unfinished = false }: WantedIds,
): Promise<readonly Candidate[]> {
  if (verb === 'roles') return roleNames(client, begin)
  // What is no begin of an id begins none.
  if (!/^[\w-]{0,64}(?:\/[\w-]{0,64})?$/.test(begin)) return []
  const [prefix = ''] = begin.split('/')
  const about = prefix === '' ? {} : { prefix }
  switch (verb) {
    case 'agents':
      return (await client.ask(verb, about)).items.map(({ agentId, hostname, state }) => ({
        value: agentId,
        about: `agent, ${state}, ${hostname ?? 'host unknown'}`,
      }))
    case 'frameworks':
      return (await client.ask(verb, about)).items.map(({ frameworkId, name, state }) => ({
        value: frameworkId,
        about: `framework ${name}, ${state}`,
      }))
    case 'offers':
      return (await client.ask(verb, about)).items.map(({ offerId, agentId }) => ({
        value: offerId,
        about: `offer of ${agentId}`,
      }))
    default: {
      const { items } = await client.ask(verb, about)
      return taskIds(
        items.filter(({ state }) => !unfinished || !isTerminal(state)),
        begin,
      )
    }
  }
}

/** A role is written whole, with those above it. */
async function roleNames(client: OperatorClient, begin: string): Promise<readonly Candidate[]> {
  if (!/^[^\s\p{Cc}]{0,64}$/u.test(begin)) return []
  const { items } = await client.ask('roles', begin === '' ? {} : { prefix: begin })
  return items.map(({ role, weight, frameworks }) => ({
    value: role,
    about: `role, weight ${weight}, ${frameworks} ${frameworks === 1 ? 'framework' : 'frameworks'}`,
  }))
}

/** By their id alone where it says which one, or with their framework. */
function taskIds(tasks: readonly TaskItem[], begin: string): readonly Candidate[] {
  const count = new Map<string, number>()
  for (const { taskId } of tasks) count.set(taskId, (count.get(taskId) ?? 0) + 1)
  return tasks.map(({ taskId, frameworkId, state, agentId }) => {
    const isAlone = count.get(taskId) === 1 && !begin.includes('/')
    const value = isAlone ? taskId : `${frameworkId}/${taskId}`
    return { value, about: `task, ${state}, on ${agentId}` }
  })
}
