/** What an author wants of offers, and changes of it, on a whole simulated cluster. */
import test from 'ava'
import {
  type Offered,
  openScheduler,
  type SchedulerOptions,
} from '../../../../actors/scheduler/scheduler.ts'
import { SimulatedActors } from '../../../../testing/simulated-actors.ts'

async function opened(options: Partial<SchedulerOptions> = {}) {
  const cluster = await SimulatedActors.open(0)
  for (const rack of ['r1', 'r2'])
    await cluster.until(
      cluster.startAgents({ name: rack, attributes: [{ name: 'rack', text: rack }] }),
    )
  const { world } = cluster
  const scheduler = await cluster.until(openScheduler({ name: 'test', world, ...options }))
  return { cluster, scheduler }
}

type Opened = Awaited<ReturnType<typeof opened>>

const inRack = (rack: string) => [[{ attribute: 'rack', equals: rack }]]

/** What the leader knows of it. */
function known({ cluster, scheduler }: Opened) {
  const { leader } = cluster.leader.state
  const framework = leader?.frameworks.get(`${scheduler.principal}.${scheduler.frameworkId}`)
  const roles = [...(framework?.roles ?? [])]
  return {
    terms: framework?.terms,
    roles: roles.map(([role]) => role),
    suppressed: roles.filter(([, { isSuppressed }]) => isSuppressed).map(([role]) => role),
  }
}

const pass = (cluster: SimulatedActors, delayMs: number): Promise<void> =>
  cluster.until(new Promise((resolve) => void cluster.clock.after(delayMs, resolve)))

test('agents that a constraint leaves out are not offered', async (t) => {
  const given = await opened({ constraints: { '*': inRack('r2') } })
  const { cluster, scheduler } = given
  t.deepEqual(known(given).terms, { constraints: { '*': inRack('r2') } })
  const racks: unknown[] = []
  void (async () => {
    for await (const offer of scheduler.offers()) racks.push(offer.attribute('rack'))
  })()
  await pass(cluster, 500)
  t.deepEqual(racks, ['r2'])
  t.deepEqual(await cluster.until(scheduler.update({ constraints: {} })), { outcome: 'done' })
  await pass(cluster, 500)
  t.deepEqual(racks, ['r2', 'r1'])
  await cluster.until(scheduler.close())
})

const NO_EXPRESSION = { '*': [[{ attribute: 'rack', matches: '(' }]] }
const WHERE = 'constraints\\.\\*\\.0\\.0\\.matches is no regular expression'

test('an update in which the leader finds a mistake throws, and names what is wrong', async (t) => {
  const given = await opened()
  const { cluster, scheduler } = given
  await t.throwsAsync(cluster.until(scheduler.update({ constraints: NO_EXPRESSION })), {
    code: 'scheduler/option',
    message: new RegExp(`^update: ${WHERE}`),
  })
  await t.throwsAsync(cluster.until(scheduler.update({ constraints: { other: inRack('r1') } })), {
    code: 'scheduler/option',
    message: /^update: constraints\.other: other is none of the roles/,
  })
  await t.throwsAsync(scheduler.update({ roles: ['*'], minAllocatable: { other: [] } }), {
    code: 'scheduler/option',
    message: 'update: minAllocatable.other: other is none of its roles',
  })
  t.deepEqual(known(given).terms, {})
  await cluster.until(scheduler.close())
})

test('an option in which the leader finds a mistake is one that is no good', async (t) => {
  await t.throwsAsync(opened({ constraints: NO_EXPRESSION }), {
    code: 'scheduler/option',
    message: new RegExp(`^openScheduler: ${WHERE}`),
  })
})

test('roles are left and joined; what is new is wanted when offers are read', async (t) => {
  const given = await opened({ roles: ['a', 'b'], constraints: { a: inRack('r1') } })
  const { cluster, scheduler } = given
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  await cluster.until(offers.next())
  t.deepEqual(await cluster.until(scheduler.update({ roles: ['b', 'c'] })), { outcome: 'done' })
  t.deepEqual(known(given), { terms: {}, roles: ['b', 'c'], suppressed: [] })
  await offers.return?.()
  await pass(cluster, 1_500)
  await cluster.until(scheduler.update({ roles: ['c', 'd'] }))
  await pass(cluster, 100)
  t.deepEqual(known(given).suppressed.toSorted(), ['c', 'd'], 'nobody reads')
  const again = scheduler.offers()[Symbol.asyncIterator]()
  const offer = (await cluster.until(again.next())).value as Offered
  t.true(['c', 'd'].includes(offer.role))
  t.deepEqual(known(given).suppressed, [])
  await cluster.until(scheduler.close())
})

test('a role that is left and joined again is wanted, whatever was said of it before', async (t) => {
  const given = await opened({ roles: ['a', 'b'] })
  const { cluster, scheduler } = given
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  await cluster.until(offers.next())
  scheduler.suppress(['a'])
  await cluster.until(scheduler.update({ roles: ['b'] }))
  await cluster.until(scheduler.update({ roles: ['a', 'b'] }))
  await pass(cluster, 100)
  t.deepEqual(known(given).suppressed, [])
  await offers.return?.()
  await pass(cluster, 1_500)
  t.deepEqual(known(given).suppressed, ['b', 'a'], 'nobody reads')
  const again = scheduler.offers()[Symbol.asyncIterator]()
  await cluster.until(again.next())
  t.deepEqual(known(given).suppressed, [])
  await cluster.until(scheduler.close())
})

test('what cannot be changed, or is no good, throws', async (t) => {
  const { cluster, scheduler } = await opened()
  const wrong = (changes: unknown, message: string) =>
    t.throwsAsync(scheduler.update(changes as never), {
      code: 'scheduler/option',
      message: `update: ${message}`,
    })
  await wrong(undefined, 'the options must be an object, not undefined')
  await wrong({ secret: 'another one' }, '"secret" cannot be changed')
  await wrong({ name: '' }, 'name must be a text of 1 to 256 characters, not ""')
  await wrong(
    { roles: [] },
    "roles must be a list of 1 to 64 roles, like ['*'] or ['web', 'team/batch'], not []",
  )
  await cluster.until(scheduler.close())
  t.deepEqual(await scheduler.update({}), { outcome: 'unknown' })
})
