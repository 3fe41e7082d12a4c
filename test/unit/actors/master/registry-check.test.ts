/** A store that was away, or that an earlier leader wrote: the log is read whole, and mended. */
import test from 'ava'
import { FakeAgent } from '../../../support/master-actors.ts'
import { aBatch, effectsOf, MasterDriver } from '../../../support/master-builders.ts'

/** What stands in the place of a record that the store has forgotten. */
const NOTHING = aBatch(0, 1, { kind: 'epoch' })

/** Agents that a master without a copy would know. */
const knownByLog = (master: MasterDriver): readonly string[] => {
  const next = new MasterDriver()
  next.log.push(...master.log)
  return [...next.leading().state.registry.copy.table.agents.keys()]
}

/** A leader that has admitted two agents, and has read the log whole since. */
function aLeader(): MasterDriver {
  const master = new MasterDriver().leading()
  new FakeAgent(master, 'a1').open()
  new FakeAgent(master, 'a2').open()
  master.pass(10_000)
  return master
}

test('a leader whose connection is back writes again what the log has forgotten in the middle', (t) => {
  const master = aLeader()
  master.log[1] = NOTHING
  t.deepEqual(knownByLog(master), ['a2'])
  master.input({ kind: 'bus.connected' })
  t.is(master.counter('registry-reseeded'), 1)
  t.deepEqual(knownByLog(master), ['a1', 'a2'])
})

test('and what it has forgotten at the end, as much as the store counts it', (t) => {
  const master = aLeader()
  master.log[2] = NOTHING
  master.input({ kind: 'bus.connected' })
  t.is(master.counter('registry-reseeded'), 1)
  t.deepEqual(knownByLog(master), ['a1', 'a2'])
})

test('a log that is whole is left as it is', (t) => {
  const master = aLeader()
  const effects = master.input({ kind: 'bus.connected' })
  t.is(effectsOf(effects, 'read-registry').length, 1)
  t.deepEqual(effectsOf(effects, 'save-copy'), [])
  t.is(master.counter('registry-reseeded'), 0)
})

test('holes of before its time a leader finds when it has led for a while', (t) => {
  const before = aLeader()
  before.log[1] = NOTHING
  const master = new MasterDriver({ saved: before.disk })
  master.log.push(...before.log)
  master.leading()
  t.is(master.counter('registry-reseeded'), 0)
  master.pass(10_000)
  t.is(master.counter('registry-reseeded'), 1)
  t.deepEqual(knownByLog(master), ['a1', 'a2'])
})

test('what is written while the log is read whole is neither lost nor missed', (t) => {
  const master = aLeader()
  master.holding.add('registry')
  master.input({ kind: 'bus.connected' })
  const [reading] = master.held.splice(0)
  t.is(reading?.do, 'read-registry')
  if (reading === undefined) return
  const read = master.outcome(reading)
  new FakeAgent(master, 'a3').open()
  for (const effect of master.held.splice(0)) master.input(master.outcome(effect))
  master.input(read)
  master.release()
  t.is(master.counter('registry-reseeded'), 0)
  t.deepEqual(knownByLog(master), ['a1', 'a2', 'a3'])
})

test('a store that does not answer is asked again, until the log was read whole', (t) => {
  const master = aLeader()
  master.log[1] = NOTHING
  master.holding.add('registry')
  master.input({ kind: 'bus.connected' })
  master.release('lost')
  t.is(master.counter('registry-reseeded'), 0)
  master.pass(10_000)
  t.is(master.counter('registry-reseeded'), 1)
  t.deepEqual(knownByLog(master), ['a1', 'a2'])
})
