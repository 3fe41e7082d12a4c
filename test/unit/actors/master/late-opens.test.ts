/** Opens of agents that come late, when a newer session is open. */
import test from 'ava'
import type { AgentId, DirectoryId } from '../../../../protocol/ids.ts'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import { aHeldTask, aRegister, FakeAgent } from '../../../support/master-actors.ts'
import { aBatch, effectsOf, MasterDriver, ordersOf } from '../../../support/master-builders.ts'

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

const ONE = '00000000000000d1' as DirectoryId
const OTHER = '00000000000000d2' as DirectoryId

test('another work directory is refused the id while the first is heard, however often it was started', (t) => {
  const master = new MasterDriver().leading()
  const [first, second] = [new FakeAgent(master), new FakeAgent(master)]
  first.open({ incarnation: 3, directory: ONE }, [aHeldTask('t1')])
  const { session } = first
  second.open()
  for (const incarnation of [1, 3, 9]) {
    const effects = second.open({ incarnation, opens: 40, directory: OTHER })
    const [refused] = ordersOf(effects, 'a1', 'not-registered')
    t.like(refused, { reason: 'taken', retryMs: AGENT_PING_MS })
    const message = 'agent a1 is on host, in another work directory, and was heard a moment ago'
    t.is(refused?.message, message)
    t.is(master.agent('a1').session?.id, session)
  }
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
  const said = effectsOf(master.effects, 'log').filter(({ message }) => /two agents/.test(message))
  t.is(said.length, 1)
})

test('a work directory that is new has the id when the old one is silent, or has said that it stops', (t) => {
  for (const leave of ['silent', 'stopping'] as const) {
    const master = new MasterDriver().leading()
    const [first, second] = [new FakeAgent(master), new FakeAgent(master)]
    first.open({ incarnation: 3, directory: ONE }, [aHeldTask('t1')])
    second.open()
    if (leave === 'silent') master.pass(SILENT_MS)
    else first.say({ kind: 'stopping' })
    const effects = second.open({ incarnation: 1, directory: OTHER })
    t.like(master.agent('a1'), { state: 'registered', incarnation: 1, directory: OTHER })
    const missing = ordersOf(effects, 'a1', 'missing').flatMap(({ tasks }) => tasks)
    t.like(missing, [{ taskId: 't1' }])
  }
})

test('an agent that does not tell its work directory is judged by its counts', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ incarnation: 3, directory: ONE })
  agent.open({ incarnation: 4 })
  t.like(master.agent('a1'), { state: 'registered', incarnation: 4, directory: undefined })
  agent.open({ incarnation: 5, directory: OTHER })
  t.like(master.agent('a1'), { state: 'registered', incarnation: 5, directory: OTHER })
})

test('the registry says in which work directory an agent is', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ directory: ONE })
  agent.open({ incarnation: 2, directory: ONE })
  master.pass(SILENT_MS)
  master.holding.add('registry')
  agent.open({ directory: OTHER })
  const third = '00000000000000d3' as DirectoryId
  master.pass(SILENT_MS)
  agent.open({ directory: third })
  master.release()
  t.like(master.agent('a1'), { state: 'registered', directory: third })
  const written = master.records.filter((fact) => fact.kind === 'agent-admitted')
  t.deepEqual([...new Set(written.map(({ directory }) => directory))], [ONE, OTHER, third])
})

test('after a takeover the work directory that had the id comes first, for as long as it may be silent', (t) => {
  const records = [{ kind: 'agent-admitted', agentId: 'a1' as AgentId, directory: ONE } as const]
  const takenOver = (): MasterDriver => {
    const master = new MasterDriver()
    master.log.push(aBatch(1, 1, ...records))
    return master.leading()
  }
  const early = takenOver()
  const effects = new FakeAgent(early).open({ incarnation: 9, directory: OTHER })
  t.like(ordersOf(effects, 'a1', 'not-registered'), [
    { reason: 'taken', message: 'agent a1 is awaited, from another work directory' },
  ])
  new FakeAgent(early).open({ directory: ONE })
  t.is(early.agent('a1').directory, ONE)
  const late = takenOver()
  late.pass(SILENT_MS)
  new FakeAgent(late).open({ directory: OTHER })
  t.like(late.agent('a1'), { state: 'registered', directory: OTHER })
})
