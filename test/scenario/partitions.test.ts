/** Many agents that fall silent at once, and agents that operators give up, on a whole cluster. */
import test from 'ava'
import { AGENT_PING_MS, AGENT_PINGS_MISSED_MAX } from '../../protocol/limits.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun } from '../support/wire-framework.ts'

/** Long enough for all pings to be missed. */
const SILENT_MS = AGENT_PING_MS * (AGENT_PINGS_MISSED_MAX + 2)
/** An agent that hears nobody opens a session by itself, sooner or later. */
const BACK_MS = 60_000

async function statesIn(scenario: Scenario): Promise<readonly string[]> {
  const { items } = await scenario.ask('agents', {})
  return items.map(({ state }) => state)
}

test('when most agents are cut off at once few become unreachable, and the others were never away', async (t) => {
  const agentRemovals = { perMs: 60_000, part: 0, least: 2 }
  const scenario = await Scenario.openWith({ agentRemovals }, { name: 'near' })
  const far = await scenario.agents({ name: 'far', count: 6 })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  for (const offer of framework.offers.slice()) {
    await framework.accept([aRun(`t-${offer.agentId}`)], { offers: [offer] })
  }
  await scenario.pass()
  far.cutOff()
  await scenario.pass(SILENT_MS + 10_000)
  far.join()
  await scenario.pass(BACK_MS)
  t.deepEqual(new Set(await statesIn(scenario)), new Set(['registered']))
  t.is(framework.heard('failure').length, 2)
  const told = framework.statuses.filter(({ state }) => state === 'TASK_UNREACHABLE')
  t.is(told.length, 2)
  const { items } = await scenario.ask('tasks', {})
  t.deepEqual(new Set(items.map(({ state }) => state)), new Set(['TASK_RUNNING']))
})

test('an agent that was given up while it was away is refused when it is back, and ends its tasks', async (t) => {
  const gaveUp: string[] = []
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far', onGiveUp: (said) => gaveUp.push(said) })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1')])
  await scenario.pass()
  const [agentId] = island.agentIds
  island.cutOff()
  await scenario.pass(SILENT_MS)
  await scenario.ask('mark-gone', { agentId: agentId ?? ('far' as never) })
  await scenario.pass()
  t.is(framework.lastOf('t1')?.state, 'TASK_GONE_BY_OPERATOR')
  await scenario.takeover()
  island.join()
  await scenario.pass(BACK_MS)
  t.is(island.states[0]?.tasks.size, 0)
  t.is(gaveUp.length, 1)
  t.regex(gaveUp[0] ?? '', /^the leader refuses \(gone\): an operator has said that agent far/)
  t.deepEqual(await statesIn(scenario), ['gone'])
  t.is(framework.lastOf('t1')?.state, 'TASK_GONE_BY_OPERATOR')
})

test('an agent that is there when it is given up ends its tasks at once', async (t) => {
  const gaveUp: string[] = []
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'near', onGiveUp: (said) => gaveUp.push(said) })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1')])
  await scenario.pass()
  const [agentId] = island.agentIds
  await scenario.ask('mark-gone', { agentId: agentId ?? ('near' as never) })
  await scenario.pass(10_000)
  t.is(island.states[0]?.tasks.size, 0)
  t.is(gaveUp.length, 1)
  t.is(framework.lastOf('t1')?.state, 'TASK_GONE_BY_OPERATOR')
})
