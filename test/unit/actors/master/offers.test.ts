/** Offers: made of allocations, answered by accepts and declines, ended by time. */
import test from 'ava'
import type { AgentId, SessionId } from '../../../../protocol/ids.ts'
import {
  ACCEPT_BYTES_MAX,
  ACCEPT_TASKS_MAX,
  DECLINE_FILTER_MS,
  DECLINE_PAUSE_MS,
  OFFER_TIMEOUT_MS,
} from '../../../../protocol/limits.ts'
import type { AllocatorFigure } from '../../../../protocol/schema/allocator.ts'
import type { ResourceList, TaskInfo } from '../../../../protocol/schema/common.ts'
import {
  aRegister,
  aStage,
  aTask,
  cpusMem,
  FakeAgent,
  FakeFramework,
  live,
} from '../../../support/master-actors.ts'
import {
  bits,
  eventsOf,
  figuresOf,
  OTHER_RUN,
  ordersOf,
  RUN,
  statusesOf,
} from '../../../support/master-builders.ts'

/** A stage with one offer of all of a1. */
function anOffered() {
  const stage = aStage()
  stage.allocator.offer()
  const [offerId = ''] = stage.framework.offers
  return { ...stage, offerId }
}

const filtersOf = (figures: readonly AllocatorFigure[]) =>
  figures.flatMap((figure) => (figure.kind === 'filter' ? [figure.declined] : []))

/** What is said from here on. */
function since(master: ReturnType<typeof aStage>['master']) {
  const from = master.effects.length
  return () => master.effects.slice(from)
}

test('an allocation that the books allow becomes an offer', (t) => {
  const { master, allocator } = aStage()
  const { outcome, offer } = allocator.offer()
  t.is(outcome, 'made')
  t.deepEqual(offer, {
    offerId: `1-${RUN}-1`,
    agentId: 'a1' as AgentId,
    hostname: 'host',
    role: '*',
    resources: cpusMem(4, 4096),
    attributes: aRegister().info.attributes,
  })
  t.is(master.agent('a1').free.size, 0)
})

const refused: Readonly<Record<string, (stage: ReturnType<typeof aStage>) => object>> = {
  'of an agent that is not known': () => ({ agentId: 'a9' as AgentId }),
  'of more than is free': () => ({ resources: cpusMem(5, 1) }),
  'of nothing': () => ({ resources: [] }),
  'of something without an amount': () => ({ resources: [{ name: 'cpus' }] }),
  'for a role that nobody asked for': () => ({ role: 'x' }),
  'for a framework that is not known': () => ({ frameworkId: 'f9' }),
  'for a role that is suppressed': ({ framework }) => {
    framework.call('suppress', {})
    return {}
  },
  'of an agent whose session is lost': ({ agent }) => {
    agent.n += 1
    agent.pong()
    return {}
  },
  'of what was offered before': ({ allocator }) => {
    allocator.allocate({ resources: cpusMem(3, 64) })
    return { resources: cpusMem(2, 64) }
  },
}
for (const [title, spoil] of Object.entries(refused)) {
  test(`an allocation ${title} is refused`, (t) => {
    const stage = aStage()
    const more = spoil(stage)
    t.is(stage.allocator.offer(more).outcome, 'refused')
  })
}

test('an accept launches its tasks in one order, with the version that was offered', (t) => {
  const { master, framework, offerId } = anOffered()
  const said = since(master)
  t.deepEqual(framework.accept([offerId], aTask('t1'), aTask('t2')), { ok: {} })
  const [run, ...more] = ordersOf(said(), 'a1', 'run')
  t.is(more.length, 0)
  t.like(run, { role: '*', resourcesVersion: 3, subscription: { epoch: 1, count: 1 } })
  t.deepEqual(run?.tasks.map(({ launch, task }) => [launch, task.taskId]) as unknown, [
    [`1-${RUN}-1`, 't1'],
    [`1-${RUN}-2`, 't2'],
  ])
  t.is(master.task('t1')?.state, 'TASK_STAGING')
})

test('what an accept leaves over is declined with the default filter', (t) => {
  const { master, framework, offerId } = anOffered()
  const said = since(master)
  framework.accept([offerId], aTask('t1'))
  t.deepEqual(filtersOf(figuresOf(said())), [
    [{ resources: cpusMem(3, 3968), forMs: DECLINE_FILTER_MS }],
  ])
  t.is(master.framework().roles.get('*')?.isDeclinedLast, false)
})

