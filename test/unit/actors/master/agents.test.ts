/** Agents: they register in pages, are pinged, get lost, and come back with what they hold. */
import test from 'ava'
import type { TaskId } from '../../../../protocol/ids.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  REREGISTER_MS,
} from '../../../../protocol/limits.ts'
import {
  aHeldTask,
  aRegister,
  aStage,
  aStageWith,
  aTask,
  cpusMem,
  FakeAgent,
  FakeFramework,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  aFramework,
  eventsOf,
  figuresOf,
  MasterDriver,
  messagesTo,
  ordersOf,
  ordersTo,
  statusesOf,
} from '../../../support/master-builders.ts'

/** Long enough for all its pings to be missed. */
const SILENT_MS = AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2)

const admissions = (master: MasterDriver) =>
  master.records.filter(({ kind }) => kind === 'agent-admitted').length

test('an agent on which nothing runs registers with one message', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  const [registered] = ordersOf(agent.open(), 'a1', 'registered')
  t.like(registered, { version: 1, pingMs: AGENT_PING_MS, frameworks: [] })
  t.is(master.agent('a1').state, 'registered')
})

test('the confirmation names the session, and is its first message', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  const [message] = messagesTo(agent.open(), 'a1')
  t.like(message, { epoch: 1, session: agent.session, n: 1, heard: 1 })
})

test('an agent is in the registry before it is told that it is registered', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  const agent = new FakeAgent(master)
  t.deepEqual(ordersTo(agent.open(), 'a1'), [])
  t.is(master.agent('a1').state, 'opening')
  t.is(ordersOf(master.release(), 'a1', 'registered').length, 1)
})

test('an agent that is admitted registers again without the registry', (t) => {
  const { master, agent } = aStage()
  agent.open()
  t.is(master.agent('a1').state, 'registered')
  t.is(admissions(master), 1)
})

test('a snapshot of several pages counts when its last has come', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ pages: 2 })
  agent.page(1, false, [aHeldTask('t1')])
  t.is(master.agent('a1').state, 'opening')
  t.is(master.leader.frameworks.size, 0)
  const effects = agent.page(2, true, [aHeldTask('t2', { launch: oldLaunch(2) })])
  t.is(ordersOf(effects, 'a1', 'registered').length, 1)
  t.deepEqual(master.taskIds().toSorted(), ['t1', 't2'] as TaskId[])
})

test('a page out of order is no page', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ pages: 2 })
  agent.page(2, true)
  t.is(master.agent('a1').state, 'opening')
  t.is(master.counter('pages-out-of-place'), 1)
})

test('a repeated open of the same session changes nothing', (t) => {
  const { master, agent } = aStage()
  const { session } = agent
  const effects = agent.sayNumbered(1, aRegister())
  t.is(master.agent('a1').session?.id, session)
  t.deepEqual(ordersTo(effects, 'a1'), [])
  t.is(master.counter('agent-messages-repeated'), 1)
})

test('a repeated page is dropped', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({ pages: 2 })
  agent.page(1, false, [aHeldTask('t1')])
  agent.n -= 1
  agent.page(1, false, [aHeldTask('t1')])
  agent.page(2, true)
  t.is(master.agent('a1').state, 'registered')
  t.is(master.agent('a1').tasks.size, 1)
})

test('a gap ends the session: offers are rescinded and the agent is invited', (t) => {
  const { master, agent, allocator } = aStage()
  allocator.offer()
  agent.n += 1
  const effects = agent.pong()
  t.is(master.agent('a1').state, 'silent')
  t.deepEqual(ordersTo(effects, 'a1'), [{ kind: 'invite' }])
  t.is(eventsOf(effects, 'rescind').length, 1)
  t.is(master.leader.offers.size, 0)
})

test('an invitation stands outside of sessions', (t) => {
  const { agent } = aStage()
  agent.n += 1
  const [message] = messagesTo(agent.pong(), 'a1')
  t.false('session' in (message ?? {}))
  t.false('n' in (message ?? {}))
})

