/** Agents that say that they stop: for a while, or for good. */
import test from 'ava'
import type { TaskId } from '../../../../protocol/ids.ts'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import {
  aHeldTask,
  aRegister,
  aStage,
  aStageWith,
  aTask,
  FakeAgent,
  live,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  aFramework,
  eventsOf,
  figuresOf,
  MasterDriver,
  ordersOf,
  statusesOf,
} from '../../../support/master-builders.ts'

/** Long enough for all its pings to be missed. */
const SILENT_MS = AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2)

const STOPPING = { kind: 'stopping' } as const
const LEAVING = { kind: 'leaving' } as const

const agentsOf = (master: MasterDriver): unknown => master.operate({ verb: 'agents', body: {} })

test('the offers of an agent that stops are rescinded at once, and nothing more of it is offered', (t) => {
  const { master, agent, allocator, framework } = aStage()
  const { offer } = allocator.offer()
  const effects = agent.say(STOPPING)
  t.is(eventsOf(effects, 'rescind').length, 1)
  t.deepEqual(figuresOf(effects).filter(({ kind }) => kind === 'agent-gone').length, 1)
  t.is(allocator.offer().outcome, 'refused')
  t.like(agentsOf(master), { ok: { items: [{ agentId: 'a1', state: 'stopped' }] } })
  framework.accept([offer?.offerId ?? ''], aTask('t1'))
  t.is(master.leader.frameworks.get('local.f1')?.tasks.size, 0)
})

test('an accept of what an agent offered before it stopped starts nothing, and says so', (t) => {
  const { agent, allocator, framework, master } = aStage()
  const { offer } = allocator.offer()
  agent.say(STOPPING)
  const from = master.effects.length
  framework.accept([offer?.offerId ?? ''], aTask('t1'))
  t.like(statusesOf(master.effects.slice(from)), [{ taskId: 't1', state: 'TASK_DROPPED' }])
})

test('the tasks of an agent that stops run on, until it is away for too long', (t) => {
  const { master, agent, framework, allocator } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING')
  agent.say(STOPPING)
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
  live({ master, framework, allocator }, SILENT_MS)
  t.is(master.agent('a1').state, 'unreachable')
  t.is(master.task('t1')?.state, 'TASK_UNREACHABLE')
  t.like(master.operate({ verb: 'tasks', body: {} }), {
    ok: { items: [{ taskId: 't1', message: 'agent a1 does not answer' }] },
  })
})

test('a launch that crossed the stop is missing when the agent is back', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.say(STOPPING)
  const effects = agent.open({ incarnation: 2 })
  t.is(master.agent('a1').state, 'registered')
  const [missing] = ordersOf(effects, 'a1', 'missing')
  t.deepEqual(
    missing?.tasks.map(({ taskId }) => taskId),
    ['t1' as TaskId],
  )
})

test('an agent that was stopped is not brought back by a late copy of its open', (t) => {
  const { master, agent } = aStage()
  agent.say(STOPPING)
  agent.n = 0
  agent.session = 'a'.repeat(16) as typeof agent.session
  agent.say(aRegister())
  t.is(master.agent('a1').state, 'stopped')
  t.is(master.counter('registrations-late'), 1)
})

test('a stop counts only in the session that is confirmed, and with its next number', (t) => {
  const { master, agent } = aStage()
  const { session, n } = agent
  agent.session = 'b'.repeat(16) as typeof agent.session
  agent.say(LEAVING)
  t.is(master.agent('a1').state, 'registered')
  t.is(master.counter('agent-messages-foreign'), 1)
  agent.session = session
  agent.sayNumbered(n, LEAVING)
  t.is(master.agent('a1').state, 'registered')
  t.is(master.counter('agent-messages-repeated'), 1)
})

test('what is said after the last word is not heard', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_FINISHED')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  const tasks = [{ ...aFramework(), taskId: 't1' as TaskId, launch }]
  agent.say(STOPPING, { kind: 'settled', tasks })
  t.is(master.agent('a1').tasks.size, 1)
})

test('an agent that leaves is forgotten when the registry has heard of it', (t) => {
  const { master, agent, allocator } = aStage()
  allocator.offer()
  master.holding.add('registry')
  t.is(eventsOf(agent.say(LEAVING), 'rescind').length, 1)
  t.like(agentsOf(master), { ok: { items: [{ agentId: 'a1', state: 'leaving' }] } })
  const effects = master.release()
  t.deepEqual(agentsOf(master), { ok: { items: [] } })
  t.deepEqual(eventsOf(effects, 'failure'), [{ kind: 'failure', agentId: agent.agentId }])
  t.like(master.records.at(-1), { kind: 'agent-left', agentId: 'a1' })
  t.is(master.leader.absent.size, 0)
  master.pass(SILENT_MS)
  t.is(master.leader.agents.size, 0)
})

