/** Roles as a tree, and their weights, on a whole simulated cluster. */
import test from 'ava'
import { grow, Scenario } from '../support/scenario.ts'
import type { WireFramework } from '../support/wire-framework.ts'

test('each new agent goes to the role that has least, and in it to the framework that has least', async (t) => {
  const scenario = await Scenario.open()
  const roles = { f1: 'a', f2: 'a', f3: 'b' }
  const frameworks: WireFramework[] = []
  for (const [id, role] of Object.entries(roles))
    frameworks.push(await scenario.framework(id, { roles: [role] }))
  const held = new Map(Object.keys(roles).map((id) => [id, { cpus: 0, mem: 0 }]))
  const total = { cpus: 0, mem: 0 }
  const share = (ids: readonly string[]): number =>
    Math.max(
      ...(['cpus', 'mem'] as const).map(
        (name) => ids.reduce((sum, id) => sum + (held.get(id)?.[name] ?? 0), 0) / total[name],
      ),
    )
  /** Of those, undefined when two have as little. */
  const least = <T>(all: readonly T[], of: (one: T) => number): T | undefined => {
    const [first, second] = all.toSorted((a, b) => of(a) - of(b))
    if (first === undefined || (second !== undefined && of(first) === of(second))) return undefined
    return first
  }
  const sizes = [
    [10, 1_000],
    [2, 9_000],
    [4, 500],
    [1, 100],
    [6, 6_100],
    [3, 3_000],
    [5, 700],
    [8, 2_000],
  ] as const
  for (const [i, [cpus, mem]] of sizes.entries()) {
    total.cpus += cpus
    total.mem += mem
    const role = least([['f1', 'f2'], ['f3']], share)
    const expected = role && (role.length === 1 ? role[0] : least(role, (id) => share([id])))
    const taker = await grow(scenario, frameworks, [`a${i}`, cpus, mem])
    if (expected !== undefined) t.is(taker, expected, `agent ${i}`)
    const has = held.get(taker)
    t.truthy(has)
    if (has !== undefined) held.set(taker, { cpus: has.cpus + cpus, mem: has.mem + mem })
  }
})

/** Equal agents, and frameworks with their roles that take all that they can get. */
async function shared(
  agents: number,
  roles: Readonly<Record<string, string>>,
  weights: readonly { readonly role: string; readonly weight: number }[],
): Promise<Readonly<Record<string, number>>> {
  const scenario = await Scenario.open()
  if (weights.length > 0) await scenario.ask('set-weights', { weights: [...weights] })
  const frameworks: WireFramework[] = []
  for (const [id, role] of Object.entries(roles))
    frameworks.push(await scenario.framework(id, { roles: [role] }))
  const got: Record<string, number> = {}
  for (let i = 0; i < agents; i++) {
    const taker = await grow(scenario, frameworks, [`a${i}`, 1, 100])
    got[taker] = (got[taker] ?? 0) + 1
  }
  return got
}

test('weights 1 and 3 share agents as 1 to 3', async (t) => {
  const weights = [{ role: 'b', weight: 3 }]
  t.deepEqual(await shared(20, { f1: 'a', f2: 'b' }, weights), { f1: 5, f2: 15 })
})

test('the weight of an inner role counts for all below it', async (t) => {
  const weights = [{ role: 'org', weight: 2 }]
  const roles = { f1: 'org/x', f2: 'org/y', f3: 'other' }
  t.deepEqual(await shared(24, roles, weights), { f1: 8, f2: 8, f3: 8 })
  t.deepEqual(await shared(24, roles, []), { f1: 6, f2: 6, f3: 12 })
})

test('a weight outlives its leader, and shares follow it', async (t) => {
  const scenario = await Scenario.open()
  await scenario.ask('set-weights', { weights: [{ role: 'b', weight: 3 }] })
  await scenario.takeover()
  const { items } = await scenario.ask('roles', { prefix: 'b' })
  t.like(items, [{ role: 'b', weight: 3 }])
  const frameworks = [
    await scenario.framework('f1', { roles: ['a'] }),
    await scenario.framework('f2', { roles: ['b'] }),
  ]
  const takers: string[] = []
  for (let i = 0; i < 8; i++) takers.push(await grow(scenario, frameworks, [`a${i}`, 1, 100]))
  t.is(takers.filter((taker) => taker === 'f2').length, 6)
})

test('a new weight takes back what is on offer, and it is shared anew', async (t) => {
  const scenario = await Scenario.open({ count: 12 })
  const frameworks = [
    await scenario.framework('f1', { roles: ['a'] }),
    await scenario.framework('f2', { roles: ['b'] }),
  ]
  t.deepEqual(
    frameworks.map(({ offers }) => offers.length),
    [12, 0],
  )
  await scenario.ask('set-weights', { weights: [{ role: 'b', weight: 2 }] })
  await scenario.pass()
  t.like(frameworks[0]?.heard('rescind'), [{ reason: 'weights' }])
  t.deepEqual(
    frameworks.map(({ offers }) => offers.length),
    [4, 8],
  )
})

const BAD = [0, -1, Number.NaN, Number.POSITIVE_INFINITY]

test('a weight that is none is refused, and with it all of its call', async (t) => {
  const scenario = await Scenario.open()
  scenario.cluster.isStrict = false
  for (const weight of BAD) {
    const weights = [
      { role: 'good', weight: 2 },
      { role: 'bad', weight },
    ]
    t.is(await scenario.outcome('set-weights', { weights }), 'invalid', String(weight))
  }
  t.is(await scenario.outcome('set-weights', { weights: [{ role: 'a//b', weight: 1 }] }), 'invalid')
  t.deepEqual((await scenario.ask('roles', {})).items, [])
})

const NO_ROLES = [
  '',
  'a//b',
  '/a',
  'a/',
  '.',
  'a/..',
  'a/./b',
  'a/*',
  '-a',
  'a b',
  'a\tb',
  'a\u007f',
]

test('a role that is no role is refused, and nobody is subscribed', async (t) => {
  const scenario = await Scenario.open()
  scenario.cluster.isStrict = false
  const framework = await scenario.stranger('f1')
  for (const role of NO_ROLES)
    t.is((await framework.subscribe({ roles: ['good', role] })).outcome, 'invalid', role)
  t.deepEqual((await scenario.ask('frameworks', {})).items, [])
})

test('a role and those below it are different roles, of one framework too', async (t) => {
  const scenario = await Scenario.open()
  const framework = await scenario.framework('f1', { roles: ['a', 'a/b'] })
  const takers: string[] = []
  for (const name of ['x', 'y', 'z', 'w']) {
    await scenario.agents({ name })
    await scenario.pass(2_000)
    takers.push(framework.offers.at(-1)?.role ?? 'nobody')
  }
  t.deepEqual(takers.toSorted(), ['a', 'a', 'a/b', 'a/b'])
})
