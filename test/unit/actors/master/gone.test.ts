/** Agents that operators give up, and those that are forgotten after weeks. */
import test from 'ava'
import type { Effect } from '../../../../actors/master/effects.ts'
import type { AgentId, SessionId, TaskId } from '../../../../protocol/ids.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  LOST_AGENTS_MAX,
  LOST_AGENTS_MS,
  LOST_AGENTS_SWEEP_MS,
} from '../../../../protocol/limits.ts'
import {
  aHeldTask,
  aStage,
  aStageWith,
  aTask,
  FakeAgent,
  FakeFramework,
  live,
  oldLaunch,
  type Stage,
} from '../../../support/master-actors.ts'
import {
  type Answer,
  aBatch,
  aFramework,
  bits,
  effectsOf,
  eventsOf,
  MasterDriver,
  ordersOf,
  statusesOf,
} from '../../../support/master-builders.ts'

/** Long enough for all its pings to be missed. */
const SILENT_MS = AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2)

const READING = {
  taskId: 't1' as TaskId,
  stream: 'stdout',
  offset: 0,
  bytesMax: 10,
  waitMs: 0,
  request: bits<SessionId>(1),
} as const

const giveUp = ({ master }: Pick<Stage, 'master'>, name = 'a1'): Answer =>
  master.operate({ verb: 'mark-gone', body: { agentId: name as AgentId } })

const listed = (master: MasterDriver): unknown => {
  const answer = master.operate({ verb: 'agents', body: {} })
  const { items = [] } = (answer !== undefined && 'ok' in answer ? answer.ok : {}) as {
    items?: { agentId: string; state: string }[]
  }
  return items.map(({ agentId, state }) => `${agentId} ${state}`)
}

const refusals = (effects: readonly Effect[]) => ordersOf(effects, 'a1', 'not-registered')

test('an agent that an operator gives up is written down first; then its tasks are over', (t) => {
  const { master, agent, allocator, framework } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING')
  allocator.offer({ resources: [{ name: 'cpus', scalar: 1 }] })
  master.holding.add('registry')
  t.is(giveUp({ master }), undefined)
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
  t.is(framework.offers.length, 1)
  const effects = master.release()
  t.like(master.records.at(-1), { kind: 'agent-gone', agentId: 'a1' })
  t.is(eventsOf(effects, 'rescind').length, 1)
  t.like(statusesOf(effects), [
    {
      taskId: 't1',
      state: 'TASK_GONE_BY_OPERATOR',
      reason: 'AGENT_REMOVED_BY_OPERATOR',
      source: 'master',
    },
  ])
  t.deepEqual(eventsOf(effects, 'failure'), [{ kind: 'failure', agentId: agent.agentId }])
  const said = effectsOf(effects, 'send-public').map(({ subject }) => subject.what)
  t.deepEqual(said, ['gone-by-operator', 'gone'])
  t.is(effectsOf(effects, 'answer').length, 1)
  t.deepEqual(listed(master), ['a1 gone'])
})

test('an agent that is there when it is given up is told so, as the last word of its session', (t) => {
  const { master, agent } = aStage()
  const from = master.effects.length
  t.deepEqual(giveUp({ master }), { ok: {} })
  const [message, ...more] = effectsOf(master.effects.slice(from), 'send-orders')
  t.like(message?.body, { session: agent.session, orders: [{ reason: 'gone' }] })
  t.deepEqual(more, [])
})

test('an unreachable agent can be given up: its tasks are not awaited any more', (t) => {
  const { master, framework, allocator } = aStageWith('t1')
  live({ master, framework, allocator }, SILENT_MS)
  t.is(master.task('t1')?.state, 'TASK_UNREACHABLE')
  const from = master.effects.length
  giveUp({ master })
  t.like(statusesOf(master.effects.slice(from)), [{ state: 'TASK_GONE_BY_OPERATOR' }])
  t.is(master.framework().tasks.size, 0)
  t.is(master.leader.lost.size, 0)
})

test('a task that had ended keeps its end when its agent is given up', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_FINISHED')
  const from = master.effects.length
  giveUp({ master })
  t.like(statusesOf(master.effects.slice(from)), [{ taskId: 't1', state: 'TASK_FINISHED' }])
})

test('to give an agent up twice is to do it once; one that nobody knows is not found', (t) => {
  const { master } = aStage()
  t.deepEqual(giveUp({ master }), { ok: {} })
  t.deepEqual(giveUp({ master }), { ok: {} })
  t.is(master.records.filter(({ kind }) => kind === 'agent-gone').length, 1)
  t.like(giveUp({ master }, 'a9'), { refused: { name: 'not-found', message: 'no agent a9' } })
})

test('who asks while it is being written is answered with the first', (t) => {
  const { master } = aStage()
  master.holding.add('registry')
  t.is(giveUp({ master }), undefined)
  t.is(giveUp({ master }), undefined)
  const effects = master.release()
  t.is(effectsOf(effects, 'answer').length, 2)
  t.is(master.records.filter(({ kind }) => kind === 'agent-gone').length, 1)
})

