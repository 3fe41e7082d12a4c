/** The leader's side of the allocator: absolute figures out, allocations in, all in a session. */
import test from 'ava'
import type { AgentId, SessionId } from '../../../../protocol/ids.ts'
import { ALLOCATOR_PING_MS, ALLOCATOR_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import {
  aStage,
  aStageWith,
  aTask,
  cpusMem,
  FakeAgent,
  FakeAllocator,
  FakeFramework,
  live,
} from '../../../support/master-actors.ts'
import {
  aFramework,
  bits,
  effectsOf,
  figuresOf,
  MasterDriver,
} from '../../../support/master-builders.ts'

const kindsOf = (effects: Parameters<typeof figuresOf>[0]) =>
  figuresOf(effects).map(({ kind }) => kind)

test('an open is confirmed, everything is told, and the end is said', (t) => {
  const { allocator } = aStageWith('t1')
  const effects = allocator.open()
  const figures = figuresOf(effects)
  t.deepEqual(kindsOf(effects), [
    'closed',
    'opened',
    'member-terms',
    'member',
    'agent-info',
    'agent',
    'filter',
    'complete',
  ])
  t.like(figures[4], { agentId: 'a1', total: cpusMem(4, 4096) })
  t.like(figures[5], { agentId: 'a1', free: cpusMem(3, 3968) })
  t.like(figures[3], { role: '*', allocated: cpusMem(1, 128), declinedLast: false })
  t.like(figures[6], { declined: [{ resources: cpusMem(3, 3968) }] })
})

test('figures are numbered in a row within the session', (t) => {
  const { master, allocator } = aStage()
  allocator.offer()
  const bodies = effectsOf(master.effects, 'send-figures').map(({ body }) => body)
  t.deepEqual(
    bodies.map(({ n }) => n),
    bodies.map((_, i) => i + 1),
  )
  t.true(bodies.every(({ session }) => session === allocator.session))
})

test('figures that follow from an answer stand before it', (t) => {
  const { allocator } = aStage()
  const kinds = kindsOf(allocator.allocate())
  t.is(kinds.at(-1), 'answered')
  t.deepEqual(new Set(kinds.slice(0, -1)), new Set(['member', 'agent']))
})

test('what was refused from an old view is told anew', (t) => {
  const { allocator } = aStage()
  allocator.offer()
  const effects = allocator.allocate()
  t.deepEqual(kindsOf(effects), ['agent', 'answered'])
  t.like(figuresOf(effects)[0], { free: [] })
})

test('the version of an agent rises with each change of its figures', (t) => {
  const { master, allocator, framework } = aStage()
  const versions = [master.agent('a1').version]
  allocator.offer()
  versions.push(master.agent('a1').version)
  framework.accept(framework.offers, aTask('t1'))
  versions.push(master.agent('a1').version)
  t.deepEqual(
    versions,
    [...versions].sort((a, b) => a - b),
  )
  t.is(new Set(versions).size, 3)
})

test('an open that is repeated in its session is no second open', (t) => {
  const { allocator } = aStage()
  t.deepEqual(kindsOf(allocator.sayNumbered(1, { kind: 'open', version: { min: 1, max: 1 } })), [])
})

test('a second allocator takes over, and the first is told', (t) => {
  const { master, allocator } = aStage()
  const { session } = allocator
  const effects = new FakeAllocator(master)
  effects.session = bits<SessionId>(0xe000)
  const [closed, opened] = effectsOf(effects.open(), 'send-figures').map(({ body }) => body)
  t.like(closed, { session, figures: [{ kind: 'closed' }] })
  t.like(opened, { session: effects.session, n: 1 })
  t.is(master.counter('allocator-messages-foreign'), 0)
  t.deepEqual(kindsOf(allocator.allocate()), [])
  t.is(master.counter('allocator-messages-foreign'), 1)
})

type Stage = ReturnType<typeof aStage>

for (const [how, end] of [
  ['another came', ({ allocator }: Stage) => void allocator.open()],
  [
    'a message was lost',
    ({ allocator }: Stage) => {
      allocator.n += 1
      allocator.allocate()
    },
  ],
  [
    'its pings were not answered',
    ({ master, framework }: Stage) =>
      live({ master, framework }, ALLOCATOR_PING_MS * (ALLOCATOR_PINGS_MISSED_MAX + 1)),
  ],
] as const)
  test(`${how}: the session is not opened again, its numbers would come a second time`, (t) => {
    const stage = aStage()
    const { master, allocator } = stage
    const { session } = allocator
    end(stage)
    const other = master.leader.allocator?.session.id
    t.not(other, session)
    allocator.session = session
    const effects = allocator.sayNumbered(1, { kind: 'open', version: { min: 1, max: 1 } })
    const [body, ...more] = effectsOf(effects, 'send-figures').map(({ body }) => body)
    t.like(body, { session, n: 1, figures: [{ kind: 'closed' }] })
    t.deepEqual(more, [])
    t.is(master.leader.allocator?.session.id, other)
    t.is(master.counter('allocators-late'), 1)
  })

test('a gap closes the session, and nothing of it is obeyed', (t) => {
  const { master, allocator } = aStage()
  allocator.n += 1
  t.deepEqual(kindsOf(allocator.allocate()), ['closed'])
  t.is(master.leader.allocator, undefined)
  t.is(master.leader.offers.size, 0)
})

test('a repeated message is dropped', (t) => {
  const { master, allocator } = aStage()
  allocator.offer({ resources: cpusMem(1, 64) })
  allocator.n -= 1
  allocator.allocate({ resources: cpusMem(1, 64) })
  t.is(master.leader.offers.size, 1)
})

test('an allocator that does not answer pings is closed', (t) => {
  const { master, allocator, framework } = aStage()
  live({ master, framework, allocator }, 10_000)
  t.not(master.leader.allocator, undefined)
  live({ master, framework }, ALLOCATOR_PING_MS * (ALLOCATOR_PINGS_MISSED_MAX + 1))
  t.is(master.leader.allocator, undefined)
})

test('silence does not count while the own beats do not come back', (t) => {
  const { master } = aStage()
  master.isEchoing = false
  live({ master }, 20_000)
  t.not(master.leader.allocator, undefined)
})

test('a version that is not spoken opens nothing', (t) => {
  const master = new MasterDriver().leading()
  const allocator = new FakeAllocator(master)
  t.deepEqual(kindsOf(allocator.say({ kind: 'open', version: { min: 8, max: 9 } })), [])
  t.is(master.leader.allocator, undefined)
})

test('the session of the allocator stands in the beat: others stand by', (t) => {
  const { master, allocator } = aStage()
  const [beat] = effectsOf(master.pass(1_000), 'send-leader-beat')
  t.is(beat?.body.allocator, allocator.session)
})

test('an agent that is not registered is gone for the allocator', (t) => {
  const { agent } = aStage()
  agent.n += 1
  t.deepEqual(figuresOf(agent.pong()), [{ kind: 'agent-gone', agentId: 'a1' as AgentId }])
})

test('a framework that is away counts with what it has, and is not asked', (t) => {
  const { master, agent, allocator } = aStageWith('t1')
  live({ master, agent, allocator }, 21_000)
  t.is(master.framework().state, 'away')
  const role = figuresOf(allocator.open()).find(({ kind }) => kind === 'member')
  t.like(role, { suppressed: true, allocated: cpusMem(1, 128) })
})

test('a framework that was forgotten is gone', (t) => {
  const { master, framework } = aStage()
  const from = master.effects.length
  framework.call('teardown', {})
  const figures = figuresOf(master.effects.slice(from))
  t.like(figures.at(-1), { kind: 'member-gone', ...aFramework(), role: '*' })
})

test('a report before any open is nobody’s', (t) => {
  const master = new MasterDriver().leading()
  const allocator = new FakeAllocator(master)
  allocator.n = 1
  allocator.allocate()
  t.is(master.counter('allocator-messages-foreign'), 1)
})

test('what the allocator is told of a thousand agents fits into messages', (t) => {
  const master = new MasterDriver().leading()
  for (let i = 0; i < 1_000; i++) new FakeAgent(master, `a${i}`).open()
  new FakeFramework(master).subscribe()
  const figures = figuresOf(new FakeAllocator(master).open())
  t.is(figures.filter(({ kind }) => kind === 'agent').length, 1_000)
})
