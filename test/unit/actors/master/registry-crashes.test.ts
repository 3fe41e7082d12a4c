/** A master that dies between any two steps, and others that die or lie: nothing is forgotten. */
import test from 'ava'
import { masterCore } from '../../../../actors/master/core.ts'
import type { Effect } from '../../../../actors/master/effects.ts'
import { SILENT_MS } from '../../../../actors/master/lead/silent-disk.ts'
import type { LogBatch } from '../../../../actors/master/registry/copy.ts'
import type { AgentId, RunId } from '../../../../protocol/ids.ts'
import type {
  PeerBeat,
  RegistryBatch,
  RegistryPosition,
} from '../../../../protocol/schema/master.ts'
import { FakeAgent, FakeFramework } from '../../../support/master-actors.ts'
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

const gone = (name: string): RegistryBatch['records'][number] => ({
  kind: 'agent-gone',
  agentId: name as AgentId,
  atMs: 5,
})
const epoch = (n: number, after = { epoch: 0, n: 0 }): RegistryBatch =>
  aBatch(n, 1, { kind: 'epoch', after })
const inLog = (...batches: readonly RegistryBatch[]): LogBatch[] =>
  batches.map((batch, i) => ({ sequence: i + 1, batch }))

/** What was written before: by another master, in epoch 4. */
const OLD = [epoch(4), aBatch(4, 2, gone('a1')), aBatch(4, 3, gone('a2'))] as const
const WHOLE: RegistryPosition = { epoch: 4, n: 3 }

const asFollower = (registry: RegistryPosition): PeerBeat => ({
  run: OTHER_RUN,
  role: 'follower',
  highest: { epoch: 4, run: OTHER_RUN },
  registry,
})

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

const knows = (master: MasterDriver): readonly string[] => [
  ...master.state.registry.copy.table.agents.keys(),
]

const askings = (effects: readonly Effect[]): readonly PeerBeat[] =>
  effectsOf(effects, 'send-peer-beat').flatMap(({ body }) => (body.asks ? [body] : []))

/** More than any log here holds. */
const MORE: RegistryPosition = { epoch: 4, n: 9 }

/** The one page of a copy up to `position`; its master says it goes up to `said`. */
function pageOf(asking: PeerBeat, position: RegistryPosition, said = position): PeerBeat {
  const { asks, run: to } = asking
  const records = OLD.flatMap((batch) => batch.records)
  const page = { to, snapshot: asks?.snapshot ?? 0, page: 1, last: true, run: OTHER_RUN }
  return { ...asFollower(said), copy: { ...page, ...position, records } }
}

function lend(master: MasterDriver, position: RegistryPosition, said = position): void {
  const asking = askings(master.effects).at(-1)
  if (asking === undefined) return
  const body = pageOf(asking, position, said)
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
}

const waiting = { rules: { ...RULES, peersWaitMs: 1_000 } }

/** It has fetched another's copy, has written its epoch, and dies. */
function diesBeforeAllIsWritten(saved: readonly LogBatch[]): MasterDriver {
  const master = aMaster(saved, [], waiting)
  master.pass(1_100, asFollower(WHOLE))
  const asking = askings(master.effects).at(-1)
  if (asking === undefined) throw new Error('it did not ask')
  master.holding.add('registry')
  lend(master, WHOLE)
  for (const effect of master.held.splice(0)) master.input(master.outcome(effect))
  return master
}

for (const [what, saved] of [
  ['an empty disk', []],
  ['an older copy', inLog(...OLD.slice(0, 2))],
] as const) {
  test(`who dies with ${what} before all that it fetched is written fetches it again`, (t) => {
    const died = diesBeforeAllIsWritten(saved)
    t.deepEqual(
      died.log.map(({ epoch, n, snapshot }) => [epoch, n, snapshot]),
      [[5, 1, undefined]],
    )
    t.deepEqual(died.disk, saved)
    const next = aMaster(died.disk, died.log, { ...waiting, run: bits<RunId>(0xcc) })
    next.pass(1_100, asFollower(WHOLE))
    lend(next, WHOLE)
    t.true(next.isLeading)
    t.deepEqual(knows(next), ['a1', 'a2'])
    t.deepEqual(knows(aMaster([], [...next.log]).leading()), ['a1', 'a2'])
  })
}

