/** Shadow allocators on a whole simulated cluster. */
import test from 'ava'
import { drf } from '../../actors/allocator/policies/drf.ts'
import { priority } from '../../actors/allocator/policies/priority.ts'
import type { Policy } from '../../actors/allocator/policy.ts'
import { type RunningShadow, startShadow } from '../../actors/allocator/shadow/main.ts'
import { openMessenger } from '../../bus/messenger.ts'
import type { ShadowId } from '../../protocol/ids.ts'
import type { ShadowReport } from '../../protocol/schema/shadow.ts'
import { shadowReports } from '../../protocol/subjects.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun, type WireFramework } from '../support/wire-framework.ts'

const SETTLED_MS = 2_000
const WHOLE = { cpus: 4, mem: 1024 }

interface Watched extends RunningShadow {
  /** The latest one. */
  readonly report: () => ShadowReport
}

async function aShadow({ cluster }: Scenario, name: string, policy: Policy): Promise<Watched> {
  const { system, clock, randomToken } = cluster
  const bus = await cluster.until(system.connect({ name: `${name} watcher` }))
  const onRefused = (subject: string, { message }: { readonly message: string }): never => {
    throw new Error(`${subject}: ${message}`)
  }
  const messenger = openMessenger({ bus, clock, randomToken, isOpen: false, onRefused })
  const ids = { cluster: 'bourse', shadowId: name as ShadowId }
  let latest: ShadowReport | undefined
  messenger.listen(shadowReports, ids, (report) => {
    latest = report
  })
  const shadow = await cluster.until(startShadow({ ...cluster.world, ...ids, loaded: { policy } }))
  return {
    ...shadow,
    report() {
      if (latest === undefined) throw new Error(`${name} says nothing`)
      return latest
    },
  }
}

/** Whoever is offered the agent uses all of it for a moment, again and again. */
async function run(scenario: Scenario, frameworks: readonly WireFramework[], times: number) {
  for (let i = 0; i < times; i++) {
    for (const framework of frameworks)
      if (framework.offers.length > 0)
        await framework.accept([aRun(`t${framework.statuses.length}-${i}`, WHOLE, MOMENT)])
    await scenario.pass(500)
  }
}
const MOMENT = { PRETEND_MS: '50' }

const decisions = ({ same, different, withheld }: ShadowReport): number =>
  same + different + withheld

test('a shadow of the same policy decides the same, one of another does not, and neither counts', async (t) => {
  const scenario = await Scenario.open({})
  await scenario.ask('set-weights', { weights: [{ role: 'web', weight: 2 }] })
  const [same, other] = [
    await aShadow(scenario, 'same', drf),
    await aShadow(scenario, 'other', priority),
  ]
  await scenario.pass(SETTLED_MS)
  t.is(same.report().phase, 'comparing')
  const shop = await scenario.framework('shop', { roles: ['web'] })
  const night = await scenario.framework('night', { roles: ['batch'] })
  await run(scenario, [shop, night], 20)
  await scenario.pass(SETTLED_MS)
  // Equals take turns, so both have had it, and by weight it is always the same one's.
  t.true(night.statuses.length > 0 && shop.statuses.length > 0)
  const real = same.report().members.map(({ real: { allocations } }) => allocations)
  t.true(real.length === 2 && real.every((allocations) => allocations > 5))
  t.like(same.report(), { different: 0, withheld: 0, missed: 0 })
  t.true(other.report().different > 5)
  const batch = other.report().members.find(({ role }) => role === 'batch')
  t.is(batch?.shadow.allocations, 0)
})

test('over the death of leader and allocator a shadow goes on comparing', async (t) => {
  const scenario = await Scenario.open({})
  const shadow = await aShadow(scenario, 'shadow', drf)
  await scenario.pass(SETTLED_MS)
  const framework = await scenario.framework('f1')
  await run(scenario, [framework], 3)
  await scenario.pass(SETTLED_MS)
  const before = decisions(shadow.report())
  t.true(before > 0)
  await scenario.takeover()
  await run(scenario, [framework], 6)
  await scenario.pass(SETTLED_MS)
  t.is(shadow.report().phase, 'comparing')
  t.true(decisions(shadow.report()) > before)
})
