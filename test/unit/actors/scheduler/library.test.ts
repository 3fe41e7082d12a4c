/** What a framework's author holds, on a whole simulated cluster. */
import test from 'ava'
import {
  type Offered,
  openScheduler,
  type Scheduler,
  type SchedulerOptions,
  type TaskWish,
} from '../../../../actors/scheduler/scheduler.ts'
import { SimulatedActors } from '../../../../testing/simulated-actors.ts'

const ANYWHERE = { taskId: 't-1', agentId: 'agent-1' } as const
const A_TASK: TaskWish = { taskId: 't-1', command: 'true', resources: { cpus: 1, mem: 32 } }

async function opened(options: Partial<SchedulerOptions> = {}, agents = 1) {
  const cluster = await SimulatedActors.open(agents)
  const { world } = cluster
  const scheduler = await cluster.until(openScheduler({ name: 'test', world, ...options }))
  return { cluster, scheduler }
}

type Opened = Awaited<ReturnType<typeof opened>>

async function nextOffer({ cluster, scheduler }: Opened): Promise<Offered> {
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  return (await cluster.until(offers.next())).value as Offered
}

/** Virtual time passes. */
const pass = (cluster: SimulatedActors, delayMs: number): Promise<void> =>
  cluster.until(new Promise((resolve) => void cluster.clock.after(delayMs, resolve)))

function role({ cluster, scheduler }: Opened) {
  const { leader } = cluster.leader.state
  const framework = leader?.frameworks.get(`${scheduler.principal}.${scheduler.frameworkId}`)
  const { isSuppressed } = framework?.roles.get('*') ?? {}
  return { isSuppressed, offers: framework?.offers.size }
}

