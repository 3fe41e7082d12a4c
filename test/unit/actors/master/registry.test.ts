/** What must survive a leader: written before it is acted on, read by the next one. */
import test from 'ava'
import type { AgentId, RunId } from '../../../../protocol/ids.ts'
import { REREGISTER_MS } from '../../../../protocol/limits.ts'
import { listResources } from '../../../../protocol/resources.ts'
import type { RegistryBatch } from '../../../../protocol/schema/master.ts'
import { aHeldTask, cpusMem, FakeAgent, FakeFramework } from '../../../support/master-actors.ts'
import {
  aBatch,
  aFramework,
  bits,
  effectsOf,
  eventsOf,
  MasterDriver,
  ordersOf,
  RUN,
} from '../../../support/master-builders.ts'

type Fact = RegistryBatch['records'][number]

const admitted = (name: string): Fact => ({ kind: 'agent-admitted', agentId: name as AgentId })

const aFact = (more: Partial<Extract<Fact, { kind: 'framework' }>> = {}): Fact => ({
  kind: 'framework',
  ...aFramework(),
  secretHash: 'a'.repeat(64),
  name: 'old',
  roles: ['*'],
  failoverMs: 60_000,
  ...more,
})

const ended: Fact = { kind: 'framework-ended', ...aFramework() }

/** A master that has not looked at anything, and a log that others wrote. */
function aMaster(...batches: readonly RegistryBatch[]): MasterDriver {
  const master = new MasterDriver()
  master.log.push(...batches)
  master.setRecord({ epoch: 9, counter: 0, leaseMs: 3_000 })
  return master
}

test('the first record of a leader is its epoch, and before it nothing is said', (t) => {
  const master = new MasterDriver()
  master.holding.add('registry')
  master.pass(1_000)
  t.is(master.state.lease.state, 'recovering')
  t.is(effectsOf(master.effects, 'send-leader-beat').length, 0)
  master.release()
  t.true(master.isLeading)
  const first = { kind: 'epoch', after: { epoch: 0, n: 0 } }
  t.deepEqual(master.log[0], { epoch: 1, run: RUN, n: 1, records: [first] })
  t.true(effectsOf(master.effects, 'send-leader-beat').length > 0)
})

test('one batch is on its way, and what comes meanwhile travels in the next', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  for (const name of ['a1', 'a2', 'a3']) new FakeAgent(master, name).open()
  t.is(master.held.length, 1)
  master.release()
  t.deepEqual(
    master.log.slice(1).map(({ n, records }) => [n, records.length]),
    [
      [2, 1],
      [3, 2],
    ],
  )
  t.is(master.agent('a3').state, 'registered')
})

test('a batch that was stored, but never answered, is not stored twice', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  new FakeAgent(master).open()
  master.release('lost-but-done')
  t.is(master.agent('a1').state, 'opening')
  master.pass(1_000)
  t.is(master.agent('a1').state, 'registered')
  t.is(master.records.filter(({ kind }) => kind === 'agent-admitted').length, 1)
})

test('a batch that got lost is written again', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  new FakeAgent(master).open()
  master.release('lost')
  master.pass(1_000)
  t.is(master.agent('a1').state, 'registered')
  t.deepEqual(master.records.at(-1), admitted('a1'))
})

test('a conflict with what it wrote itself is none', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  new FakeAgent(master).open()
  const [append] = master.held
  t.is(append?.do, 'append-registry')
  if (append?.do !== 'append-registry') return
  master.log.push(append.batch)
  master.release()
  t.is(master.agent('a1').state, 'registered')
  t.is(master.log.length, 2)
})

test('a leader whose registry is written by a higher one has lost the lead', (t) => {
  const master = new MasterDriver().leading()
  master.log.push(aBatch(5, 1, { kind: 'epoch' }))
  new FakeAgent(master).open()
  t.is(master.counter('lead-lost'), 1)
  master.pass(1_000)
  t.is(master.leader.epoch, 6)
})

