/** Opens of agents that come late, when a newer session is open. */
import test from 'ava'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import { aHeldTask, aRegister, FakeAgent } from '../../../support/master-actors.ts'
import { effectsOf, MasterDriver, ordersOf } from '../../../support/master-builders.ts'

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

test('an open of an agent that obeys an older leader is not heard: it may run what that one says', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  const { epoch } = master.leader
  const { run } = master.state
  agent.open({ highest: { epoch: epoch - 1, run } })
  t.is(master.leader.agents.size, 0)
  t.is(master.state.counters.get('registrations-for-older-leaders'), 1)
  agent.open({ highest: { epoch, run }, opens: 2 })
  t.is(master.agent('a1').state, 'registered')
})

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

test('a second agent of one id, on another machine, is refused by name while the first is heard', (t) => {
  const master = new MasterDriver().leading()
  const [first, second] = [new FakeAgent(master), new FakeAgent(master)]
  first.open({ incarnation: 3 }, [aHeldTask('t1')])
  const { session } = first
  // A repeat of the first one's: both count their sessions alike.
  second.open()
  const elsewhere = { ...aRegister().info, hostname: 'elsewhere' }
  for (const incarnation of [1, 3, 9]) {
    const effects = second.open({ incarnation, opens: 40, info: elsewhere })
    const [refused] = ordersOf(effects, 'a1', 'not-registered')
    t.like(refused, { reason: 'taken', retryMs: AGENT_PING_MS })
    t.is(refused?.message, 'agent a1 is on host, and was heard a moment ago')
    t.is(master.agent('a1').session?.id, session)
  }
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
  const said = effectsOf(master.effects, 'log').filter(({ message }) => /two agents/.test(message))
  t.deepEqual(
    said.map(({ fields }) => fields),
    [{ agentId: 'a1', hostname: 'host', other: 'elsewhere' }],
  )
  t.deepEqual(ordersOf(first.pong(), 'a1', 'invite'), [])
})

test('when the first is silent for long enough, the second has the id', (t) => {
  const master = new MasterDriver().leading()
  new FakeAgent(master).open({ incarnation: 3 })
  master.pass(SILENT_MS)
  const elsewhere = { ...aRegister().info, hostname: 'elsewhere' }
  new FakeAgent(master).open({ incarnation: 1, info: elsewhere })
  t.like(master.agent('a1'), { state: 'registered', info: { hostname: 'elsewhere' } })
})

test('an agent that was stopped may go on on another machine at once', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open()
  agent.say({ kind: 'stopping' })
  agent.open({ incarnation: 2, info: { ...aRegister().info, hostname: 'elsewhere' } })
  t.is(master.agent('a1').state, 'registered')
})
