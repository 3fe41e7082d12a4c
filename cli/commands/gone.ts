/** `bourse gone AGENT`. */
import { ClusterError } from '../../protocol/errors.ts'
import type { AgentItem } from '../../protocol/schema/operator.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { jsonLine } from '../io.ts'
import { type OperatorClient, withOperator } from '../operator-client.ts'
import type { Invocation } from '../options.ts'
import { plural } from '../plural.ts'
import { allItems, requirePrefix } from './listing.ts'

export function gone(wanted: string, { options, io }: Invocation): Promise<ExitCode> {
  requirePrefix(wanted)
  return withOperator(options, io.env, async (client) => {
    const agent = await findAgent(client, wanted)
    const { agentId, state, tasks } = agent
    await client.ask('mark-gone', { agentId })
    if (options.json) io.print(jsonLine({ agentId, state, tasks }))
    else for (const line of told(agent)) io.print(line)
    return EXIT.done
  })
}

function told({ agentId, state, tasks }: AgentItem): readonly string[] {
  if (state === 'gone') return [`${agentId} is gone already`]
  const over = tasks === 0 ? unknown(state) : `${plural(tasks, 'task is', 'tasks are')} over`
  const still =
    state === 'registered'
      ? 'it is there now: what runs on it is ended'
      : 'what still runs on it is ended if it ever comes back'
  return [`${agentId} is gone: ${over}`, `${still}; it cannot join under this id again`]
}

/** An agent tells each new leader what it has. */
const unknown = (state: AgentItem['state']): string =>
  THERE.has(state)
    ? 'it had no task'
    : 'which tasks it had is not known here; frameworks that had some there ask, and hear that they are over'

const THERE: ReadonlySet<AgentItem['state']> = new Set(['registered', 'stopped', 'leaving'])

/**
 * The only one that is meant: a whole id wins over longer ones that begin so.
 *
 * @throws {ClusterError} `cli/no-agent`; `cli/several-agents`; as `ask`.
 */
async function findAgent(client: OperatorClient, wanted: string): Promise<AgentItem> {
  const found = (await allItems(client, 'agents', wanted)).filter(({ agentId }) =>
    agentId.startsWith(wanted),
  )
  const whole = found.filter(({ agentId }) => agentId === wanted)
  const [agent, ...others] = whole.length > 0 ? whole : found
  if (agent === undefined) {
    const message = `no agent has an id that begins with ${wanted}`
    throw new ClusterError('cli/no-agent', 'never', message)
  }
  if (others.length === 0) return agent
  const names = [agent, ...others].map(({ agentId }) => agentId).join(', ')
  const message = `${wanted} begins ${others.length + 1} agents: ${names}`
  throw new ClusterError('cli/several-agents', 'never', message)
}