test('after close everything ends at once, and a second close is no fault', async (t) => {
  const given = await opened()
  const { cluster, scheduler } = given
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

test('teardown kills and closes: every loop ends', async (t) => {
  const { cluster, scheduler } = await opened()
  const statuses = scheduler.statuses()[Symbol.asyncIterator]()
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const next = Promise.all([statuses.next(), offers.next().then(() => offers.next())])
  t.deepEqual(await cluster.until(scheduler.teardown()), { outcome: 'done' })
  t.is(await scheduler.ended, undefined)
  t.deepEqual(
    (await next).map(({ done }) => done),
    [true, true],
  )
  t.deepEqual(await scheduler.decline([]), { outcome: 'unknown' })
  t.true((await scheduler.statuses()[Symbol.asyncIterator]().next()).done)
  await scheduler.close()
})

test('a close ends a teardown that no leader has heard', async (t) => {
  const { cluster, scheduler } = await opened()
  for (const master of cluster.masters.splice(0)) await cluster.until(master.stop())
  const torn = scheduler.teardown()
  await cluster.until(scheduler.close())
  t.deepEqual(await torn, { outcome: 'unknown' })
})

test('a task that cannot be is refused by the field that is wrong; the offer can still be used', async (t) => {
  const given = await opened()
  const { cluster, scheduler } = given
  const offer = await nextOffer(given)
  const bad = await offer.accept([{ ...A_TASK, resources: { cpus: -1 } }])
  t.like(bad, {
    outcome: 'refused',
    refusal: { message: 'task 1: resources.cpus must be a number, 0 to 1000000000, not -1' },
    taskIds: ['t-1'] as never,
  })
  t.is((await cluster.until(offer.accept([A_TASK]))).outcome, 'done')
  await cluster.until(scheduler.close())
})

test('what is no list of offers or tasks is refused by name', async (t) => {
  const given = await opened()
  const { cluster, scheduler } = given
  const offer = await nextOffer(given)
  const refusedFor = async (answer: Promise<unknown>, message: string, name = 'invalid') =>
    t.like(await answer, { outcome: 'refused', refusal: { name, message } })
  await refusedFor(
    offer.accept(A_TASK as never),
    'the tasks must be a list, not { taskId, command, resources }',
  )
  await refusedFor(
    scheduler.accept(offer as never, [A_TASK]),
    'the offers must be a list of offers or their ids, not { offerId, agentId, hostname, role, … }',
  )
  await refusedFor(
    scheduler.decline(undefined as never),
    'the offers must be a list of offers or their ids, not undefined',
  )
  await refusedFor(offer.decline(42 as never), 'reason must be a text, not 42')
  await refusedFor(offer.decline('no', { refuseMs: -1 }), 'Decline: refuseMs must be >= 0')
  t.true(offer.isLive)
  t.is((await cluster.until(offer.decline('seen'))).outcome, 'done')
  t.false(offer.isLive)
  await refusedFor(offer.decline('again'), `offer ${offer.offerId} was answered before`, 'used')
  await cluster.until(scheduler.close())
})

test('calls that make no sense throw, and say why', async (t) => {
  const { cluster, scheduler } = await opened()
  const code = 'scheduler/option'
  const id = '1 to 64 letters, digits, _ or -'
  const wrong: readonly (readonly [call: (s: Scheduler) => unknown, message: string])[] = [
    [(s) => s.kill('no id'), `kill: taskId must be ${id}, not "no id"`],
    [
      (s) => s.kill('t-1', { graceMs: -1 }),
      'kill: graceMs must be whole milliseconds, 0 to an hour, not -1',
    ],
    [(s) => s.kill(undefined as never), `kill: taskId must be ${id}, not undefined`],
    [(s) => s.statuses('no id'), `statuses: taskId must be ${id}, not "no id"`],
    [(s) => s.onStatus(undefined as never), 'onStatus: handle must be a function, not undefined'],
    [(s) => s.onFailure({} as never), 'onFailure: handle must be a function, not {}'],
    [
      (s) => s.suppress('*' as never),
      `suppress: roles must be a list of roles, like ['*'], not "*"`,
    ],
    [(s) => s.revive([1] as never), `revive: roles must be a list of roles, like ['*'], not [1]`],
    [(s) => s.readOutput('t-1' as never), 'readOutput: the options must be an object, not "t-1"'],
    [
      (s) => s.readOutput({ taskId: 't-1', offset: -1 }),
      'readOutput: offset must be a whole number, 0 or more, not -1',
    ],
    [
      (s) => s.readOutput({ taskId: 't-1', stream: 'out' as never }),
      `readOutput: stream must be 'stdout' or 'stderr', not "out"`,
    ],
  ]
  for (const [call, message] of wrong) t.throws(() => call(scheduler), { code, message })
  await cluster.until(scheduler.close())
})

test('an offer says what is in it, and how many tasks fit', async (t) => {
  const given = await opened()
  const offer = await nextOffer(given)
  t.like(offer, { hostname: 'host', role: '*', cpus: 4, mem: 1024, disk: 0, gpus: 0 })
  t.deepEqual(offer.ports, [[31_000, 31_009]])
  t.deepEqual(offer.entries.map(({ name }) => name).sort(), ['cpus', 'mem', 'ports'])
  t.is(offer.roomFor({ cpus: 0.3, mem: 32 }), 13)
  t.is(offer.roomFor({ cpus: 0.1, mem: 1024 }), 1)
  t.is(offer.roomFor({ cpus: 4.001 }), 0)
  t.is(offer.roomFor({ gpus: 1 }), 0)
  t.is(offer.roomFor([{ name: 'ports', ranges: [[31_000, 31_001]] }]), 1)
  t.is(offer.roomFor({}), 0)
  t.throws(() => offer.roomFor({ cpus: '1' as never }), {
    code: 'scheduler/option',
    message: 'roomFor: resources.cpus must be a number, 0 to 1000000000, not "1"',
  })
  await given.cluster.until(given.scheduler.close())
})

test('two offers of one agent carry a task that fits on neither', async (t) => {
  const given = await opened()
  const { cluster, scheduler } = given
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const first = (await cluster.until(offers.next())).value as Offered
  const statuses = scheduler.statuses('t-1')[Symbol.asyncIterator]()
  const half = { ...A_TASK, resources: { cpus: 2, mem: 512 } }
  await cluster.until(first.accept([half], { refuseMs: 0 }))
  const second = (await cluster.until(offers.next())).value as Offered
  t.is(second.cpus, 2)
  scheduler.kill('t-1')
  while (!(await cluster.until(statuses.next())).done);
  const third = (await cluster.until(offers.next())).value as Offered
  t.is(third.cpus, 2)
  const whole = { ...A_TASK, taskId: 't-2', resources: { cpus: 4, mem: 1024 } }
  t.is((await cluster.until(scheduler.accept([second, third.offerId], [whole]))).outcome, 'done')
  await cluster.until(scheduler.close())
})

test('the statuses of one task end with it', async (t) => {
  const given = await opened()
  const { cluster, scheduler } = given
  const offer = await nextOffer(given)
  const states: string[] = []
  const followed = (async () => {
    for await (const { taskId, state } of scheduler.statuses('t-1')) {
      t.is(taskId as string, 't-1')
      states.push(state)
    }
  })()
  await cluster.until(offer.accept([A_TASK, { ...A_TASK, taskId: 't-2' }]))
  await cluster.until(followed)
  t.deepEqual(states, ['TASK_RUNNING', 'TASK_FINISHED'])
  await cluster.until(scheduler.close())
})

test('who does not iterate wants no offers, and who does again has them again', async (t) => {
  const given = await opened({}, 3)
  const { cluster, scheduler } = given
  const readOne = async (): Promise<void> => {
    for await (const offer of scheduler.offers()) return void t.is(offer.cpus, 4)
  }
  await cluster.until(readOne())
  await pass(cluster, 500)
  t.deepEqual(role(given), { isSuppressed: false, offers: 3 })
  await pass(cluster, 1_500)
  t.deepEqual(role(given), { isSuppressed: true, offers: 1 }, 'the one in hand is still there')
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const again = (await cluster.until(offers.next())).value as Offered
  t.true(again.isLive)
  t.deepEqual(role(given), { isSuppressed: false, offers: 3 })
  await pass(cluster, 5_000)
  t.deepEqual(role(given), { isSuppressed: false, offers: 3 }, 'a slow reader is one')
  await cluster.until(scheduler.close())
})

test('an offer is not lost to who asked for one and left before it came', async (t) => {
  const given = await opened({ suppressed: true })
  const { cluster, scheduler } = given
  const left = scheduler.offers()[Symbol.asyncIterator]()
  const never = left.next()
  await left.return?.()
  t.true((await never).done)
  scheduler.revive()
  t.true((await nextOffer(given)).isLive)
  await cluster.until(scheduler.close())
})

test('what the author suppressed stays so, whoever iterates', async (t) => {
  const given = await opened({ suppressed: true })
  const { cluster, scheduler } = given
  await pass(cluster, 1_500)
  const first = scheduler.offers()[Symbol.asyncIterator]()
  const offer = first.next()
  await pass(cluster, 1_500)
  t.deepEqual(role(given), { isSuppressed: true, offers: 0 })
  scheduler.revive()
  t.is(((await cluster.until(offer)).value as Offered).cpus, 4)
  scheduler.suppress()
  await pass(cluster, 100)
  t.is(role(given).isSuppressed, true)
  await first.return?.()
  await pass(cluster, 1_500)
  scheduler.revive()
  await pass(cluster, 100)
  t.is(role(given).isSuppressed, true, 'nobody iterates')
  scheduler.offers()[Symbol.asyncIterator]()
  await pass(cluster, 100)
  t.is(role(given).isSuppressed, false)
  await cluster.until(scheduler.close())
})

test('who is replaced ends with why, and holds nothing any more', async (t) => {
  const id = { frameworkId: 'test', secret: 'a good secret' }
  const { cluster, scheduler } = await opened(id)
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  await cluster.until(offers.next())
  const next = offers.next()
  const { world } = cluster
  const second = await cluster.until(openScheduler({ name: 'test', world, ...id }))
  const why = { code: 'scheduler/ended', message: 'failed-over: another instance has subscribed' }
  await t.throwsAsync(cluster.until(next), why)
  t.like(await scheduler.ended, why)
  t.like(await cluster.until(scheduler.teardown()), { outcome: 'unknown' })
  t.is((await nextOffer({ cluster, scheduler: second })).cpus, 4)
  await cluster.until(second.close())
})
