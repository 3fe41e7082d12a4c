/** Who leads: a record that is changed by compare-and-set, judged by one's own clock. */
import test from 'ava'
import type { RunId } from '../../../../protocol/ids.ts'
import { LEASE_DEADLINE_PART, LEASE_MS } from '../../../../protocol/limits.ts'
import type { PeerBeat } from '../../../../protocol/schema/master.ts'
import {
  aBatch,
  aFramework,
  aRecord,
  bits,
  effectsOf,
  MASTER,
  MasterDriver,
  OTHER_MASTER,
  OTHER_RUN,
  RUN,
} from '../../../support/master-builders.ts'

const LEADER_BEAT: PeerBeat = {
  run: OTHER_RUN,
  role: 'leader',
  highest: { epoch: 4, run: OTHER_RUN },
}

/** A follower of a leader that holds a lease in epoch 4 and beats. */
function aFollower(options: ConstructorParameters<typeof MasterDriver>[0] = {}): MasterDriver {
  const master = new MasterDriver(options)
  master.setRecord(aRecord())
  master.pass(500, LEADER_BEAT)
  return master
}

/** The other leader keeps its lease for so long. */
function passLed(master: MasterDriver, ms: number, beat?: PeerBeat): void {
  for (let left = ms; left > 0; left -= 500) {
    const { record } = master
    if (record?.holder === OTHER_RUN) {
      master.setRecord({ ...record, counter: record.counter + 1 })
    }
    master.pass(Math.min(500, left), beat)
  }
}

test('a lease that nobody ever held is taken, with the first epoch', (t) => {
  const master = new MasterDriver().leading()
  t.like(master.record, { holder: RUN, master: MASTER, epoch: 1, leaseMs: LEASE_MS })
  t.is(master.leader.epoch, 1)
})

test('a lease that was given back is taken at once', (t) => {
  const master = new MasterDriver()
  master.setRecord({ epoch: 4, counter: 10, leaseMs: LEASE_MS })
  master.pass(0)
  t.true(master.isLeading)
  t.is(master.leader.epoch, 5)
})

test('a record that does not change for its lease time is expired, by the own clock', (t) => {
  const master = new MasterDriver()
  master.isEchoing = false
  master.setRecord(aRecord())
  master.pass(0)
  master.pass(LEASE_MS - 1)
  t.false(master.isLeading)
  master.pass(LEASE_MS / 5)
  t.true(master.isLeading)
  t.is(master.leader.epoch, 5)
})

test('a record that changes is never expired', (t) => {
  const master = new MasterDriver()
  master.isEchoing = false
  master.setRecord(aRecord())
  passLed(master, 5 * LEASE_MS)
  t.is(master.state.lease.state, 'following')
  t.is(effectsOf(master.effects, 'write-lease').length, 0)
})

test('a leader that is heard is not challenged', (t) => {
  const master = aFollower()
  passLed(master, 5_000, LEADER_BEAT)
  t.is(master.state.lease.state, 'following')
  t.false(effectsOf(master.effects, 'send-peer-beat').some(({ body }) => body.probe))
})

test('a leader that falls silent is probed, and challenged when the probe is in vain', (t) => {
  const master = aFollower()
  const { leaderHeardAtMs } = master.state.lease
  master.pass(leaderHeardAtMs + 999 - master.nowMs)
  const probes = effectsOf(master.effects, 'send-peer-beat').filter(({ body }) => body.probe)
  t.is(probes.length, 1)
  t.is(master.state.lease.state, 'probing')
  t.is(master.state.lease.probedAtMs, leaderHeardAtMs + 500)
  master.pass(1)
  t.true(master.isLeading)
  t.is(master.leader.epoch, 5)
})

test('a leader that answers the probe keeps the lead', (t) => {
  const master = aFollower()
  passLed(master, 700)
  t.is(master.state.lease.state, 'probing')
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: LEADER_BEAT })
  t.is(master.state.lease.state, 'following')
  passLed(master, 900)
  t.false(master.isLeading)
})

test('a leader that was slow lately is given longer, up to a lease, and less again later', (t) => {
  const master = aFollower()
  const beat = () => {
    master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: LEADER_BEAT })
    return master.nowMs
  }
  passLed(master, 800)
  const heardAtMs = beat()
  passLed(master, 1_800)
  t.is(master.state.lease.state, 'following')
  passLed(master, 200)
  t.is(master.state.lease.state, 'probing')
  t.is(master.state.lease.probedAtMs, heardAtMs + 3 * 800 - 500)
  beat()
  t.is(master.state.lease.slowestBeatMs, 2_000)
  passLed(master, 30_000, LEADER_BEAT)
  t.true(master.state.lease.slowestBeatMs < 1_000 / 3)
})