for (const [where, holes] of [
  ['in the middle', [epoch(4), aBatch(4, 3, gone('a2'))]],
  ['at the beginning', [aBatch(4, 3, gone('a2'))]],
] as const) {
  test(`who dies while it mends a log with holes ${where} finds all of it again`, (t) => {
    const first = aMaster([], holes)
    first.holding.add('registry')
    first.pass(100)
    for (let steps = 0; first.log.length === holes.length; steps++) {
      t.true(steps < 10)
      for (const effect of first.held.splice(0)) first.input(first.outcome(effect))
    }
    const next = aMaster(first.disk, first.log, { run: bits<RunId>(0xcc) }).leading()
    t.deepEqual(knows(next), ['a2'])
    t.deepEqual(knows(aMaster([], [...next.log]).leading()), ['a2'])
  })
}

test('a leader whose store goes back while it writes all anew does so again', (t) => {
  const master = aMaster(inLog(...OLD), [])
  master.holding.add('registry')
  master.pass(100)
  for (let steps = 0; master.log.length < 1; steps++) {
    t.true(steps < 10)
    for (const effect of master.held.splice(0)) master.input(master.outcome(effect))
  }
  master.log.length = 0
  master.release()
  master.pass(1_000)
  t.true(master.isLeading)
  t.deepEqual(knows(master), ['a1', 'a2'])
  t.deepEqual(knows(aMaster([], [...master.log]).leading()), ['a1', 'a2'])
})

test('a master that lends less than it says it has is asked three times', (t) => {
  const master = aMaster([], OLD, waiting)
  master.pass(1_100, asFollower(MORE))
  for (let i = 0; i < 5; i++) lend(master, WHOLE, MORE)
  t.is(askings(master.effects).length, 3)
  t.true(master.isLeading)
  t.deepEqual(knows(master), ['a1', 'a2'])
})

test('an epoch that is not above another master’s copy is claimed anew, once in a lease’s time', (t) => {
  const master = aMaster([], [], waiting)
  master.pass(1_100, { run: OTHER_RUN, role: 'follower', registry: MORE })
  t.is(master.record?.epoch, 1)
  lend(master, { epoch: 5, n: 1 }, MORE)
  t.is(master.record?.epoch, 6)
  lend(master, { epoch: 7, n: 1 }, MORE)
  t.is(master.record?.epoch, 6)
  lend(master, MORE)
  t.true(master.isLeading)
  t.is(master.leader.epoch, 6)
})

test('an epoch that others are above is claimed anew before anything is said in it', (t) => {
  const master = aMaster([], [], waiting)
  master.pass(1_200, asFollower({ epoch: 0, n: 0 }))
  t.true(master.isLeading)
  t.is(master.leader.epoch, 5)
  t.true(effectsOf(master.effects, 'send-leader-beat').every(({ body }) => body.epoch === 5))
})

test('a copy that is older than what this master has is not taken', (t) => {
  const master = aMaster([], OLD, waiting)
  master.pass(1_100, asFollower(MORE))
  lend(master, { epoch: 4, n: 1 }, MORE)
  t.deepEqual(master.state.registry.copy.position, WHOLE)
  t.is(master.counter('registry-fetched'), 0)
})

test('a master that lends page after page without an end is done without', (t) => {
  const master = aMaster([], OLD, waiting)
  master.pass(1_100, asFollower(MORE))
  let sent = 0
  for (let page = 1; !master.isLeading && sent < 1_000; sent++) {
    const asking = askings(master.effects).at(-1)
    const { copy } = asking ? pageOf(asking, MORE) : {}
    if (asking === undefined || copy === undefined) break
    if (master.state.registry.takeover?.fetching?.pages === 0) page = 1
    const body = { ...asFollower(MORE), copy: { ...copy, page, last: false } }
    master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
    page += 1
    master.pass(400)
  }
  t.true(master.isLeading)
  t.is(askings(master.effects).length, 3)
})

