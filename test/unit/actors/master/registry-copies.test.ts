/** Copies of the registry: on this master's disk, on others', and a store that loses its own. */
import test from 'ava'
import type { LogBatch } from '../../../../actors/master/registry/copy.ts'
import type { AgentId, RunId } from '../../../../protocol/ids.ts'
import type { PeerBeat, RegistryBatch } from '../../../../protocol/schema/master.ts'
import { FakeAgent } from '../../../support/master-actors.ts'
import {
  aBatch,
  aRecord,
  bits,
  effectsOf,
  MASTER,
  MasterDriver,
  OTHER_MASTER,
  OTHER_RUN,
  RULES,
  RUN,
} from '../../../support/master-builders.ts'

type Fact = RegistryBatch['records'][number]

const admitted = (name: string): Fact => ({ kind: 'agent-admitted', agentId: name as AgentId })
const gone = (name: string): Fact => ({ kind: 'agent-gone', agentId: name as AgentId, atMs: 5 })
const quota: Fact = { kind: 'quotas', quotas: [{ role: 'prod', limit: { cpus: 4 } }] }
const epoch = (n: number, after = { epoch: 0, n: 0 }): RegistryBatch =>
  aBatch(n, 1, { kind: 'epoch', after })
const inLog = (...batches: readonly RegistryBatch[]): LogBatch[] =>
  batches.map((batch, i) => ({ sequence: i + 1, batch }))

/** What was written before: by another master, in epoch 4. */
const OLD = [epoch(4), aBatch(4, 2, admitted('a1'), quota), aBatch(4, 3, gone('a2'))] as const

const asFollower = (more: Partial<PeerBeat> = {}): PeerBeat => ({
  run: OTHER_RUN,
  role: 'follower',
  highest: { epoch: 4, run: OTHER_RUN },
  ...more,
})
const asLeader = (n: number): PeerBeat => ({
  run: OTHER_RUN,
  role: 'leader',
  highest: { epoch: 4, run: OTHER_RUN },
  registry: { epoch: 4, n },
})

/** With `saved` on its disk, and `log` in the store. */
function aMaster(
  saved: readonly LogBatch[],
  log: readonly RegistryBatch[],
  more: ConstructorParameters<typeof MasterDriver>[0] = {},
): MasterDriver {
  const master = new MasterDriver({ saved, ...more })
  master.disk = saved
  master.log.push(...log)
  return master
}

/** A follower of the leader of epoch 4, which beats. */
function aFollower(log: readonly RegistryBatch[]): MasterDriver {
  const master = aMaster([], log)
  master.setRecord(aRecord())
  return master
}

function knows(master: MasterDriver): readonly string[] {
  const { table } = master.state.registry.copy
  return [...[...table.agents.values()].map((fact) => fact.agentId), ...table.quotas.keys()]
}

/** What another master would make of the store alone. */
function knownByLog(master: MasterDriver): readonly string[] {
  return knows(aMaster([], [...master.log]).leading())
}

const ALL = ['a1', 'a2', 'prod']

test('a follower reads what the leader has written more, and saves it', (t) => {
  const master = aFollower(OLD)
  master.pass(500, asLeader(3))
  t.deepEqual(knows(master), ALL)
  t.deepEqual(master.disk, inLog(...OLD))
  master.log.push(aBatch(4, 4, admitted('a3')))
  const effects = master.pass(500, asLeader(4))
  t.deepEqual(
    effectsOf(effects, 'read-registry').map(({ from }) => from),
    [3],
  )
  t.deepEqual(knows(master), ['a1', 'a2', 'a3', 'prod'])
  t.is(master.disk.length, 4)
  t.deepEqual(effectsOf(effects, 'send-peer-beat').at(-1)?.body.registry, { epoch: 4, n: 4 })
})

test('a follower reads nothing while its copy is as new as the leader’s', (t) => {
  const master = aFollower(OLD)
  master.pass(500, asLeader(3))
  t.deepEqual(effectsOf(master.pass(2_000, asLeader(3)), 'read-registry'), [])
})

