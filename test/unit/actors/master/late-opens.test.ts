/** Opens of agents that come late, when a newer session is open. */
import test from 'ava'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import { aHeldTask, aRegister, FakeAgent } from '../../../support/master-actors.ts'
import { MasterDriver } from '../../../support/master-builders.ts'

/** Long enough for all its pings to be missed. */
const SILENT_MS = AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2)

/** In its second session, in which it has spoken; and the first. */
function anAgentThatOpenedTwice(incarnations: readonly [number, number]) {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ incarnation: incarnations[0] }, [aHeldTask('t1')])
  const left = agent.session
  agent.open({ incarnation: incarnations[1] })
  agent.say({ kind: 'pong' })
  return { master, agent, left }
}

for (const incarnations of [
  [1, 1],
  [1, 2],
] as const) {
  test(`a late copy of an open that was left behind is dropped: ${incarnations.join(', ')}`, (t) => {
    const { master, agent, left } = anAgentThatOpenedTwice(incarnations)
    const { session } = agent
    agent.session = left
    t.deepEqual(agent.sayNumbered(1, aRegister({ pages: 1, incarnation: 1 })), [])
    t.is(master.agent('a1').session?.id, session)
    t.is(master.state.counters.get('registrations-late'), 1)
  })
}

test('an open of an earlier incarnation is late, whether or not the later one has spoken', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ incarnation: 2 })
  const { session } = agent
  agent.open({ incarnation: 1 }, [aHeldTask('t1')])
  t.is(master.agent('a1').session?.id, session)
  t.is(master.agent('a1').tasks.size, 0)
})

test('an open of an earlier incarnation is dropped although nobody has spoken yet', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ incarnation: 2 })
  const { session } = agent
  agent.open({ incarnation: 1 })
  t.is(master.agent('a1').session?.id, session)
})

test('a newer open that came first is heard when the agent repeats it', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open()
  const newer = agent.session
  agent.open()
  agent.session = newer
  agent.sayNumbered(1, aRegister())
  t.is(master.agent('a1').session?.id, newer, 'nobody has spoken in the older session')
})

test('an agent whose disk is new counts from one again: it is heard when the old one is silent', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ incarnation: 7 })
  agent.say({ kind: 'pong' })
  master.pass(SILENT_MS)
  agent.open({ incarnation: 1 })
  t.is(master.agent('a1').state, 'registered')
})
