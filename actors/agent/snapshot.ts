/** What the agent holds, in pages that each fit into one message. */
import { listResources } from '../../protocol/resources.ts'
import type { AgentReport, HeldTask } from '../../protocol/schema/master.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import { cut } from '../parts/outbox.ts'
import type { StatusBody } from './records.ts'
import { type AgentState, keyOf, stateOf, type Task } from './state.ts'
import { isSettled } from './streams.ts'

type Page = Extract<AgentReport, { kind: 'snapshot-page' }>
type Known = Page['frameworks'][number]

/** Frameworks of one page; schemas allow a little more. */
const PAGE_FRAMEWORKS_MAX = 1_024

/** All pages, none if nothing is held. */
export function snapshotPages(state: AgentState): readonly Page[] {
  const tasks = listsOf([...state.tasks.values()].map(heldTask))
  const frameworks = chunks(knownFrameworks(state), PAGE_FRAMEWORKS_MAX).flatMap(listsOf)
  const pages = [
    ...tasks.map((list) => ({ tasks: [...list], frameworks: [] as Known[] })),
    ...frameworks.map((list) => ({ tasks: [] as HeldTask[], frameworks: [...list] })),
  ]
  return pages.map((page, i) => ({
    kind: 'snapshot-page',
    page: i + 1,
    last: i === pages.length - 1,
    ...page,
  }))
}

/** Few pages are allowed, so they are full. Most agents have one: that is seen without counting. */
function listsOf<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const lists = cut(items)
  return lists.length <= 1 ? lists : cut(items, wireBytes)
}

/** One of very many, when all agents of a process come back to a new leader: nothing is spread. */
function heldTask(task: Task): HeldTask {
  const { framework, taskId, launch, name, role, resources, staged, last } = task
  const held: HeldTask = {
    principal: framework.principal,
    frameworkId: framework.frameworkId,
    taskId,
    launch,
    role,
    resources: listResources(resources),
    latest: stateOf(task),
    number: last?.number ?? staged,
  }
  if (name !== undefined) held.name = name
  if (last !== undefined) {
    // One that runs, and says how it is, has run since before.
    const runningSinceMs = held.latest === 'TASK_RUNNING' ? task.checks?.startedAtMs : undefined
    held.atMs = runningSinceMs ?? last.atMs
  }
  if (last !== undefined && isTerminal(held.latest)) showEnd(held, last)
  if (last?.healthy !== undefined) held.healthy = last.healthy
  if (last?.checkResult !== undefined) held.checkResult = last.checkResult
  if (isSettled(task)) held.settled = true
  return held
}

/**
 * Whoever acknowledges its status before the leader has taken the snapshot leaves the leader no
 * other word of it.
 */
function showEnd(held: HeldTask, { reason, message, exit }: StatusBody): void {
  if (reason !== undefined) held.reason = reason
  if (message !== undefined) held.message = message
  if (exit !== undefined) held.exit = exit
}

function knownFrameworks(state: AgentState): readonly Known[] {
  return [...state.frameworks.values()].flatMap((framework) => {
    const { subscription } = framework
    return subscription === undefined ? [] : [{ ...keyOf(framework), subscription }]
  })
}

export function chunks<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  if (items.length <= size) return items.length === 0 ? [] : [items]
  const parts: (readonly Item[])[] = []
  for (let i = 0; i < items.length; i += size) parts.push(items.slice(i, i + size))
  return parts
}
