/** Quotas: what is guaranteed to roles and what they may have, on a whole simulated cluster. */
import test from 'ava'
import { grow, Scenario } from '../support/scenario.ts'
import { amount, aRun, cpusMem, takeAll, type WireFramework } from '../support/wire-framework.ts'

const AGENT = { resources: cpusMem(4, 1024) }
const WHOLE = { cpus: 4, mem: 1024 }
type Quota = {
  readonly role: string
  readonly guarantee?: Readonly<Record<string, number>>
  readonly limit?: Readonly<Record<string, number>>
}

const setQuotas = (scenario: Scenario, quotas: readonly Quota[], force = false): Promise<string> =>
  scenario.outcome('set-quotas', {
    quotas: quotas.map(({ role, guarantee, limit }) => ({
      role,
      ...(guarantee && { guarantee }),
      ...(limit && { limit }),
    })),
    ...(force && { force }),
  })

const offered = ({ offers }: WireFramework): readonly number[] =>
  ['cpus', 'mem'].map((name) => offers.reduce((sum, offer) => sum + amount(offer, name), 0))

test('a role with a guarantee gets it before others, whatever the shares', async (t) => {
  const scenario = await Scenario.open()
  t.is(await setQuotas(scenario, [{ role: 'q', guarantee: { cpus: 8, mem: 2048 } }], true), 'done')
  const other = await scenario.framework('f1', { roles: ['other'] })
  const due = await scenario.framework('f2', { roles: ['q'] })
  const takers: string[] = []
  for (const name of ['a', 'b', 'c', 'd'])
    takers.push(await grow(scenario, [other, due], [name, 4, 1024]))
  t.deepEqual(takers, ['f2', 'f2', 'f1', 'f1'])
})

test('what is guaranteed to a role without a framework is kept free until there is one', async (t) => {
  const scenario = await Scenario.open({ ...AGENT, count: 2 })
  t.is(await setQuotas(scenario, [{ role: 'q', guarantee: WHOLE }]), 'done')
  const other = await scenario.framework('f1', { roles: ['other'] })
  await takeAll([other], () => scenario.pass())
  await scenario.pass(60_000)
  t.deepEqual(offered(other), [0, 0])
  const { items } = await scenario.ask('roles', { prefix: 'other' })
  t.like(items, [{ role: 'other', used: WHOLE }])
  const due = await scenario.framework('f2', { roles: ['q'] })
  t.deepEqual(offered(due), [4, 1024])
})

test('guarantees of several absent roles are kept free together', async (t) => {
  const scenario = await Scenario.open({ ...AGENT, count: 3 })
  const half = { cpus: 4, mem: 1024 }
  const quotas = ['q1', 'q2'].map((role) => ({ role, guarantee: half }))
  t.is(await setQuotas(scenario, quotas), 'done')
  const other = await scenario.framework('f1', { roles: ['other'] })
  await takeAll([other], () => scenario.pass())
  await scenario.pass(10_000)
  const { items } = await scenario.ask('roles', { prefix: 'other' })
  t.like(items, [{ role: 'other', used: WHOLE }])
})

test('of an agent that is larger than a guarantee as much is granted as is missing', async (t) => {
  const scenario = await Scenario.open()
  t.is(await setQuotas(scenario, [{ role: 'q', guarantee: { cpus: 1, mem: 256 } }], true), 'done')
  const due = await scenario.framework('f1', { roles: ['q'] })
  const other = await scenario.framework('f2', { roles: ['other'] })
  await scenario.agents(AGENT)
  await scenario.pass(2_000)
  t.deepEqual(offered(due), [1, 256])
  t.deepEqual(offered(other), [3, 768])
})

test('a guarantee that is not met comes before a smaller share whose guarantee is met', async (t) => {
  const scenario = await Scenario.open()
  const quotas = [
    { role: 'small', guarantee: { cpus: 1, mem: 100 } },
    { role: 'large', guarantee: { cpus: 8, mem: 800 } },
  ]
  t.is(await setQuotas(scenario, quotas, true), 'done')
  const small = await scenario.framework('f1', { roles: ['small'] })
  t.is(await grow(scenario, [small], ['a', 1, 100]), 'f1')
  const large = await scenario.framework('f2', { roles: ['large'] })
  const both = [small, large]
  t.is(await grow(scenario, both, ['b', 4, 400]), 'f2')
  t.is(await grow(scenario, both, ['c', 4, 400]), 'f2', 'although it has four times as much')
  t.is(await grow(scenario, both, ['d', 4, 400]), 'f1', 'both have what is guaranteed to them')
})

test('a role is never offered more than its limit leaves, its children included', async (t) => {
  const scenario = await Scenario.open({ ...AGENT, count: 2 })
  t.is(await setQuotas(scenario, [{ role: 'q', limit: { cpus: 5 } }]), 'done')
  const own = await scenario.framework('f1', { roles: ['q'] })
  const below = await scenario.framework('f2', { roles: ['q/x'] })
  await takeAll([own, below], () => scenario.pass())
  await scenario.pass(10_000)
  const { items } = await scenario.ask('roles', { prefix: 'q' })
  t.is(items.find(({ role }) => role === 'q')?.used['cpus'], 5)
  const other = await scenario.framework('f3', { roles: ['other'] })
  t.is(offered(other)[0], 3)
})

