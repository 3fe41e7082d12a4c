/** Agents that go with many tasks: what becomes of these is a part of each turn. */
import test from 'ava'
import type { Effect } from '../../../../actors/master/effects.ts'
import type { AgentId, TaskId } from '../../../../protocol/ids.ts'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import type { HeldTask } from '../../../../protocol/schema/master.ts'
import {
  aHeldTask,
  aRegister,
  cpusMem,
  FakeAgent,
  FakeAllocator,
  FakeFramework,
  live,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  type Answer,
  aFramework,
  effectsOf,
  eventsOf,
  MasterDriver,
  ordersOf,
  statusesOf,
} from '../../../support/master-builders.ts'

/** More than are seen to in two turns. */
const MANY = 450
/** What one turn may see to, at most. */
const TURN_MAX = 150
/** Long enough for all pings to be missed. */
const SILENT_MS = AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2)

const LARGE = { ...aRegister().info, resources: cpusMem(1_000, 1_000_000) }

const idsOf = (name: string, count: number): readonly TaskId[] =>
  Array.from({ length: count }, (_, i) => `${name}-t${i}` as TaskId)

/** The last is taken over first: so they are known in the order of their ids. */
const heldBy = (name: string, count: number): readonly HeldTask[] =>
  idsOf(name, count)
    .map((id, i) => aHeldTask(id, { launch: oldLaunch(i + 1) }))
    .toReversed()

/** Agents with so many running tasks each, of one framework; from here on nothing is flushed. */
function aCrowd(...counts: readonly number[]) {
  const master = new MasterDriver().leading()
  const allocator = new FakeAllocator(master)
  allocator.open()
  const framework = new FakeFramework(master)
  framework.subscribe()
  const agents = counts.map((count, i) => {
    const agent = new FakeAgent(master, `a${i + 1}`)
    agent.open({ info: LARGE }, heldBy(agent.agentId, count))
    return agent
  })
  return { master, allocator, framework, agents, agent: agents[0] as FakeAgent }
}

type Crowd = ReturnType<typeof aCrowd>

const giveUp = (master: MasterDriver, name = 'a1'): Answer =>
  master.operate({ verb: 'mark-gone', body: { agentId: name as AgentId } })

/** All of them have missed their pings, and the registry has it; no turn has ended since. */
function loseAll({ master, framework, allocator }: Crowd): void {
  master.holding.add('registry')
  live({ master, framework, allocator }, SILENT_MS)
  master.isFlushing = false
  master.release()
}

/** What the framework hears of its tasks, turn by turn, until nothing is left to be said. */
function turnsOf(master: MasterDriver): readonly (readonly TaskId[])[] {
  const turns: TaskId[][] = []
  for (let said = master.endTurn(); said !== undefined; said = master.endTurn())
    turns.push(statusesOf(said).map(({ taskId }) => taskId))
  return turns
}

const words = (effects: readonly Effect[]): readonly string[] =>
  effectsOf(effects, 'send-public').map(({ subject }) => `${subject.kind}.${subject.what}`)

const listed = (master: MasterDriver, verb: 'agents' | 'tasks') => {
  const answer = master.operate({ verb, body: {} })
  const { items } = (answer !== undefined && 'ok' in answer ? answer.ok : {}) as {
    items: readonly { state: string; taskId?: string; agentId: string }[]
  }
  return items
}

test('the tasks of an agent that is given up end in turns; who asked is answered first', (t) => {
  const { master } = aCrowd(MANY)
  master.isFlushing = false
  const from = master.effects.length
  t.deepEqual(giveUp(master), { ok: {} })
  t.deepEqual(statusesOf(master.effects.slice(from)), [])
  const turns = turnsOf(master)
  t.true(turns.every((told) => told.length <= TURN_MAX))
  t.deepEqual(turns.flat(), idsOf('a1', MANY))
  t.is(master.framework().tasks.size, 0)
  t.is(master.leader.agents.size, 0)
  const effects = master.effects.slice(from)
  t.deepEqual(eventsOf(effects, 'failure'), [{ kind: 'failure', agentId: 'a1' as AgentId }])
  t.is(words(effects).at(-1), 'agent.gone')
})