test('another run of the same epoch is no lower leader', (t) => {
  const master = new MasterDriver().leading()
  master.log.push(aBatch(1, 2, { kind: 'epoch' }))
  new FakeAgent(master).open()
  t.is(master.counter('lead-lost'), 1)
  master.pass(1_000)
  t.is(master.leader.epoch, 2)
})

test('a registry that cannot be read at the takeover is asked again', (t) => {
  const master = aMaster(aBatch(4, 1, { kind: 'epoch' }, admitted('a1')))
  master.holding.add('registry')
  master.pass(500)
  master.release('lost')
  t.is(master.state.lease.state, 'recovering')
  master.pass(1_000)
  t.true(master.isLeading)
  t.is(master.agent('a1').state, 'recovering')
})

test('an answer to an earlier lead is not an answer to this one', (t) => {
  const master = aMaster()
  master.holding.add('registry')
  master.pass(500)
  const [read] = master.held
  t.is(read?.do, 'read-registry')
  if (read?.do !== 'read-registry') return
  master.held = []
  master.freeze(3_000)
  master.pass(500)
  t.is(master.state.lease.state, 'recovering')
  master.input(master.outcome(read))
  t.is(master.state.leader, undefined)
  master.input({ kind: 'listening', epoch: read.epoch })
  t.is(master.state.lease.state, 'recovering')
  master.release()
  t.true(master.isLeading)
})

test('a record of a deposed leader is passed over', (t) => {
  const master = aMaster(
    aBatch(4, 1, { kind: 'epoch' }),
    aBatch(6, 1, { kind: 'epoch' }, admitted('a1')),
    aBatch(4, 2, admitted('a2'), ended),
    aBatch(6, 2, admitted('a3')),
  ).leading()
  t.deepEqual([...master.leader.agents.keys()], ['a1', 'a3'])
  t.is(master.leader.frameworks.size, 0)
})

test('what a deposed leader wrote while the log was being read is not missed', (t) => {
  const master = aMaster(aBatch(4, 1, { kind: 'epoch' }))
  master.holding.add('registry')
  master.pass(500)
  const [read] = master.held.splice(0)
  t.is(read?.do, 'read-registry')
  if (read === undefined) return
  master.input(master.outcome(read))
  master.log.push(aBatch(4, 2, admitted('a1')))
  master.release()
  t.true(master.isLeading)
  t.is(master.agent('a1').state, 'recovering')
})

test('at a takeover known agents are invited and known frameworks asked', (t) => {
  const master = aMaster(aBatch(4, 1, { kind: 'epoch' }, admitted('a1'), aFact())).leading()
  t.is(master.agent('a1').state, 'recovering')
  t.is(ordersOf(master.effects, 'a1', 'invite').length, 1)
  t.like(master.framework(), { state: 'recovered', name: 'old', failoverMs: 60_000 })
  t.is(eventsOf(master.effects, 'ping').length, 1)
})

test('a known agent is not lost while the leader cannot hear', (t) => {
  const master = aMaster(aBatch(4, 1, { kind: 'epoch' }, admitted('a1'))).leading()
  master.isEchoing = false
  master.pass(REREGISTER_MS + 10_000)
  t.is(master.agent('a1').state, 'recovering')
  master.isEchoing = true
  master.pass(10_000)
  t.is(master.agent('a1').state, 'unreachable')
})

test('an agent that was unreachable stays so, and one admitted again does not', (t) => {
  const lost = (name: string): Fact => ({
    kind: 'agent-unreachable',
    agentId: name as AgentId,
    atMs: 77,
  })
  const master = aMaster(
    aBatch(4, 1, { kind: 'epoch' }, admitted('a1'), admitted('a2')),
    aBatch(4, 2, lost('a1'), lost('a2'), admitted('a2')),
  ).leading()
  t.like(master.agent('a1'), { state: 'unreachable', unreachableAtMs: 77, isAdmitted: false })
  t.like(master.agent('a2'), { state: 'recovering', isAdmitted: true })
  t.is(ordersOf(master.effects, 'a1', 'invite').length, 0)
})

test('an ended framework stays ended, whatever was written behind its end', (t) => {
  const master = aMaster(aBatch(4, 1, aFact(), admitted('a1'), ended, aFact())).leading()
  t.is(master.framework().state, 'ended')
})

