/** Several processes of one framework, one of which leads, on a whole simulated cluster. */
import test from 'ava'
import { openScheduler, type Scheduler } from '../../actors/scheduler/scheduler.ts'
import type { RefusedError } from '../../bus/service.ts'
import type { InstanceId, SessionId } from '../../protocol/ids.ts'
import type { SimulatedProcess } from '../../testing/process.ts'
import { SimulatedCluster } from '../../testing/testing.ts'
import { Scenario } from '../support/scenario.ts'
import { aRun } from '../support/wire-framework.ts'

const LEASE_MS = 5_000
/** A lease that is over is noticed, and asked for, within so long. */
const LATE_MS = 2_000
const SHOP = { name: 'shop', frameworkId: 'shop', secret: 'a secret of tests' }
const FOR_EVER = {
  command: 'true',
  env: { PRETEND_MS: 'Infinity' },
  resources: { cpus: 1, mem: 32 },
}

class Instance {
  readonly process: SimulatedProcess
  /** What it was told of its standing, in order. */
  readonly standings: string[] = []
  readonly statuses: string[] = []
  scheduler: Scheduler | undefined
  ledAtMs: number | undefined
  /** Why it never led, and never will. */
  failure: Error | undefined

  constructor(cluster: SimulatedCluster, instance: string) {
    this.process = cluster.process()
    const { world } = this.process
    const onStanding = (standing: string): void => {
      this.standings.push(standing)
      if (standing === 'leads') this.ledAtMs = cluster.nowMs
    }
    openScheduler({ ...SHOP, instance, onStanding, world }).then(
      (scheduler) => {
        this.scheduler = scheduler
        scheduler.onStatus(({ taskId, state }) => {
          this.statuses.push(`${taskId} ${state}`)
        })
      },
      (error: Error) => {
        this.failure = error
      },
    )
  }

  get leader(): Scheduler {
    if (this.scheduler === undefined) throw new Error('it never led')
    return this.scheduler
  }
}

async function two() {
  const cluster = await SimulatedCluster.open({ agents: 2 })
  const a = new Instance(cluster, 'a')
  await cluster.pass(1_000)
  const b = new Instance(cluster, 'b')
  await cluster.pass(1_000)
  return { cluster, a, b }
}

type Story = Awaited<ReturnType<typeof two>>

async function start({ cluster }: Story, { leader }: Instance, taskId: string) {
  const offers = leader.offers()[Symbol.asyncIterator]()
  const { value: offer } = await cluster.until(offers.next())
  const accepted = await cluster.until(leader.accept([offer], [{ ...FOR_EVER, taskId }]))
  await cluster.pass(1_000)
  return accepted.outcome
}

test('the first to come leads, the other stands by, and neither asks all the time', async (t) => {
  const { cluster, a, b } = await two()
  await cluster.pass(60_000)
  t.deepEqual([a.standings, b.standings], [['leads'], ['stands-by']])
  t.is(b.scheduler, undefined)
  t.is(a.leader.standing, 'leads')
  t.is(a.leader.counts['sessions'], 1)
})

test('the holder dies: the standby leads within its lease, its tasks run on, and statuses come to it', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  t.is(await start(story, a, 't1'), 'done')
  a.process.kill()
  const diedAtMs = cluster.nowMs
  await cluster.pass(LEASE_MS + LATE_MS)
  t.deepEqual(b.standings, ['stands-by', 'leads'])
  t.true((b.ledAtMs ?? 0) - diedAtMs <= LEASE_MS + LATE_MS)
  await cluster.pass(2_000)
  t.true(b.statuses.includes('t1 TASK_RUNNING'), 'it was asked what runs')
  t.deepEqual(
    cluster.agents.flatMap(({ running }) => running),
    ['t1'],
  )
  b.leader.kill('t1')
  await cluster.pass(5_000)
  t.is(b.statuses.at(-1), 't1 TASK_KILLED')
  t.is(await start(story, b, 't2'), 'done')
})