test('the tasks of an agent that has left are gone; of one that had ended it is said how', (t) => {
  const { master, agent } = aStageWith('t1', 't2')
  agent.update('t1', 'TASK_RUNNING')
  agent.update('t2', 'TASK_FINISHED')
  const effects = agent.say(LEAVING)
  const message = 'agent a1 was stopped for good'
  t.like(
    statusesOf(effects).filter(({ taskId }) => taskId === 't1'),
    [{ state: 'TASK_GONE', reason: 'AGENT_REMOVED', message }],
  )
  t.like(
    statusesOf(effects).filter(({ taskId }) => taskId === 't2'),
    [{ state: 'TASK_FINISHED', reason: 'RECONCILIATION' }],
  )
  t.is(master.framework().tasks.size, 0)
})

test('an ended framework waits no longer for an agent that has left', (t) => {
  const { master, agent, framework } = aStageWith('t1')
  framework.call('teardown', {})
  t.deepEqual([...master.framework().unconfirmed], ['a1'])
  agent.say(LEAVING)
  t.is(master.leader.frameworks.size, 0)
  t.like(master.records.at(-1), { kind: 'framework-forgotten' })
  t.like(master.ended[0], { taskId: 't1', state: 'TASK_KILLED' })
})

test('nor for one that has left, comes back, and falls silent before it has said what it holds', (t) => {
  const { master, agent, framework } = aStageWith('t1')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  framework.call('teardown', {})
  agent.update('t1', 'TASK_KILLED')
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId: 't1' as TaskId, launch }] })
  t.is(master.agent('a1').tasks.size, 0)
  master.holding.add('registry')
  agent.say(LEAVING)
  agent.open({ incarnation: 2, pages: 1 })
  master.release()
  t.deepEqual([...master.framework().unconfirmed], ['a1'])
  master.pass(SILENT_MS)
  t.is(master.leader.agents.size, 0)
  t.is(master.leader.frameworks.size, 0)
})

test('an agent that is back before the registry has heard of its leaving is a new one', (t) => {
  const { master, agent } = aStageWith('t1')
  master.holding.add('registry')
  agent.say(LEAVING)
  agent.open({ incarnation: 2 })
  t.is(master.agent('a1').state, 'opening')
  master.release()
  t.is(master.agent('a1').state, 'registered')
  t.deepEqual(
    master.records.map(({ kind }) => kind).filter((kind) => kind.startsWith('agent')),
    ['agent-admitted', 'agent-left', 'agent-admitted'],
  )
  t.is(master.task('t1')?.state, 'TASK_STAGING')
})

test('an agent of the same id may begin anew after it has left', (t) => {
  const { master, agent } = aStage()
  agent.say(LEAVING)
  const again = new FakeAgent(master)
  again.open()
  t.is(master.agent('a1').state, 'registered')
})

test('who leaves before all of its snapshot was heard is only stopped', (t) => {
  const { master } = aStage()
  const agent = new FakeAgent(master, 'a2')
  agent.open({ pages: 2 })
  agent.page(1, false, [aHeldTask('t1')])
  agent.say(LEAVING)
  t.is(master.agent('a2').state, 'stopped')
  live({ master }, SILENT_MS)
  t.false(master.leader.agents.has(agent.agentId))
})

test('a leader that takes over knows nothing of agents that have left', (t) => {
  const { master, agent } = aStage()
  new FakeAgent(master, 'a2').open()
  agent.say(LEAVING)
  const next = new MasterDriver()
  next.log.push(...master.log)
  next.diskEpoch = 1
  next.setRecord({ ...(master.record as NonNullable<typeof master.record>) })
  next.pass(60_000)
  t.true(next.isLeading)
  t.deepEqual([...next.leader.agents.keys()], ['a2'])
  t.deepEqual([...next.leader.absent], ['a2'])
})

test('an agent that was given up while it left is not lost as well', (t) => {
  const { master, agent, framework, allocator } = aStageWith('t1')
  master.holding.add('registry')
  live({ master, framework, allocator }, SILENT_MS)
  t.is(master.agent('a1').state, 'registered')
  agent.say(LEAVING)
  master.release()
  t.is(master.leader.agents.size, 0)
  t.is(master.records.at(-1)?.kind, 'agent-left')
  master.pass(SILENT_MS)
  t.is(master.leader.agents.size, 0)
})