test('an accept without tasks is a decline', (t) => {
  const { master, framework, offerId } = anOffered()
  t.deepEqual(framework.accept([offerId]), { ok: {} })
  t.is(master.framework().roles.get('*')?.isDeclinedLast, true)
  t.deepEqual(master.agent('a1').free, master.agent('a1').total)
})

test('several offers of one agent and role are used together', (t) => {
  const { framework, allocator } = aStage()
  allocator.offer({ resources: cpusMem(1, 64) })
  allocator.offer({ resources: cpusMem(2, 128) })
  const task = aTask('t1', { resources: { cpus: 3, mem: 192 } })
  t.deepEqual(framework.accept(framework.offers, task), { ok: {} })
  t.is(framework.offers.length, 0)
})

test('a used offer is 410, and no task hears of it', (t) => {
  const { master, framework, offerId } = anOffered()
  framework.accept([offerId], aTask('t1'))
  const said = since(master)
  const answer = framework.accept([offerId], aTask('t2'))
  t.like(answer, { refused: { code: 410, name: 'used' } })
  t.deepEqual(statusesOf(said()), [])
})

const stale: Readonly<Record<string, string>> = {
  'that no leader made': 'whatever',
  'of an older epoch': `0-${RUN}-1`,
  'of another run of this epoch': `1-${OTHER_RUN}-1`,
  'that this leader has not made yet': `1-${RUN}-77`,
}
for (const [title, id] of Object.entries(stale)) {
  test(`an offer ${title} is 409, and no task hears of it`, (t) => {
    const { master, framework, offerId } = anOffered()
    const said = since(master)
    const answer = framework.accept([offerId, id], aTask('t1'))
    t.like(answer, { refused: { code: 409, name: 'stale' } })
    t.deepEqual(statusesOf(said()), [])
    t.deepEqual(framework.offers, [offerId])
  })
}

interface Spoilt {
  readonly offers: readonly string[]
  /** What the statuses say, and of which agent. */
  readonly message: string
  readonly agentId?: string
}
const dropped: Readonly<Record<string, (stage: ReturnType<typeof anOffered>) => Spoilt>> = {
  'that was declined': ({ framework, offerId }) => {
    framework.call('decline', { offers: [offerId] })
    return { offers: [offerId], message: `offer ${offerId} was declined`, agentId: 'a1' }
  },
  'that has timed out': (stage) => {
    live(stage, OFFER_TIMEOUT_MS)
    const { offerId } = stage
    return { offers: [offerId], message: `offer ${offerId} has timed out`, agentId: 'a1' }
  },
  'that was rescinded': ({ agent, offerId }) => {
    agent.open()
    const message = `offer ${offerId} was taken back: agent lost`
    return { offers: [offerId], message, agentId: 'a1' }
  },
  'of a role that was left': ({ framework, offerId }) => {
    framework.subscribe({ roles: ['x'] })
    const message = `offer ${offerId} has ended with the subscription that it was made for`
    return { offers: [offerId], message, agentId: 'a1' }
  },
  'that is named twice': ({ offerId }) => {
    const message = `offer ${offerId} is named twice`
    return { offers: [offerId, offerId], message, agentId: 'a1' }
  },
  'that ended so long ago that nobody knows how': ({ master, framework, offerId }) => {
    framework.call('decline', { offers: [offerId] })
    master.leader.offerFates.clear()
    return { offers: [offerId], message: `offer ${offerId} is not known any more` }
  },
  'of another framework': ({ master, framework, allocator, offerId }) => {
    framework.call('decline', { offers: [offerId] })
    const other = new FakeFramework(master, 'f2')
    other.subscribe()
    allocator.offer({ frameworkId: other.key.frameworkId })
    const [theirs = ''] = other.offers
    return { offers: [theirs], message: `offer ${theirs} is another framework's` }
  },
  'that another framework has declined': ({ master, framework, allocator, offerId }) => {
    framework.call('decline', { offers: [offerId] })
    const other = new FakeFramework(master, 'f2')
    other.subscribe()
    allocator.offer({ frameworkId: other.key.frameworkId })
    const [theirs = ''] = other.offers
    other.call('decline', { offers: [theirs] })
    return { offers: [theirs], message: `offer ${theirs} is another framework's` }
  },
  'beside one of another agent': ({ master, framework, allocator }) => {
    new FakeAgent(master, 'a2').open()
    allocator.offer({ agentId: 'a2' as AgentId })
    const offers = [...framework.offers]
    return { offers, message: `offers ${offers.join(' and ')} are of agents a1 and a2` }
  },
}
for (const [title, spoil] of Object.entries(dropped)) {
  test(`an accept of an offer ${title} drops its tasks, and says why`, (t) => {
    const stage = anOffered()
    const { offers, message, agentId } = spoil(stage)
    const said = since(stage.master)
    t.deepEqual(stage.framework.accept(offers, aTask('t1')), { ok: {} })
    const statuses = statusesOf(said())
    t.like(statuses, [
      { taskId: 't1', state: 'TASK_DROPPED', reason: 'INVALID_OFFERS', source: 'master', message },
    ])
    t.is(statuses[0]?.agentId, agentId as AgentId | undefined)
    t.deepEqual(stage.framework.offers, [])
    t.is(stage.master.task('t1'), undefined)
  })
}