test('a holder that was frozen for longer than its lease stands by when it wakes, and nobody obeys it', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  a.process.freeze()
  await cluster.pass(LEASE_MS + LATE_MS)
  t.deepEqual(b.standings, ['stands-by', 'leads'])
  await start(story, b, 't2')
  // What it had begun to say is said when it wakes.
  a.leader.kill('t1')
  a.process.thaw()
  await cluster.pass(10_000)
  t.deepEqual(a.standings, ['leads', 'stands-by'])
  t.is(a.leader.standing, 'stands-by')
  t.deepEqual(cluster.agents.flatMap(({ running }) => running).sort(), ['t1', 't2'])
  const before = a.statuses.length
  b.leader.kill('t2')
  await cluster.pass(5_000)
  t.is(b.statuses.at(-1), 't2 TASK_KILLED')
  t.is(a.statuses.length, before, 'who stands by is told of no status')
  b.process.kill()
  await cluster.pass(LEASE_MS + LATE_MS)
  t.deepEqual(a.standings, ['leads', 'stands-by', 'leads'])
})

test('a holder that is cut off is replaced, and acknowledges nothing for the new one', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  a.process.cutOff()
  await cluster.pass(LEASE_MS + LATE_MS)
  t.is(b.leader.standing, 'leads')
  a.process.join()
  await cluster.pass(10_000)
  t.deepEqual(a.standings, ['leads', 'stands-by'])
  t.is(b.leader.standing, 'leads')
})

test('a short freeze costs nobody the lead', async (t) => {
  const { cluster, a, b } = await two()
  a.process.freeze()
  await cluster.pass(LEASE_MS / 2)
  a.process.thaw()
  await cluster.pass(30_000)
  t.deepEqual([a.standings, b.standings], [['leads'], ['stands-by']])
})

test('over the death of the cluster’s leader the holder keeps the framework', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  await cluster.killLeader()
  await cluster.pass(30_000)
  t.deepEqual([a.standings, b.standings], [['leads'], ['stands-by']])
  a.leader.kill('t1')
  await cluster.pass(5_000)
  t.is(a.statuses.at(-1), 't1 TASK_KILLED')
})

test('a holder that dies together with the cluster’s leader is waited for, for one lease', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  a.process.kill()
  await cluster.killLeader()
  await cluster.pass(30_000)
  t.deepEqual(b.standings, ['stands-by', 'leads'])
  t.true(b.statuses.includes('t1 TASK_RUNNING'))
})

test('who closes hands over at once: nobody waits for a lease', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  const closedAtMs = cluster.nowMs
  await cluster.until(a.leader.close())
  await cluster.pass(LEASE_MS)
  t.deepEqual(b.standings, ['stands-by', 'leads'])
  t.true((b.ledAtMs ?? 0) - closedAtMs < 500)
  t.deepEqual(
    cluster.agents.flatMap(({ running }) => running),
    ['t1'],
  )
})

test('who closes as it hears an end hands over at once, and that end is told nobody again', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  let closedAtMs = Number.POSITIVE_INFINITY
  a.leader.onStatus(({ state }) => {
    if (state !== 'TASK_KILLED') return
    closedAtMs = cluster.nowMs
    void a.leader.close()
  })
  a.leader.kill('t1')
  await cluster.pass(30_000)
  t.deepEqual(b.standings, ['stands-by', 'leads'])
  t.true((b.ledAtMs ?? 0) - closedAtMs < 500)
  t.deepEqual(b.statuses, [])
})

test('what is torn down is over at once for who stands by, too', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  await cluster.until(a.leader.teardown())
  await cluster.pass(500)
  t.like(b.failure, { code: 'scheduler/ended' })
  t.regex(b.failure?.message ?? '', /^torn-down/)
  t.deepEqual(b.standings, ['stands-by'])
})

test('who stands by and does not hear that all was torn down does not begin it anew', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  b.process.cutOff()
  await cluster.until(a.leader.teardown())
  // All agents have confirmed, and the id is free.
  await cluster.pass(2 * LEASE_MS)
  b.process.join()
  await cluster.pass(2 * LEASE_MS)
  t.like(b.failure, { code: 'scheduler/ended' })
  t.regex(b.failure?.message ?? '', /^torn-down/)
  t.deepEqual(b.standings, ['stands-by'])
  const anew = new Instance(cluster, 'c')
  await cluster.pass(1_000)
  t.deepEqual(anew.standings, ['leads'])
})