test('a follower whose log does not go on from its copy reads it all, and not half a snapshot', (t) => {
  const master = aFollower(OLD)
  master.pass(500, asLeader(3))
  master.log.length = 1
  master.log.push({ ...aBatch(4, 4, admitted('b1')), snapshot: { page: 1, last: false } })
  master.pass(500, asLeader(4))
  t.deepEqual(knows(master), ALL)
  master.log.push({ ...aBatch(4, 5, admitted('b2')), snapshot: { page: 2, last: true } })
  master.pass(500, asLeader(5))
  t.deepEqual(knows(master), ['b1', 'b2'])
  t.deepEqual(
    master.disk.map(({ batch }) => batch.n),
    [4, 5],
  )
})

test('whoever takes over with a copy as new as the log reads one entry of it', (t) => {
  const master = aMaster(inLog(...OLD), OLD).leading()
  t.deepEqual(
    effectsOf(master.effects, 'read-registry').map(({ from }) => from),
    [3],
  )
  t.deepEqual(knows(master), ALL)
  t.is(master.leader.epoch, 5)
  t.deepEqual(master.log.at(-1)?.records, [{ kind: 'epoch', after: { epoch: 4, n: 3 } }])
  t.is(master.counter('registry-reseeded'), 0)
})

test('a store that is empty gets all that this master’s disk holds, before anything is said', (t) => {
  const master = aMaster(inLog(...OLD), []).leading()
  t.is(master.leader.epoch, 5)
  t.deepEqual(knownByLog(master), ALL)
  t.is(master.agent('a1').state, 'recovering')
  t.true(master.leader.gone.has('a2' as AgentId))
  t.is(master.counter('registry-reseeded'), 1)
  const kinds = master.effects.map((effect) => effect.do)
  t.true(kinds.lastIndexOf('append-registry') < kinds.indexOf('send-leader-beat'))
})

test('a store that went back gets what it has lost', (t) => {
  const master = aMaster(inLog(...OLD), OLD.slice(0, 2)).leading()
  t.deepEqual(knownByLog(master), ALL)
})

test('a store that went on without this master is believed', (t) => {
  const on = [...OLD, epoch(6, { epoch: 4, n: 3 }), aBatch(6, 2, admitted('a4'))]
  const master = aMaster(inLog(...OLD), on).leading()
  t.deepEqual(knows(master), ['a1', 'a2', 'a4', 'prod'])
  t.is(master.leader.epoch, 7)
})

test('records that a newer leader did not know of are not taken for its', (t) => {
  const on = [...OLD.slice(0, 2), epoch(6, { epoch: 4, n: 2 })]
  const master = aMaster(inLog(...OLD), on).leading()
  t.deepEqual(knows(master), ['a1', 'prod'])
  t.deepEqual(
    master.disk.map(({ batch }) => batch.epoch),
    [4, 4, 6, 7],
  )
})

test('who dies while it writes all anew has not made the log the newest', (t) => {
  const half = [
    ...OLD.slice(0, 1),
    epoch(6, { epoch: 4, n: 3 }),
    { ...aBatch(6, 2, admitted('a1')), snapshot: { page: 1, last: false } },
  ]
  const master = aMaster(inLog(...OLD), half).leading()
  t.deepEqual(knows(master), ALL)
  t.is(master.leader.epoch, 7)
  t.deepEqual(knownByLog(master), ALL)
})

test('a log with holes is better than nothing, and has none afterwards', (t) => {
  const holes = [epoch(4), aBatch(4, 3, admitted('a1'))]
  const master = aMaster([], holes).leading()
  t.deepEqual(knows(master), ['a1'])
  t.is(master.counter('registry-gaps'), 1)
  t.deepEqual(knownByLog(master), ['a1'])
  t.is(
    aMaster([], [...master.log])
      .leading()
      .counter('registry-gaps'),
    0,
  )
})

test('the epoch is one above this master’s copy when all else was lost', (t) => {
  t.is(aMaster(inLog(epoch(41)), []).leading().leader.epoch, 42)
})

