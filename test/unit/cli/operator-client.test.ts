import test from 'ava'
import type { StoreHealth } from '../../../bus/nats/store-health.ts'
import { inGroups } from '../../../cli/commands/listing.ts'
import { findTask, findTaskToEnd, nameOfTask, wantedTask } from '../../../cli/find-task.ts'
import { refusal } from '../../../protocol/errors.ts'
import type { AgentId, FrameworkId, Launch, Principal, TaskId } from '../../../protocol/ids.ts'
import type { AgentItem, TaskItem } from '../../../protocol/schema/operator.ts'
import { aWorld, serveOperators, type World } from '../../support/operator-world.ts'

const aTask = (frameworkId: string, taskId: string, fields: Partial<TaskItem> = {}): TaskItem => ({
  principal: 'local' as Principal,
  frameworkId: frameworkId as FrameworkId,
  taskId: taskId as TaskId,
  agentId: 'agent' as AgentId,
  launch: '1-0123456789abcdef-1' as Launch,
  role: '*',
  state: 'TASK_RUNNING',
  resources: [],
  changedAtMs: 0,
  ...fields,
})

const AWAY: readonly AgentItem[] = [
  {
    agentId: 'agent-2' as AgentId,
    state: 'recovering',
    total: [],
    used: [],
    offered: [],
    tasks: 0,
    attributes: [],
  },
]

/** Answers listings of tasks, two to a page; the first `refusals` calls are refused. */
function serveTasks({ leader, clock }: World, tasks: readonly TaskItem[], refusals = 0): string[] {
  const prefixes: string[] = []
  serveOperators({ leader, clock }, (body, { verb }, message) => {
    if (verb === 'agents') return leader.answer(message, { items: AWAY })
    const { after, prefix } = body as { after?: string; prefix?: string }
    prefixes.push(prefix ?? '')
    if (prefixes.length <= refusals) return leader.refuse(message, refusal('not-leading', 'not me'))
    const from = Number(after ?? 0)
    const next = from + 2 < tasks.length ? { next: String(from + 2) } : {}
    leader.answer(message, { items: tasks.slice(from, from + 2), ...next })
  })
  return prefixes
}

async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  const items: T[] = []
  for await (const page of pages) items.push(...page)
  return items
}

test('a listing follows its pages', async (t) => {
  const world = await aWorld()
  const tasks = ['a', 'b', 'c', 'd', 'e'].map((taskId) => aTask('f', taskId))
  const prefixes = serveTasks(world, tasks)
  t.deepEqual(await world.clock.runFor(collect(world.client.list('tasks', 'x'))), tasks)
  t.deepEqual(prefixes, ['x', 'x', 'x'])
})

test('a leader that takes over is waited for', async (t) => {
  const world = await aWorld()
  serveTasks(world, [aTask('f', 'a')], 3)
  t.is((await world.clock.runFor(collect(world.client.list('tasks')))).length, 1)
})

test('where nobody leads, that is said within little more than a second', async (t) => {
  const world = await aWorld()
  const asked = world.client.ask('master', {})
  await world.clock.runFor(t.throwsAsync(asked, { code: 'cli/no-leader' }))
  t.true(world.clock.now().monotonicMs < 1_500)
})

const withoutStore: Readonly<Record<StoreHealth, RegExp>> = {
  answers: /^no master leads cluster c just now$/,
  silent: /just now: the NATS store, .* does not answer$/,
  'no-majority': /just now: of the NATS servers that store, no majority is there/,
}
for (const [health, message] of Object.entries(withoutStore))
  test(`where nobody leads and the store is ${health}, that is said`, async (t) => {
    const world = await aWorld(() => Promise.resolve(health as StoreHealth))
    await world.clock.runFor(t.throwsAsync(world.client.ask('master', {}), { message }))
  })

test('an answer of another shape is a fault, not a crash', async (t) => {
  const world = await aWorld()
  serveTasks(world, [{ ...aTask('f', 'a'), changedAtMs: -1 }])
  const asked = world.client.ask('tasks', {})
  await world.clock.runFor(t.throwsAsync(asked, { code: 'bus/bad-answer' }))
})

