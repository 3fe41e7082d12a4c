/** Whom a new leader asks for a session, and when. */
import test from 'ava'
import type { Effect } from '../../../../actors/master/effects.ts'
import type { AgentId, DirectoryId } from '../../../../protocol/ids.ts'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../../../protocol/limits.ts'
import { aHeldTask, FakeAgent, oldLaunch } from '../../../support/master-actors.ts'
import { aBatch, effectsOf, MasterDriver, ordersOf } from '../../../support/master-builders.ts'

const nameOf = (i: number): AgentId => `a${i}` as AgentId

/** A new leader that knows so many agents, and where each is. */
function aLeaderOf(count: number, where?: DirectoryId): MasterDriver {
  const master = new MasterDriver()
  for (let from = 0, n = 1; from < count; from += 2_000, n++) {
    const size = Math.min(2_000, count - from)
    const some = Array.from({ length: size }, (_, i) => nameOf(from + i))
    const directory = where && { directory: where }
    const records = some.map(
      (agentId) => ({ kind: 'agent-admitted', agentId, ...directory }) as const,
    )
    master.log.push(aBatch(1, n, ...records))
  }
  return master
}

const invitedIn = (effects: readonly Effect[]): readonly AgentId[] =>
  effectsOf(effects, 'send-orders').flatMap(({ agentId, body }) =>
    body.orders[0]?.kind === 'invite' ? [agentId] : [],
  )

/** Up to where it leads, and not longer. */
function lead(master: MasterDriver): readonly Effect[] {
  const from = master.effects.length
  while (!master.isLeading) master.pass(1)
  return master.effects.slice(from)
}

function tasks(count: number) {
  return Array.from({ length: count }, (_, i) => aHeldTask(`t${i}`, { launch: oldLaunch(i + 1) }))
}

test('before it knows how much they have to tell, a new leader asks few of many agents', (t) => {
  const first = invitedIn(lead(aLeaderOf(3_000)))
  t.true(first.length >= 16 && first.length <= 128, `${first.length}`)
})

test('each that is there makes room for others: of those with little to tell, ever more', (t) => {
  const master = aLeaderOf(3_000)
  let invited = invitedIn(lead(master))
  const heard = new Set<AgentId>()
  let rounds = 0
  for (; invited.length > 0; rounds++) {
    const from = master.effects.length
    for (const agentId of invited) {
      t.false(heard.has(agentId))
      heard.add(agentId)
      new FakeAgent(master, agentId).open()
    }
    invited = invitedIn(master.effects.slice(from))
  }
  t.is(heard.size, 3_000)
  t.true(rounds < 12, `${rounds} rounds`)
})

test('of agents with much to tell few are asked at once', (t) => {
  const master = aLeaderOf(1_000)
  const [first = nameOf(0), ...others] = invitedIn(lead(master))
  const from = master.effects.length
  new FakeAgent(master, first).open({}, tasks(800), tasks(0))
  t.deepEqual(invitedIn(master.effects.slice(from)).length <= 1, true)
  t.true(others.length > 0)
})

test('who does not come leaves its place to another after a second', (t) => {
  const master = aLeaderOf(1_000)
  const first = new Set(invitedIn(lead(master)))
  const soon = invitedIn(master.pass(900))
  t.is(soon.length, 0)
  const later = invitedIn(master.pass(400))
  t.is(later.length, first.size)
  t.false(later.some((agentId) => first.has(agentId)))
  master.pass(60_000)
  t.is(master.leader.recovery.uninvited.size, 0)
})

test('a snapshot that is on its way keeps its place, however long it takes', (t) => {
  const master = aLeaderOf(1_000)
  const agents = invitedIn(lead(master)).map((agentId) => new FakeAgent(master, agentId))
  for (const agent of agents) agent.open({ pages: 100 })
  for (let page = 1; page <= 5; page++) {
    t.deepEqual(invitedIn(master.pass(800)), [])
    for (const agent of agents) agent.page(page, false)
  }
  t.is(invitedIn(master.pass(1_400)).length, agents.length)
})

test('who comes by itself is not asked any more', (t) => {
  const master = aLeaderOf(500)
  lead(master)
  const late = nameOf(499)
  new FakeAgent(master, late).open()
  t.false(invitedIn(master.pass(20_000)).includes(late))
})

test('its beats say that it invites until it has asked all', (t) => {
  const master = aLeaderOf(1_000)
  const said = (effects: readonly Effect[]) =>
    effectsOf(effects, 'send-leader-beat').map(({ body }) => body.inviting)
  t.deepEqual(said(lead(master)), [true])
  t.true(said(master.pass(3_000)).every((inviting) => inviting === true))
  master.pass(60_000)
  t.deepEqual(said(master.pass(1_000)), [undefined])
})

test('it says that it leads before it invites: agents obey nobody else', (t) => {
  const effects = lead(aLeaderOf(3))
  const said = effects.findIndex((effect) => effect.do === 'send-leader-beat')
  const invited = effects.findIndex((effect) => effect.do === 'send-orders')
  t.true(said >= 0 && said < invited)
})

test('another work directory waits for one that has yet to be asked, and for what that may take', (t) => {
  const there = '00000000000000d1' as DirectoryId
  const directory = '00000000000000d2' as DirectoryId
  const master = aLeaderOf(3_000, there)
  lead(master)
  const silentMs = AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 1)
  // A few are asked each second while nobody comes.
  master.pass(silentMs)
  const last = nameOf(2_999)
  t.true(master.leader.recovery.uninvited.has(last))
  const isRefused = (agentId: AgentId) =>
    ordersOf(new FakeAgent(master, agentId).open({ directory }), agentId, 'not-registered').length
  t.is(isRefused(last), 1)
  for (let left = 1; left > 0; left = master.leader.recovery.uninvited.size) master.pass(100)
  t.is(isRefused(last), 1, 'it has just been asked')
  new FakeAgent(master, last).open({ directory: there })
  t.is(master.agent(last).directory, there)
  master.pass(silentMs)
  t.is(isRefused(nameOf(2_998)), 0)
  t.is(master.agent(nameOf(2_998)).directory, directory)
})