test('a leader whose store is emptied under it writes all anew, and goes on', (t) => {
  const master = aMaster([], OLD).leading()
  const lead = master.leader.epoch
  master.log.length = 0
  new FakeAgent(master, 'a3').open()
  master.pass(1_000)
  t.is(master.leader.epoch, lead)
  t.is(master.agent('a3').state, 'registered')
  t.is(master.counter('registry-reseeded'), 1)
  t.is(master.counter('lead-lost'), 0)
  t.deepEqual(knownByLog(master), ['a1', 'a2', 'a3', 'prod'])
})

test('a leader whose store goes back hears it from the lease, before anything is to be written', (t) => {
  const master = aMaster([], OLD).leading()
  const lead = master.leader.epoch
  const [record, entries] = [master.record, master.log.length]
  new FakeAgent(master, 'a3').open()
  master.pass(2_000)
  master.log.length = entries
  master.setRecord(record)
  master.pass(2_000)
  t.is(master.leader.epoch, lead)
  t.deepEqual(knownByLog(master), ['a1', 'a2', 'a3', 'prod'])
})

test('a leader whose store is replaced by one of a higher leader has lost the lead', (t) => {
  const master = aMaster([], OLD).leading()
  master.log.length = 0
  master.log.push(epoch(9))
  new FakeAgent(master, 'a3').open()
  t.is(master.counter('lead-lost'), 1)
  master.pass(1_000)
  t.is(master.leader.epoch, 10)
})

test('a long log is written anew as a snapshot, and cut off below it', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master, 'a1')
  agent.open()
  const { copy } = master.state.registry
  copy.records = 5_000
  new FakeAgent(master, 'a2').open()
  const [trimmed] = effectsOf(master.effects, 'trim-registry')
  t.deepEqual(trimmed, { do: 'trim-registry', below: 3 })
  t.deepEqual(master.log[2]?.snapshot, { page: 1, last: true })
  t.is(copy.records, 2)
  t.deepEqual(
    master.disk.map(({ sequence }) => sequence),
    [3, 4],
  )
  new FakeAgent(master, 'a3').open()
  t.is(effectsOf(master.effects, 'trim-registry').length, 1)
  t.deepEqual(knows(aMaster(master.disk, []).leading()), ['a1', 'a2', 'a3'])
})

test('what comes while a snapshot is written comes after it', (t) => {
  const master = new MasterDriver().leading()
  master.state.registry.copy.records = 5_000
  new FakeAgent(master, 'a1').open()
  master.holding.add('registry')
  master.state.registry.copy.records = 5_000
  new FakeAgent(master, 'a2').open()
  new FakeAgent(master, 'a3').open()
  t.is(master.held.length, 1)
  master.release()
  t.is(master.agent('a3').state, 'registered')
  t.deepEqual(knownByLog(master), ['a1', 'a2', 'a3'])
})

test('nothing is acted on that this master’s disk has not taken, and all when it has', (t) => {
  const master = new MasterDriver().leading()
  master.isDiskFull = true
  new FakeAgent(master, 'a1').open()
  master.pass(5_000)
  t.is(master.agent('a1').state, 'opening')
  t.true(master.isLeading)
  t.true(master.counter('copies-unsaved') > 3)
  const warnings = effectsOf(master.effects, 'log').filter(({ level }) => level === 'warn')
  t.is(warnings.length, 1)
  master.isDiskFull = false
  master.pass(1_000)
  t.is(master.agent('a1').state, 'registered')
  t.deepEqual(
    master.disk.map(({ batch }) => batch.n),
    [1, 2],
  )
})

test('a master whose disk does not take the epoch gives the lease back, and tries again', (t) => {
  const master = new MasterDriver()
  master.isDiskFull = true
  master.pass(1_000)
  t.is(master.record?.holder, undefined)
  t.is(master.state.lease.state, 'following')
  t.is(master.counter('epochs-unsaved'), 1)
  t.deepEqual(master.log, [])
  master.isDiskFull = false
  master.pass(2 * RULES.leaseMs)
  t.true(master.isLeading)
  t.is(master.leader.epoch, 2)
})

const waiting = { rules: { ...RULES, peersWaitMs: 1_000 } }