const TASKS = [
  aTask('web-1', 'task-1'),
  aTask('web-1', 'task-10'),
  aTask('web-1', 'old', { state: 'TASK_FINISHED' }),
  aTask('web-2', 'old', { state: 'TASK_FAILED', launch: '2-0123456789abcdef-1' as Launch }),
  aTask('web-2', 'old-and-new', { state: 'TASK_FINISHED' }),
  aTask('web-2', 'old-and-newer'),
  aTask('shop-1', 'shop-0'),
  aTask('shop2-1', 'shop2-0'),
]
const FOUND = {
  'task-10': 'web-1/task-10',
  'task-1': 'web-1/task-1',
  'web-2/old': 'web-2/old',
  'old-and': 'web-2/old-and-newer',
  old: 'web-2/old',
  shop: 'shop-1/shop-0',
}
for (const [wanted, found] of Object.entries(FOUND))
  test(`${wanted} means ${found}`, async (t) => {
    const world = await aWorld()
    serveTasks(world, TASKS)
    const { task } = await world.clock.runFor(findTask(world.client, wantedTask(wanted)))
    t.is(nameOfTask(task), found)
  })

test('whoever looks at a task is told of others with that id; whoever ends one is not guessed for', async (t) => {
  const launches = ['1-0123456789abcdef-7', '2-0123456789abcdef-1'] as const
  const [before, now] = launches.map((launch, i) =>
    aTask(`sh-${i}`, 'sh-0', { launch: launch as Launch }),
  )
  const other = aTask('sh-9', 'sh-0', { state: 'TASK_FINISHED' })
  const tasks = [before, now, other] as TaskItem[]
  const world = await aWorld()
  serveTasks(world, tasks)
  const found = await world.clock.runFor(findTask(world.client, wantedTask('sh-0')))
  t.is(nameOfTask(found.task), 'sh-1/sh-0')
  t.deepEqual(found.others.map(nameOfTask), ['sh-0/sh-0', 'sh-9/sh-0'])
  const toEnd = findTaskToEnd(world.client, wantedTask('sh-0'))
  const message = 'sh-0 begins 2 tasks: sh-1/sh-0, sh-0/sh-0'
  await world.clock.runFor(t.throwsAsync(toEnd, { code: 'cli/several-tasks', message }))
})

test('of several tasks of one framework it is said how all of them are ended', async (t) => {
  const world = await aWorld()
  serveTasks(world, [aTask('web-1', 'web-0'), aTask('web-1', 'web-1')])
  const message = /^web begins 2 tasks: .*; all of them: bourse teardown web-1$/
  const toEnd = findTaskToEnd(world.client, wantedTask('web'))
  await world.clock.runFor(t.throwsAsync(toEnd, { code: 'cli/several-tasks', message }))
})

test('the one that runs is ended, of those that have ended the newest is told', async (t) => {
  const ended = aTask('sh-1', 'sh-0', { state: 'TASK_FINISHED' })
  for (const [tasks, name] of [
    [[ended, aTask('sh-2', 'sh-0')], 'sh-2/sh-0'],
    [[ended], 'sh-1/sh-0'],
  ] as const) {
    const world = await aWorld()
    serveTasks(world, tasks)
    const task = await world.clock.runFor(findTaskToEnd(world.client, wantedTask('sh')))
    t.is(nameOfTask(task), name)
  }
})

test('tasks stand by framework, the newest first, and there as they were launched', (t) => {
  const launched = (framework: string, task: string, count: number): TaskItem =>
    aTask(framework, task, { launch: `1-0123456789abcdef-${count}` as Launch })
  const tasks = [
    launched('a', 'a-0', 3),
    launched('a', 'a-1', 4),
    launched('b', 'b-0', 10),
    launched('b', 'b-1', 9),
  ]
  t.deepEqual(
    inGroups(tasks).map(({ taskId }) => taskId as string),
    ['b-1', 'b-0', 'a-0', 'a-1'],
  )
})

const NOT_FOUND = {
  task: { code: 'cli/several-tasks', message: 'task begins 2 tasks: web-1/task-1, web-1/task-10' },
  'web-3/old': {
    code: 'cli/no-task',
    message:
      'no task has an id that begins with web-3/old, as far as the leader knows; it may run on agent-2 (recovering)',
  },
}
for (const [wanted, error] of Object.entries(NOT_FOUND))
  test(`${wanted} means no one task`, async (t) => {
    const world = await aWorld()
    serveTasks(world, TASKS)
    await world.clock.runFor(t.throwsAsync(findTask(world.client, wantedTask(wanted)), error))
  })