test('an agent that comes back after it was given up is refused by name, for good', (t) => {
  const { master, agent } = aStage()
  giveUp({ master })
  const effects = agent.open({ incarnation: 2 }, [aHeldTask('t1')])
  const [order] = refusals(effects)
  t.like(order, { reason: 'gone' })
  t.regex(order?.message ?? '', /^an operator has said that agent a1 will not come back/)
  t.false('retryMs' in (order ?? {}))
  t.is(master.leader.agents.size, 0)
})

test('what a gone agent says in its old session is not heard: it is asked for another', (t) => {
  const { master, agent } = aStage()
  giveUp({ master })
  t.is(ordersOf(agent.pong(), 'a1', 'invite').length, 1)
  t.deepEqual(ordersOf(agent.complain(9), 'a1', 'invite'), [])
  t.is(master.leader.epoch, 1)
})

test('who is gone is gone for every later leader, whatever was written meanwhile', (t) => {
  const stage = aStage()
  giveUp(stage)
  const next = stage.master.successor()
  t.deepEqual(listed(next), ['a1 gone'])
  t.is(refusals(new FakeAgent(next).open({ opens: 9 })).length, 1)
  const agentId = 'a1' as AgentId
  const crossed = new MasterDriver()
  crossed.log.push(
    aBatch(1, 1, { kind: 'agent-admitted', agentId }, { kind: 'agent-gone', agentId, atMs: 7 }),
    aBatch(1, 2, { kind: 'agent-admitted', agentId }, { kind: 'agent-left', agentId }),
    aBatch(1, 3, { kind: 'agent-unreachable', agentId, atMs: 8 }),
  )
  t.deepEqual(listed(crossed.leading()), ['a1 gone'])
})

test('an agent that is lost, or leaves, while it is given up is gone all the same', (t) => {
  const { master, agent } = aStage()
  master.holding.add('registry')
  giveUp({ master })
  agent.say({ kind: 'leaving' })
  master.release()
  t.deepEqual(listed(master), ['a1 gone'])
  t.deepEqual(listed(master.successor()), ['a1 gone'])
  const other = aStage()
  other.master.pass(SILENT_MS - AGENT_PING_MS)
  other.master.holding.add('registry')
  other.master.pass(2 * AGENT_PING_MS)
  giveUp(other)
  other.master.release()
  live({ master: other.master }, SILENT_MS)
  t.deepEqual(listed(other.master), ['a1 gone'])
  t.is(other.master.counter('agent-events-illegal'), 0)
})

test('a torn-down framework is not awaited on an agent that is gone', (t) => {
  const { master, agent, framework } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING')
  framework.call('teardown', {})
  t.is(master.leader.frameworks.size, 1)
  giveUp({ master })
  t.is(master.leader.frameworks.size, 0)
  t.is(master.leader.endedFrameworks.size, 0)
})

test('asked about a task on a gone agent, the leader says that it is gone by an operator', (t) => {
  const { master, framework } = aStage()
  giveUp({ master })
  const from = master.effects.length
  const [taskId, agentId] = ['t9' as TaskId, 'a1' as AgentId]
  framework.call('reconcile', { tasks: [{ taskId, agentId }] })
  t.like(statusesOf(master.effects.slice(from)), [
    { taskId: 't9', state: 'TASK_GONE_BY_OPERATOR', reason: 'RECONCILIATION', agentId: 'a1' },
  ])
  t.like(master.operate({ verb: 'explain', body: { agentId } }), { ok: { state: 'gone' } })
})

test('output of agents that nobody expects is refused otherwise than of those that may come', (t) => {
  const { master, framework, allocator } = aStage()
  new FakeAgent(master, 'a2').open()
  giveUp({ master }, 'a2')
  live({ master, framework, allocator }, SILENT_MS)
  const refused = ['a1', 'a2', 'a3'].map((name) => {
    const agentId = name as AgentId
    const answer = framework.call('read-output', { ...READING, agentId })
    return answer !== undefined && 'refused' in answer ? answer.refused.message : answer
  })
  t.deepEqual(refused, [
    'agent a1 is unreachable',
    'agent a2 was given up by an operator',
    'agent a3 is not registered here',
  ])
})

test('a kill of a task on a gone agent is answered, and not kept for its return', (t) => {
  const { master, framework } = aStage()
  giveUp({ master })
  const from = master.effects.length
  const task = { taskId: 't9' as TaskId, agentId: 'a1' as AgentId }
  framework.call('kill', task)
  t.like(statusesOf(master.effects.slice(from)), [{ taskId: 't9', state: 'TASK_GONE_BY_OPERATOR' }])
  t.is(master.framework().kills.of({ ...task, launch: oldLaunch(1) }), undefined)
})