test('a challenger that stood still hears first what was said meanwhile', (t) => {
  const master = aFollower()
  passLed(master, 600)
  t.is(master.state.lease.state, 'probing')
  master.isEchoing = false
  master.freeze(700)
  master.input({ kind: 'wake' })
  t.is(master.state.lease.state, 'probing')
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: LEADER_BEAT })
  const own: PeerBeat = { run: RUN, role: 'follower' }
  master.input({ kind: 'peer-beat', masterId: MASTER, body: own })
  t.is(master.state.lease.state, 'following')
})

test('silence counts only while the own beats come back', (t) => {
  const master = aFollower()
  master.isEchoing = false
  passLed(master, 10_000)
  t.deepEqual(effectsOf(master.effects, 'write-lease'), [])
})

test('a leader answers a probe at once', (t) => {
  const master = new MasterDriver().leading()
  const body: PeerBeat = { run: OTHER_RUN, role: 'follower', probe: true }
  const effects = master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
  t.is(effectsOf(effects, 'send-peer-beat')[0]?.body.role, 'leader')
})

test('a challenge that somebody else has won makes a follower', (t) => {
  const master = new MasterDriver()
  master.holding.add('lease')
  master.pass(0)
  const [read] = master.held.splice(0)
  t.is(read?.do, 'read-lease')
  master.input({ kind: 'lease.read', record: undefined, revision: 0 })
  master.setRecord(aRecord())
  master.release()
  master.pass(300)
  t.is(master.state.lease.state, 'following')
  t.is(master.record?.holder, OTHER_RUN)
})

test('the lease is renewed several times in its time, in the same epoch', (t) => {
  const master = new MasterDriver().leading()
  master.pass(10 * LEASE_MS)
  t.true(master.isLeading)
  t.is(master.record?.epoch, 1)
  t.true((master.record?.counter ?? 0) >= 40)
})

test('an answered renewal is not read back', (t) => {
  const master = new MasterDriver().leading()
  t.is(effectsOf(master.pass(10 * LEASE_MS), 'read-lease').length, 0)
})

test('a renewal counts from when it was sent, however late it is confirmed', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('lease')
  master.pass(LEASE_MS / 5)
  const sentAtMs = master.state.lease.writing?.sentAtMs
  master.freeze(500)
  master.release()
  t.true(master.isLeading)
  t.is(master.state.lease.heldFromMs, sentAtMs ?? Number.NaN)
  t.true(master.state.lease.heldFromMs <= master.nowMs - 500)
})

test('a renewal whose answer was lost is read back, and counts as well', (t) => {
  const master = new MasterDriver().leading()
  const { heldFromMs } = master.state.lease
  master.holding.add('lease')
  master.pass(LEASE_MS / 5)
  master.release('lost-but-done')
  master.pass(LEASE_MS / 5)
  t.true(master.isLeading)
  t.true(master.state.lease.heldFromMs > heldFromMs)
})

test('a renewal that never arrived is repeated', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('lease')
  master.pass(LEASE_MS / 5)
  const counter = master.record?.counter ?? 0
  master.release('lost')
  master.pass(LEASE_MS / 2)
  t.true(master.isLeading)
  t.true((master.record?.counter ?? 0) > counter)
})

test('a reading from before a renewal that was confirmed meanwhile says nothing', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('lease')
  master.pass((LEASE_MS * 2) / 5)
  const [write, read] = master.held
  if (write?.do !== 'write-lease' || read?.do !== 'read-lease') return t.fail('not asked')
  const old = master.outcome(read)
  master.holding.clear()
  master.held = []
  master.input(master.outcome(write), old)
  t.is(master.state.lease.revision, master.revision)
  t.is(master.state.lease.record?.counter, write.record.counter)
  const conflicts = effectsOf(master.pass(LEASE_MS), 'write-lease').filter(
    ({ record }, i, all) => record.counter !== (all[i - 1]?.record.counter ?? -1) + 1,
  )
  t.is(conflicts.length, 1)
  t.true(master.isLeading)
})

test('a write that was not answered does not end a reading', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('lease')
  master.pass((LEASE_MS * 2) / 5)
  master.input({ kind: 'lease.unavailable', asked: 'write-lease' })
  t.is(effectsOf(master.pass(LEASE_MS / 10), 'read-lease').length, 0)
})

