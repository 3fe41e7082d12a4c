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
  /** Why there may be a newer one, as a sentence. */
  readonly gap?: string | undefined
}

/** Agents that have something answer at once; those of a large cluster that have not, never. */
const QUIET_MS = 1_000
const NAMED_MAX = 5
/** Agents name a few hundred each: of all of a large cluster's nobody needs a list. */
const FOUND_MAX = 20_000

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
  if (newest === undefined) throw await noTask(client, wanted, found)
  // Behind those that are named there may be other tasks whose ids begin so.
  const isClear = newest.taskId === meant.task || !found.isMore
  const isOne = sandboxes.every(({ taskId }) => taskId === newest.taskId)
  if (!isClear || !isOne) throw several(wanted, sandboxes, found.isMore)
  const others = unique(sandboxes.map(nameOf)).filter((name) => name !== nameOf(newest))
  const gap = unheard(found)
  if (wanted.launch === undefined) return { sandbox: newest, others, ...(gap && { gap }) }
  const sandbox = sandboxes.find(({ launch }) => launch === wanted.launch)
  if (sandbox === undefined) throw noLaunch(wanted, sandboxes, gapOf(found))
  return { sandbox, others: [] }
}

export interface FoundLaunches {
  /** The newest first. */
  readonly launches: readonly Sandbox[]
  /** Why there may be others, as a sentence. */
  readonly gap: string | undefined
}

/** All launches of which something is left. @throws {ClusterError} `cli/no-task`; as `ask`. */
export async function findLaunches(
  client: OperatorClient,
  wanted: WantedTask,
): Promise<FoundLaunches> {
  const found = await askAgents(client, wanted)
  if (found.sandboxes.length === 0) throw await noTask(client, wanted, found)
  return { launches: newestFirst(whole(found.sandboxes, wanted)), gap: gapOf(found) }
}

/** Tasks of other frameworks may have the very name, and agents that are silent newer launches. */
export function tellOthers(io: Io, { sandbox, others, gap }: FoundOne): void {
  if (gap !== undefined) io.printError(`bourse: there may be a newer launch: ${gap}`)
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
  /** Some agent has more than it names, or all together have more than is listened to. */
  readonly isMore: boolean
  /** How many were asked. */
  readonly agents: number
  /** Those that answered; undefined: who has nothing was to be silent. */
  readonly answered: number | undefined
}

/** Who was asked and has not answered may have something. */
function unheard({ agents, answered = agents }: Answers): string | undefined {
  return answered < agents ? `only ${answered} of ${agents} agents have answered` : undefined
}

function gapOf(answers: Answers): string | undefined {
  const more = answers.isMore ? 'there are more than agents name at once' : undefined
  return [unheard(answers), more].filter(Boolean).join(', and ') || undefined
}

async function askAgents(client: OperatorClient, wanted: WantedTask): Promise<Answers> {
  const { cluster, messenger, clock } = client
  const request = randomToken(64) as SessionId
  const sandboxes: Sandbox[] = []
  const heard = new Set<AgentId>()
  let isMore = false
  let onHeard = (): void => undefined
  const subscription = messenger.listen(sandboxesFound, { cluster }, (message, { agentId }) => {
    const isFull = sandboxes.length >= FOUND_MAX
    if (message.request !== request || heard.has(agentId) || isFull) return
    heard.add(agentId)
    for (const found of message.sandboxes) sandboxes.push({ ...found, agentId })
    isMore ||= message.more || sandboxes.length >= FOUND_MAX
    onHeard()
  })
  try {
    const { framework, task } = wanted
    const asked = await client.ask('find-sandboxes', { framework, task, request })
    const isComplete = (): boolean =>
      (asked.everyoneAnswers && heard.size >= asked.agents) || sandboxes.length >= FOUND_MAX
    for (let isQuiet = false; !isQuiet && !isComplete(); )
      isQuiet = await new Promise<boolean>((resolve) => {
        const timer = clock.after(QUIET_MS, () => resolve(true))
        onHeard = () => {
          timer.cancel()
          resolve(false)
        }
      })
    const answered = asked.everyoneAnswers ? heard.size : undefined
    return { sandboxes, isMore, agents: asked.agents, answered }
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
  answers: Answers,
): Promise<ClusterError> {
  const where = mayRunOn(await agentsAway(client))
  const message = `no task has an id that begins with ${text}, and ${nothingKept(answers)}${where ? `; ${where}` : ''}`
  return new ClusterError('cli/no-task', 'never', message)
}

/** Silence says nothing where each was to answer. */
function nothingKept(answers: Answers): string {
  const { agents, answered } = answers
  if (answered === undefined) return `none of the ${agents} agents that are there has named any`
  const gap = unheard(answers)
  if (gap !== undefined) return `${gap}, which have kept nothing of one`
  const asked = agents === 1 ? 'the one agent that is there' : `the ${agents} agents that are there`
  return `${asked} ${agents === 1 ? 'has' : 'have'} kept nothing of one`
}

function several({ text }: WantedTask, found: readonly Sandbox[], isMore: boolean): ClusterError {
  const names = unique(found.map(nameOf))
  const shown = names.slice(0, NAMED_MAX).join(', ')
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : ''
  const others = isMore ? ', and perhaps others that agents do not name: give the whole id' : ''
  const count = names.length === 1 ? 'the task' : `${names.length} tasks:`
  return new ClusterError(
    'cli/several-tasks',
    'never',
    `${text} begins ${count} ${shown}${more}${others}`,
  )
}

function noLaunch(
  { text, launch }: WantedSandbox,
  found: readonly Sandbox[],
  gap: string | undefined,
): ClusterError {
  const launches: readonly Launch[] = found.slice(0, NAMED_MAX).map((one) => one.launch)
  const known = gap === undefined ? 'nothing is left' : 'nothing is known'
  const doubt = gap === undefined ? '' : `; ${gap}`
  const message = `${known} of launch ${launch} of ${text}; there is ${launches.join(', ')}${doubt}`
  return new ClusterError('cli/no-launch', 'never', message)
}
