/** Frameworks that change what they subscribed with. */
import test from 'ava'
import type { Effect } from '../../../../actors/master/effects.ts'
import type { HashedSubscribe } from '../../../../actors/master/frameworks/subscribing.ts'
import type { SessionId } from '../../../../protocol/ids.ts'
import type { Constraint } from '../../../../protocol/schema/common.ts'
import { aStage, aTask, cpusMem, FakeFramework, live } from '../../../support/master-actors.ts'
import {
  aFramework,
  bits,
  effectsOf,
  eventsOf,
  figuresOf,
  type MasterDriver,
} from '../../../support/master-builders.ts'

const RACK: Constraint = { attribute: 'rack', equals: 'r1' }

/** A stage whose framework has subscribed so. */
function aStageSubscribed(more: Partial<HashedSubscribe> = {}) {
  const stage = aStage()
  stage.framework.subscribe(more)
  return stage
}

/** What is said from here on. */
function since(master: MasterDriver) {
  const from = master.effects.length
  return () => master.effects.slice(from)
}

const worldOf = (effects: readonly Effect[]) =>
  effectsOf(effects, 'send-public').flatMap(({ subject, body }) =>
    body.events.map(({ name, message }) => `${subject.kind}.${subject.what} ${name}: ${message}`),
  )

const membersOf = (effects: readonly Effect[]) =>
  figuresOf(effects).flatMap((figure) =>
    figure.kind === 'member' || figure.kind === 'member-gone'
      ? [`${figure.role} ${'suppressed' in figure ? figure.suppressed : 'gone'}`]
      : [],
  )

test('what changes is in the registry first; what is absent stays', (t) => {
  const { master, framework } = aStageSubscribed({ roles: ['a'], capabilities: ['REGION_AWARE'] })
  const said = since(master)
  master.holding.add('registry')
  const answer = framework.call('update', { name: 'new', constraints: { a: [[RACK]] } })
  t.is(answer, undefined)
  t.is(master.framework().name, 'test')
  master.release()
  t.is(effectsOf(said(), 'answer').length, 1)
  const changed = { name: 'new', constraints: { a: [[RACK]] } }
  t.like(master.records.at(-1), { roles: ['a'], capabilities: ['REGION_AWARE'], ...changed })
  t.is(master.framework().name, 'new')
  t.deepEqual(worldOf(said()), ['framework.updated new: name, constraints'])
  t.like(
    figuresOf(said()).find(({ kind }) => kind === 'member-terms'),
    { role: 'a', capabilities: ['REGION_AWARE'], constraints: [[RACK]] },
  )
})

test('an update that changes nothing is answered, and nobody hears of it', (t) => {
  const settings = { roles: ['a', 'b'], suppressed: ['b'], minAllocatable: { a: [] } }
  const { master, framework } = aStageSubscribed({ ...settings, failoverMs: 5_000 })
  const count = master.records.length
  const said = since(master)
  const same = { ...settings, roles: ['b', 'a'], name: 'test', failoverMs: 5_000 }
  for (const body of [same, {}]) t.deepEqual(framework.call('update', body), { ok: {} })
  t.is(master.records.length, count)
  t.deepEqual(
    said().flatMap((effect) => (effect.do === 'answer' ? [] : [effect.do])),
    [],
  )
})

test('what is suppressed or revived while the registry writes an update stays so', (t) => {
  const { master, framework } = aStageSubscribed({ roles: ['a', 'b'], suppressed: ['b'] })
  const isSuppressed = () =>
    ['a', 'b', 'c'].map((role) => master.framework().roles.get(role)?.isSuppressed)
  const cross = (body: Parameters<typeof framework.call<'update'>>[1]) => {
    master.holding.add('registry')
    framework.call('update', body)
    framework.call('suppress', { roles: ['a'] })
    framework.call('revive', { roles: ['b', 'c'] })
    master.holding.delete('registry')
    master.release()
  }
  cross({ name: 'new' })
  t.deepEqual(isSuppressed(), [true, false, undefined])
  cross({ roles: ['a', 'b', 'c'], suppressed: ['b', 'c'] })
  t.deepEqual(isSuppressed(), [true, false, false])
  framework.call('update', { suppressed: ['c', 'b'] })
  t.deepEqual(isSuppressed(), [false, true, true])
})