test('the tasks of a lost agent are unreachable in turns, and then it is said to be', (t) => {
  const crowd = aCrowd(MANY)
  const { master } = crowd
  loseAll(crowd)
  const from = master.effects.length
  t.is(master.agent('a1').state, 'unreachable')
  const turns = turnsOf(master)
  t.true(turns.every((told) => told.length <= TURN_MAX))
  t.deepEqual(turns.flat(), idsOf('a1', MANY))
  t.true([...master.framework().tasks.values()].every((one) => one.state === 'TASK_UNREACHABLE'))
  t.deepEqual(master.framework().roles.get('*')?.allocated, new Map())
  const effects = master.effects.slice(from)
  t.is(eventsOf(effects, 'failure').length, 1)
  t.is(words(effects).at(-1), 'agent.unreachable')
})

test('of an agent that is back in the middle the other tasks were never lost', (t) => {
  const crowd = aCrowd(MANY)
  const { master, agent } = crowd
  loseAll(crowd)
  const told = statusesOf(master.endTurn() ?? [])
  t.true(told.length > 0 && told.length < MANY)
  const from = master.effects.length
  agent.open({ info: LARGE }, heldBy('a1', MANY))
  t.is(master.agent('a1').state, 'registered')
  turnsOf(master)
  const said = statusesOf(master.effects.slice(from))
  t.deepEqual(
    said.map(({ taskId, state }) => `${taskId} ${state}`),
    told.map(({ taskId }) => `${taskId} TASK_RUNNING`),
  )
  t.true([...master.framework().tasks.values()].every((one) => one.state === 'TASK_RUNNING'))
  t.is(master.leader.partings.size, 0)
})

test('while an agent that is back shows what it holds, the others are lost on', (t) => {
  const crowd = aCrowd(MANY)
  const { master, agent } = crowd
  loseAll(crowd)
  master.endTurn()
  agent.open({ info: LARGE, pages: 1 })
  turnsOf(master)
  t.is(master.agent('a1').state, 'opening')
  t.true([...master.framework().tasks.values()].every((one) => one.state === 'TASK_UNREACHABLE'))
  master.isFlushing = true
  const effects = agent.page(1, true, heldBy('a1', MANY))
  t.is(statusesOf(effects).filter(({ state }) => state === 'TASK_RUNNING').length, MANY)
})

test('who is lost a second time in the middle is told of once', (t) => {
  const crowd = aCrowd(MANY)
  const { master, agent, framework, allocator } = crowd
  loseAll(crowd)
  const from = master.effects.length
  master.endTurn()
  agent.open({ info: LARGE, pages: 1 })
  // Its deadlines are looked at, and no turn ends.
  live({ master, framework, allocator }, SILENT_MS)
  t.is(master.agent('a1').state, 'unreachable')
  turnsOf(master)
  const told = statusesOf(master.effects.slice(from)).map(({ taskId }) => taskId)
  t.deepEqual(told, idsOf('a1', MANY))
  t.is(master.counter('statuses-illegal'), 0)
})

test('an agent that is given up while it is lost is gone, with all its tasks', (t) => {
  const crowd = aCrowd(MANY)
  const { master } = crowd
  loseAll(crowd)
  const lost = statusesOf(master.endTurn() ?? [])
  t.deepEqual(giveUp(master), { ok: {} })
  const from = master.effects.length
  turnsOf(master)
  const told = statusesOf(master.effects.slice(from))
  t.true(lost.every(({ state }) => state === 'TASK_UNREACHABLE'))
  t.true(told.every(({ state }) => state === 'TASK_GONE_BY_OPERATOR'))
  t.deepEqual(
    told.map(({ taskId }) => taskId),
    idsOf('a1', MANY),
  )
  t.deepEqual(
    listed(master, 'agents').map(({ state }) => state),
    ['gone'],
  )
})

test('of two agents that go at once the one with few tasks does not wait for the other', (t) => {
  const { master } = aCrowd(MANY, 20)
  master.isFlushing = false
  giveUp(master, 'a1')
  giveUp(master, 'a2')
  const first = statusesOf(master.endTurn() ?? []).map(({ taskId }) => taskId)
  t.true(idsOf('a2', 20).every((taskId) => first.includes(taskId)))
  t.deepEqual([...master.leader.agents.keys()], ['a1' as AgentId])
  const turns = [first, ...turnsOf(master)]
  t.true(turns.every((told) => told.length <= TURN_MAX))
  const all = turns.flat()
  t.deepEqual(all.toSorted(), [...idsOf('a1', MANY), ...idsOf('a2', 20)].sort())
})

