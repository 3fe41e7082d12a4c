/** Offers and what frameworks do with them, on a whole simulated cluster. */
import test from 'ava'
import { DECLINE_FILTER_MS, ENDED_TASKS_MAX, OFFER_TIMEOUT_MS } from '../../protocol/limits.ts'
import { Scenario } from '../support/scenario.ts'
import { amount, aRun } from '../support/wire-framework.ts'

const HALF = { cpus: 2, mem: 512 }
const WHOLE = { cpus: 4, mem: 1024 }

test('two offers of one agent carry a task that needs both', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1', HALF), aRun('t2', HALF)])
  await scenario.pass()
  for (const taskId of ['t1', 't2']) {
    await framework.call('kill', { taskId: aRun(taskId).taskId })
    await scenario.pass(5_000)
  }
  t.deepEqual(
    framework.offers.map((offer) => amount(offer, 'cpus')),
    [2, 2],
  )
  await framework.accept([aRun('both', WHOLE)])
  await scenario.pass()
  t.is(framework.lastOf('both')?.state, 'TASK_RUNNING')
})

test('offers of two agents in one accept start nothing, and both come back at once', async (t) => {
  const scenario = await Scenario.open({ count: 2 })
  const framework = await scenario.framework('f1')
  const agents = new Set(framework.offers.map(({ agentId }) => agentId))
  t.is(agents.size, 2)
  t.is((await framework.accept([aRun('t1'), aRun('t2')])).outcome, 'done')
  await scenario.pass()
  for (const taskId of ['t1', 't2'])
    t.like(framework.lastOf(taskId), { state: 'TASK_DROPPED', reason: 'INVALID_OFFERS' })
  t.deepEqual(new Set(framework.offers.map(({ agentId }) => agentId)), agents)
  t.deepEqual((await scenario.ask('tasks', {})).items, [])
})

test('offers for two roles in one accept start nothing', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1', { roles: ['a', 'b'] })
  const [first] = framework.offers
  await framework.accept([aRun('t1', { cpus: 3, mem: 768 })], { refuseMs: 3_600_000 })
  await scenario.pass(2_000)
  await framework.call('kill', { taskId: aRun('t1').taskId })
  await scenario.pass(5_000)
  t.deepEqual(framework.offers.map(({ role }) => role).toSorted(), ['a', 'b'])
  t.is(first?.agentId, framework.offers[0]?.agentId)
  await framework.accept([aRun('t2', WHOLE)])
  await scenario.pass()
  t.like(framework.lastOf('t2'), { state: 'TASK_DROPPED', reason: 'INVALID_OFFERS' })
})

test('who stays silent has its offer taken back, and is offered the same again later', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  const [offer] = framework.offers
  await scenario.pass(OFFER_TIMEOUT_MS)
  t.like(framework.heard('rescind'), [{ offers: [offer?.offerId], reason: 'timed-out' }])
  t.is(framework.offers.length, 0)
  await scenario.pass(DECLINE_FILTER_MS)
  t.is(framework.offers.length, 1)
  t.deepEqual(framework.offers[0]?.resources, offer?.resources)
  t.not(framework.offers[0]?.offerId, offer?.offerId)
})

test('an offer that was answered is never taken back', async (t) => {
  const scenario = await Scenario.open({ count: 2 })
  const framework = await scenario.framework('f1')
  const [used, declined] = framework.offers
  await framework.accept([aRun('t1', WHOLE)], { offers: used ? [used] : [] })
  await framework.decline(3_600_000, declined ? [declined] : [])
  await scenario.pass(3 * OFFER_TIMEOUT_MS)
  t.deepEqual(framework.heard('rescind'), [])
  t.is(framework.lastOf('t1')?.state, 'TASK_RUNNING')
})

test('the resources of a task that has ended are offered before anybody acknowledged its start', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  const other = await scenario.framework('f2')
  framework.isAcknowledging = false
  await framework.accept([aRun('t1', WHOLE, { PRETEND_MS: '60000' })])
  await scenario.pass()
  t.is(framework.lastOf('t1')?.state, 'TASK_RUNNING')
  t.is(other.offers.length, 0)
  // Its agent says RUNNING again later, and what the newest state is.
  await scenario.pass(600_000)
  t.deepEqual(framework.statesOf('t1'), ['TASK_RUNNING'])
  t.is(framework.lastOf('t1')?.latest, 'TASK_FINISHED')
  t.is(other.heard('offers').length > 0, true)
})

test('a task that cannot be is an error, and what was offered for it comes back', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  const [offer] = framework.offers
  await framework.accept([aRun('t1', {})], { refuseMs: 0 })
  await scenario.pass()
  t.like(framework.lastOf('t1'), { state: 'TASK_ERROR', reason: 'TASK_INVALID' })
  await scenario.pass(2_000)
  t.deepEqual(framework.offers[0]?.resources, offer?.resources)
})

test('a thousandth of a cpu is an amount, and a ten-thousandth is none', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  const tiny = aRun('tiny', { cpus: 0.001, mem: 32 })
  const nothing = aRun('nothing', { cpus: 0.0001 })
  await framework.accept([tiny, nothing], { refuseMs: 0 })
  await scenario.pass(2_000)
  t.is(framework.lastOf('tiny')?.state, 'TASK_RUNNING')
  t.is(framework.lastOf('nothing')?.state, 'TASK_ERROR')
  t.deepEqual(
    framework.offers.map((offer) => amount(offer, 'cpus')),
    [3.999],
  )
})