test('an offer beside a dead one ends with it', (t) => {
  const { master, framework, allocator, offerId } = anOffered()
  framework.call('decline', { offers: [offerId] })
  live({ master, framework, allocator }, DECLINE_FILTER_MS)
  allocator.offer()
  const [second = ''] = framework.offers
  framework.accept([second, offerId], aTask('t1'))
  const said = since(master)
  framework.accept([second], aTask('t1'))
  t.is(statusesOf(said())[0]?.message, `offer ${second} was in an accept that could not be used`)
})

test('a bad accept gives back its own offers without a filter, and nobody else’s', (t) => {
  const { master, framework, allocator, offerId } = anOffered()
  new FakeAgent(master, 'a2').open()
  const other = new FakeFramework(master, 'f2')
  other.subscribe()
  allocator.offer({ agentId: 'a2' as AgentId, frameworkId: other.key.frameworkId })
  const said = since(master)
  framework.accept([offerId, ...other.offers], aTask('t1'))
  t.is(other.offers.length, 1)
  t.deepEqual(filtersOf(figuresOf(said())), [])
  t.deepEqual(master.agent('a1').free, master.agent('a1').total)
})

const invalid: Readonly<Record<string, Partial<TaskInfo>>> = {
  'wants more than is left': { resources: { cpus: 99 } },
  'wants nothing': { resources: {} },
  'wants something without an amount': { resources: [{ name: 'cpus' }] },
  'wants half a GPU': { resources: { gpus: 0.5 } },
  'wants cpus by name instead of number': { resources: [{ name: 'cpus', set: ['0'] }] },
  'may use less than it wants': { resources: { mem: 32 }, limits: { mem: 31 } },
  'has a soft limit above the hard one': { rlimits: [{ type: 'core', soft: 2, hard: 1 }] },
  'has no command': { command: {} },
  'wants an image where there are none': { container: { kind: 'docker', image: 'nginx' } },
  'wants a root where none is run': { container: { kind: 'oci', root: '/srv' } },
  'has two commands': { command: { argv: ['a'], shell: 'a' } },
}
for (const [title, more] of Object.entries(invalid)) {
  test(`a task that ${title} is TASK_ERROR, and the good ones run`, (t) => {
    const { master, framework, offerId } = anOffered()
    const said = since(master)
    framework.accept([offerId], aTask('good1'), aTask('bad', more), aTask('good2'))
    t.like(statusesOf(said()), [
      { taskId: 'bad', state: 'TASK_ERROR', reason: 'TASK_INVALID', source: 'master' },
    ])
    t.deepEqual(
      ordersOf(said(), 'a1', 'run').flatMap(({ tasks }) => tasks.map(({ task }) => task.taskId)),
      ['good1', 'good2'] as TaskInfo['taskId'][],
    )
  })
}

test('a task that is too large refuses the accept before anything is touched', (t) => {
  const { master, framework, offerId } = anOffered()
  const large = aTask('t2', { command: { argv: ['x'.repeat(32_768), 'y'.repeat(32_768)] } })
  const answer = framework.accept([offerId], aTask('t1'), large)
  t.like(answer, { refused: { code: 413, name: 'too-large' } })
  t.deepEqual(framework.offers, [offerId])
  t.is(master.task('t1'), undefined)
})

test('an accept that is too large is refused before anything is touched', (t) => {
  const { framework, offerId } = anOffered()
  const tasks = Array.from({ length: ACCEPT_BYTES_MAX / 16_384 }, (_, i) =>
    aTask(`t${i}`, { command: { argv: ['x'.repeat(16_384)] } }),
  )
  t.like(framework.accept([offerId], ...tasks), { refused: { code: 413, name: 'too-large' } })
  t.deepEqual(framework.offers, [offerId])
})

