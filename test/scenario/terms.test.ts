/** What frameworks want of their offers, on a whole simulated cluster. */
import test from 'ava'
import { Scenario } from '../support/scenario.ts'
import { amount, aRun, cpusMem } from '../support/wire-framework.ts'

test('an agent that the first framework cannot use goes to the next', async (t) => {
  const scenario = await Scenario.open({ attributes: [{ name: 'zone', text: 'z1' }] })
  const constraints = { '*': [[{ attribute: 'zone', equals: 'z2' }]] }
  const picky = await scenario.framework('f1', { constraints })
  t.is(picky.offers.length, 0)
  const other = await scenario.framework('f2')
  t.is(other.offers.length, 1)
  await other.accept([aRun('t1', { cpus: 2, mem: 512 })], { refuseMs: 0 })
  await scenario.pass(2_000)
  t.is(other.offers.length, 1, 'although the first one has nothing, and this one has')
})

test('leftovers below the least amounts are not offered, unless the framework asks for them', async (t) => {
  const scenario = await Scenario.open({ resources: cpusMem(4, 1024) })
  const holder = await scenario.framework('f1')
  await holder.accept([aRun('t1', { cpus: 3.995, mem: 1000 })], { refuseMs: 3_600_000 })
  await holder.call('suppress', {})
  const plain = await scenario.framework('f2')
  const large = await scenario.framework('f3', { minAllocatable: { '*': [{ cpus: 1 }] } })
  await scenario.pass(10_000)
  t.deepEqual([plain.offers.length, large.offers.length], [0, 0])
  const anything = await scenario.framework('f4', { minAllocatable: { '*': [] } })
  await scenario.pass()
  t.deepEqual(
    anything.offers.map((offer) => [amount(offer, 'cpus'), amount(offer, 'mem')]),
    [[0.005, 24]],
  )
  await anything.decline(3_600_000)
  const either = [{ cpus: 2 }, { cpus: 0.005, mem: 24 }]
  const small = await scenario.framework('f5', { minAllocatable: { '*': either } })
  await scenario.pass()
  t.is(small.offers.length, 1, 'one of the two is enough')
})

/** Who of them is offered the agent of these attributes. */
async function offered(
  attribute: { name: string; text?: string; scalar?: number },
  constraint: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const scenario = await Scenario.open({ hostname: 'host-7', attributes: [attribute] })
  const constraints = { '*': [[constraint as never]] }
  const { offers } = await scenario.framework('f1', { constraints })
  return offers.length === 1
}

const RACK = { name: 'rack', text: 'r12' }
const HOLDS: readonly (readonly [object, boolean])[] = [
  [{ attribute: 'rack', exists: true }, true],
  [{ attribute: 'rack', exists: false }, false],
  [{ attribute: 'shelf', exists: false }, true],
  [{ attribute: 'rack', equals: 'r12' }, true],
  [{ attribute: 'rack', equals: 'r1' }, false],
  [{ attribute: 'rack', notEquals: 'r12' }, false],
  [{ attribute: 'rack', matches: 'r[0-9]+' }, true],
  [{ attribute: 'rack', matches: 'r1' }, false],
  [{ attribute: 'rack', notMatches: 'r.*' }, false],
  [{ attribute: 'hostname', equals: 'host-7' }, true],
  [{ attribute: 'hostname', matches: 'host-[1-6]' }, false],
]

test('only agents of which the constraints hold are offered', async (t) => {
  for (const [constraint, holds] of HOLDS)
    t.is(await offered(RACK, { ...constraint }), holds, JSON.stringify(constraint))
  t.true(await offered({ name: 'slots', scalar: 2.5 }, { attribute: 'slots', equals: '2.5' }))
})

test('of groups of constraints one must hold, and of a group all', async (t) => {
  const attributes = [RACK, { name: 'zone', text: 'z1' }]
  const scenario = await Scenario.open({ attributes })
  const both = [
    { attribute: 'rack', equals: 'r12' },
    { attribute: 'zone', equals: 'z2' },
  ]
  const none = await scenario.framework('f1', { constraints: { '*': [both] } })
  t.is(none.offers.length, 0)
  const either = [both, [{ attribute: 'zone', equals: 'z1' }]]
  const one = await scenario.framework('f2', { constraints: { '*': either } })
  t.is(one.offers.length, 1)
})

test('a regular expression that is too long, too much work or none is refused, and nothing else happens', async (t) => {
  const scenario = await Scenario.open({})
  scenario.cluster.isStrict = false
  for (const matches of ['(', 'a'.repeat(10_000), '((a{100}){100}){100}']) {
    const framework = await scenario.stranger('f1')
    const constraints = { '*': [[{ attribute: 'rack', matches }]] }
    const { outcome } = await framework.subscribe({ constraints })
    t.true(['invalid', 'too-large'].includes(outcome), `${outcome}: ${matches.slice(0, 30)}`)
  }
  t.deepEqual((await scenario.ask('frameworks', {})).items, [])
})

