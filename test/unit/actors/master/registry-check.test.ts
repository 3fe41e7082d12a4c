/** A store that was away, or that an earlier leader wrote: the log is read whole, and mended. */
import test from 'ava'
import type { Input } from '../../../../actors/master/inputs.ts'
import { FakeAgent } from '../../../support/master-actors.ts'
import { aBatch, effectsOf, MasterDriver } from '../../../support/master-builders.ts'

/** What stands in the place of a record that the store has forgotten. */
const NOTHING = aBatch(0, 1, { kind: 'epoch' })

/** Agents that a master without a copy would know. */
const knownByLog = (master: MasterDriver): readonly string[] => {
  return [...master.successor().state.registry.copy.table.agents.keys()]
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
  const master = before.successor({ saved: before.disk })
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

test('a long log is read in parts that do not hold the leader up', (t) => {
  const master = aLeader()
  for (let i = 3; i <= 20; i++) new FakeAgent(master, `a${i}`).open()
  master.log[5] = NOTHING
  t.is(knownByLog(master).length, 19)
  const asked = effectsOf(master.input({ kind: 'bus.connected' }), 'read-registry')
  t.deepEqual(
    asked.slice(0, 3).map(({ from }) => from),
    [1, 9, 17],
  )
  t.is(master.counter('registry-reseeded'), 1)
  t.is(knownByLog(master).length, 20)
})

test('what only seems to be missing, as it is removed meanwhile, is not written again', (t) => {
  const master = aLeader()
  master.holding.add('registry')
  master.input({ kind: 'bus.connected' })
  const [first] = master.held.splice(0)
  if (first?.do !== 'read-registry') return t.fail('it did not read')
  const { kind, ...read } = master.outcome(first) as Extract<Input, { kind: 'registry.read' }>
  master.input({ kind, ...read, batches: read.batches.slice(0, 1) })
  master.release()
  t.is(master.counter('registry-reseeded'), 0)
})

test('a lease that went back is read back first, and the log is still read whole', (t) => {
  const master = aLeader()
  const { record } = master
  master.pass(2_000)
  master.log[1] = NOTHING
  master.holding.add('registry')
  master.input({ kind: 'bus.connected' })
  t.is(master.held.length, 1)
  master.setRecord(record)
  master.pass(2_000)
  t.true(master.held.length > 1, 'something else is read')
  master.release()
  master.pass(2_000)
  t.is(master.counter('registry-reseeded'), 1)
  t.deepEqual(knownByLog(master), ['a1', 'a2'])
})

test('an answer that comes when the log is being read anew is not taken for the new one', (t) => {
  const master = aLeader()
  const { epoch } = master.leader
  master.holding.add('registry')
  master.input({ kind: 'bus.connected' })
  const [first] = master.held.splice(0)
  if (first === undefined) return t.fail('it did not read')
  const late = master.outcome(first)
  master.input({ kind: 'registry.unavailable', epoch })
  master.holding.clear()
  new FakeAgent(master, 'a3').open()
  master.holding.add('registry')
  master.pass(1_500)
  t.true(master.held.length > 0)
  for (let i = 0; i < 3; i++) master.input(late)
  master.release()
  master.pass(2_000)
  t.is(master.counter('registry-reseeded'), 0)
  t.deepEqual(knownByLog(master), ['a1', 'a2', 'a3'])
})

test('a log that is just being written anew is read whole behind that', (t) => {
  const master = aLeader()
  master.log.length = 0
  master.holding.add('registry')
  new FakeAgent(master, 'a3').open()
  for (let i = 0; master.counter('registry-reseeded') === 0 && i < 9; i++)
    for (const effect of master.held.splice(0)) master.input(master.outcome(effect))
  master.input({ kind: 'bus.connected' })
  t.deepEqual(effectsOf(master.held, 'read-registry'), [])
  master.release()
  master.pass(2_000)
  t.is(master.counter('registry-reseeded'), 1)
  t.deepEqual(knownByLog(master), ['a1', 'a2', 'a3'])
})