test('who led, and does not hear that another instance tore all down, does not begin it anew', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  a.process.cutOff()
  await cluster.pass(LEASE_MS + LATE_MS)
  await cluster.until(b.leader.teardown())
  // All agents have confirmed, and the id is free.
  await cluster.pass(2 * LEASE_MS)
  a.process.join()
  const error = await cluster.until(a.leader.ended)
  t.regex(error?.message ?? '', /^torn-down/)
  t.deepEqual(a.standings, ['leads'])
  const anew = new Instance(cluster, 'c')
  await cluster.pass(1_000)
  t.deepEqual(anew.standings, ['leads'])
})

test('a framework that was away for longer than its failover does not begin anew', async (t) => {
  const cluster = await SimulatedCluster.open()
  const process = cluster.process()
  const lone = await cluster.until(
    openScheduler({ ...SHOP, failoverMs: LEASE_MS, world: process.world }),
  )
  process.cutOff()
  await cluster.pass(60_000)
  process.join()
  const error = await cluster.until(lone.ended)
  t.regex(error?.message ?? '', /^torn-down/)
})

test('of three that stand by one leads after each death, until none is left', async (t) => {
  const { cluster, a, b } = await two()
  const c = new Instance(cluster, 'c')
  await cluster.pass(5_000)
  a.process.kill()
  await cluster.pass(LEASE_MS + LATE_MS)
  const [next, last] = b.standings.at(-1) === 'leads' ? [b, c] : [c, b]
  t.is(last.standings.at(-1), 'stands-by')
  next.process.kill()
  await cluster.pass(LEASE_MS + LATE_MS)
  t.is(last.standings.at(-1), 'leads')
})

test('the same instance, started again, leads at once', async (t) => {
  const { cluster, a, b } = await two()
  a.process.kill()
  const again = new Instance(cluster, 'a')
  await cluster.pass(1_000)
  t.deepEqual([again.standings, b.standings], [['leads'], ['stands-by']])
})

test('a task that another instance has started anew is followed by who leads next', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  await start(story, a, 't2')
  a.process.freeze()
  await cluster.pass(LEASE_MS + LATE_MS)
  for (const taskId of ['t1', 't2']) {
    b.leader.kill(taskId)
    await cluster.pass(5_000)
    t.is(b.statuses.at(-1), `${taskId} TASK_KILLED`)
  }
  // Of two agents one may be the same as before.
  t.is(await start(story, b, 't2'), 'done')
  t.is(await start(story, b, 't1'), 'done')
  a.process.thaw()
  await cluster.pass(10_000)
  t.is(a.leader.standing, 'stands-by')
  b.process.kill()
  a.statuses.length = 0
  await cluster.pass(LEASE_MS + LATE_MS + 2_000)
  t.is(a.leader.standing, 'leads')
  t.deepEqual([...a.statuses].sort(), ['t1 TASK_RUNNING', 't2 TASK_RUNNING'])
  for (const taskId of ['t1', 't2']) {
    a.leader.kill(taskId)
    await cluster.pass(5_000)
    t.is(a.statuses.at(-1), `${taskId} TASK_KILLED`)
  }
})

test('who leads again hears how tasks have ended meanwhile', async (t) => {
  const story = await two()
  const { cluster, a, b } = story
  await start(story, a, 't1')
  a.process.freeze()
  await cluster.pass(LEASE_MS + LATE_MS)
  b.leader.kill('t1')
  await cluster.pass(5_000)
  a.process.thaw()
  await cluster.pass(10_000)
  b.process.kill()
  await cluster.pass(LEASE_MS + LATE_MS + 2_000)
  t.is(a.statuses.at(-1), 't1 TASK_KILLED')
})