test('of a role that is left and taken again at once, nothing declined is left', (t) => {
  const { master, framework, allocator } = aStageSubscribed({ roles: ['a', 'b'] })
  const { offer } = allocator.offer({ role: 'a', resources: cpusMem(1, 128) })
  framework.call('decline', { offers: [offer?.offerId ?? ''], refuseMs: 60_000 })
  const said = since(master)
  master.holding.add('registry')
  // Both are written before the allocator is told anything.
  for (const roles of [['b'], ['a', 'b']]) framework.call('update', { roles })
  master.release()
  t.deepEqual(
    figuresOf(said()).flatMap((figure) => (figure.kind === 'filter' ? [figure.declined] : [])),
    [[]],
  )
})

test('offers of a role that is left are rescinded, those of a role that stays are kept', (t) => {
  const { master, framework, allocator } = aStageSubscribed({ roles: ['a', 'b'] })
  const [a, b] = ['a', 'b'].map((role) => allocator.offer({ role, resources: cpusMem(1, 128) }))
  const said = since(master)
  t.deepEqual(framework.call('update', { roles: ['b', 'c'] }), { ok: {} })
  t.deepEqual(eventsOf(said(), 'rescind'), [
    { kind: 'rescind', offers: [a?.offer?.offerId ?? ''], reason: 'left-role' },
  ])
  t.deepEqual(framework.offers, [b?.offer?.offerId])
  t.deepEqual(membersOf(said()).sort(), ['a gone', 'c false'])
  t.is(allocator.offer({ role: 'a', resources: cpusMem(1, 128) }).outcome, 'refused')
  t.is(allocator.offer({ role: 'c', resources: cpusMem(1, 128) }).outcome, 'made')
})

test('tasks of a role that is left go on, and count for it', (t) => {
  const { master, framework, allocator } = aStageSubscribed({ roles: ['a', 'b'] })
  allocator.offer({ role: 'a' })
  framework.accept(framework.offers, aTask())
  const said = since(master)
  framework.call('update', { roles: ['b'] })
  t.like(
    figuresOf(said()).find((figure) => figure.kind === 'member' && figure.role === 'a'),
    { suppressed: true, allocated: cpusMem(1, 128) },
  )
})

test('a role that is suppressed no longer is asked again, whatever it declined', (t) => {
  const { master, framework, allocator } = aStageSubscribed({ roles: ['a', 'b'] })
  for (const role of ['a', 'b']) {
    const { offer } = allocator.offer({ role, resources: cpusMem(1, 128) })
    framework.call('decline', { offers: [offer?.offerId ?? ''], refuseMs: 60_000 })
  }
  framework.call('suppress', { roles: ['a'] })
  const said = since(master)
  t.deepEqual(framework.call('update', { suppressed: [] }), { ok: {} })
  const filters = figuresOf(said()).flatMap((figure) =>
    figure.kind === 'filter' ? [[figure.role, figure.declined.length]] : [],
  )
  t.deepEqual(filters, [['a', 0]], 'the other role keeps its filter')
  t.deepEqual(membersOf(said()), ['a false'])
  t.deepEqual(worldOf(said()), ['framework.updated test: suppressed'])
})

test('a role that is suppressed from now on keeps the offers that it has', (t) => {
  const { master, framework, allocator } = aStageSubscribed({ roles: ['a'] })
  const { offer } = allocator.offer({ role: 'a', resources: cpusMem(1, 128) })
  const count = master.records.length
  framework.call('update', { suppressed: ['a'] })
  t.deepEqual(framework.offers, [offer?.offerId])
  t.is(allocator.offer({ role: 'a', resources: cpusMem(1, 128) }).outcome, 'refused')
  t.is(master.records.length, count, 'a leader that takes over is told by its frameworks')
})