test('nothing of a session that was replaced is obeyed', (t) => {
  const { master, agent } = aStageWith('t1')
  const { session, n } = agent
  agent.open({}, [])
  agent.session = session
  agent.n = n
  agent.update('t1', 'TASK_RUNNING')
  t.is(master.task('t1')?.state, 'TASK_STAGING')
  t.is(master.counter('agent-messages-foreign'), 1)
})

test('a stranger that speaks without an open is invited, and nothing is kept of it', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master, 'stranger')
  const effects = agent.pong()
  t.deepEqual(ordersTo(effects, 'stranger'), [{ kind: 'invite' }])
  t.is(master.leader.agents.size, 0)
})

test('an agent that opens and never says its pages is forgotten, not lost', (t) => {
  const master = new MasterDriver().leading()
  new FakeAgent(master).open({ pages: 1 })
  master.pass(SILENT_MS)
  t.is(master.leader.agents.size, 0)
  t.deepEqual(
    master.records.map(({ kind }) => kind),
    ['epoch'],
  )
})

test('an agent that speaks no common version is refused by name', (t) => {
  const master = new MasterDriver().leading()
  const effects = new FakeAgent(master).open({ version: { min: 7, max: 9 } })
  t.like(ordersTo(effects, 'a1')[0], { kind: 'not-registered', reason: 'no-common-version' })
  t.is(master.leader.agents.size, 0)
})

test('an agent whose resources make no sense is refused, and may try again', (t) => {
  const master = new MasterDriver().leading()
  const info = {
    hostname: 'host',
    resources: [{ name: 'cpus' }],
    resourcesVersion: 0,
    attributes: [],
  }
  const [order] = ordersTo(new FakeAgent(master).open({ info }), 'a1')
  t.like(order, { kind: 'not-registered', reason: 'malformed-snapshot', retryMs: 30_000 })
})

test('a task whose resources make no sense refuses the snapshot and harms nobody', (t) => {
  const { master } = aStage()
  const agent = new FakeAgent(master, 'a2')
  const effects = agent.open({}, [aHeldTask('t1', { resources: [{ name: 'cpus' }] })])
  t.like(ordersTo(effects, 'a2')[0], { kind: 'not-registered', reason: 'malformed-snapshot' })
  t.is(master.agent('a2').state, 'silent')
  agent.open({}, [aHeldTask('t1')])
  t.is(master.agent('a2').state, 'registered')
})

test('an agent is pinged, and a pong is enough', (t) => {
  const { master, agent } = aStage()
  for (let i = 0; i < 20; i++) {
    t.is(ordersOf(master.pass(AGENT_PING_MS), 'a1', 'ping').length, 1)
    agent.pong()
  }
  t.is(master.agent('a1').state, 'registered')
})

test('an agent that misses its pings is unreachable, once the registry has it', (t) => {
  const { master, framework } = aStage()
  master.isEchoing = true
  master.pass(AGENT_PING_MS * AGENT_PINGS_MISSED_MAX)
  t.is(master.agent('a1').state, 'registered')
  master.holding.add('registry')
  master.pass(AGENT_PING_MS)
  t.is(master.agent('a1').state, 'registered')
  framework.pong()
  const effects = master.release()
  t.is(master.agent('a1').state, 'unreachable')
  t.like(master.records.at(-1), { kind: 'agent-unreachable', agentId: 'a1' })
  t.deepEqual(eventsOf(effects, 'failure'), [
    { kind: 'failure', agentId: master.agent('a1').agentId },
  ])
})

test('pings that nobody answers do not count while the own beats do not come back', (t) => {
  const { master } = aStage()
  master.isEchoing = false
  master.pass(3 * SILENT_MS)
  t.is(master.agent('a1').state, 'registered')
})

test('the tasks of a lost agent are unreachable, and hold nothing', (t) => {
  const { master, framework } = aStageWith('t1')
  for (let i = 0; i < 4; i++) {
    master.pass(SILENT_MS / 4)
    framework.pong()
  }
  t.is(master.task('t1')?.state, 'TASK_UNREACHABLE')
  t.like(statusesOf(master.effects).at(-1), {
    taskId: 't1',
    state: 'TASK_UNREACHABLE',
    reason: 'AGENT_UNREACHABLE',
    source: 'master',
  })
  t.is(master.framework().roles.get('*')?.allocated.size, 0)
})