test('a master that has just started listens for a second before it takes over', (t) => {
  const master = aMaster([], OLD, waiting)
  master.pass(900)
  t.is(master.state.lease.state, 'recovering')
  t.is(effectsOf(master.effects, 'append-registry').length, 0)
  master.pass(200)
  t.true(master.isLeading)
})

test('what the log and this master’s own disk say alike, another may yet know better', (t) => {
  const master = aMaster(inLog(...OLD.slice(0, 2)), OLD.slice(0, 2), waiting)
  master.pass(500, asFollower({ registry: { epoch: 4, n: 3 } }))
  t.is(master.state.lease.state, 'recovering')
  master.pass(600, asFollower({ registry: { epoch: 4, n: 3 } }))
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: lendingPeer(master) })
  t.deepEqual(knows(master), ALL)
  t.deepEqual(knownByLog(master), ALL)
})

test('who has listened for long does not wait', (t) => {
  const long = aMaster([], OLD, waiting)
  long.setRecord(aRecord())
  long.pass(1_500, { ...asLeader(3), registry: { epoch: 4, n: 2 } })
  long.setRecord({ epoch: 4, counter: 10, leaseMs: RULES.leaseMs })
  const fromMs = long.nowMs
  long.pass(1_000)
  const atMs = long.state.lease.heldFromMs
  t.true(long.isLeading)
  t.true(atMs - fromMs <= 1_000)
})

test('who was there lately is asked for its copy again: it may have done something since', (t) => {
  const master = aMaster([], OLD.slice(0, 2), waiting)
  master.setRecord(aRecord())
  master.pass(1_500, { ...asLeader(2) })
  // The store is empty, so soon that nobody was missed.
  master.log.length = 0
  master.setRecord(undefined)
  const fromMs = master.nowMs
  while (master.state.lease.state !== 'recovering') master.pass(1)
  t.true(effectsOf(master.effects, 'send-peer-beat').at(-1)?.body.probe)
  t.false(master.isLeading)
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: asLeader(3) })
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: lendingPeer(master) })
  t.true(master.nowMs - fromMs < 1_000)
  t.deepEqual(knownByLog(master), ALL)
})

test('who was there lately and does not answer is waited for until it counts as silent', (t) => {
  const master = aMaster([], OLD.slice(0, 2), waiting)
  master.setRecord(aRecord())
  master.pass(1_500, { ...asLeader(2) })
  master.setRecord(undefined)
  master.pass(500)
  t.is(master.state.lease.state, 'recovering')
  master.pass(600)
  t.true(master.isLeading)
})

for (const awayMs of [1_500, 10_000])
  test(`while its own beats do not come back for ${awayMs} ms, a candidate has not listened`, (t) => {
    const master = aMaster([], OLD.slice(0, 1), waiting)
    master.setRecord(aRecord())
    master.pass(1_500, asFollower({ registry: { epoch: 4, n: 1 } }))
    // The server is gone just then, for longer than it would have listened, and comes back empty.
    master.holding.add('registry')
    master.setRecord({ epoch: 4, counter: 10, leaseMs: RULES.leaseMs })
    master.pass(1_000)
    t.is(master.state.lease.state, 'recovering')
    master.isEchoing = false
    master.pass(awayMs)
    master.log.length = 0
    master.isEchoing = true
    master.release()
    t.is(master.state.lease.state, 'recovering')
    master.pass(500, asFollower({ registry: { epoch: 4, n: 3 } }))
    t.is(master.state.lease.state, 'recovering')
  })

test('who has taken the lease says that it is there, also while it listens to the others', (t) => {
  const master = aMaster([], [], waiting)
  master.pass(100)
  t.is(master.state.lease.state, 'recovering')
  const body: PeerBeat = { run: OTHER_RUN, role: 'follower', probe: true }
  const said = master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
  t.is(effectsOf(said, 'send-peer-beat')[0]?.body.role, 'leader')
})

