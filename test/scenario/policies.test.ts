/** Each policy on a whole simulated cluster, and one that is no good. */
import test from 'ava'
import { drf } from '../../actors/allocator/policies/drf.ts'
import { guarded } from '../../actors/allocator/policies/guard.ts'
import type { LoadedPolicy } from '../../actors/allocator/policies/load.ts'
import { parsePolicy, policyOf } from '../../actors/allocator/policies/words.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun, cpusMem } from '../support/wire-framework.ts'

function named(text: string): LoadedPolicy {
  const choice = parsePolicy(text)
  if ('code' in choice) throw new Error(choice.message)
  return { policy: policyOf(choice) }
}

/** An agent that has come has registered, and is on offer. */
const SETTLED_MS = 2_000
const SMALL = { cpus: 1, mem: 128 }

test('priority: whoever weighs more has all it takes, and when it wants no more the other is asked', async (t) => {
  const scenario = await Scenario.openBy(named('priority'))
  await scenario.ask('set-weights', { weights: [{ role: 'web', weight: 10 }] })
  const batch = await scenario.framework('batch', { roles: ['batch'] })
  const web = await scenario.framework('web', { roles: ['web'] })
  for (let i = 0; i < 4; i++) {
    await scenario.agents({ name: `n${i}` })
    await scenario.pass(SETTLED_MS)
    await web.accept([aRun(`t${i}`, { cpus: 4, mem: 1024 }, { PRETEND_MS: '600000' })])
  }
  await scenario.pass()
  t.is(web.statuses.filter(({ state }) => state === 'TASK_RUNNING').length, 4)
  t.is(batch.offers.length, 0)
  await web.call('suppress', {})
  await scenario.agents({ name: 'n5' })
  await scenario.pass(SETTLED_MS)
  t.is(batch.offers.length, 1)
})

for (const [text, first] of [
  ['spread', 'idle-1'],
  ['binpack', 'used-1'],
] as const)
  test(`${text}: of a machine that is half used and one that is idle, the next is offered ${first}`, async (t) => {
    const scenario = await Scenario.openBy(named(text), {
      name: 'used',
      resources: cpusMem(4, 1024),
    })
    const holder = await scenario.framework('holder')
    await holder.accept([aRun('t1', SMALL, { PRETEND_MS: '600000' })])
    await holder.call('suppress', {})
    await scenario.agents({ name: 'idle', resources: cpusMem(4, 1024) })
    await scenario.pass(SETTLED_MS)
    const next = await scenario.framework('next')
    t.is(next.offers.length, 2)
    t.is(next.offers[0]?.agentId as string, first)
  })

test('a policy that throws is done without: who waits is served by drf, and the world is told', async (t) => {
  const { policy, asking } = guarded({
    ...drf,
    name: 'touchy',
    rankMember({ frameworkId, share }) {
      if (frameworkId === 'odd') throw new Error('odd')
      return share
    },
  })
  const scenario = await Scenario.openBy({ policy, asking }, {})
  t.is((await scenario.ask('master', {})).policy, 'touchy')
  const even = await scenario.framework('even')
  t.is(even.offers.length, 1)
  await even.decline(3_600_000)
  const odd = await scenario.framework('odd')
  await scenario.pass(3_000)
  t.is(odd.offers.length, 1)
  t.is(scenario.cluster.leader.state.counters.get('policies-failed'), 1)
  t.is((await scenario.ask('master', {})).policy, 'drf')
})