test('a lower limit takes offers back, and no tasks', async (t) => {
  const scenario = await Scenario.open({ ...AGENT, count: 2 })
  const framework = await scenario.framework('f1', { roles: ['q'] })
  const [first] = framework.offers
  await framework.accept([aRun('t1', WHOLE)], { offers: first ? [first] : [] })
  await scenario.pass()
  t.is(await setQuotas(scenario, [{ role: 'q', limit: { cpus: 4 } }]), 'done')
  await scenario.pass()
  t.like(framework.heard('rescind'), [{ reason: 'quota' }])
  await scenario.pass(10_000)
  t.is(offered(framework)[0], 0)
  t.is(framework.lastOf('t1')?.state, 'TASK_RUNNING')
})

test('a new guarantee takes back as many offers of others as it needs', async (t) => {
  const scenario = await Scenario.open({ ...AGENT, count: 3 })
  const other = await scenario.framework('f1', { roles: ['other'] })
  t.deepEqual(offered(other), [12, 3072])
  t.is(await setQuotas(scenario, [{ role: 'q', guarantee: { cpus: 4 } }]), 'done')
  await scenario.pass()
  t.is(other.heard('rescind').flatMap(({ offers }) => offers).length, 1)
  const due = await scenario.framework('f2', { roles: ['q'] })
  t.is(offered(due)[0], 4)
})

const REFUSED: Readonly<Record<string, { quotas: readonly Quota[]; isForced?: true }>> = {
  'of more than the cluster has': { quotas: [{ role: 'q', guarantee: { cpus: 9 } }] },
  'of more than the cluster has, in all': {
    quotas: [
      { role: 'q', guarantee: { cpus: 5 } },
      { role: 'p', guarantee: { cpus: 5 } },
    ],
  },
  'of a resource that nobody has': { quotas: [{ role: 'q', guarantee: { gpus: 1 } }] },
  'with a guarantee above its limit': {
    quotas: [{ role: 'q', guarantee: { cpus: 2 }, limit: { cpus: 1 } }],
    isForced: true,
  },
  'of a nested role': { quotas: [{ role: 'q/x', guarantee: { cpus: 1 } }], isForced: true },
  'with a limit below what is used': { quotas: [{ role: 'used', limit: { cpus: 3 } }] },
  'of a negative amount': { quotas: [{ role: 'q', guarantee: { cpus: -1 } }], isForced: true },
  'of no number': { quotas: [{ role: 'q', limit: { cpus: Number.NaN } }], isForced: true },
  'of one role twice': { quotas: [{ role: 'q' }, { role: 'q' }], isForced: true },
}
for (const [title, { quotas, isForced }] of Object.entries(REFUSED)) {
  test(`a quota ${title} is refused, and with it all of its call`, async (t) => {
    const scenario = await Scenario.open({ ...AGENT, count: 2 })
    scenario.cluster.isStrict = false
    const framework = await scenario.framework('f1', { roles: ['used'] })
    const [offer] = framework.offers
    await framework.accept([aRun('t1', WHOLE)], { offers: offer ? [offer] : [] })
    await scenario.pass()
    const good = { role: 'good', limit: { cpus: 1 } }
    t.not(await setQuotas(scenario, [good, ...quotas], isForced), 'done')
    const { items } = await scenario.ask('roles', {})
    t.deepEqual(
      items.filter(({ guarantee, limit }) => Object.keys({ ...guarantee, ...limit }).length > 0),
      [],
    )
  })
}

test('what cannot be kept is set all the same if it is forced', async (t) => {
  const scenario = await Scenario.open({ ...AGENT, count: 2 })
  const framework = await scenario.framework('f1', { roles: ['used'] })
  await takeAll([framework], () => scenario.pass())
  const quotas = [
    { role: 'q', guarantee: { cpus: 100 } },
    { role: 'used', limit: { cpus: 1 } },
  ]
  t.is(await setQuotas(scenario, quotas), 'conflict')
  t.is(await setQuotas(scenario, quotas, true), 'done')
  const { items } = await scenario.ask('roles', {})
  t.deepEqual(items.find(({ role }) => role === 'q')?.guarantee, { cpus: 100 })
  t.deepEqual(items.find(({ role }) => role === 'used')?.limit, { cpus: 1 })
  const states = (await scenario.ask('tasks', {})).items.map(({ state }) => state)
  t.deepEqual(states, ['TASK_RUNNING', 'TASK_RUNNING'], 'nothing is killed for it')
})

test('a quota outlives its leader', async (t) => {
  const scenario = await Scenario.open({ ...AGENT, count: 2 })
  t.is(
    await setQuotas(scenario, [{ role: 'q', guarantee: { cpus: 4 }, limit: { cpus: 6 } }]),
    'done',
  )
  await scenario.takeover()
  const { items } = await scenario.ask('roles', { prefix: 'q' })
  t.like(items, [{ role: 'q', guarantee: { cpus: 4 }, limit: { cpus: 6 } }])
  const framework = await scenario.framework('f1', { roles: ['q'] })
  await scenario.pass(5_000)
  t.is(offered(framework)[0], 6)
})