for (const [who, taken] of [
  ['another run has', 2],
  ['it itself has', 1],
] as const)
  test(`a candidate that hears that ${who} taken its epoch leads in ${taken}`, (t) => {
    const master = aMaster([], [], waiting)
    master.pass(100)
    t.is(master.state.lease.state, 'recovering')
    t.is(master.state.lease.record?.epoch, 1)
    const run = taken === 2 ? OTHER_RUN : RUN
    master.pass(4_000, asFollower({ highest: { epoch: 1, run } }))
    t.is(master.state.leader?.epoch, taken)
  })

test('a candidate whose own beats never come back does not wait for ever', (t) => {
  const master = aMaster([], OLD, waiting)
  master.isEchoing = false
  master.pass(2_500)
  t.is(master.state.lease.state, 'recovering')
  master.pass(1_000)
  t.true(master.isLeading)
})

/** Another master whose copy holds OLD, and answers who asks for it. */
function lendingPeer(master: MasterDriver): PeerBeat {
  const other = new MasterDriver({
    masterId: OTHER_MASTER,
    run: OTHER_RUN,
    saved: inLog(...OLD),
  })
  other.setRecord(aRecord({ holder: RUN, master: MASTER }))
  const [asking] = effectsOf(master.effects, 'send-peer-beat').filter(({ body }) => body.asks)
  if (asking === undefined) return asFollower()
  const said = other.input({ kind: 'peer-beat', masterId: MASTER, body: asking.body })
  return effectsOf(said, 'send-peer-beat').find(({ body }) => body.copy)?.body ?? asFollower()
}

test('what only another master’s copy holds is fetched from there, and written anew', (t) => {
  const master = aMaster([], [], waiting)
  const registry = { epoch: 4, n: 3 }
  master.pass(1_100, asFollower({ registry }))
  t.is(master.state.lease.state, 'recovering')
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: lendingPeer(master) })
  t.true(master.isLeading)
  t.deepEqual(knows(master), ALL)
  t.deepEqual(knownByLog(master), ALL)
  t.is(master.counter('registry-fetched'), 1)
  t.deepEqual(knows(aMaster(master.disk, []).leading()), ALL)
})

test('a master that does not lend its copy is asked three times, and then done without', (t) => {
  const master = aMaster([], OLD.slice(0, 2), waiting)
  master.pass(4_000, asFollower({ registry: { epoch: 4, n: 3 } }))
  const asked = effectsOf(master.effects, 'send-peer-beat').filter(({ body }) => body.asks)
  t.is(asked.length, 3)
  t.true(master.isLeading)
  t.deepEqual(knows(master), ['a1', 'prod'])
})

test('pages for another, of another asking, or out of their order are not taken', (t) => {
  const master = aMaster([], [], waiting)
  master.pass(1_100, asFollower({ registry: { epoch: 4, n: 3 } }))
  const { copy, ...beat } = lendingPeer(master)
  t.truthy(copy)
  if (copy === undefined) return
  for (const wrong of [
    { ...copy, to: bits<RunId>(0x99) },
    { ...copy, snapshot: copy.snapshot + 1 },
    { ...copy, page: 2 },
  ]) {
    master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: { ...beat, copy: wrong } })
    t.is(master.state.lease.state, 'recovering')
  }
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: { ...beat, copy } })
  t.true(master.isLeading)
})

test('a position that nobody can have written is not believed, nor a page of it', (t) => {
  const registry = { epoch: 2 ** 40, n: 3 }
  const master = aMaster([], OLD, waiting)
  master.pass(2_000, asFollower({ registry }))
  t.true(master.isLeading)
  t.deepEqual(
    effectsOf(master.effects, 'send-peer-beat').filter(({ body }) => body.asks),
    [],
  )
  const follower = aFollower(OLD)
  follower.pass(2_000, { ...asLeader(3), registry })
  t.deepEqual(effectsOf(follower.effects, 'read-registry'), [])
})

test('a page that another master says than the one that was asked is not taken', (t) => {
  const master = aMaster([], [], waiting)
  master.pass(1_100, asFollower({ registry: { epoch: 4, n: 3 } }))
  const body = lendingPeer(master)
  master.input({ kind: 'peer-beat', masterId: 'm3' as typeof MASTER, body })
  t.is(master.state.lease.state, 'recovering')
})
