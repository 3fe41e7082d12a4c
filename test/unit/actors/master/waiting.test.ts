/** Agents that live and cannot open a session yet: they recover, or their disk is full. */
import test from 'ava'
import type { AgentId } from '../../../../protocol/ids.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  REREGISTER_MS,
} from '../../../../protocol/limits.ts'
import { aStage, FakeAgent, live } from '../../../support/master-actors.ts'
import { MasterDriver, ordersOf } from '../../../support/master-builders.ts'

function waits(master: MasterDriver, name = 'a1', why = 'it recovers') {
  const body = { reports: [{ kind: 'waiting' as const, why }] }
  return master.input({ kind: 'agent-reports', agentId: name as AgentId, body })
}

/** It has not answered the last ping but one. */
const TWO_PINGS_MS = 2.5 * AGENT_PING_MS

test('an agent that waits is asked on, and is not lost for its silence', (t) => {
  const master = new MasterDriver().leading()
  new FakeAgent(master).open()
  master.pass(TWO_PINGS_MS)
  waits(master)
  t.is(master.agent('a1').state, 'silent')
  for (let i = 0; i < 5 * AGENT_PINGS_MISSED_MAX; i++) {
    master.pass(AGENT_PING_MS)
    waits(master)
  }
  t.is(master.agent('a1').state, 'silent')
  master.pass(AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2))
  t.is(master.agent('a1').state, 'unreachable', 'when it is silent, it is lost')
})

test('nothing of an agent that waits is on offer, until it opens a session', (t) => {
  const { master, agent, allocator, framework } = aStage()
  allocator.offer()
  live({ master, framework, allocator }, TWO_PINGS_MS)
  t.true(master.agent('a1').offers.size > 0)
  waits(master)
  t.is(master.agent('a1').offers.size, 0)
  t.is(ordersOf(agent.open(), 'a1', 'registered').length, 1)
  t.is(master.agent('a1').state, 'registered')
})

test('a known agent that waits after a takeover is waited for', (t) => {
  const { master } = aStage()
  master.freeze(3_000)
  master.pass(1_000)
  t.is(master.agent('a1').state, 'recovering')
  master.pass(REREGISTER_MS - 2_000)
  waits(master)
  master.pass(REREGISTER_MS - 1_000)
  t.is(master.agent('a1').state, 'recovering')
  master.pass(2_000)
  t.is(master.agent('a1').state, 'unreachable')
})

test('who is not known, or is unreachable, is not there for saying that it waits', (t) => {
  const master = new MasterDriver().leading()
  waits(master, 'a9')
  t.false(master.leader.agents.has('a9' as AgentId))
  new FakeAgent(master).open()
  master.pass(AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2))
  waits(master)
  t.is(master.agent('a1').state, 'unreachable')
})

/** So long passes, and the agent says within each second that it waits. */
function goOn(master: MasterDriver, ms: number): void {
  for (let left = ms; left > 0; left -= 1_000) {
    master.pass(1_000)
    waits(master)
  }
}

test('an agent that answers and never opens a session is lost like one that does not return', (t) => {
  const master = new MasterDriver().leading()
  new FakeAgent(master).open()
  goOn(master, REREGISTER_MS - 1_000)
  t.is(master.agent('a1').state, 'silent')
  goOn(master, AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 5))
  t.is(master.agent('a1').state, 'unreachable')
})

test('how long an agent waited is forgotten when it is back', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open()
  goOn(master, REREGISTER_MS / 2)
  agent.open({ incarnation: 2 })
  goOn(master, REREGISTER_MS / 2 + AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2))
  t.is(master.agent('a1').state, 'silent')
})

test('who is heard keeps its session, whoever says under its id that it waits', (t) => {
  const master = new MasterDriver().leading()
  const agent = new FakeAgent(master)
  agent.open()
  for (let s = 0; s < 60; s++) {
    agent.pong()
    waits(master, 'a1', 'the disk of another one is full')
    master.pass(1_000)
    waits(master, 'a1', 'the disk of another one is full')
  }
  t.is(master.agent('a1').state, 'registered')
  t.is(master.agent('a1').session?.id, agent.session)
  t.true(master.counter('waits-unbelieved') > 100)
})