/** Nearly as large as an accept may be, in so many tasks. */
const manyTasks = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    aTask(`t${i}`, {
      resources: { cpus: 0.001 },
      command: { argv: ['x'.repeat(Math.floor(ACCEPT_BYTES_MAX / count) - 80)] },
    }),
  )

test('the largest accept of the most tasks fits into one order', (t) => {
  const { framework, offerId, master } = anOffered()
  t.deepEqual(framework.accept([offerId], ...manyTasks(ACCEPT_TASKS_MAX)), { ok: {} })
  t.is(master.framework().tasks.size, ACCEPT_TASKS_MAX)
  t.is(ordersOf(master.effects, 'a1', 'run').length, 1)
})

test('more tasks than an accept takes are refused, over however many operations', (t) => {
  const { framework, offerId, master } = anOffered()
  const small = Array.from({ length: ACCEPT_TASKS_MAX }, (_, i) => aTask(`t${i}`))
  const operations = [
    { kind: 'launch' as const, tasks: small },
    { kind: 'launch' as const, tasks: [aTask('more')] },
  ]
  const answer = framework.call('accept', { offers: [offerId], operations })
  t.like(answer, { refused: { code: 413, name: 'too-large' } })
  t.is(master.framework().tasks.size, 0)
  t.deepEqual(framework.offers, [offerId])
})

test('a repeated call id gets its first answer, and nothing happens twice', (t) => {
  const { master, framework, offerId } = anOffered()
  const body = {
    offers: [offerId],
    operations: [{ kind: 'launch' as const, tasks: [aTask('t1')] }],
    call: bits<SessionId>(7),
  }
  const first = framework.call('accept', body)
  const said = since(master)
  t.deepEqual(framework.call('accept', body), first)
  t.deepEqual(ordersOf(said(), 'a1', 'run'), [])
})

test('a repeated call id gets its first refusal, too', (t) => {
  const { framework } = anOffered()
  const body = { offers: ['whatever'], operations: [], call: bits<SessionId>(7) }
  t.like(framework.call('accept', body), { refused: { code: 409 } })
  t.like(framework.call('accept', body), { refused: { code: 409 } })
})

test('a call id counts without a session, too', (t) => {
  const { master, framework, offerId } = anOffered()
  const body = { offers: [offerId], operations: [], call: bits<SessionId>(7) }
  t.deepEqual(master.call(framework.key, { verb: 'accept', body }), { ok: {} })
  t.deepEqual(master.call(framework.key, { verb: 'accept', body }), { ok: {} })
})

test('a decline keeps its resources away for as long as it says', (t) => {
  const { master, framework, offerId } = anOffered()
  const said = since(master)
  framework.call('decline', { offers: [offerId], refuseMs: 60_000 })
  t.deepEqual(filtersOf(figuresOf(said())), [[{ resources: cpusMem(4, 4096), forMs: 60_000 }]])
  t.is(master.framework().roles.get('*')?.isDeclinedLast, true)
})

test('a decline takes the place of those that it covers, and stands beside those that it does not', (t) => {
  const { master, framework, allocator, offerId } = anOffered()
  const said = since(master)
  framework.call('decline', { offers: [offerId], refuseMs: 60_000 })
  const decline = (cpus: number, refuseMs: number) => {
    allocator.offer({ resources: cpusMem(cpus, 64) })
    framework.call('decline', { offers: framework.offers.slice(-1), refuseMs })
    return filtersOf(figuresOf(said()))
      .at(-1)
      ?.map(({ resources }) => resources)
  }
  const all = cpusMem(4, 4096)
  t.deepEqual(decline(1, 90_000), [all, cpusMem(1, 64)])
  t.deepEqual(decline(2, 120_000), [all, cpusMem(2, 64)])
  t.deepEqual(decline(3, 70_000), [all, cpusMem(2, 64), cpusMem(3, 64)])
})

test('a decline for no time still keeps its resources away for a second', (t) => {
  const { master, framework, offerId } = anOffered()
  const said = since(master)
  framework.call('decline', { offers: [offerId], refuseMs: 0 })
  t.deepEqual(filtersOf(figuresOf(said()))[0]?.[0]?.forMs, DECLINE_PAUSE_MS)
})

