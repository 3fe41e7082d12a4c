/** Leaders that go and leaders that come, on a whole simulated cluster. */
import test from 'ava'
import {
  FRAMEWORK_PING_MS,
  FRAMEWORK_PINGS_MISSED_MAX,
  PEERS_WAIT_MS,
} from '../../protocol/limits.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun } from '../support/wire-framework.ts'

const FAILOVER_MS = 60_000
/** All its pings are in vain, and one more is due. */
const SILENT_MS = FRAMEWORK_PING_MS * (FRAMEWORK_PINGS_MISSED_MAX + 1)

/** Until another master than this one leads; how long that takes. */
async function handOver({ cluster }: Scenario): Promise<number> {
  const { leader } = cluster
  const { clock } = cluster
  const startedMs = clock.now().monotonicMs
  const leads = new Promise<number>((resolve) => {
    const look = (): void => {
      const isOther = cluster.masters.some(
        (master) => master !== leader && master.state.lease.state === 'leading',
      )
      if (isOther) resolve(clock.now().monotonicMs - startedMs)
      else clock.after(1, look)
    }
    look()
  })
  void leader.stop()
  const tookMs = await cluster.until(leads)
  cluster.masters.splice(cluster.masters.indexOf(leader), 1)
  return tookMs
}

test('a leader that stops hands over: a standby leads within a tenth of a second', async (t) => {
  const scenario = await Scenario.openWith({ peersWaitMs: PEERS_WAIT_MS }, {})
  const { cluster } = scenario
  for (let i = 0; i < 2; i++) await cluster.until(cluster.startMaster())
  const framework = await scenario.framework('f1')
  await framework.accept([aRun('t1')])
  await scenario.pass(5_000)
  const tookMs = await handOver(scenario)
  t.log(`it took ${tookMs} ms`)
  t.true(tookMs < 100)
  await scenario.pass(20_000)
  const { epoch, agents } = await scenario.ask('master', {})
  t.deepEqual({ epoch, agents }, { epoch: 2, agents: 1 })
  t.is(framework.lastOf('t1')?.state, 'TASK_RUNNING')
  t.true((await handOver(scenario)) < 100)
})

for (const [title, takeovers] of [
  ['a takeover', 1],
  ['two takeovers', 2],
] as const) {
  test(`who died before ${title} has its failover time in full, and then its tasks are killed`, async (t) => {
    const scenario = await Scenario.open({})
    const framework = await scenario.framework('f1', { failoverMs: FAILOVER_MS })
    await framework.accept([aRun('t1')])
    await scenario.pass()
    framework.isAnswering = false
    await scenario.pass(SILENT_MS + FAILOVER_MS / 2)
    for (let i = 0; i < takeovers; i++) await scenario.takeover()
    const sinceMs = scenario.cluster.leader.state.leader?.sinceWallMs ?? 0
    const { clock } = scenario.cluster
    const untilMs = sinceMs + SILENT_MS + FAILOVER_MS
    await scenario.pass(untilMs - 2 * FRAMEWORK_PING_MS - clock.now().wallMs)
    t.like(await scenario.ask('tasks', {}), { items: [{ taskId: 't1', state: 'TASK_RUNNING' }] })
    await scenario.pass(4 * FRAMEWORK_PING_MS)
    t.like(await scenario.ask('tasks', {}), { items: [{ taskId: 't1', state: 'TASK_KILLED' }] })
  })
}

test('a framework that answers the new leader in time loses nothing by a takeover', async (t) => {
  const scenario = await Scenario.open({})
  const framework = await scenario.framework('f1', { failoverMs: 5_000 })
  await framework.accept([aRun('t1')])
  await scenario.pass()
  await scenario.takeover()
  await scenario.pass(60_000)
  t.like(await scenario.ask('tasks', {}), { items: [{ taskId: 't1', state: 'TASK_RUNNING' }] })
})

test('while a role with a limit waits for agents after a takeover, others are offered what is back', async (t) => {
  const scenario = await Scenario.open({ name: 'near' })
  const far = await scenario.agents({ name: 'far', count: 3 })
  await scenario.pass(2_000)
  await scenario.ask('set-quotas', { quotas: [{ role: 'bounded', limit: { cpus: 4 } }] })
  const bounded = await scenario.framework('bounded', { roles: ['bounded'] })
  await bounded.accept([aRun('t1', { cpus: 4, mem: 32 })])
  await scenario.pass()
  far.cutOff()
  await scenario.takeover()
  await scenario.cluster.until(scenario.cluster.startAllocator())
  await bounded.subscribe({ roles: ['bounded'] })
  const other = await scenario.framework('other')
  await scenario.pass(5_000)
  t.deepEqual(bounded.offers.length, 0)
  t.true(other.offers.length > 0)
  far.join()
  await scenario.pass(30_000)
  t.is(bounded.offers.length, 0, 'it has all that it may have, wherever that is')
  const { items } = await scenario.ask('tasks', {})
  t.like(items, [{ taskId: 't1', state: 'TASK_RUNNING' }])
})
