/** Who is back in time is back, also if the registry writes it down later. */
import test from 'ava'
import type { InstanceId } from '../../../../protocol/ids.ts'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import { aRegister, aStage, aStageWith, FakeAgent, live } from '../../../support/master-actors.ts'
import { ordersOf } from '../../../support/master-builders.ts'

const FAILOVER_MS = 60_000
/** Until a framework that says nothing is away, and a part of its failover is over. */
const AWAY_MS = 40_000

test('a framework whose return waits for the registry is not ended meanwhile', (t) => {
  const { master, agent, framework, allocator } = aStageWith('t1')
  framework.subscribe({ failoverMs: FAILOVER_MS })
  agent.update('t1', 'TASK_RUNNING')
  live({ master, agent, allocator }, AWAY_MS)
  t.is(master.framework().state, 'away')
  master.holding.add('registry')
  framework.subscribe({ failoverMs: FAILOVER_MS, name: 'version 2' })
  live({ master, agent, allocator, framework }, 2 * FAILOVER_MS)
  t.is(master.framework().state, 'away')
  const from = master.effects.length
  master.release('done')
  live({ master, agent, allocator, framework }, 10_000)
  t.is(master.framework().state, 'subscribed')
  t.deepEqual(ordersOf(master.effects.slice(from), 'a1', 'tear-down'), [])
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
})

test('one that was not back is ended when the registry writes again', (t) => {
  const { master, agent, framework, allocator } = aStageWith('t1')
  framework.subscribe({ failoverMs: FAILOVER_MS })
  live({ master, agent, allocator }, AWAY_MS)
  master.holding.add('registry')
  live({ master, agent, allocator }, 2 * FAILOVER_MS)
  t.is(master.framework().state, 'away')
  master.release('done')
  t.is(master.framework().state, 'ended')
})

test('another instance that takes over while the disk of the leader is full has the tasks', (t) => {
  const { master, agent, allocator, framework } = aStageWith('t1')
  const terms = { leaseMs: 10_000, failoverMs: 20_000 }
  framework.call('hand-over', {})
  framework.subscribe({ ...terms, instance: 'one' as InstanceId })
  agent.update('t1', 'TASK_RUNNING')
  live({ master, agent, allocator, framework }, 3_000)
  master.isDiskFull = true
  live({ master, agent, allocator }, 16_000)
  framework.subscribe({ ...terms, instance: 'two' as InstanceId })
  live({ master, agent, allocator }, 45_000)
  t.is(master.framework().state, 'away')
  master.isDiskFull = false
  live({ master, agent, allocator }, 1_000)
  t.is(master.framework().state, 'subscribed')
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
})

test('an agent whose admission waits for the registry is not lost when it is there', (t) => {
  const { master, framework, allocator } = aStage()
  master.holding.add('registry')
  const other = new FakeAgent(master, 'a2')
  other.open()
  for (let pings = 0; pings < AGENT_PINGS_MISSED_MAX + 2; pings++) {
    live({ master, framework, allocator }, AGENT_PING_MS)
    other.sayNumbered(1, aRegister())
  }
  t.is(master.agent('a2').state, 'opening')
  master.release('done')
  t.is(master.agent('a2').state, 'registered')
})