test('a framework whose tasks would not outlive a lease has no instances', async (t) => {
  const { cluster } = await two()
  const soon = { ...SHOP, frameworkId: 'soon', standby: true, failoverMs: LEASE_MS - 1 }
  const error = await t.throwsAsync(cluster.scheduler(soon), { code: 'scheduler/option' })
  t.regex(error.message, /failoverMs/)
  const scheduler = await cluster.scheduler({ ...soon, failoverMs: LEASE_MS })
  await t.throwsAsync(cluster.until(scheduler.update({ failoverMs: 0 })), {
    code: 'scheduler/option',
  })
})

test('instances do not take a framework from a process that has no name and is heard', async (t) => {
  const { cluster, b } = await two()
  const process = cluster.process()
  const lone = await cluster.until(openScheduler({ ...SHOP, world: process.world }))
  let isOver = false
  void lone.ended.then(() => {
    isOver = true
  })
  await cluster.pass(60_000)
  t.false(isOver)
  t.deepEqual(b.standings, ['stands-by'])
  await cluster.killLeader()
  await cluster.pass(60_000)
  t.false(isOver)
  process.kill()
  await cluster.pass(30_000)
  t.deepEqual(b.standings, ['stands-by', 'leads'])
})

test('who stands by can be called off, and leads never', async (t) => {
  const { cluster, a, b } = await two()
  const called = new AbortController()
  const { world } = cluster.process()
  const standings: string[] = []
  const onStanding = (standing: string): void => void standings.push(standing)
  const opening = openScheduler({
    ...SHOP,
    standby: true,
    onStanding,
    signal: called.signal,
    world,
  })
  const outcome = t.throwsAsync(opening, { code: 'scheduler/aborted' })
  await cluster.pass(5_000)
  called.abort('enough')
  t.is((await cluster.until(outcome)).cause, 'enough')
  b.process.kill()
  a.process.kill()
  await cluster.pass(30_000)
  t.deepEqual(standings, ['stands-by'])
})

test('an opening that was called off before it began connects to nothing', async (t) => {
  const { world } = (await SimulatedCluster.open()).process()
  const opening = openScheduler({ name: 'x', signal: AbortSignal.abort(), world })
  await t.throwsAsync(opening, { code: 'scheduler/aborted' })
})

test('who names no instance takes the framework over, as ever, and the instance that had it ends', async (t) => {
  const { cluster, a } = await two()
  await cluster.scheduler(SHOP)
  await cluster.pass(1_000)
  const error = await cluster.until(a.leader.ended)
  t.regex(error?.message ?? '', /^failed-over/)
})

const HELD_BY_A = { instance: 'a' as InstanceId, leaseMs: LEASE_MS }
const B = { instance: 'b' as InstanceId, leaseMs: LEASE_MS }

test('who asks for a framework that is held is told by whom, and when to ask again', async (t) => {
  const scenario = await Scenario.open({})
  const session = '00000000000000a1' as SessionId
  const first = await scenario.framework('f1', { session, ...HELD_BY_A })
  const second = await scenario.stranger('f1', { session: '00000000000000a2' as SessionId })
  const { outcome, answer } = await second.subscribe(B)
  t.is(outcome, 'held')
  const { code, message, retryMs } = (answer as RefusedError).refusal
  t.is(code, 409)
  t.regex(message, /^instance a holds local\.f1/)
  t.true(retryMs !== undefined && retryMs > 0 && retryMs <= LEASE_MS)
  t.deepEqual(first.heard('error'), [])
  t.is((await second.call('hand-over', {})).outcome, 'stale-session')
  t.is((await first.call('hand-over', {})).outcome, 'done')
  t.is((await second.subscribe(B)).outcome, 'done')
})

test('where there are instances a call says whose it is', async (t) => {
  const scenario = await Scenario.open({})
  const session = '00000000000000a1' as SessionId
  const holder = await scenario.framework('f1', { session, ...HELD_BY_A })
  await holder.accept([aRun('t1')])
  const nobody = await scenario.stranger('f1')
  t.is((await nobody.call('kill', { taskId: aRun('t1').taskId })).outcome, 'stale-session')
  t.is((await nobody.subscribe(B)).outcome, 'invalid', 'an instance opens a session')
  await scenario.pass(60_000)
  t.is(holder.lastOf('t1')?.state, 'TASK_RUNNING')
  t.is((await nobody.call('explain', {})).outcome, 'done')
})