test('a leader that reads of another holder is none', (t) => {
  const master = new MasterDriver().leading()
  const record = aRecord({ epoch: 9 })
  master.setRecord(record)
  master.input({ kind: 'lease.read', record, revision: master.revision })
  t.is(master.state.leader, undefined)
})

test('a conflict with its own earlier write is no conflict', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('lease')
  master.pass(LEASE_MS / 5)
  const [renewal] = master.held
  t.is(renewal?.do, 'write-lease')
  if (renewal?.do !== 'write-lease') return
  // It was stored, and the client tried once more.
  master.setRecord(renewal.record)
  master.release()
  t.true(master.isLeading)
  master.pass(2 * LEASE_MS)
  t.true(master.isLeading)
  t.is(master.leader.epoch, 1)
})

test('a conflict with another holder ends the lead, and its state is gone', (t) => {
  const master = new MasterDriver().leading()
  master.setRecord(aRecord({ epoch: 2 }))
  const effects = master.pass(LEASE_MS / 5)
  t.is(master.state.leader, undefined)
  t.is(master.state.lease.state, 'following')
  t.is(effectsOf(effects, 'stop-listening').length, 1)
})

test('an own record of another epoch is not what is being written', (t) => {
  const master = new MasterDriver().leading()
  const { record } = master
  t.truthy(record)
  if (record === undefined) return
  master.setRecord({ ...record, holder: bits<RunId>(0xdd), epoch: 7 })
  master.pass(LEASE_MS / 5)
  t.false(master.isLeading)
})

test('past its deadline a leader drops its state before it acts on anything', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('lease')
  master.freeze(LEASE_MS)
  const effects = master.input({
    kind: 'operator-call',
    principal: aFramework().principal,
    call: { verb: 'master', body: {} },
    reply: 'r',
  })
  t.is(master.state.leader, undefined)
  t.is(effectsOf(effects, 'answer').length, 0)
})

test('a renewal that is confirmed past the deadline does not bring the lead back', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('lease')
  master.pass(LEASE_MS / 5)
  const held = master.held.filter((effect) => effect.do === 'write-lease')
  master.freeze(LEASE_MS)
  for (const effect of held) master.input(master.outcome(effect))
  t.is(master.state.leader, undefined)
})

test('the late answer to an old renewal does not confirm a new claim', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('lease')
  master.pass(LEASE_MS / 5)
  const renewal = master.held.find((effect) => effect.do === 'write-lease')
  t.truthy(renewal)
  if (renewal?.do !== 'write-lease') return
  master.held = []
  master.freeze(LEASE_MS)
  master.input({ kind: 'wake' })
  const { record, revision } = master
  master.input({ kind: 'lease.read', record, revision })
  t.is(master.state.lease.state, 'claiming')
  master.input({ kind: 'lease.written', record: renewal.record, revision: revision + 1 })
  t.is(master.state.lease.state, 'claiming')
})

test('its own record, found by a run that does not lead, is taken again in a new epoch', (t) => {
  const master = new MasterDriver().leading()
  master.freeze(LEASE_MS)
  master.pass(100)
  t.true(master.isLeading)
  t.is(master.leader.epoch, 2)
  t.is(master.counter('lead-lost'), 1)
})

test('a record of an earlier run of the same master is not its own', (t) => {
  const master = new MasterDriver()
  master.isEchoing = false
  master.setRecord(aRecord({ master: MASTER }))
  master.pass(LEASE_MS / 2)
  t.false(master.isLeading)
})

test('the epoch is one above the record', (t) => {
  const master = new MasterDriver()
  master.setRecord({ epoch: 41, counter: 0, leaseMs: LEASE_MS })
  t.is(master.leading().leader.epoch, 42)
})

test('the epoch is one above the own disk when the record was lost', (t) => {
  const master = new MasterDriver({ highestEpoch: 41 }).leading()
  t.is(master.leader.epoch, 42)
  t.is(master.diskEpoch, 42)
})

test('the epoch is one above what other masters know', (t) => {
  const master = new MasterDriver()
  const body: PeerBeat = {
    run: OTHER_RUN,
    role: 'follower',
    highest: { epoch: 41, run: OTHER_RUN },
  }
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
  t.is(master.leading().leader.epoch, 42)
})

test('the epoch is one above the registry, for which the lease is taken twice', (t) => {
  const master = new MasterDriver()
  master.log.push(aBatch(41, 1, { kind: 'epoch' }))
  t.is(master.leading().leader.epoch, 42)
  t.is(master.record?.epoch, 42)
})