test('a kill of a task that nobody knows is answered with its state', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  await framework.call('kill', { taskId: aRun('never').taskId })
  await scenario.pass()
  t.like(framework.lastOf('never'), { state: 'TASK_UNKNOWN', reason: 'RECONCILIATION' })
})

test('a framework that has left a role is charged for what runs there and gets no offers', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1', { roles: ['r', 's'] })
  const [offer] = framework.offers
  const role = offer?.role ?? ''
  await framework.accept([aRun('t1')])
  await scenario.pass()
  island.cutOff()
  await scenario.pass(60_000)
  t.is(framework.lastOf('t1')?.state, 'TASK_UNREACHABLE')
  await framework.subscribe({ roles: ['r', 's'].filter((one) => one !== role) })
  island.join()
  await scenario.pass(60_000)
  t.is(framework.lastOf('t1')?.state, 'TASK_RUNNING')
  const { items } = await scenario.ask('tasks', {})
  t.like(items, [{ taskId: 't1', state: 'TASK_RUNNING', role }])
  t.deepEqual(
    framework.offers.map((left) => left.role),
    ['r', 's'].filter((one) => one !== role),
  )
})

test('what no task can be refuses the accept before anything is touched, and an id in use is named', async (t) => {
  const scenario = await Scenario.open({})
  scenario.cluster.isStrict = false
  const framework = await scenario.framework('f1')
  const offers = [...framework.offers]
  const bad = [
    aRun('a/b'),
    aRun(''),
    aRun('x'.repeat(65)),
    { ...aRun('t1'), killGraceMs: -1 },
    aRun('t1', { cpus: -1 }),
    aRun('t1', { cpus: Number.NaN }),
  ]
  for (const task of bad)
    t.is((await framework.accept([aRun('good'), task], { offers })).outcome, 'invalid')
  t.is(
    (await framework.accept([aRun('twin', { cpus: 1 })], { offers, refuseMs: 0 })).outcome,
    'done',
  )
  await scenario.pass(2_000)
  const { notLaunched } = await framework.accept([aRun('twin'), aRun('t2')])
  t.like(notLaunched, [{ taskId: 'twin' }])
  await scenario.pass()
  t.is(framework.lastOf('twin')?.state, 'TASK_RUNNING', 'the first of that id')
  t.is(framework.lastOf('t2')?.state, 'TASK_RUNNING')
  t.is(framework.lastOf('good'), undefined)
})

test('a kill of an unknown task of an agent that may come back is not answered', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  island.cutOff()
  await scenario.takeover()
  const { taskId } = aRun('never')
  await framework.call('kill', { taskId, agentId: island.agentIds[0] as never })
  await scenario.pass(5_000)
  t.is(framework.lastOf('never'), undefined)
  island.join()
  await scenario.pass(30_000)
  await framework.call('kill', { taskId, agentId: island.agentIds[0] as never })
  await scenario.pass()
  t.is(framework.lastOf('never')?.state, 'TASK_GONE')
})

test('an end is said again until it is acknowledged, and changes nothing', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1', WHOLE, { PRETEND_MS: '1000' })])
  await scenario.pass(500)
  framework.isAcknowledging = false
  await scenario.pass(60_000)
  const ends = framework.statuses.filter(({ state }) => state === 'TASK_FINISHED')
  t.true(ends.length > 1)
  t.is(new Set(ends.map(({ uuid }) => uuid)).size, 1)
  t.like((await scenario.ask('tasks', {})).items, [{ taskId: 't1', state: 'TASK_FINISHED' }])
  t.is(framework.offers.length, 1)
})

test('of tasks that have ended the newest are listed, and no more', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  const tasks = Array.from({ length: ENDED_TASKS_MAX + 200 }, (_, i) =>
    aRun(`t${i}`, { cpus: 0.001 }, { PRETEND_MS: String(10 + i) }),
  )
  for (let i = 0; i < tasks.length; i += 400) {
    await framework.accept(tasks.slice(i, i + 400), { refuseMs: 0 })
    await scenario.pass(2_000)
  }
  const listed: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await scenario.ask('tasks', after === undefined ? {} : { after })
    listed.push(...page.items.map(({ taskId }) => taskId))
    after = page.next
    if (after === undefined) break
  }
  t.deepEqual(
    listed.toSorted(),
    tasks
      .slice(200)
      .map(({ taskId }) => taskId as string)
      .toSorted(),
  )
})

test('offers of an agent that is lost are taken back, and come anew when it is back', async (t) => {
  const scenario = await Scenario.open()
  const island = await scenario.agents({ name: 'far' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1')
  const [offer] = framework.offers
  island.cutOff()
  await scenario.pass(20_000)
  t.like(framework.heard('rescind'), [{ offers: [offer?.offerId], reason: 'agent-lost' }])
  t.like(framework.heard('failure'), [{ agentId: island.agentIds[0] }])
  t.is(framework.offers.length, 0)
  island.join()
  await scenario.pass(60_000)
  t.is(framework.offers.length, 1)
})
