/** What a framework's author holds, on a whole simulated cluster. */
import test from 'ava'
import { type Offered, openScheduler } from '../../../../actors/scheduler/scheduler.ts'
import { SimulatedCluster } from '../../../support/simulated-cluster.ts'

const ANYWHERE = { stream: 'stdout', taskId: 't-1', agentId: 'agent-1' } as const

async function opened() {
  const cluster = await SimulatedCluster.open(1)
  const { world } = cluster
  const scheduler = await cluster.until(openScheduler({ name: 'test', world }))
  return { cluster, scheduler }
}

test('after close everything ends at once, and a second close is no fault', async (t) => {
  const { cluster, scheduler } = await opened()
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const offer = (await cluster.until(offers.next())).value as Offered
  const reading = scheduler.readOutput(ANYWHERE)
  await cluster.until(Promise.all([scheduler.close(), scheduler.close()]))
  t.deepEqual(await offers.next(), { done: true, value: undefined })
  t.like(await offer.accept([{ command: 'true', resources: { cpus: 1 } }]), { outcome: 'unknown' })
  t.deepEqual(await scheduler.decline([]), { outcome: 'unknown' })
  t.deepEqual(await scheduler.teardown(), { outcome: 'unknown' })
  t.like((await reading.next()).value, { missing: 'the scheduler was closed' })
  t.is(await scheduler.ended, undefined)
  await scheduler.close()
})

test('a task that cannot be is refused by the field that is wrong; the offer can still be used', async (t) => {
  const { cluster, scheduler } = await opened()
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const offer = (await cluster.until(offers.next())).value as Offered
  const bad = await offer.accept([{ command: 'true', resources: { cpus: -1 } }])
  t.true(bad.outcome === 'refused' && /resources/.test(bad.refusal.message))
  const good = { command: 'true', resources: { cpus: 1, mem: 32 } }
  t.is((await cluster.until(offer.accept([good]))).outcome, 'done')
  await cluster.until(scheduler.close())
})

test('a kill that makes no sense throws, and says why', async (t) => {
  const { cluster, scheduler } = await opened()
  const code = 'scheduler/bad-kill'
  t.throws(() => scheduler.kill('no id'), { code, message: /taskId/ })
  t.throws(() => scheduler.kill('t-1', { graceMs: -1 }), { code, message: /graceMs/ })
  await cluster.until(scheduler.close())
})