test('a later leader says so too: of a task on a gone agent, if it is told on which', (t) => {
  const stage = aStageWith('t1')
  giveUp(stage)
  const master = stage.master.successor()
  const framework = new FakeFramework(master)
  framework.subscribe()
  const [taskId, agentId] = ['t1' as TaskId, 'a1' as AgentId]
  const from = master.effects.length
  framework.call('reconcile', { tasks: [{ taskId, agentId }, { taskId }] })
  t.like(statusesOf(master.effects.slice(from)), [
    { taskId, agentId, state: 'TASK_GONE_BY_OPERATOR', reason: 'RECONCILIATION' },
    { taskId, state: 'TASK_UNKNOWN', reason: 'RECONCILIATION' },
  ])
})

test('a later leader forgets the oldest first, whoever came first', (t) => {
  const master = new MasterDriver()
  const facts = (['a1', 'a2', 'a3', 'a4'] as AgentId[]).flatMap((agentId, i) => [
    { kind: 'agent-admitted', agentId } as const,
    { kind: i < 2 ? 'agent-unreachable' : 'agent-gone', agentId, atMs: 10 - i } as const,
  ])
  master.log.push(aBatch(1, 1, ...facts))
  const { lost, gone } = master.leading().leader
  t.deepEqual([...lost], [
    ['a2', 9],
    ['a1', 10],
  ] as [AgentId, number][])
  t.deepEqual([...gone], [
    ['a4', 7],
    ['a3', 8],
  ] as [AgentId, number][])
})

test('unreachable and gone agents are forgotten after two weeks, and only then', (t) => {
  const { master, framework, allocator } = aStageWith('t1')
  const other = new FakeAgent(master, 'a2')
  other.open()
  giveUp({ master }, 'a2')
  live({ master, framework, allocator }, SILENT_MS)
  t.deepEqual(listed(master), ['a1 unreachable', 'a2 gone'])
  const young = LOST_AGENTS_MS - LOST_AGENTS_SWEEP_MS - 2 * SILENT_MS
  master.nowMs += young
  master.leading()
  t.deepEqual(listed(master), ['a1 unreachable', 'a2 gone'])
  master.nowMs += 3 * LOST_AGENTS_SWEEP_MS
  master.leading()
  master.pass(LOST_AGENTS_SWEEP_MS)
  t.deepEqual(listed(master), [])
  const forgotten = master.records.filter(({ kind }) => kind === 'agent-forgotten')
  t.deepEqual(
    new Set(forgotten.map((one) => 'agentId' in one && one.agentId)),
    new Set(['a1', 'a2']),
  )
})

/** What is too old, or too much, is forgotten now. */
function sweep(master: MasterDriver): void {
  master.leader.deadlines.set('lost-agents', master.nowMs, { due: 'lost-agents' })
  master.input({ kind: 'wake' })
}

test('of too many gone agents the oldest are forgotten', (t) => {
  const master = new MasterDriver().leading()
  const { gone } = master.leader
  for (let i = 0; i < LOST_AGENTS_MAX + 2; i++) gone.set(`a${i}` as AgentId, 1e12)
  sweep(master)
  t.is(gone.size, LOST_AGENTS_MAX)
  t.deepEqual([...gone.keys()].slice(0, 1), ['a2' as AgentId])
})

test('an agent that comes back while it is being forgotten is admitted anew', (t) => {
  const { master, agent, framework, allocator } = aStage()
  live({ master, framework, allocator }, SILENT_MS)
  t.is(master.agent('a1').state, 'unreachable')
  master.leader.lost.set(agent.agentId, 0)
  master.holding.add('registry')
  sweep(master)
  agent.open({ incarnation: 2 })
  master.release()
  t.is(master.agent('a1').state, 'registered')
  const kinds = master.records.slice(-2).map(({ kind }) => kind)
  t.deepEqual(kinds, ['agent-forgotten', 'agent-admitted'])
})

test('a task whose agent was forgotten is known by nobody', (t) => {
  const { master, agent, framework, allocator } = aStageWith('t1')
  const { agentId } = agent
  const { taskId = 't1' as TaskId, launch = oldLaunch(9) } = master.task('t1') ?? {}
  live({ master, framework, allocator }, SILENT_MS)
  master.leader.lost.set(agentId, 0)
  sweep(master)
  t.is(master.framework().tasks.size, 0)
  const from = master.effects.length
  framework.call('reconcile', {
    tasks: [
      { taskId, agentId, launch },
      { taskId, agentId },
    ],
  })
  t.like(statusesOf(master.effects.slice(from)), [
    { taskId, state: 'TASK_UNKNOWN' },
    { taskId, state: 'TASK_UNKNOWN' },
  ])
})

test('an offer of an agent that was given up cannot be accepted: its tasks are dropped', (t) => {
  const { master, allocator, framework } = aStage()
  const { offer } = allocator.offer()
  giveUp({ master })
  const from = master.effects.length
  framework.accept([offer?.offerId ?? ''], aTask('t1'))
  t.like(statusesOf(master.effects.slice(from)), [{ taskId: 't1', state: 'TASK_DROPPED' }])
  t.is(master.leader.frameworks.get(`${aFramework().principal}.f1`)?.tasks.size, 0)
})
