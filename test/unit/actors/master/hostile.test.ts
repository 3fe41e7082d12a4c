/**
 * What means harm, or is broken, harms nobody else; the driver holds every message to its limits.
 */
import test from 'ava'
import { check } from '../../../../protocol/check.ts'
import { frameworkKey } from '../../../../protocol/ids.ts'
import { AGENT_TASKS_MAX, FRAMEWORKS_MAX, SCALAR_MAX } from '../../../../protocol/limits.ts'
import { countRanges } from '../../../../protocol/ranges.ts'
import { rangesOf } from '../../../../protocol/resources.ts'
import type { ResourceEntry } from '../../../../protocol/schema/common.ts'
import {
  aHeldTask,
  aRegister,
  aStage,
  aStageWith,
  aTask,
  FakeAgent,
  FakeFramework,
  live,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  aFramework,
  effectsOf,
  figuresOf,
  MasterDriver,
  ordersOf,
} from '../../../support/master-builders.ts'

const mem = (scalar: number): ResourceEntry[] => [{ name: 'mem', scalar }]

test('an agent whose tasks hold more than can be counted is refused', (t) => {
  const master = new MasterDriver().leading()
  const tasks = [1, 2].map((i) =>
    aHeldTask(`t${i}`, { launch: oldLaunch(i), resources: mem(SCALAR_MAX) }),
  )
  const agent = new FakeAgent(master)
  t.like(ordersOf(agent.open({}, tasks.slice(0, 1), tasks.slice(1)), 'a1', 'not-registered'), [
    {
      reason: 'malformed-snapshot',
      message: 'task t2: resource mem adds up to more than 1000000000',
    },
  ])
  const [first, ended] = tasks.map((task, i) =>
    i === 0 ? task : { ...task, latest: 'TASK_FAILED' as const },
  )
  agent.open(
    {},
    [first, ended].filter((task) => task !== undefined),
  )
  t.is(master.agent('a1').state, 'registered')
})

test('a task that holds more kinds than a task may name refuses the snapshot', (t) => {
  const master = new MasterDriver().leading()
  const resources = Array.from({ length: 250 }, (_, i) => ({
    name: `x${i}`.padEnd(64, 'x'),
    scalar: 1,
    role: 'r'.repeat(100),
  }))
  const effects = new FakeAgent(master).open({}, [aHeldTask('t1', { resources })])
  t.is(ordersOf(effects, 'a1', 'not-registered').length, 1)
})

test('what agents hold under ever other names is listed in a page that fits', (t) => {
  const master = new MasterDriver().leading()
  const tasks = Array.from({ length: 40 }, (_, task) =>
    aHeldTask(`t${task}`, {
      launch: oldLaunch(task + 1),
      resources: Array.from({ length: 200 }, (_, i) => ({
        name: `x${task}-${i}`.padEnd(64, 'x'),
        scalar: 1,
      })),
    }),
  )
  new FakeAgent(master).open({}, tasks.slice(0, 10), tasks.slice(10, 20), tasks.slice(20, 30))
  for (const [verb, name] of [
    ['agents', 'AgentPage'],
    ['frameworks', 'FrameworkPage'],
  ] as const) {
    const answer = master.operate({ verb, body: {} })
    t.true(answer !== undefined && 'ok' in answer && check(name, structuredClone(answer.ok)).ok)
  }
})

test('a framework named again and again in a snapshot is confirmed once', (t) => {
  const { agent } = aStage()
  agent.open({ pages: 1 })
  const known = { ...aFramework(), subscription: { epoch: 1, count: 1 } }
  const effects = agent.say({
    kind: 'snapshot-page',
    page: 1,
    last: true,
    tasks: [],
    frameworks: Array.from({ length: 1_000 }, () => known),
  })
  t.is(ordersOf(effects, 'a1', 'registered')[0]?.frameworks.length, 1)
  t.is(ordersOf(effects, 'a1', 'framework-subscribed').length, 0)
})

test('an agent does not say of its own task that it cannot be reached', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING')
  for (const state of ['TASK_UNREACHABLE', 'TASK_GONE_BY_OPERATOR', 'TASK_LOST'] as const) {
    agent.update('t1', state)
    agent.update('t1', 'TASK_RUNNING', { latest: state })
  }
  const launch = master.task('t1')?.launch ?? oldLaunch(1)
  const number = { incarnation: 1, count: 99 }
  agent.open({}, [aHeldTask('t1', { launch, number, latest: 'TASK_UNREACHABLE' })])
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
  t.true(master.task('t1')?.isHeld)
  t.is(master.counter('statuses-illegal'), 7)
})

test('a status is the agent’s, whatever it says of its source', (t) => {
  const { agent } = aStageWith('t1')
  const effects = agent.update('t1', 'TASK_RUNNING', { source: 'master' })
  t.is(effectsOf(effects, 'send-public')[0]?.body.events[0]?.status?.source, 'agent')
})

