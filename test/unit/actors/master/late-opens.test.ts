/** Opens of agents that come late, when a newer session is open. */
import test from 'ava'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import { aHeldTask, aRegister, FakeAgent } from '../../../support/master-actors.ts'
import { MasterDriver } from '../../../support/master-builders.ts'

/** Long enough for all its pings to be missed. */
const SILENT_MS = AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2)

for (const [title, older, newer] of [
  ['of the same incarnation', { incarnation: 3, opens: 1 }, { incarnation: 3, opens: 2 }],
  ['of an earlier incarnation', { incarnation: 2, opens: 9 }, { incarnation: 3, opens: 1 }],
] as const) {
  test(`a late copy of an open ${title} is dropped, though it was never heard before`, (t) => {
    const master = new MasterDriver().leading()
    const agent = new FakeAgent(master)
    agent.open(newer)
    const { session } = agent
    agent.open(older, [aHeldTask('t1')])
    t.is(master.agent('a1').session?.id, session)
    t.is(master.agent('a1').tasks.size, 0)
    t.true((master.state.counters.get('registrations-late') ?? 0) > 0)
  })

  test(`a late copy of an open ${title} is dropped while the agent is asked for another`, (t) => {
    const master = new MasterDriver().leading()
    const agent = new FakeAgent(master)
    agent.open(newer)
    agent.sayNumbered(7, { kind: 'pong' })
    t.is(master.agent('a1').state, 'silent')
    agent.open(older, [aHeldTask('t1')])
    t.is(master.agent('a1').state, 'silent')
  })
}

test('a newer open replaces the session, whatever was said in it', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ opens: 1 })
  agent.say({ kind: 'pong' })
  agent.open({ opens: 2 })
  t.is(master.agent('a1').session?.id, agent.session)
})

test('a repeat of the open of this session changes nothing', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ opens: 1 })
  const { session } = agent
  t.deepEqual(agent.sayNumbered(1, aRegister({ opens: 1 })), [])
  t.is(master.agent('a1').session?.id, session)
})

test('an agent whose disk is new counts from one again: it is heard when the old one is silent', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ incarnation: 7 })
  agent.say({ kind: 'pong' })
  agent.open({ incarnation: 1, opens: 1 })
  t.is(master.agent('a1').incarnation, 7)
  master.pass(SILENT_MS)
  agent.open({ incarnation: 1, opens: 2 })
  t.is(master.agent('a1').state, 'registered')
})