test('a follower whose disk is full keeps up in memory, asks for little, and saves all later', (t) => {
  const master = aMaster([], OLD)
  master.setRecord(aRecord())
  master.isDiskFull = true
  const beat: PeerBeat = { run: OTHER_RUN, role: 'leader', highest: { epoch: 4, run: OTHER_RUN } }
  for (let n = 4; n <= 1_000; n++) master.log.push(aBatch(4, n, gone(`b${n}`)))
  master.pass(2_000, { ...beat, registry: { epoch: 4, n: 1_000 } })
  t.is(knows(master).length, 999)
  for (let n = 1_001; n <= 2_000; n++) master.log.push(aBatch(4, n, gone(`b${n}`)))
  master.pass(2_000, { ...beat, registry: { epoch: 4, n: 2_000 } })
  t.deepEqual(master.disk, [])
  master.isDiskFull = false
  master.pass(1_000)
  t.deepEqual(
    master.disk.map(({ batch }) => batch.n),
    Array.from({ length: 2_000 }, (_, i) => i + 1),
  )
  for (const { where, batches } of effectsOf(master.effects, 'save-copy')) {
    t.true(where === 'instead' || batches.length <= 256)
  }
})

test('what a leader’s full disk did not take for an hour is one batch, asked for again', (t) => {
  const master = new MasterDriver().leading()
  master.isDiskFull = true
  new FakeAgent(master, 'a1').open()
  const effects = master.pass(3_600_000)
  t.true(master.isLeading)
  t.true(effectsOf(effects, 'save-copy').every(({ batches }) => batches.length === 1))
  master.isDiskFull = false
  master.pass(1_000)
  t.is(master.log.length, master.disk.length)
})

const STANDBY: PeerBeat = { run: OTHER_RUN, role: 'follower' }

test('a candidate whose disk takes the epoch and no record leaves the lead to another', (t) => {
  const master = new MasterDriver()
  master.holding.add('registry')
  master.pass(1_000, STANDBY)
  t.is(master.state.lease.state, 'recovering')
  t.is(master.diskEpoch, 1)
  master.isDiskFull = true
  master.release()
  t.is(master.state.lease.state, 'following')
  t.is(master.record?.holder, undefined)
  t.like(effectsOf(master.effects, 'send-peer-beat').at(-1)?.body, {
    role: 'follower',
    resigned: true,
  })
  master.pass(RULES.leaseMs - 100, STANDBY)
  t.is(master.record?.holder, undefined)
  master.isDiskFull = false
  master.pass(RULES.leaseMs, STANDBY)
  t.true(master.isLeading)
})

for (const what of ['epoch', 'record'] as const) {
  test(`a candidate whose disk never answers for the ${what} leaves the lead to another`, (t) => {
    const master = new MasterDriver()
    master.isDiskMute = what === 'epoch'
    master.holding.add('registry')
    master.pass(1_000, STANDBY)
    master.isDiskMute = true
    master.release()
    t.is(master.state.lease.state, 'recovering')
    master.pass(RULES.leaseMs + 500, STANDBY)
    t.is(master.state.lease.state, 'following')
    t.is(master.record?.holder, undefined)
  })
}

test('a candidate whose disk is slow waits for it while no other master stands by', (t) => {
  const master = new MasterDriver()
  master.isDiskMute = true
  master.pass(10 * RULES.leaseMs)
  t.is(master.state.lease.state, 'recovering')
  master.isDiskMute = false
  master.input({ kind: 'epoch.saved', epoch: 1 }, { kind: 'copy.saved' })
  t.true(master.isLeading)
})

