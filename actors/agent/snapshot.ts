/** What the agent holds, in pages that each fit into one message. */
import { listResources } from '../../protocol/resources.ts'
import type { AgentReport, HeldTask } from '../../protocol/schema/master.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import { cut } from '../parts/outbox.ts'
import { type AgentState, keyOf, refOf, stateOf, type Task } from './state.ts'
import { isSettled } from './streams.ts'

type Page = Extract<AgentReport, { kind: 'snapshot-page' }>
type Known = Page['frameworks'][number]

/** Frameworks of one page; schemas allow a little more. */
const PAGE_FRAMEWORKS_MAX = 1_024

/** All pages, none if nothing is held. */
export function snapshotPages(state: AgentState): readonly Page[] {
  const tasks = cut([...state.tasks.values()].map(heldTask), wireBytes)
  const frameworks = chunks(knownFrameworks(state), PAGE_FRAMEWORKS_MAX).flatMap((part) =>
    cut(part, wireBytes),
  )
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

function heldTask(task: Task): HeldTask {
  const { name, role, resources, staged, last } = task
  return {
    ...refOf(task),
    ...(name === undefined ? {} : { name }),
    role,
    resources: listResources(resources),
    latest: stateOf(task),
    number: last?.number ?? staged,
    ...(isSettled(task) ? { settled: true } : {}),
  }
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