test('what an ended framework holds of an agent is not free under the next leader either', (t) => {
  const master = aMaster(aBatch(4, 1, aFact(), admitted('a1'), ended)).leading()
  const agent = new FakeAgent(master)
  const effects = agent.open({}, [aHeldTask('t1', { resources: cpusMem(3, 4_000) })])
  t.deepEqual(ordersOf(effects, 'a1', 'tear-down'), [{ kind: 'tear-down', ...aFramework() }])
  t.deepEqual(listResources(master.agent('a1').free), cpusMem(1, 96))
  agent.say({ kind: 'torn-down', ...aFramework() })
  t.deepEqual(listResources(master.agent('a1').free), cpusMem(4, 4_096))
  t.is(master.leader.frameworks.size, 0)
})

test('a forgotten framework may come anew', (t) => {
  const forgotten: Fact = { kind: 'framework-forgotten', ...aFramework() }
  const master = aMaster(aBatch(4, 1, aFact(), ended, forgotten)).leading()
  t.is(master.leader.frameworks.size, 0)
})

test('the first secret of a framework is the one that counts', (t) => {
  const other = aFact({ secretHash: 'b'.repeat(64), name: 'thief' })
  const master = aMaster(aBatch(4, 1, aFact(), other)).leading()
  t.like(master.framework(), { secretHash: 'a'.repeat(64), name: 'old' })
})

test('a takeover that is lost while the first record is on its way leaves nothing behind', (t) => {
  const master = aMaster()
  master.holding.add('registry')
  master.pass(500)
  const [read] = master.held.splice(0)
  if (read !== undefined) master.input(master.outcome(read))
  t.is(master.state.lease.state, 'recovering')
  master.setRecord({
    holder: bits<RunId>(0xee),
    epoch: 20,
    counter: 0,
    leaseMs: 3_000,
  })
  master.pass(1_000)
  t.not(master.state.lease.state, 'recovering')
  master.release()
  t.is(master.state.leader, undefined)
  t.is(effectsOf(master.effects, 'send-leader-beat').length, 0)
})

test('a caller whose record was on its way when the lead was lost hears nothing', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  const framework = new FakeFramework(master)
  t.is(framework.subscribe(), undefined)
  master.setRecord({ holder: bits<RunId>(0xee), epoch: 20, counter: 0, leaseMs: 3_000 })
  master.pass(1_000)
  master.release()
  t.is(effectsOf(master.effects, 'answer').length, 0)
})

test('while the registry is away, a framework has four changes wait there and no more', (t) => {
  const master = new MasterDriver().leading()
  const [framework, other] = [new FakeFramework(master), new FakeFramework(master, 'f2')]
  framework.subscribe()
  master.holding.add('registry')
  const given = Array.from({ length: 100 }, (_, i) => framework.subscribe({ name: `name ${i}` }))
  t.deepEqual(given.slice(0, 4), [undefined, undefined, undefined, undefined])
  for (const answer of given.slice(4)) t.like(answer, { refused: { name: 'too-many' } })
  t.is(other.subscribe(), undefined)
  t.is(master.leader.registry.queue.length, 5)
  master.release()
  t.like(master.framework(framework.key), { name: 'name 3' })
  t.is(master.leader.registry.changing.size, 0)
  framework.subscribe({ name: 'another' })
  t.like(master.framework(framework.key), { name: 'another' })
})

test('an end that cannot wait for the registry may be asked for again, by the same call', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  master.holding.add('registry')
  for (let i = 0; i < 4; i++) framework.subscribe({ name: `name ${i}` })
  const teardown = { verb: 'teardown', body: { call: bits(0xca11) } } as const
  t.like(master.call(framework.key, teardown), { refused: { name: 'too-many' } })
  const byOperator = { verb: 'teardown', body: framework.key } as const
  t.like(master.operate(byOperator), { refused: { name: 'too-many' } })
  t.is(master.leader.registry.queue.length, 4)
  master.release()
  t.deepEqual(master.call(framework.key, teardown), { ok: {} })
  t.is(master.leader.frameworks.size, 0)
})