test('a decline for ever is one for a year', (t) => {
  const { master, framework, offerId } = anOffered()
  const said = since(master)
  framework.call('decline', { offers: [offerId], refuseMs: 10 * 365 * 24 * 3_600_000 })
  t.deepEqual(filtersOf(figuresOf(said()))[0]?.[0]?.forMs, 365 * 24 * 3_600_000)
})

test('what was declined of the largest agents fits into a figure', (t) => {
  const cut = (from: number): ResourceList => [
    {
      name: 'ports',
      ranges: Array.from({ length: 1_000 }, (_, i) => [from + 20 * i, from + 20 * i + 1]),
    },
  ]
  const resources: ResourceList = [{ name: 'ports', ranges: [[100_000, 199_999]] }]
  const { framework, allocator } = aStage({ info: { ...aRegister().info, resources } })
  for (let i = 0; i < 20; i++) {
    const { offer } = allocator.offer({ resources: cut(100_000 + i) })
    framework.call('decline', { offers: [offer?.offerId ?? ''], refuseMs: 60_000 })
  }
  const declined = filtersOf(figuresOf(allocator.open()))
  t.true((declined[0]?.length ?? 0) > 3)
})

test('unknown offers of a decline are passed over, the others are declined', (t) => {
  const { master, framework, offerId } = anOffered()
  t.deepEqual(framework.call('decline', { offers: ['whatever', offerId] }), { ok: {} })
  t.is(framework.offers.length, 0)
  t.is(master.counter('declines-of-lost-offers'), 1)
})

test('nobody declines the offer of another framework', (t) => {
  const { master, framework, offerId } = anOffered()
  const other = new FakeFramework(master, 'f2')
  other.subscribe()
  other.call('decline', { offers: [offerId] })
  t.deepEqual(framework.offers, [offerId])
})

test('an offer that nobody answers is rescinded and counts as declined', (t) => {
  const stage = anOffered()
  const { master } = stage
  const said = since(master)
  live(stage, OFFER_TIMEOUT_MS)
  t.like(eventsOf(said(), 'rescind')[0], { reason: 'timed-out' })
  t.is(filtersOf(figuresOf(said()))[0]?.[0]?.forMs, DECLINE_FILTER_MS)
  t.is(master.framework().roles.get('*')?.isDeclinedLast, true)
})

test('who revives is asked again: its filters are gone', (t) => {
  const { master, framework, offerId } = anOffered()
  framework.call('decline', { offers: [offerId], refuseMs: 60_000 })
  framework.call('suppress', {})
  const said = since(master)
  t.deepEqual(framework.call('revive', {}), { ok: {} })
  const figures = figuresOf(said())
  t.deepEqual(filtersOf(figures), [[]])
  t.like(
    figures.find(({ kind }) => kind === 'member'),
    { suppressed: false, declinedLast: false },
  )
})

test('who suppresses keeps its offers and gets no more', (t) => {
  const { master, framework, offerId } = anOffered()
  const said = since(master)
  framework.call('suppress', { roles: ['*', 'unknown'] })
  t.deepEqual(framework.offers, [offerId])
  t.like(
    figuresOf(said()).find(({ kind }) => kind === 'member'),
    { suppressed: true },
  )
})

test('the same ports of two agents are two amounts', (t) => {
  const ports = [
    ...cpusMem(1, 64),
    { name: 'ports', ranges: [[31_000, 31_009]] as [number, number][] },
  ]
  const info = { ...aRegister().info, resources: ports }
  const { master, framework, allocator } = aStage({ info })
  new FakeAgent(master, 'a2').open({ info })
  allocator.offer({ resources: ports })
  allocator.offer({ agentId: 'a2' as AgentId, resources: ports })
  for (const id of framework.offers) framework.call('decline', { offers: [id] })
  t.deepEqual(master.agent('a1').free, master.agent('a1').total)
  t.is(master.framework().roles.get('*')?.allocated.size, 0)
})

test('one name may be of two kinds on two agents', (t) => {
  const of = (resource: object) => ({
    ...aRegister().info,
    resources: [{ name: 'gpus', ...resource }],
  })
  const { master, framework, allocator } = aStage({ info: of({ scalar: 2 }) })
  new FakeAgent(master, 'a2').open({ info: of({ set: ['x', 'y'] }) })
  allocator.offer({ resources: of({ scalar: 1 }).resources })
  allocator.offer({ agentId: 'a2' as AgentId, resources: of({ set: ['x'] }).resources })
  t.is(framework.offers.length, 2)
})
