/** Why somebody waits, asked of a whole simulated cluster. */
import test from 'ava'
import type { MemberExplanation } from '../../protocol/schema/explain.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun, cpusMem, type WireFramework } from '../support/wire-framework.ts'

/** Of its first role. */
async function whyOf(scenario: Scenario, { key }: WireFramework): Promise<MemberExplanation> {
  const { members } = await scenario.ask('explain', { framework: key })
  return members?.[0] as MemberExplanation
}

test('what others hoard, decline, and use up is told to whoever waits', async (t) => {
  const scenario = await Scenario.open({ count: 3, resources: cpusMem(4, 1024) })
  const first = await scenario.framework('f1')
  const second = await scenario.framework('f2')
  const { explained } = await whyOf(scenario, second)
  t.deepEqual(explained?.counts, { 'none-free': 3 })
  const { offers, offerCount } = await scenario.ask('explain', { framework: second.key })
  t.is(offerCount, 3)
  t.true(offers?.every(({ frameworkId }) => frameworkId === 'f1'))

  await first.decline(60_000, first.offers.slice(1), 'too small')
  await scenario.pass()
  t.is(second.offers.length, 2)
  await second.call('suppress', {})
  await second.decline()
  await scenario.pass()
  const why = await whyOf(scenario, first)
  t.like(why, { declinedLast: true, declineReason: 'too small', offers: 1, suppressed: false })
  t.deepEqual(why.explained?.counts, { filtered: 2, 'none-free': 1 })
  t.true(why.explained?.examples?.some(({ detail }) => detail === 'declined cpus 4, mem 1024'))
  t.like(await whyOf(scenario, second), { suppressed: true, explained: undefined })

  await scenario.pass(60_000)
  t.is(first.offers.length, 3, 'the reason is over, and so is the wait')
})

test('an agent, a role and a task say why they are as they are', async (t) => {
  const scenario = await Scenario.open({ resources: cpusMem(4, 1024) })
  await scenario.ask('set-quotas', { quotas: [{ role: 'batch', limit: { cpus: 2 } }], force: true })
  const framework = await scenario.framework('f1', { roles: ['batch'] })
  await framework.accept([aRun('t1', { cpus: 2, mem: 64 })])
  await scenario.pass(6_000)
  const agentId = (await scenario.ask('agents', {})).items[0]?.agentId as never
  const agent = await scenario.ask('explain', { agentId })
  t.like(agent, { state: 'registered', offerCount: 0, allocator: true })
  t.deepEqual(agent.explained?.counts, { limit: 1 })
  const role = await scenario.ask('explain', { role: 'batch' })
  t.like(role.explained?.standings, [{ role: 'batch', limit: { cpus: 2 }, consumed: { cpus: 2 } }])
  t.like(role.members, [{ frameworkId: 'f1', tasks: 1 }])
  const task = await scenario.ask('explain', { task: { ...framework.key, taskId: 't1' as never } })
  t.like(task, { state: 'TASK_RUNNING', agentState: 'registered' })
  const missing = { ...framework.key, taskId: 't2' as never }
  const waits = await scenario.ask('explain', { task: missing })
  t.is(waits.state, undefined)
  t.deepEqual(waits.members?.[0]?.explained?.counts, { limit: 1 })
  const own = await framework.call('explain', {})
  t.like(own, { outcome: 'done', answer: { allocator: true, absent: 0 } })
  t.deepEqual((own.answer as typeof waits).members?.[0]?.explained?.counts, { limit: 1 })
})

test('after a takeover, and of who is away, that is told', async (t) => {
  const scenario = await Scenario.open({ resources: cpusMem(4, 1024) })
  const framework = await scenario.framework('f1')
  await scenario.takeover()
  t.like(await whyOf(scenario, framework), { state: 'subscribed' })
  framework.isAnswering = false
  await scenario.pass(60_000)
  t.like(await whyOf(scenario, framework), { state: 'away', offers: 0, explained: undefined })
})