/** Its leader was given a record that its disk does not answer for. */
function aSilentDisk(): MasterDriver {
  const master = new MasterDriver().leading()
  master.isDiskMute = true
  new FakeFramework(master).subscribe()
  return master
}

test('a leader whose disk does not answer leaves the lead to another', (t) => {
  const master = aSilentDisk()
  master.pass(SILENT_MS - 500, { ...STANDBY, registry: master.position, saved: true })
  t.true(master.isLeading)
  master.pass(1_500, { ...STANDBY, registry: master.position, saved: true })
  t.is(master.state.lease.state, 'following')
  t.is(master.record?.holder, undefined)
})

test('it goes on, and says so once, while no other’s disk has what its own does not take', (t) => {
  const master = aSilentDisk()
  const from = master.effects.length
  master.pass(2 * SILENT_MS)
  t.true(master.isLeading)
  master.pass(2 * SILENT_MS, { ...STANDBY, registry: master.position })
  t.true(master.isLeading, 'its disk may hang, too')
  const before = { ...master.position, n: master.position.n - 1 }
  master.pass(2 * SILENT_MS, { ...STANDBY, registry: before, saved: true })
  t.true(master.isLeading, 'it was well until then')
  const warnings = effectsOf(master.effects.slice(from), 'log').filter(
    ({ level }) => level === 'warn',
  )
  t.deepEqual(
    warnings.map(({ message }) => message),
    ['the disk does not answer: nothing is admitted'],
  )
  master.isDiskMute = false
  master.input({ kind: 'copy.saved' })
  t.is(master.framework().state, 'subscribed')
})

test('another master’s copy is asked for by whoever holds the lease only', (t) => {
  const master = aMaster([], OLD, waiting)
  master.setRecord(aRecord({ holder: RUN, master: MASTER }))
  t.deepEqual(askings(master.pass(900, asFollower(MORE))), [])
})

const MANY = aBatch(
  4,
  2,
  ...Array.from({ length: 5_000 }, (_, i) => ({
    kind: 'agent-admitted' as const,
    agentId: `a${i}` as AgentId,
  })),
)

/** It holds the lease, and has taken over what one turn takes. */
function inTheMidst(): MasterDriver {
  const master = aMaster([], [epoch(4), MANY])
  master.setRecord({ epoch: 4, counter: 10, leaseMs: RULES.leaseMs })
  master.holding.add('registry')
  master.pass(0)
  const [read] = master.held.splice(0)
  if (read === undefined) throw new Error('it did not read')
  const now = { monotonicMs: master.nowMs, wallMs: 1e12 }
  masterCore.handle(master.state, master.outcome(read), now)
  masterCore.handle(master.state, { kind: 'copy.saved' }, now)
  return master
}

test('a large registry is taken over in parts, one in each turn', (t) => {
  const master = inTheMidst()
  t.is(master.leader.agents.size, 2_000)
  t.true(masterCore.wantsFlush(master.state))
  master.input({ kind: 'flush' })
  master.release()
  t.true(master.isLeading)
  t.is(master.leader.agents.size, 5_000)
  t.is(master.leader.recovery.known, 5_000)
})

test('who loses the lease in the midst of it leaves nothing behind', (t) => {
  const master = inTheMidst()
  master.setRecord(aRecord({ epoch: 9 }))
  master.freeze(RULES.leaseMs)
  master.input({ kind: 'flush' })
  t.is(master.state.leader, undefined)
  t.false(masterCore.wantsFlush(master.state))
  master.release()
  t.is(master.log.length, 2)
})

test('an agent that opens again and again while the registry is away is admitted once', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  const agent = new FakeAgent(master, 'a1')
  for (let i = 0; i < 20; i++) agent.open()
  t.true(master.leader.registry.queue.length <= 1)
  master.release()
  t.is(master.agent('a1').state, 'registered')
  t.is(master.records.filter(({ kind }) => kind === 'agent-admitted').length, 1)
})
