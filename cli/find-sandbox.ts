/**
 * Finds the sandbox that a person means. The leader knows tasks that run and those that ended
 * lately under it; of all others only the agents know, so they are asked.
 */
import { randomToken } from '../bus/random.ts'
import { ClusterError } from '../protocol/errors.ts'
import { type AgentId, isLaterLaunch, type Launch, type SessionId } from '../protocol/ids.ts'
import type { FoundSandbox } from '../protocol/schema/sandbox.ts'
import { sandboxesFound } from '../protocol/subjects.ts'
import { agentsAway, mayRunOn } from './agents-away.ts'
import { findTask, type WantedTask } from './find-task.ts'
import type { Io } from './io.ts'
import type { OperatorClient } from './operator-client.ts'

/** One launch of a task, and where it is. */
export interface Sandbox extends FoundSandbox {
  readonly agentId: AgentId
}

export interface WantedSandbox extends WantedTask {
  /** Absent: the newest. */
  readonly launch?: string | undefined
}

export interface FoundOne {
  readonly sandbox: Sandbox
  /** Names of others of that very id. */
  readonly others: readonly string[]
}

/** Agents that have something answer at once; those of a large cluster that have not, never. */
const QUIET_MS = 1_000
const NAMED_MAX = 5

/** @throws {ClusterError} `cli/no-task`; `cli/several-tasks`; `cli/no-launch`; as `ask`. */
export async function findSandbox(
  client: OperatorClient,
  wanted: WantedSandbox,
): Promise<FoundOne> {
  const task = await findTask(client, wanted).catch(unlessUnknown)
  const isIt = task !== undefined && (wanted.launch ?? task.task.launch) === task.task.launch
  if (isIt) return { sandbox: task.task, others: task.others.map(nameOf) }
  const meant = task === undefined ? wanted : only(task.task)
  const found = await askAgents(client, meant)
  const sandboxes = newestFirst(whole(found.sandboxes, meant))
  const [newest] = sandboxes
  if (newest === undefined) throw await noTask(client, wanted, found.agents)
  if (sandboxes.some(({ taskId }) => taskId !== newest.taskId)) throw several(wanted, sandboxes)
  const others = sandboxes.filter((one) => nameOf(one) !== nameOf(newest))
  if (wanted.launch === undefined) return { sandbox: newest, others: unique(others.map(nameOf)) }
  const sandbox = sandboxes.find(({ launch }) => launch === wanted.launch)
  if (sandbox === undefined) throw noLaunch(wanted, sandboxes)
  return { sandbox, others: [] }
}

/** All launches of which something is left, the newest first. @throws {ClusterError} as `ask`. */
export async function findLaunches(
  client: OperatorClient,
  wanted: WantedTask,
): Promise<readonly Sandbox[]> {
  const { sandboxes, agents } = await askAgents(client, wanted)
  if (sandboxes.length === 0) throw await noTask(client, wanted, agents)
  return newestFirst(whole(sandboxes, wanted))
}

/** Tasks of other frameworks may have the very name. */
export function tellOthers(io: Io, sandbox: Sandbox, others: readonly string[]): void {
  if (others.length === 0) return
  const more = others.length > NAMED_MAX ? ` and ${others.length - NAMED_MAX} more` : ''
  const named = others.slice(0, NAMED_MAX).join(', ')
  io.printError(`bourse: of ${nameOf(sandbox)}; also there: ${named}${more}`)
}

function unlessUnknown(error: unknown): undefined {
  if (!(error instanceof ClusterError) || error.code !== 'cli/no-task') throw error
  return undefined
}

interface Answers {
  readonly sandboxes: readonly Sandbox[]
  /** How many were asked. */
  readonly agents: number
}

async function askAgents(client: OperatorClient, wanted: WantedTask): Promise<Answers> {
  const { cluster, messenger, clock } = client
  const request = randomToken(64) as SessionId
  const sandboxes: Sandbox[] = []
  const heard = new Set<AgentId>()
  let onHeard = (): void => undefined
  const subscription = messenger.listen(sandboxesFound, { cluster }, (message, { agentId }) => {
    if (message.request !== request || heard.has(agentId)) return
    heard.add(agentId)
    for (const found of message.sandboxes) sandboxes.push({ ...found, agentId })
    onHeard()
  })
  try {
    const { framework, task } = wanted
    const asked = await client.ask('find-sandboxes', { framework, task, request })
    const isComplete = (): boolean => asked.everyoneAnswers && heard.size >= asked.agents
    for (let isQuiet = false; !isQuiet && !isComplete(); )
      isQuiet = await new Promise<boolean>((resolve) => {
        const timer = clock.after(QUIET_MS, () => resolve(true))
        onHeard = () => {
          timer.cancel()
          resolve(false)
        }
      })
    return { sandboxes, agents: asked.agents }
  } finally {
    subscription.close()
  }
}

/** Whole ids win over longer ones that begin so. */
function whole(found: readonly Sandbox[], { framework, task }: WantedTask): readonly Sandbox[] {
  const tasks = preferring(found, ({ taskId }) => taskId === task)
  return preferring(tasks, ({ frameworkId }) => frameworkId === framework)
}

function preferring(
  found: readonly Sandbox[],
  isPreferred: (sandbox: Sandbox) => boolean,
): readonly Sandbox[] {
  const preferred = found.filter(isPreferred)
  return preferred.length > 0 ? preferred : found
}

const only = ({ frameworkId, taskId }: Sandbox): WantedTask => ({
  text: `${frameworkId}/${taskId}`,
  framework: frameworkId,
  task: taskId,
})

const newestFirst = (found: readonly Sandbox[]): readonly Sandbox[] =>
  found.toSorted((a, b) => (a.launch === b.launch ? 0 : isLaterLaunch(a.launch, b.launch) ? -1 : 1))

const nameOf = ({ frameworkId, taskId }: FoundSandbox): string => `${frameworkId}/${taskId}`
const unique = (names: readonly string[]): readonly string[] => [...new Set(names)]

async function noTask(
  client: OperatorClient,
  { text }: WantedTask,
  agents: number,
): Promise<ClusterError> {
  const where = mayRunOn(await agentsAway(client))
  const asked = agents === 1 ? 'the one agent that is there' : `the ${agents} agents that are there`
  const message = `no task has an id that begins with ${text}, and ${asked} have kept nothing of one${where ? `; ${where}` : ''}`
  return new ClusterError('cli/no-task', 'never', message)
}

function several({ text }: WantedTask, found: readonly Sandbox[]): ClusterError {
  const names = unique(found.map(nameOf))
  const shown = names.slice(0, NAMED_MAX).join(', ')
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : ''
  return new ClusterError(
    'cli/several-tasks',
    'never',
    `${text} begins ${names.length} tasks: ${shown}${more}`,
  )
}

function noLaunch({ text, launch }: WantedSandbox, found: readonly Sandbox[]): ClusterError {
  const launches: readonly Launch[] = found.slice(0, NAMED_MAX).map((one) => one.launch)
  const message = `nothing is left of launch ${launch} of ${text}; there is ${launches.join(', ')}`
  return new ClusterError('cli/no-launch', 'never', message)
}
