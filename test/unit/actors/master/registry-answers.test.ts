/** A store that answers late: what it says is true of what it was asked, and of no more. */
import test from 'ava'
import type { Effect } from '../../../../actors/master/effects.ts'
import { FakeAgent } from '../../../support/master-actors.ts'
import { effectsOf, MasterDriver, OTHER_RUN, RULES } from '../../../support/master-builders.ts'

/** The only thing that the store was asked, and has not answered. */
function asked<D extends 'append-registry' | 'read-registry'>(
  master: MasterDriver,
  what: D,
): Extract<Effect, { do: D }> {
  const held = master.held.splice(0)
  const [effect] = effectsOf(held, what)
  if (effect === undefined || held.length > 1) throw new Error(`it did not ask to ${what}`)
  return effect
}

/** Agents that another master would know from the store alone. */
function knownByLog(master: MasterDriver): readonly string[] {
  return [...master.successor().state.registry.copy.table.agents.keys()]
}

test('what the store took before it lost all is not taken for what is written anew', (t) => {
  const master = new MasterDriver().leading()
  const { record } = master
  new FakeAgent(master, 'a1').open()
  master.pass(2_000)
  master.holding.add('registry')
  new FakeAgent(master, 'a2').open()
  const late = master.outcome(asked(master, 'append-registry'))
  master.log.length = 0
  master.setRecord(record)
  master.pass(2_000)
  master.input(master.outcome(asked(master, 'read-registry')))
  master.input(master.outcome(asked(master, 'read-registry')))
  t.is(master.counter('registry-reseeded'), 1)
  master.input(late)
  t.deepEqual(effectsOf(master.effects, 'trim-registry'), [])
  master.release()
  t.deepEqual(knownByLog(master), ['a1', 'a2'])
  t.deepEqual(
    master.log.map(({ n }) => n),
    [4, 5],
  )
})

test('what was read before a batch stood in the log does not tell that the log has lost it', (t) => {
  const master = new MasterDriver().leading()
  const { epoch } = master.leader
  master.holding.add('registry')
  new FakeAgent(master, 'a1').open()
  const append = asked(master, 'append-registry')
  master.input({ kind: 'registry.unavailable', epoch })
  master.pass(1_000)
  const read = master.outcome(asked(master, 'read-registry'))
  master.input(master.outcome(append))
  new FakeAgent(master, 'a2').open()
  master.input(read)
  master.release()
  t.is(master.counter('registry-reseeded'), 0)
  t.is(master.agent('a2').state, 'registered')
  t.deepEqual(knownByLog(master), ['a1', 'a2'])
})

test('a first record that may still arrive is not replaced, whatever others know meanwhile', (t) => {
  const master = new MasterDriver({ rules: { ...RULES, peersWaitMs: 1_000 } })
  master.pass(900)
  master.holding.add('registry')
  master.pass(500)
  const { epoch } = master.state.lease.record ?? { epoch: 0 }
  const late = asked(master, 'append-registry')
  master.input({ kind: 'registry.unavailable', epoch })
  master.holding.delete('registry')
  const registry = { epoch: 0, n: 9 }
  const effects = master.pass(900, { run: OTHER_RUN, role: 'follower', registry })
  t.true(master.isLeading)
  t.deepEqual(master.log[0], late.batch)
  t.false(effectsOf(effects, 'send-peer-beat').some(({ body }) => body.asks !== undefined))
})
