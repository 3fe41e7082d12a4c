/** Who is offered what is free, on a whole simulated cluster. */
import test from 'ava'
import { grow, Scenario } from '../support/scenario.ts'
import { amount, aRun, type WireFramework } from '../support/wire-framework.ts'

const WHOLE = { cpus: 4, mem: 1024 }

test('of equals the one that was offered less often is next, so that they take turns', async (t) => {
  const scenario = await Scenario.open({})
  const frameworks: WireFramework[] = []
  for (const id of ['f1', 'f2', 'f3'])
    frameworks.push(await scenario.framework(id, { roles: ['one'] }))
  for (let i = 0; i < 30; i++) {
    const taker = frameworks.find(({ offers }) => offers.length > 0)
    await taker?.accept([aRun(`t${i}`, WHOLE, { PRETEND_MS: '50' })])
    await scenario.pass(500)
  }
  t.deepEqual(
    frameworks.map(({ statuses }) => new Set(statuses.map(({ taskId }) => taskId)).size),
    [10, 10, 10],
  )
})

test('what was declined, or less of it, stays away until the filter is over', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  await framework.decline(20_000)
  await scenario.pass(19_000)
  t.is(framework.offers.length, 0)
  const other = await scenario.framework('f2')
  await other.accept([aRun('t1', { cpus: 2, mem: 512 })], { refuseMs: 3_600_000 })
  await scenario.pass(500)
  t.is(framework.offers.length, 0, 'what is left is less than it declined')
  await scenario.pass(2_000)
  t.deepEqual(
    framework.offers.map((offer) => amount(offer, 'cpus')),
    [2],
  )
})

test('more than was declined passes the filter', async (t) => {
  const scenario = await Scenario.open({})
  const holder = await scenario.framework('f1')
  await holder.accept([aRun('t1', { cpus: 2, mem: 512 })], { refuseMs: 3_600_000 })
  await holder.call('suppress', {})
  const framework = await scenario.framework('f2')
  t.is(framework.offers.length, 1)
  await framework.decline(3_600_000)
  await scenario.pass(60_000)
  t.is(framework.offers.length, 0)
  await holder.call('kill', { taskId: aRun('t1').taskId })
  await scenario.pass(5_000)
  t.deepEqual(
    framework.offers.map((offer) => amount(offer, 'cpus')),
    [4],
  )
})

test('a decline for no time at all still lets others be asked first', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  const other = await scenario.framework('f2')
  await framework.decline(0)
  await scenario.pass()
  t.is(framework.offers.length, 0)
  t.is(other.offers.length, 1)
  await other.decline(3_600_000)
  await scenario.pass(2_000)
  t.is(framework.offers.length, 1)
})

test('a suppressed role gets nothing; revived, it is asked at once whatever it declined', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1', { roles: ['a', 'b'] })
  await framework.decline(3_600_000)
  await scenario.pass(2_000)
  await framework.decline(3_600_000)
  await framework.call('suppress', {})
  await scenario.pass(10_000)
  t.is(framework.offers.length, 0)
  await framework.call('revive', { roles: ['b'] })
  await scenario.pass()
  t.deepEqual(
    framework.offers.map(({ role }) => role),
    ['b'],
  )
  await framework.call('suppress', { roles: ['b'] })
  t.is(framework.offers.length, 1, 'what it has it keeps')
  await framework.decline(0)
  await scenario.pass(60_000)
  t.is(framework.offers.length, 0)
  await framework.subscribe({ roles: ['a', 'b'] })
  await scenario.pass(2_000)
  t.is(framework.offers.length, 1, 'who comes back wants offers, unless it says otherwise')
})

for (const first of ['agents', 'frameworks'] as const) {
  test(`after a takeover shares are as before, when ${first} come back first`, async (t) => {
    const scenario = await Scenario.open()
    const island = await scenario.agents({ name: 'a', count: 4 })
    await scenario.pass(2_000)
    const rich = await scenario.framework('f1')
    t.is(rich.offers.length, 4)
    for (const offer of rich.offers.slice(0, 3))
      await rich.accept([aRun(`t-${offer.agentId}`, WHOLE)], { offers: [offer] })
    await rich.decline(3_600_000)
    const poor = await scenario.framework('f2')
    await poor.accept([aRun('t1', WHOLE)])
    await scenario.pass()
    if (first === 'agents') rich.isAnswering = poor.isAnswering = false
    else island.cutOff()
    await scenario.takeover()
    rich.isAnswering = poor.isAnswering = true
    island.join()
    await scenario.pass(60_000)
    const { items } = await scenario.ask('tasks', {})
    t.is(items.filter(({ state }) => state === 'TASK_RUNNING').length, 4)
    t.is(rich.offers.length + poor.offers.length, 0)
    const takers: string[] = []
    for (let i = 0; i < 4; i++) takers.push(await grow(scenario, [rich, poor], [`b${i}`, 4, 1024]))
    t.deepEqual(takers.slice(0, 2), ['f2', 'f2'])
    t.deepEqual(takers.slice(2).toSorted(), ['f1', 'f2'], 'from equal shares on they take turns')
  })
}