test('an epoch that stands in the lease is believed, however high', (t) => {
  const epoch = 2 ** 40
  const master = new MasterDriver()
  const { holder: _, master: __, ...free } = aRecord({ epoch })
  master.setRecord(free)
  t.is(master.leading().leader.epoch, epoch + 1)
  t.is(master.state.highestEpoch, epoch + 1)
})

test('an absurdly high epoch is nobody’s', (t) => {
  const master = new MasterDriver()
  const body: PeerBeat = {
    run: OTHER_RUN,
    role: 'follower',
    highest: { epoch: 2 ** 40, run: OTHER_RUN },
  }
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
  t.is(master.leading().leader.epoch, 1)
  t.is(master.counter('epoch-jumps-refused'), 1)
})

test('the epoch is on disk before the first message of the lead', (t) => {
  const master = new MasterDriver().leading()
  const kinds = master.effects.map((effect) => effect.do)
  t.true(kinds.indexOf('save-epoch') < kinds.indexOf('append-registry'))
  t.true(kinds.indexOf('save-epoch') < kinds.indexOf('send-leader-beat'))
})

test('who resigns gives the lease back and takes it no more', (t) => {
  const master = new MasterDriver().leading()
  master.input({ kind: 'resign' })
  t.is(master.record?.holder, undefined)
  t.is(master.record?.epoch, 1)
  master.pass(3 * LEASE_MS)
  t.is(master.state.lease.state, 'following')
})

test('who resigns says so, and who stands by takes the lease before its next look at it', (t) => {
  const leader = new MasterDriver().leading()
  const beats = effectsOf(leader.input({ kind: 'resign' }), 'send-peer-beat')
  t.like(beats.at(-1)?.body, { role: 'follower', resigned: true })
  const standby = aFollower()
  const { holder: _, master: __, ...free } = standby.record ?? aRecord()
  const body = { run: OTHER_RUN, role: 'follower', resigned: true } as const
  standby.setRecord({ ...free, counter: 99 })
  standby.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
  t.is(standby.record?.holder, RUN)
})

test('it takes the lease also when it hears of it before that is written', (t) => {
  const standby = aFollower()
  t.is(standby.record?.holder, OTHER_RUN)
  const body = { run: OTHER_RUN, role: 'follower', resigned: true } as const
  standby.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
  t.is(standby.record?.holder, RUN)
})

test('who has resigned and leads again, in a later epoch, keeps its lease', (t) => {
  const standby = aFollower()
  standby.holding.add('lease')
  const { epoch } = standby.record ?? aRecord()
  const body = {
    run: OTHER_RUN,
    role: 'follower',
    resigned: true,
    highest: { epoch, run: OTHER_RUN },
  } as const
  standby.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
  standby.setRecord(aRecord({ epoch: epoch + 1 }))
  standby.release()
  standby.holding.delete('lease')
  passLed(standby, 2 * LEASE_MS, { run: OTHER_RUN, role: 'leader' })
  t.is(standby.record?.holder, OTHER_RUN)
})

test('a lease that is overwritten right after it was taken from who resigned is taken once more', (t) => {
  const standby = aFollower()
  standby.holding.add('lease')
  const body = { run: OTHER_RUN, role: 'follower', resigned: true } as const
  standby.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body })
  const { holder: _, master: __, ...free } = standby.record ?? aRecord()
  standby.release()
  standby.setRecord({ ...free, counter: 99 })
  standby.pass(1)
  t.is(standby.record?.holder, undefined)
  standby.pass(LEASE_MS / 5)
  t.is(standby.record?.holder, RUN)
})

test('who resigns without the lease writes nothing', (t) => {
  const master = aFollower()
  t.is(effectsOf(master.input({ kind: 'resign' }), 'write-lease').length, 0)
})

test('a store that does not answer takes the lead at the deadline, and not before', (t) => {
  const master = new MasterDriver().leading()
  const from = master.state.lease.heldFromMs
  master.holding.add('lease')
  master.pass(from + LEASE_MS * LEASE_DEADLINE_PART - master.nowMs - 1)
  t.true(master.isLeading)
  master.pass(2)
  t.is(master.state.leader, undefined)
})

test('what a follower could not hear while it stood still is no pause of the leader', (t) => {
  const master = aFollower()
  passLed(master, 3_000, LEADER_BEAT)
  const { slowestBeatMs } = master.state.lease
  master.nowMs += 2_500
  master.input({ kind: 'peer-beat', masterId: OTHER_MASTER, body: LEADER_BEAT })
  t.true(master.state.lease.slowestBeatMs <= slowestBeatMs)
})