test('one wrong field, and nothing is changed', (t) => {
  const { master, framework } = aStageSubscribed({ roles: ['a'], constraints: { a: [[RACK]] } })
  const said = since(master)
  const message = 'minAllocatable.b: b is none of the roles that it subscribes to'
  const refused = { refused: { code: 400, name: 'invalid', message } }
  t.deepEqual(framework.call('update', { name: 'new', minAllocatable: { b: [] } }), refused)
  t.like(framework.call('update', { name: 'new', suppressed: ['b'] }), { refused: { code: 400 } })
  t.is(master.framework().name, 'test')
  t.deepEqual(worldOf(said()), [])
})

test('of a role that is left nothing is kept, and what is said of it is refused', (t) => {
  const terms = { constraints: { a: [[RACK]], b: [[RACK]] }, minAllocatable: { a: [{ cpus: 1 }] } }
  const { master, framework } = aStageSubscribed({ roles: ['a', 'b'], ...terms })
  const wrong = framework.call('update', { roles: ['b'], constraints: { a: [[RACK]] } })
  t.like(wrong, { refused: { name: 'invalid' } })
  t.deepEqual(framework.call('update', { roles: ['b'] }), { ok: {} })
  t.deepEqual(master.framework().terms, { constraints: { b: [[RACK]] } })
  framework.call('update', { constraints: {} })
  t.deepEqual(master.framework().terms, {})
})

test('updates wait for each other, and each sees what the one before has left', (t) => {
  const { master, framework } = aStageSubscribed({ roles: ['a'] })
  const said = since(master)
  master.holding.add('registry')
  framework.call('update', { name: 'first' })
  framework.call('update', { roles: ['a', 'b'] })
  framework.call('update', { roles: ['c'], name: 'third' })
  framework.call('update', { minAllocatable: { b: [] } })
  t.like(framework.call('update', { name: 'one too many' }), { refused: { name: 'too-many' } })
  master.release()
  t.like(master.records.at(-1), { name: 'third', roles: ['c'] })
  t.is(effectsOf(said(), 'answer').length, 3)
  t.deepEqual(
    effectsOf(said(), 'refuse').map(({ refusal }) => refusal.name),
    ['too-many', 'invalid'],
  )
})

test('a repeated update is done once, and gets its first answer', (t) => {
  const { master, framework } = aStageSubscribed({ roles: ['a'] })
  const call = bits<SessionId>(0xca11)
  master.holding.add('registry')
  framework.call('update', { name: 'first', call })
  framework.call('update', { name: 'first', call })
  master.release()
  framework.call('update', { name: 'second' })
  t.deepEqual(framework.call('update', { name: 'first', call }), { ok: {} })
  t.is(master.framework().name, 'second')
})

test('an update of an instance that was taken over meanwhile is void', (t) => {
  const { master, framework } = aStageSubscribed({ roles: ['a'] })
  const said = since(master)
  master.holding.add('registry')
  new FakeFramework(master).subscribe({ roles: ['a', 'b'] })
  framework.call('update', { name: 'late' })
  master.release()
  t.deepEqual(
    effectsOf(said(), 'refuse').map(({ refusal }) => refusal.name),
    ['stale-session'],
  )
  t.is(master.framework().name, 'test')
})

test('an update of a framework that ends meanwhile is refused', (t) => {
  const { master, framework } = aStageSubscribed()
  const said = since(master)
  master.holding.add('registry')
  framework.call('update', { name: 'first' })
  framework.call('teardown', {})
  framework.call('update', { name: 'late' })
  master.release()
  t.deepEqual(
    effectsOf(said(), 'refuse').map(({ refusal }) => refusal.name),
    ['torn-down'],
  )
  t.is(effectsOf(said(), 'answer').length, 2)
})

test('whoever has not subscribed has nothing to update', (t) => {
  const { master } = aStage()
  const stranger = new FakeFramework(master, 'f2')
  t.like(stranger.call('update', { name: 'new' }), { refused: { name: 'not-subscribed' } })
  t.is(master.leader.frameworks.get(`${aFramework('f2').principal}.f2`), undefined)
})

test('a shorter failover time counts from the next absence on', (t) => {
  const stage = aStageSubscribed({ failoverMs: 3_600_000 })
  const { master, framework } = stage
  framework.call('update', { failoverMs: 1_000 })
  live({ master, agent: stage.agent }, 40_000)
  t.true(['ended', undefined].includes(master.leader.frameworks.get('local.f1')?.state))
})