test('every other port is taken: what is left is offered as far as it can be said', (t) => {
  const ports: ResourceEntry = { name: 'ports', ranges: [[0, 65_535]] }
  const { master, agent, framework, allocator } = aStage({
    info: { ...aRegister().info, resources: [...mem(1_000), ports] },
  })
  const everyOther = (from: number): ResourceEntry[] => [
    {
      name: 'ports',
      ranges: Array.from({ length: 1_000 }, (_, i) => [from + 2 * i, from + 2 * i]),
    },
  ]
  allocator.offer({ resources: [...mem(1_000), ports] })
  const tasks = [0, 3_000, 6_000].map((from) => aTask(`t${from}`, { resources: everyOther(from) }))
  const effectsFrom = master.effects.length
  framework.accept(framework.offers, ...tasks)
  const figure = figuresOf(master.effects.slice(effectsFrom)).find(({ kind }) => kind === 'agent')
  const free = figure?.kind === 'agent' ? figure.free : []
  t.is(free.find(({ name }) => name === 'ports')?.ranges?.length, 1_024)
  t.is(countRanges(rangesOf(master.agent('a1').free, 'ports')), 65_536 - 3_000)
  live({ master, agent, framework, allocator }, 6_000)
  t.is(allocator.offer({ resources: free }).outcome, 'made')
})

test('why a task is invalid is said in a sentence that fits', (t) => {
  const { master, framework, allocator } = aStage()
  allocator.offer()
  const resources = Array.from({ length: 256 }, (_, i) => ({
    name: `x${i}`.padEnd(64, 'x'),
    scalar: 1,
  }))
  framework.accept(framework.offers, aTask('t1', { resources }))
  t.is(master.counter('tasks-invalid'), 1)
})

test('filters of agents that are never offered again do not pile up', (t) => {
  const { master, framework, allocator } = aStage()
  const role = master.framework().roles.get('*')
  for (let i = 2; i < 40; i++) {
    const agent = new FakeAgent(master, `a${i}`)
    agent.open()
    allocator.offer({ agentId: agent.agentId })
    framework.call('decline', { offers: [...framework.offers], refuseMs: 0 })
    agent.say({ kind: 'pong' })
    live({ master, framework, allocator }, 1_000)
  }
  t.true((role?.filters.size ?? 0) < 5)
})

test('a snapshot that brings no page any more is given up, however much else is said', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ pages: 2 })
  live({ master, agent }, 20_000)
  agent.page(1, false)
  live({ master, agent }, 30_000)
  t.is(master.agent('a1').state, 'opening')
  const { session } = agent
  live({ master, agent }, 4_000)
  t.is(master.counter('agent-sessions-lost'), 1)
  t.is(agent.session, session)
  t.is(master.agent('a1').opening, undefined)
})

test('a snapshot that never ends is refused before it takes all memory', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ pages: 4_096 })
  const frameworks = Array.from({ length: 2_048 }, (_, i) => ({
    ...aFramework(`f${i}`),
    subscription: { epoch: 1, count: 1 },
  }))
  let pages = 0
  while (master.counter('registrations-refused') === 0) {
    pages += 1
    agent.say({ kind: 'snapshot-page', page: pages, last: false, tasks: [], frameworks })
  }
  t.is(pages, Math.ceil((2 * AGENT_TASKS_MAX) / 2_048))
  t.is(master.agent('a1').opening, undefined)
})

test('an agent takes no more tasks than its snapshot could show', (t) => {
  const { master, framework, allocator } = aStage()
  allocator.offer()
  const { tasks } = master.agent('a1')
  Object.defineProperty(tasks, 'size', { get: () => AGENT_TASKS_MAX, configurable: true })
  framework.accept(framework.offers, aTask('t1'))
  t.is(master.counter('tasks-invalid'), 1)
  t.is(master.task('t1'), undefined)
})

test('what the edge refused is counted by name', (t) => {
  const master = new MasterDriver().leading()
  master.input({ kind: 'refused', name: 'malformed', count: 2 })
  const answer = master.operate({ verb: 'master', body: {} })
  t.like(answer, { ok: { counters: { 'refused.malformed': 2 } } })
})

test('a principal that has too many frameworks gets no more, and others do', (t) => {
  const master = new MasterDriver().leading()
  const { frameworks } = master.leader
  new FakeFramework(master, 'first').subscribe()
  const one = master.framework(aFramework('first'))
  for (let i = 1; i < FRAMEWORKS_MAX; i++) {
    const key = aFramework(`f${i}`)
    frameworks.set(frameworkKey(key), { ...one, ...key, key: frameworkKey(key) })
  }
  const many = new FakeFramework(master, 'many')
  t.like(many.subscribe(), { refused: { code: 429, name: 'too-many' } })
  t.true('ok' in (new FakeFramework(master, 'first').subscribe() ?? {}))
  t.true('ok' in (new FakeFramework(master, 'one', 'other').subscribe() ?? {}))
  frameworks.delete('local.f1')
  master.pass(1_000)
  t.true('ok' in (many.subscribe() ?? {}))
})
