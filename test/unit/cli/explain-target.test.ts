/** What `bourse explain ID` means. */
import test from 'ava'
import { findTarget, type TargetKind } from '../../../cli/explain/target.ts'
import type { OperatorClient } from '../../../cli/operator-client.ts'
import { ClusterError } from '../../../protocol/errors.ts'

const frameworks = [
  { principal: 'local', frameworkId: 'web-1f0c', name: 'web', state: 'subscribed' },
  { principal: 'local', frameworkId: 'web-2a2a', name: 'web', state: 'ended' },
  { principal: 'local', frameworkId: 'batch-77', name: 'batch', state: 'away' },
  { principal: 'local', frameworkId: 'both', name: 'both', state: 'subscribed' },
]
const tasks = [
  { ...frameworks[0], taskId: 'web-0', launch: '1-0123456789abcdef-1', state: 'TASK_FAILED' },
  { ...frameworks[0], taskId: 'web-0', launch: '1-0123456789abcdef-2', state: 'TASK_RUNNING' },
  { ...frameworks[2], taskId: 'batch-77-a', launch: '1-0123456789abcdef-3' },
  { ...frameworks[2], taskId: 'batch-77-b', launch: '1-0123456789abcdef-4' },
]
const agents = [{ agentId: 'agent-1' }, { agentId: 'agent-2' }, { agentId: 'both' }]
const roles = ['*', 'prod', 'prod/web', 'web'].map((role) => ({ role }))

const LISTS = { frameworks, tasks, agents, roles } as const

function begins(item: object, prefix: string): boolean {
  return Object.values(item).some((value) => String(value).startsWith(prefix))
}

const client = {
  async *list(verb: keyof typeof LISTS, prefix: string) {
    const found = LISTS[verb].filter((item) => begins(item, prefix))
    // Two items to a page.
    for (let from = 0; from < found.length; from += 2) yield found.slice(from, from + 2)
  },
} as unknown as OperatorClient

async function targetOf(text: string, kind?: TargetKind): Promise<string> {
  try {
    const target = await findTarget(client, text, kind)
    return `${target.kind} ${target.id}`
  } catch (error) {
    if (error instanceof ClusterError) return `${error.code}: ${error.message}`
    throw error
  }
}

test('the begin of an id is enough, and a role is named in full', async (t) => {
  t.is(await targetOf('agent-1'), 'agent agent-1')
  t.is(await targetOf('web-1'), 'framework web-1f0c')
  t.is(await targetOf('web-0'), 'task web-0')
  t.is(await targetOf('web-1/web'), 'task web-1f0c/web-0')
  t.is(await targetOf('prod/web'), 'role prod/web')
  t.is(await targetOf('*'), 'role *')
  t.is(await targetOf('web'), 'role web')
})

test('of several attempts at a task the newest is meant', async (t) => {
  const target = await findTarget(client, 'web-0')
  t.like(target.item, { launch: '1-0123456789abcdef-2', state: 'TASK_RUNNING' })
})

test('what has ended is meant where nothing else is', async (t) => {
  t.is(await targetOf('web', 'framework'), 'framework web-1f0c')
  t.is(await targetOf('web-2'), 'framework web-2a2a')
})

test('tasks that are called like their framework do not hide it', async (t) => {
  t.is(await targetOf('batch'), 'framework batch-77')
  t.is(await targetOf('batch-77-b'), 'task batch-77-b')
})

test('where several things may be meant they are named', async (t) => {
  t.is(await targetOf('agent'), 'cli/several-things: agent may be agent agent-1, agent agent-2')
  t.is(
    await targetOf('both'),
    'cli/several-things: both may be framework both, agent both (--kind tells them apart)',
  )
  t.is(await targetOf('both', 'agent'), 'agent both')
  t.is(
    await targetOf('agent', 'agent'),
    'cli/several-things: agent may be agent agent-1, agent agent-2',
  )
})

test('a task that is not there is one that its framework has not launched', async (t) => {
  t.is(await targetOf('web-1f0c/web-7'), 'waiting web-1f0c/web-7')
  t.is(await targetOf('web-7'), 'waiting web-1f0c/web-7')
  t.is(await targetOf('web-7', 'task'), 'waiting web-1f0c/web-7')
  t.regex(await targetOf('web/web-7'), /^cli\/several-things: web\/web-7 may be task web-1f0c/)
})

test('what is nothing is said to be that', async (t) => {
  const nothing = (text: string): string =>
    `cli/nothing-to-explain: no framework, agent or task has an id that begins with ${text}, and no role is called so; if it is a task, it may have ended long ago or under an earlier leader: see \`bourse events task --since all\``
  t.is(await targetOf('nobody'), nothing('nobody'))
  t.is(await targetOf('prod/we'), nothing('prod/we'))
  t.is(await targetOf('pro'), nothing('pro'))
  const only = (what: string): string => `cli/nothing-to-explain: no ${what}`
  t.is(await targetOf('web-7', 'framework'), only('framework has an id that begins with web-7'))
  t.is(await targetOf('agent-1', 'role'), only('role is called agent-1'))
  t.regex(await targetOf('a b', 'agent'), /^cli\/usage: "a b" begins no id/)
})