test('who answers while its loss is being written is not lost, and the registry hears it', (t) => {
  const { master, agent } = aStage()
  master.pass(AGENT_PING_MS * AGENT_PINGS_MISSED_MAX)
  master.holding.add('registry')
  master.pass(AGENT_PING_MS)
  agent.pong()
  master.release()
  t.is(master.agent('a1').state, 'registered')
  t.deepEqual(
    master.records.slice(-2).map(({ kind }) => kind),
    ['agent-unreachable', 'agent-admitted'],
  )
  t.is(ordersOf(master.pass(AGENT_PING_MS), 'a1', 'ping').length, 1)
})

/** The stage with a running task whose agent was lost. */
function aLostAgent() {
  const stage = aStageWith('t1')
  stage.agent.update('t1', 'TASK_RUNNING')
  for (let i = 0; i < 4; i++) {
    stage.master.pass(SILENT_MS / 4)
    stage.framework.pong()
  }
  const launch = stage.master.task('t1')?.launch ?? oldLaunch(9)
  return { ...stage, launch }
}

test('a lost agent that comes back with its task alive is told of', (t) => {
  const { master, agent, launch } = aLostAgent()
  t.is(master.agent('a1').state, 'unreachable')
  const effects = agent.open({}, [aHeldTask('t1', { launch })])
  t.is(master.agent('a1').state, 'registered')
  t.like(statusesOf(effects)[0], { state: 'TASK_RUNNING', reason: 'AGENT_RETURNED' })
  t.is(admissions(master), 2)
  t.deepEqual(ordersOf(effects, 'a1', 'missing'), [])
})

test('a lost agent that comes back without its task is asked for it', (t) => {
  const { master, agent, launch } = aLostAgent()
  const effects = agent.open()
  const ref = { ...aFramework(), taskId: 't1' as TaskId, launch, reported: true }
  t.deepEqual(ordersOf(effects, 'a1', 'missing'), [{ kind: 'missing', tasks: [ref] }])
  const answered = agent.update('t1', 'TASK_GONE')
  t.is(master.task('t1')?.state, 'TASK_GONE')
  t.deepEqual(statusesOf(answered), [])
})

test('a task that was launched and is not in the snapshot is named, and holds on', (t) => {
  const { master, agent } = aStageWith('t1', 't2')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  const effects = agent.open({}, [aHeldTask('t1', { launch, latest: 'TASK_STAGING' })])
  t.deepEqual(
    ordersOf(effects, 'a1', 'missing').flatMap(({ tasks }) => tasks.map(({ taskId }) => taskId)),
    ['t2'] as TaskId[],
  )
  t.is(master.task('t2')?.isHeld, true)
})

test('of a task that the snapshot lacks its agent hears whether it has ever told of it', (t) => {
  const { agent } = aStageWith('t1', 't2')
  agent.update('t1', 'TASK_RUNNING')
  const asked = ordersOf(agent.open(), 'a1', 'missing').flatMap(({ tasks }) => tasks)
  t.deepEqual(
    asked.map(({ taskId, reported }) => [taskId, reported]),
    [
      ['t1' as TaskId, true],
      ['t2' as TaskId, undefined],
    ],
  )
})

test('a terminal task that the snapshot lacks was settled, and is forgotten', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_FINISHED')
  const effects = agent.open()
  t.is(master.task('t1'), undefined)
  t.deepEqual(ordersOf(effects, 'a1', 'missing'), [])
})

test('settled tasks are forgotten, and stay in listings', (t) => {
  const { master, agent } = aStageWith('t1')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  agent.update('t1', 'TASK_FINISHED')
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId: 't1' as TaskId, launch }] })
  t.is(master.task('t1'), undefined)
  t.like(master.ended[0], { taskId: 't1', state: 'TASK_FINISHED' })
})

