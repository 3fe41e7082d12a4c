/** Finds what `bourse explain` is to explain: an agent, a framework, a role or a task. */
import { ClusterError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/ids.ts'
import type {
  AgentItem,
  FrameworkItem,
  RoleItem,
  TaskItem,
} from '../../protocol/schema/operator.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { type AwayAgent, agentsAway, ifTask } from '../agents-away.ts'
import { allItems } from '../commands/listing.ts'
import { wrongUse } from '../exit-code.ts'
import { nameOfTask, newestFirst, tasksMeant, wantedTask } from '../find-task.ts'
import type { OperatorClient } from '../operator-client.ts'
import { rolesOf } from '../roles/client.ts'

export type TargetKind = 'framework' | 'role' | 'agent' | 'task'

export type Target =
  | { readonly kind: 'framework'; readonly id: string; readonly item: FrameworkItem }
  | { readonly kind: 'role'; readonly id: string; readonly item: RoleItem }
  | { readonly kind: 'agent'; readonly id: string; readonly item: AgentItem }
  | { readonly kind: 'task'; readonly id: string; readonly item: TaskItem }
  /** A task that is not known, of a framework that is. */
  | {
      readonly kind: 'waiting'
      readonly id: string
      readonly item: FrameworkItem
      readonly taskId: TaskId
      /** Agents that may have it. */
      readonly away: readonly AwayAgent[]
    }

const NAMED_MAX = 6
const ID = /^[\w-]{1,64}$/

/**
 * What `text` means: whole ids win over longer ones that begin so, a role is named in full, and
 * what has ended is meant only where nothing else is.
 * `kind`: nothing else is looked for.
 *
 * @throws {ClusterError} `cli/usage`; `cli/nothing-to-explain`; `cli/several-things`; as `ask`.
 */
export async function findTarget(
  client: OperatorClient,
  text: string,
  kind?: TargetKind,
): Promise<Target> {
  const isWanted = (one: TargetKind): boolean => kind === undefined || kind === one
  const isId = ID.test(text)
  if (!isId && kind !== undefined && kind !== 'role' && !text.includes('/')) throw notAnId(text)
  const lists = await Promise.all([
    isWanted('framework') && isId ? frameworksOf(client, text) : [],
    isWanted('role') ? roleOf(client, text) : [],
    isWanted('agent') && isId ? agentsOf(client, text) : [],
    isWanted('task') ? tasksOf(client, text) : [],
  ])
  const found = lists.flat()
  const meant = preferring(
    preferring(found, ({ id }) => id === text),
    isLive,
  )
  const [target, ...others] = meant
  if (others.length > 0 && !isOfTasks(target, others)) throw several(text, meant)
  if (target !== undefined) return target
  const away = isWanted('task') ? await agentsAway(client) : []
  const waiting = isWanted('task') ? await waitingOf(client, text, away) : []
  if (waiting.length > 1) throw several(text, waiting)
  if (waiting[0] === undefined)
    throw nothing(text, kind, isWanted('task') ? `; ${ifTask(away)}` : '')
  return waiting[0]
}

/** It may still wait for something. */
function isLive(target: Target): boolean {
  if (target.kind === 'task') return !isTerminal(target.item.state)
  return target.kind !== 'framework' || target.item.state !== 'ended'
}

function preferring(all: readonly Target[], isPreferred: (one: Target) => boolean) {
  const preferred = all.filter(isPreferred)
  return preferred.length > 0 ? preferred : all
}

/** Tasks are called like their framework: who names all of them means that. */
function isOfTasks(target: Target | undefined, others: readonly Target[]): boolean {
  if (target?.kind !== 'framework') return false
  const { principal, frameworkId } = target.item
  return others.every(
    ({ kind, item }) =>
      kind === 'task' && item.frameworkId === frameworkId && item.principal === principal,
  )
}

async function frameworksOf(client: OperatorClient, text: string): Promise<readonly Target[]> {
  const items = await allItems(client, 'frameworks', text)
  return items
    .filter(({ frameworkId }) => frameworkId.startsWith(text))
    .map((item) => ({ kind: 'framework', id: item.frameworkId, item }))
}

async function agentsOf(client: OperatorClient, text: string): Promise<readonly Target[]> {
  const items = await allItems(client, 'agents', text)
  return items
    .filter(({ agentId }) => agentId.startsWith(text))
    .map((item) => ({ kind: 'agent', id: item.agentId, item }))
}

/** Begins of roles name nothing: most roles are begins of others. */
async function roleOf(client: OperatorClient, text: string): Promise<readonly Target[]> {
  const items = await rolesOf(client, text)
  return items
    .filter(({ role }) => role === text)
    .map((item) => ({ kind: 'role', id: item.role, item }))
}

/** Of several attempts at one task the newest. */
async function tasksOf(client: OperatorClient, text: string): Promise<readonly Target[]> {
  const parts = text.split('/')
  if (parts.length > 2 || !parts.every((part) => ID.test(part))) return []
  const names = new Map<string, TaskItem>()
  for (const task of newestFirst(await tasksMeant(client, wantedTask(text)))) {
    if (!names.has(nameOfTask(task))) names.set(nameOfTask(task), task)
  }
  const isPath = parts.length === 2
  return [...names.values()].map((item) => {
    const id = isPath ? nameOfTask(item) : item.taskId
    return { kind: 'task', id, item }
  })
}

/**
 * `FRAMEWORK/TASK` of which only the framework is there; or `NAME-3`, as `bourse run` calls what it
 * runs, where there is a framework of that name.
 */
async function waitingOf(
  client: OperatorClient,
  text: string,
  away: readonly AwayAgent[],
): Promise<readonly Target[]> {
  const [framework = '', taskId, ...rest] = text.split('/')
  if (rest.length > 0 || !ID.test(framework)) return []
  if (taskId !== undefined) {
    if (!ID.test(taskId)) return []
    const items = await allItems(client, 'frameworks', framework)
    const begin = items.filter(({ frameworkId }) => frameworkId.startsWith(framework))
    const whole = begin.filter(({ frameworkId }) => frameworkId === framework)
    const meant = whole.length > 0 ? whole : begin
    return meant.map((item) => waitingTarget(item, taskId as TaskId, away))
  }
  const name = /^(.+)-\d+$/.exec(text)?.[1]
  if (name === undefined) return []
  const items = await allItems(client, 'frameworks', name)
  return items
    .filter((item) => item.name === name && item.state !== 'ended')
    .map((item) => waitingTarget(item, text as TaskId, away))
}

const waitingTarget = (
  item: FrameworkItem,
  taskId: TaskId,
  away: readonly AwayAgent[],
): Target => ({
  kind: 'waiting',
  id: `${item.frameworkId}/${taskId}`,
  item,
  taskId,
  away,
})

/** For people: which one. */
const nameOf = (target: Target): string => {
  if (target.kind === 'task') return `task ${nameOfTask(target.item)}`
  return `${target.kind === 'waiting' ? 'task' : target.kind} ${target.id}`
}

const notAnId = (text: string): ClusterError =>
  wrongUse(`"${text}" begins no id: 1 to 64 letters, digits, _ or -`)

function nothing(text: string, kind: TargetKind | undefined, more: string): ClusterError {
  const begin = `has an id that begins with ${text}`
  const message =
    kind === undefined
      ? `no framework, agent or task ${begin}, and no role is called so`
      : kind === 'role'
        ? `no role is called ${text}`
        : `no ${kind} ${begin}`
  return new ClusterError('cli/nothing-to-explain', 'never', `${message}${more}`)
}

function several(text: string, targets: readonly Target[]): ClusterError {
  const names = targets.slice(0, NAMED_MAX).map(nameOf)
  const more = targets.length - names.length
  const kinds =
    new Set(targets.map(({ kind }) => kind)).size > 1 ? ' (--kind tells them apart)' : ''
  return new ClusterError(
    'cli/several-things',
    'never',
    `${text} may be ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}${kinds}`,
  )
}