test('while its tasks end, an agent is gone for whoever asks, and so are they', (t) => {
  const { master, framework, agent } = aCrowd(MANY)
  master.isFlushing = false
  giveUp(master)
  master.endTurn()
  t.deepEqual(
    listed(master, 'agents').map(({ agentId, state }) => `${agentId} ${state}`),
    ['a1 gone'],
  )
  t.true(listed(master, 'tasks').every(({ state }) => state === 'TASK_GONE_BY_OPERATOR'))
  const taskId = `a1-t${MANY - 1}` as TaskId
  t.is(master.task(taskId)?.state, 'TASK_RUNNING')
  const explained = master.operate({
    verb: 'explain',
    body: { task: { ...aFramework(), taskId } },
  })
  t.like(explained, {
    ok: {
      state: 'TASK_GONE_BY_OPERATOR',
      agentState: 'gone',
      status: { state: 'TASK_GONE_BY_OPERATOR', source: 'master' },
    },
  })
  const from = master.effects.length
  framework.call('reconcile', { tasks: [{ taskId, agentId: agent.agentId }] })
  framework.call('reconcile', { tasks: [] })
  turnsOf(master)
  const told = statusesOf(master.effects.slice(from)).filter((status) => status.taskId === taskId)
  t.like(told, [{ state: 'TASK_GONE_BY_OPERATOR', reason: 'AGENT_REMOVED_BY_OPERATOR' }])
  t.is(told.length, 1)
})

test('of a task that nobody knows a gone agent is answered for at once', (t) => {
  const { master, framework, agent } = aCrowd(MANY)
  master.isFlushing = false
  giveUp(master)
  framework.call('reconcile', { tasks: [{ taskId: 't9' as TaskId, agentId: agent.agentId }] })
  const told = statusesOf(master.endTurn() ?? [])
  t.like(
    told.filter(({ taskId }) => taskId === 't9'),
    [{ state: 'TASK_GONE_BY_OPERATOR', reason: 'RECONCILIATION' }],
  )
})

test('while the tasks of a lost agent are told of, the others are listed as lost, too', (t) => {
  const crowd = aCrowd(MANY)
  const { master, framework, agent } = crowd
  loseAll(crowd)
  master.endTurn()
  t.true(listed(master, 'tasks').every(({ state }) => state === 'TASK_UNREACHABLE'))
  const from = master.effects.length
  const [first, last] = [`a1-t0`, `a1-t${MANY - 1}`] as TaskId[] as [TaskId, TaskId]
  const { agentId } = agent
  framework.call('reconcile', { tasks: [first, last].map((taskId) => ({ taskId, agentId })) })
  turnsOf(master)
  const of = (taskId: TaskId) =>
    statusesOf(master.effects.slice(from)).filter((status) => status.taskId === taskId)
  t.like(of(first), [{ state: 'TASK_UNREACHABLE', reason: 'RECONCILIATION' }])
  t.like(of(last), [{ state: 'TASK_UNREACHABLE', reason: 'AGENT_UNREACHABLE' }])
})

test('an agent that comes back while it is given up is refused as gone', (t) => {
  const { master, agent } = aCrowd(MANY)
  master.isFlushing = false
  giveUp(master)
  master.endTurn()
  const [order] = ordersOf(agent.open({ incarnation: 2 }, heldBy('a1', 3)), 'a1', 'not-registered')
  t.like(order, { reason: 'gone' })
  t.false('retryMs' in (order ?? {}))
  turnsOf(master)
  t.is(master.leader.agents.size, 0)
  t.is(master.counter('agent-events-illegal'), 0)
})

test('an agent of an id whose tasks are ending is asked to come again, and is a new one then', (t) => {
  const { master, agent } = aCrowd(MANY)
  master.isFlushing = false
  agent.say({ kind: 'leaving' })
  master.endTurn()
  const again = new FakeAgent(master)
  const said = again.open({}, [aHeldTask('t1')])
  const [order] = ordersOf(said, 'a1', 'not-registered')
  t.like(order, { reason: 'taken' })
  t.true((order?.retryMs ?? 0) > 0)
  t.deepEqual(ordersOf(said, 'a1', 'invite'), [])
  turnsOf(master)
  t.is(statusesOf(master.effects).length, MANY)
  t.is(master.leader.agents.size, 0)
  master.isFlushing = true
  again.open({ info: LARGE }, [aHeldTask('t1')])
  t.is(master.agent('a1').state, 'registered')
  t.deepEqual(master.taskIds(), ['t1' as TaskId])
})