test('a task is settled by its own agent only, and not before its end', (t) => {
  const { master, agent } = aStageWith('t1', 't2')
  const other = new FakeAgent(master, 'a2')
  other.open()
  const ref = (id: string) => ({
    ...aFramework(),
    taskId: id as TaskId,
    launch: master.task(id)?.launch ?? oldLaunch(9),
  })
  agent.update('t1', 'TASK_FINISHED')
  other.say({ kind: 'settled', tasks: [ref('t1')] })
  agent.say({ kind: 'settled', tasks: [ref('t2')] })
  agent.say({ kind: 'settled', tasks: [{ ...ref('t1'), launch: oldLaunch(9) }] })
  t.deepEqual(master.taskIds(), ['t1', 't2'] as TaskId[])
  t.is(master.counter('settled-before-the-end'), 1)
})

test('a new leader takes over what an agent holds', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open({}, [aHeldTask('t1')])
  t.like(master.task('t1'), { state: 'TASK_RUNNING', isHeld: true, agentId: 'a1' })
  t.is(master.framework().state, 'recovered')
  t.is(master.framework().secretHash, undefined)
})

test('a known agent that does not come back after a takeover is unreachable', (t) => {
  const { master } = aStage()
  master.freeze(3_000)
  master.pass(1_000)
  t.is(master.leader.epoch, 2)
  master.pass(REREGISTER_MS - 2_000)
  t.is(master.agent('a1').state, 'recovering')
  master.pass(3_000)
  t.is(master.agent('a1').state, 'unreachable')
})

test('an agent cannot speak for a task of another agent', (t) => {
  const { master } = aStageWith('t1')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  const other = new FakeAgent(master, 'a2')
  other.open({}, [aHeldTask('t1', { launch, latest: 'TASK_FAILED' })])
  t.is(master.task('t1')?.state, 'TASK_STAGING')
  t.is(master.agent('a2').tasks.size, 0)
})

test('a state that no agent can report makes no task', (t) => {
  const master = new MasterDriver().leading()
  const tasks = [
    aHeldTask('t1', { latest: 'TASK_UNKNOWN' }),
    aHeldTask('t2', { latest: 'TASK_LOST', launch: oldLaunch(2) }),
  ]
  new FakeAgent(master).open({}, tasks)
  t.is(master.framework().tasks.size, 0)
  t.is(master.counter('statuses-illegal'), 2)
})

test('an agent of which more is held than it has is offered to nobody until enough has ended', (t) => {
  const { master, agent, allocator, framework } = aStage()
  const tasks = ['t1', 't2', 't3'].map((id, i) =>
    aHeldTask(id, { resources: cpusMem(2, 1024), launch: oldLaunch(i + 1) }),
  )
  agent.open({}, tasks)
  t.is(master.agent('a1').free.size, 0)
  agent.update('t1', 'TASK_FINISHED')
  t.is(allocator.offer({ resources: cpusMem(1, 64) }).outcome, 'refused')
  agent.update('t2', 'TASK_FINISHED')
  t.is(allocator.offer({ resources: cpusMem(2, 64) }).outcome, 'made')
  t.is(framework.offers.length, 1)
})

test('the ended framework of a returning agent is torn down there, once, and forgotten', (t) => {
  const { master, agent, framework } = aLostAgent()
  framework.call('teardown', {})
  t.deepEqual([...master.framework().unconfirmed], ['a1'])
  const tasks = ['t1', 't2'].map((id, i) => aHeldTask(id, { launch: oldLaunch(i + 1) }))
  const effects = agent.open({}, tasks)
  t.deepEqual(ordersOf(effects, 'a1', 'tear-down'), [{ kind: 'tear-down', ...aFramework() }])
  t.deepEqual(ordersOf(effects, 'a1', 'missing'), [])
  agent.say({ kind: 'torn-down', ...aFramework() })
  t.is(master.leader.frameworks.size, 0)
  t.like(master.records.at(-1), { kind: 'framework-forgotten' })
})