test('a role that is added gets offers; one that is left loses its own, and no others', async (t) => {
  const scenario = await Scenario.open()
  await scenario.agents({ name: 'first' })
  await scenario.pass(2_000)
  const framework = await scenario.framework('f1', { roles: ['a'] })
  const [kept] = framework.offers
  t.is(kept?.role, 'a')
  t.is((await framework.call('update', { roles: ['a', 'b'] })).outcome, 'done')
  t.is(framework.offers.length, 1, 'what it had it keeps')
  await scenario.agents({ name: 'second' })
  await scenario.pass(2_000)
  t.deepEqual(framework.offers.map(({ role }) => role).toSorted(), ['a', 'b'])
  const b = framework.offers.find(({ role }) => role === 'b')
  t.is((await framework.call('update', { roles: ['a'] })).outcome, 'done')
  await scenario.pass()
  t.like(framework.heard('rescind'), [{ offers: [b?.offerId], reason: 'left-role' }])
  await scenario.pass(2_000)
  t.deepEqual(
    framework.offers.map(({ role }) => role),
    ['a', 'a'],
  )
  t.true(framework.offers.some(({ offerId }) => offerId === kept?.offerId))
})

test('a role that is suppressed no longer is asked at once, whatever it had declined', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1')
  await framework.decline(3_600_000)
  t.is((await framework.call('update', { suppressed: ['*'] })).outcome, 'done')
  await scenario.pass(60_000)
  t.is(framework.offers.length, 0)
  t.is((await framework.call('update', { suppressed: [] })).outcome, 'done')
  await scenario.pass()
  t.is(framework.offers.length, 1)
})

test('an update counts whole or not at all, and what it does not name stays', async (t) => {
  const scenario = await Scenario.open({ attributes: [{ name: 'zone', text: 'z1' }] })
  scenario.cluster.isStrict = false
  const constraints = { a: [[{ attribute: 'zone', equals: 'z2' }]] }
  const framework = await scenario.framework('f1', { roles: ['a'], constraints })
  t.is(framework.offers.length, 0)
  const wrong = { b: [[{ attribute: 'zone', matches: '(' }]] }
  const bad = { name: 'renamed', roles: ['a', 'b'], constraints: wrong }
  t.is((await framework.call('update', bad)).outcome, 'invalid')
  t.like((await scenario.ask('frameworks', {})).items, [{ name: 'a test', roles: ['a'] }])
  t.is((await framework.call('update', { name: 'renamed' })).outcome, 'done')
  await scenario.pass(10_000)
  t.like((await scenario.ask('frameworks', {})).items, [{ name: 'renamed', roles: ['a'] }])
  t.is(framework.offers.length, 0, 'its constraints are as they were')
  t.is((await framework.call('update', { constraints: {} })).outcome, 'done')
  await scenario.pass()
  t.is(framework.offers.length, 1)
})

const inRegion = (name: string, region?: string) => ({
  name,
  attributes: region === undefined ? [] : [{ name: 'region', text: region }],
})

test('agents of another region are offered only to those that are aware of regions', async (t) => {
  const scenario = await Scenario.openWith(
    { region: 'east' },
    inRegion('near', 'east'),
    inRegion('far', 'west'),
    inRegion('plain'),
  )
  const plain = await scenario.framework('f1')
  t.deepEqual(plain.offers.map(({ agentId }) => agentId as string).toSorted(), [
    'near-1',
    'plain-1',
  ])
  const aware = await scenario.framework('f2', { capabilities: ['REGION_AWARE'] })
  t.deepEqual(
    aware.offers.map(({ agentId }) => agentId as string),
    ['far-1'],
  )
})

test('where the cluster has no region, every agent is offered to all', async (t) => {
  const scenario = await Scenario.open(inRegion('near', 'east'), inRegion('far', 'west'))
  const { offers } = await scenario.framework('f1')
  t.is(offers.length, 2)
})

test('agents with GPUs are offered only to those that ask for them, and no GPU is cut', async (t) => {
  const gpus = [...cpusMem(4, 1024), { name: 'gpus', scalar: 2 }]
  const scenario = await Scenario.open({ resources: gpus })
  const plain = await scenario.framework('f1')
  t.is(plain.offers.length, 0)
  const able = await scenario.framework('f2', { capabilities: ['GPU_RESOURCES'] })
  t.is(able.offers.length, 1)
  await able.accept([aRun('half', { cpus: 1, gpus: 0.5 }), aRun('one', { cpus: 1, gpus: 1 })])
  await scenario.pass()
  t.like(able.lastOf('half'), { state: 'TASK_ERROR' })
  t.like(able.lastOf('one'), { state: 'TASK_RUNNING' })
})