test('an agent that is lost while it is given up is not written down as lost', (t) => {
  const crowd = aCrowd(MANY)
  const { master, framework, allocator } = crowd
  master.holding.add('registry')
  live({ master, framework, allocator }, SILENT_MS)
  giveUp(master)
  master.isFlushing = false
  master.release()
  live({ master, framework, allocator }, SILENT_MS)
  turnsOf(master)
  const kinds = master.records.map(({ kind }) => kind).filter((kind) => kind.startsWith('agent'))
  t.deepEqual(kinds, ['agent-admitted', 'agent-unreachable', 'agent-gone'])
  t.is(master.leader.agents.size, 0)
  t.is(master.counter('agent-events-illegal'), 0)
})

test('a leader that is lost in the middle leaves the next one all that is to be said', (t) => {
  const { master } = aCrowd(MANY)
  master.isFlushing = false
  giveUp(master)
  master.endTurn()
  const taskId = `a1-t${MANY - 1}` as TaskId
  t.is(master.task(taskId)?.state, 'TASK_RUNNING')
  const next = master.successor()
  const framework = new FakeFramework(next)
  framework.subscribe()
  const from = next.effects.length
  framework.call('reconcile', { tasks: [{ taskId, agentId: 'a1' as AgentId }] })
  t.like(statusesOf(next.effects.slice(from)), [{ taskId, state: 'TASK_GONE_BY_OPERATOR' }])
  const back = new FakeAgent(next).open({ opens: 9 }, heldBy('a1', 1))
  t.like(ordersOf(back, 'a1', 'not-registered'), [{ reason: 'gone' }])
})

test('and of a lost agent: it is unreachable, and comes back with all of its tasks', (t) => {
  const crowd = aCrowd(MANY)
  loseAll(crowd)
  crowd.master.endTurn()
  const taskId = `a1-t${MANY - 1}` as TaskId
  const next = crowd.master.successor()
  t.is(next.agent('a1').state, 'unreachable')
  const framework = new FakeFramework(next)
  framework.subscribe()
  const from = next.effects.length
  framework.call('reconcile', { tasks: [{ taskId, agentId: 'a1' as AgentId }] })
  t.like(statusesOf(next.effects.slice(from)), [{ taskId, state: 'TASK_UNREACHABLE' }])
  new FakeAgent(next).open({ info: LARGE, opens: 9 }, heldBy('a1', MANY))
  t.true([...next.framework().tasks.values()].every(({ state }) => state === 'TASK_RUNNING'))
  t.is(next.framework().tasks.size, MANY)
})

test('a master that leads no more says nothing of what was left', (t) => {
  const { master } = aCrowd(MANY)
  master.isFlushing = false
  giveUp(master)
  master.endTurn()
  master.input({ kind: 'resign' })
  t.false(master.isLeading)
  t.deepEqual(turnsOf(master).flat(), [])
})

test('a framework that ends in the middle is forgotten behind the last task', (t) => {
  const { master, framework } = aCrowd(MANY)
  master.isFlushing = false
  giveUp(master)
  master.endTurn()
  framework.call('teardown', {})
  t.is(master.framework().state, 'ended')
  const from = master.effects.length
  turnsOf(master)
  t.is(master.leader.frameworks.size, 0)
  t.like(master.records.at(-1), { kind: 'framework-forgotten' })
  t.true(words(master.effects.slice(from)).includes('task.killed'))
})

test('the tasks of an agent that is forgotten are forgotten in turns, and nothing is said', (t) => {
  const crowd = aCrowd(MANY)
  const { master, agent } = crowd
  loseAll(crowd)
  turnsOf(master)
  master.leader.lost.set(agent.agentId, 0)
  master.leader.deadlines.set('lost-agents', master.nowMs, { due: 'lost-agents' })
  const from = master.effects.length
  master.input({ kind: 'wake' })
  t.is(master.leader.partings.size, 1)
  master.endTurn()
  const { size } = master.framework().tasks
  t.true(size < MANY && MANY - size <= TURN_MAX)
  turnsOf(master)
  t.is(master.framework().tasks.size, 0)
  t.is(master.leader.agents.size, 0)
  t.deepEqual(statusesOf(master.effects.slice(from)), [])
})