test('an ended framework is torn down at an agent that comes back without its tasks, too', (t) => {
  const { agent, framework } = aLostAgent()
  framework.call('teardown', {})
  const effects = agent.open()
  t.is(ordersOf(effects, 'a1', 'tear-down').length, 1)
  t.deepEqual(ordersOf(effects, 'a1', 'missing'), [])
})

test('an agent that registers again loses its offers: what it has may have changed', (t) => {
  const { master, agent, allocator, framework } = aStage()
  allocator.offer()
  t.is(framework.offers.length, 1)
  const effects = agent.open({
    info: { hostname: 'host', resources: cpusMem(2, 64), resourcesVersion: 4, attributes: [] },
  })
  t.is(eventsOf(effects, 'rescind').length, 1)
  t.deepEqual(
    figuresOf(effects)
      .filter(({ kind }) => kind === 'agent')
      .at(-1),
    {
      kind: 'agent',
      agentId: master.agent('a1').agentId,
      version: master.agent('a1').version,
      free: cpusMem(2, 64),
    },
  )
})

test('the subscriptions of an agent’s frameworks travel with its confirmation', (t) => {
  const { master, agent } = aStage()
  agent.open({ pages: 1 })
  const effects = agent.say({
    kind: 'snapshot-page',
    page: 1,
    last: true,
    tasks: [],
    frameworks: [{ ...aFramework(), subscription: { epoch: 1, count: 1 } }],
  })
  const { subscription } = master.framework()
  t.deepEqual(ordersOf(effects, 'a1', 'registered')[0]?.frameworks, [
    { ...aFramework(), subscription: subscription ?? { epoch: 0, count: 0 } },
  ])
})

test('what a confirmation cannot hold of subscriptions and missing tasks follows it', (t) => {
  const master = new MasterDriver().leading()
  const long = (prefix: string, i: number) => `${prefix}${i}`.padEnd(64, 'x')
  const names = Array.from({ length: 300 }, (_, i) => long('f', i))
  for (const name of names) new FakeFramework(master, name).subscribe()
  const tasks = Array.from({ length: 1_500 }, (_, i) =>
    aHeldTask(long('t', i), { launch: oldLaunch(i + 1), resources: cpusMem(0.001, 1) }),
  )
  const agent = new FakeAgent(master)
  agent.open({}, tasks.slice(0, 700), tasks.slice(700))
  agent.open({ pages: 1 })
  const subscription = { epoch: 1, count: 1 }
  const frameworks = names.map((name) => ({ ...aFramework(name), subscription }))
  const page = { kind: 'snapshot-page', page: 1, last: true, tasks: [], frameworks } as const
  const effects = agent.say({ ...page, tasks: [], frameworks })
  const named = ordersOf(effects, 'a1', 'registered').flatMap((order) => order.frameworks)
  t.is(named.length + ordersOf(effects, 'a1', 'framework-subscribed').length, names.length)
  t.is(ordersOf(effects, 'a1', 'missing').flatMap((order) => order.tasks).length, tasks.length)
})

test('orders are numbered in a row within the session, and say what was heard', (t) => {
  const { master, agent, framework, allocator } = aStage()
  allocator.offer()
  const from = master.effects.length
  framework.accept(framework.offers, aTask('t1'))
  agent.pong()
  framework.call('kill', { taskId: 't1' as TaskId })
  const messages = messagesTo(master.effects.slice(from), 'a1')
  t.deepEqual(
    messages.map(({ session, n, heard, orders }) => [session, n, heard, orders[0]?.kind]),
    [
      [agent.session, 2, 1, 'run'],
      [agent.session, 3, 2, 'kill'],
    ],
  )
})

test('a report that names no session is passed over', (t) => {
  const { master, agent } = aStage()
  const { agentId } = agent
  master.input({ kind: 'agent-reports', agentId, body: { reports: [{ kind: 'pong' }] } })
  t.is(master.counter('reports-without-session'), 1)
  t.is(master.agent('a1').session?.id, agent.session)
})
