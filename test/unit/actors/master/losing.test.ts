/** How many agents become unreachable at once. */
import test from 'ava'
import type { RemovalLimit } from '../../../../actors/master/agents/membership.ts'
import type { AgentId } from '../../../../protocol/ids.ts'
import {
  AGENT_PING_MS,
  AGENT_PINGS_MISSED_MAX,
  REREGISTER_MS,
} from '../../../../protocol/limits.ts'
import { FakeAgent } from '../../../support/master-actors.ts'
import { aBatch, effectsOf, MasterDriver, RULES } from '../../../support/master-builders.ts'

/** Long enough for all pings to be missed. */
const SILENT_MS = AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2)
const MINUTE_MS = 60_000

const limited = (agentRemovals: RemovalLimit): MasterDriver =>
  new MasterDriver({ rules: { ...RULES, agentRemovals } })

const TWO_A_MINUTE: RemovalLimit = { perMs: MINUTE_MS, part: 0, least: 2 }

function crowd(master: MasterDriver, count: number): readonly FakeAgent[] {
  const agents = Array.from({ length: count }, (_, i) => new FakeAgent(master, `a${i}`))
  for (const agent of agents) agent.open()
  return agents
}

test('of agents that fall silent together only so many are unreachable in a minute', (t) => {
  const master = limited(TWO_A_MINUTE).leading()
  crowd(master, 5)
  master.pass(SILENT_MS)
  t.is(master.leader.lost.size, 2)
  master.pass(MINUTE_MS)
  t.is(master.leader.lost.size, 4)
  master.pass(MINUTE_MS)
  t.is(master.leader.lost.size, 5)
  t.is(master.leader.removals.waiting.size, 0)
})

test('an agent that answers while it waits for its turn is not lost', (t) => {
  const master = limited(TWO_A_MINUTE).leading()
  const agents = crowd(master, 5)
  master.pass(SILENT_MS)
  const waiting = agents.filter(({ agentId }) => !master.leader.lost.has(agentId))
  t.is(waiting.length, 3)
  for (let s = 0; s < 130; s++) {
    for (const agent of waiting) agent.pong()
    master.pass(1_000)
  }
  t.is(master.leader.lost.size, 2)
  for (const { agentId } of waiting) t.is(master.agent(agentId).state, 'registered')
})

test('those that wait are asked on, and the log says once how many there are', (t) => {
  const master = limited(TWO_A_MINUTE).leading()
  crowd(master, 5)
  master.pass(SILENT_MS)
  const from = master.effects.length
  master.pass(MINUTE_MS / 2)
  const pings = effectsOf(master.effects.slice(from), 'send-orders').filter(({ body }) =>
    body.orders.some(({ kind }) => kind === 'ping'),
  )
  t.true(pings.length >= 3 * 5)
  const said = effectsOf(master.effects, 'log').filter(({ message }) => /silent/.test(message))
  t.deepEqual(
    said.map(({ fields }) => fields),
    [{ waiting: 3, most: 2, perMs: MINUTE_MS }],
  )
})

test('a part of many agents is more than the least: a rack that dies is lost at once', (t) => {
  const master = limited({ perMs: MINUTE_MS, part: 0.5, least: 2 }).leading()
  const agents = crowd(master, 20)
  for (let s = 0; s < SILENT_MS / 1_000; s++) {
    for (const agent of agents.slice(8)) agent.pong()
    master.pass(1_000)
  }
  t.is(master.leader.lost.size, 8)
})

test('after a takeover those that do not come back are lost no faster', (t) => {
  const master = limited(TWO_A_MINUTE)
  const ids = ['a1', 'a2', 'a3', 'a4'].map((id) => id as AgentId)
  const admitted = ids.map((agentId) => ({ kind: 'agent-admitted', agentId }) as const)
  master.log.push(aBatch(1, 1, ...admitted))
  master.leading()
  master.pass(REREGISTER_MS + 5_000)
  t.is(master.leader.lost.size, 2)
  const late = new FakeAgent(master, 'a4')
  late.open()
  for (let s = 0; s < 70; s++) {
    late.pong()
    master.pass(1_000)
  }
  t.is(master.leader.lost.size, 3)
  t.is(master.agent('a4').state, 'registered')
})

test('a master that does not hear itself loses nobody, however long they wait', (t) => {
  const master = limited(TWO_A_MINUTE).leading()
  crowd(master, 5)
  master.pass(SILENT_MS)
  master.isEchoing = false
  master.pass(2 * MINUTE_MS)
  t.is(master.leader.lost.size, 2)
})

test('an agent is written down as unreachable once, however long the registry takes', (t) => {
  const master = limited(TWO_A_MINUTE).leading()
  crowd(master, 1)
  master.holding.add('registry')
  master.pass(3 * SILENT_MS)
  master.release()
  t.is(master.records.filter(({ kind }) => kind === 'agent-unreachable').length, 1)
  t.is(master.leader.lost.size, 1)
})

test('since when an agent is unreachable is what is written of it', (t) => {
  const master = limited(TWO_A_MINUTE).leading()
  crowd(master, 1)
  master.holding.add('registry')
  master.pass(3 * SILENT_MS)
  master.release()
  const fact = master.records.find(({ kind }) => kind === 'agent-unreachable')
  t.like(fact, { agentId: 'a0', atMs: master.agent('a0').unreachableAtMs })
})
