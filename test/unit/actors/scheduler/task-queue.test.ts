/** A queue of tasks in an author's hands, on a whole simulated cluster. */
import test from 'ava'
import type { Offered, Preference, Scheduler } from '../../../../actors/scheduler/scheduler.ts'
import { openScheduler } from '../../../../actors/scheduler/scheduler.ts'
import { CPUS, SimulatedActors } from '../../../../testing/simulated-actors.ts'

async function opened(agents: number) {
  const cluster = await SimulatedActors.open(agents)
  const { world } = cluster
  const scheduler = await cluster.until(openScheduler({ name: 'test', world }))
  return { cluster, scheduler }
}

const on = (agent: string, waitMs: number): Preference => ({
  attribute: 'agent',
  equals: agent,
  waitMs,
})
const aTask = (taskId: string) => ({
  taskId,
  command: 'true',
  env: { PRETEND_MS: 'Infinity' },
  resources: { cpus: CPUS, mem: 32 },
})

/** The next offer, each time. */
function offersTo(scheduler: Scheduler, cluster: SimulatedActors): () => Promise<Offered> {
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  return async () => (await cluster.until(offers.next())).value as Offered
}

/** Answers offers until nothing waits; tells where each task went, and when. */
async function answerAll(
  scheduler: Scheduler,
  cluster: SimulatedActors,
  queue = scheduler.queue(),
) {
  const told: [taskId: string, agentId: string, atMs: number][] = []
  const startMs = cluster.clock.now().monotonicMs
  const done = (async () => {
    for await (const offer of scheduler.offers()) {
      const { placed } = await queue.answer(offer)
      const atMs = cluster.clock.now().monotonicMs - startMs
      for (const { taskId, agentId } of placed) told.push([taskId, agentId, atMs])
      if (queue.length === 0) break
    }
  })()
  await cluster.until(done)
  return told
}

test('a queue waits for the agent that is wanted, and takes another one when it has waited', async (t) => {
  const { cluster, scheduler } = await opened(2)
  const queue = scheduler.queue()
  const prefer = on('agent-1', 3_000)
  t.deepEqual(queue.add([{ ...aTask('a'), prefer }]).taskIds, ['a' as never])
  queue.add([{ ...aTask('b'), prefer }])
  const [first, second] = await answerAll(scheduler, cluster, queue)
  t.deepEqual(first?.slice(0, 2), ['a', 'agent-1'])
  t.deepEqual(second?.slice(0, 2), ['b', 'agent-2'])
  const waitedMs = second?.[2] ?? 0
  t.true(waitedMs >= 3_000 && waitedMs < 3_500, `${waitedMs} ms of virtual time`)
  await cluster.until(scheduler.teardown())
})

test('a wait that is shorter than a decline keeps agents away is kept all the same', async (t) => {
  const { cluster, scheduler } = await opened(1)
  const queue = scheduler.queue()
  queue.add([{ ...aTask('a'), prefer: on('nowhere', 200) }])
  const [only] = await answerAll(scheduler, cluster, queue)
  const waitedMs = only?.[2] ?? 0
  t.true(waitedMs >= 200 && waitedMs < 500, `${waitedMs} ms of virtual time`)
  await cluster.until(scheduler.teardown())
})

test('of two short waits each ends in its time', async (t) => {
  const { cluster, scheduler } = await opened(2)
  const queue = scheduler.queue()
  queue.add([{ ...aTask('a'), prefer: on('nowhere', 900) }])
  cluster.clock.after(300, () => queue.add([{ ...aTask('b'), prefer: on('nowhere', 100) }]))
  const told = await answerAll(scheduler, cluster, queue)
  t.deepEqual(
    told.map(([taskId, , atMs]) => [taskId, Math.floor(atMs / 300)]),
    [
      ['b', 1],
      ['a', 3],
    ],
  )
  await cluster.until(scheduler.teardown())
})

test('what was declined before a task was added is asked for again', async (t) => {
  const { cluster, scheduler } = await opened(1)
  const queue = scheduler.queue()
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const nextOffer = async () => (await cluster.until(offers.next())).value as Offered
  const declined = await cluster.until(queue.answer(await nextOffer()))
  t.deepEqual(declined, { outcome: 'done', placed: [] })
  const beforeMs = cluster.clock.now().monotonicMs
  queue.add([aTask('a')])
  const answered = await cluster.until(queue.answer(await nextOffer()))
  t.deepEqual(answered as unknown, {
    outcome: 'done',
    placed: [{ taskId: 'a', agentId: 'agent-1', choice: 0 }],
  })
  t.true(cluster.clock.now().monotonicMs - beforeMs < 1_000)
  await cluster.until(scheduler.teardown())
})

test('a task that is added revives no role that the author has suppressed', async (t) => {
  const { cluster, scheduler } = await opened(1)
  const queue = scheduler.queue()
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const offer = (await cluster.until(offers.next())).value as Offered
  await cluster.until(queue.answer(offer))
  scheduler.suppress()
  queue.add([aTask('a')])
  await cluster.until(new Promise((resolve) => void cluster.clock.after(5_000, () => resolve(0))))
  const { leader } = cluster.leader.state
  const framework = leader?.frameworks.get(`${scheduler.principal}.${scheduler.frameworkId}`)
  t.true(framework?.roles.get('*')?.isSuppressed)
  scheduler.revive()
  const again = (await cluster.until(offers.next())).value as Offered
  t.is((await cluster.until(queue.answer(again))).placed.length, 1)
  await cluster.until(scheduler.teardown())
})

test('tasks of an accept that is refused wait again', async (t) => {
  const { cluster, scheduler } = await opened(1)
  const queue = scheduler.queue()
  queue.add([aTask('a')])
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const offer = (await cluster.until(offers.next())).value as Offered
  await cluster.until(offer.decline('seen', { refuseMs: 0 }))
  const answered = await cluster.until(queue.answer(offer))
  t.like(answered, { outcome: 'refused', refusal: { name: 'used' } })
  t.deepEqual(answered.placed, [])
  t.is(queue.length, 1)
  const again = (await cluster.until(offers.next())).value as Offered
  t.is((await cluster.until(queue.answer(again))).placed.length, 1)
  t.is(queue.length, 0)
  await cluster.until(scheduler.teardown())
})

test('what was declined while a task was being started is asked for again if it was not', async (t) => {
  const { cluster, scheduler } = await opened(2)
  const queue = scheduler.queue()
  queue.add([aTask('a')])
  const next = offersTo(scheduler, cluster)
  const [first, second] = [await next(), await next()]
  await cluster.until(first.decline('not now', { refuseMs: 60_000 }))
  const answered = [queue.answer(first), queue.answer(second)]
  const [refused, declined] = await cluster.until(Promise.all(answered))
  t.is(refused?.outcome, 'refused')
  t.deepEqual(declined, { outcome: 'done', placed: [] })
  const beforeMs = cluster.clock.now().monotonicMs
  t.is((await cluster.until(queue.answer(await next()))).placed.length, 1)
  t.true(cluster.clock.now().monotonicMs - beforeMs < 1_000)
  await cluster.until(scheduler.teardown())
})

const IN_USE = 'task a is there already and has not ended'

test('a task whose id has come to be in use meanwhile is given back, and holds up no other', async (t) => {
  const { cluster, scheduler } = await opened(2)
  const queue = scheduler.queue()
  queue.add([aTask('a'), aTask('b')])
  const next = offersTo(scheduler, cluster)
  t.is((await cluster.until((await next()).accept([aTask('a')]))).outcome, 'done')
  const answered = await cluster.until(queue.answer(await next()))
  t.like(answered, { outcome: 'done', notLaunched: [{ taskId: 'a', message: IN_USE }] })
  t.like(answered.placed, [{ taskId: 'b' }])
  t.is(queue.length, 0)
  t.like(scheduler.queue().add([aTask('a')]), { outcome: 'refused', refusal: { message: IN_USE } })
  await cluster.until(scheduler.teardown())
})

test('where nothing else waits the offer is declined, and yet it is told whose id is in use', async (t) => {
  const { cluster, scheduler } = await opened(3)
  const queue = scheduler.queue()
  queue.add([aTask('a')])
  const next = offersTo(scheduler, cluster)
  const [first, second, third] = [await next(), await next(), await next()]
  t.is((await cluster.until(first.accept([aTask('a')]))).outcome, 'done')
  await cluster.until(second.decline('not now'))
  t.like(await cluster.until(queue.answer(second)), { outcome: 'refused', placed: [] })
  t.is(queue.length, 1, 'who could not be told hears it the next time')
  const answered = await cluster.until(queue.answer(third))
  t.like(answered, { outcome: 'done', notLaunched: [{ taskId: 'a' }], placed: [] })
  t.is(queue.length, 0)
  await cluster.until(scheduler.teardown())
})

test('what a process of before has left running is not started again, and the rest is', async (t) => {
  const { cluster, scheduler: first } = await opened(4)
  const { world } = cluster
  await cluster.until(first.close())
  const options = { name: 'back', frameworkId: 'back', secret: 'a secret of its own', world }
  const before = await cluster.until(openScheduler(options))
  const kept = before.queue()
  kept.add([aTask('a'), aTask('b')])
  await answerAll(before, cluster, kept)
  const after = await cluster.until(openScheduler(options))
  const queue = after.queue()
  t.is(queue.add(['a', 'b', 'c', 'd'].map(aTask)).outcome, 'done', 'nothing is known of them yet')
  const started = await answerAll(after, cluster, queue)
  t.deepEqual(started.map(([taskId]) => taskId).toSorted(), ['c', 'd'])
  await cluster.until(after.teardown())
})

test('a task of an accept that is no good is not tried again at once', async (t) => {
  const { cluster, scheduler } = await opened(3)
  const queue = scheduler.queue()
  queue.add([aTask('a')])
  const next = offersTo(scheduler, cluster)
  const [first, second, third] = [await next(), await next(), await next()]
  // What is said from within a handler is heard after it, all of it.
  const answered = new Promise<object>((resolve) => {
    const listening = scheduler.onStatus(() => {
      listening.close()
      void second.accept([aTask('a')])
      resolve(queue.answer(third))
    })
  })
  await cluster.until(first.accept([aTask('x')]))
  t.like(await cluster.until(answered), { outcome: 'refused', refusal: { message: IN_USE } })
  t.false(third.isLive, 'it was declined')
  t.is(queue.length, 1)
  await cluster.until(scheduler.teardown())
})

test('what is no good is refused by name, and then none of the add waits', async (t) => {
  const { cluster, scheduler } = await opened(1)
  const queue = scheduler.queue()
  const refused = (message: string, ...tasks: readonly object[]) =>
    t.like(queue.add(tasks as never), { outcome: 'refused', refusal: { message } })
  const preferring = (prefer: unknown) => ({ ...aTask('a'), prefer })
  refused(
    'task 2: command must be a text for /bin/sh, or a list of a program and its arguments, not undefined',
    aTask('a'),
    { resources: { cpus: 1 } },
  )
  refused('task a waits already', aTask('a'), aTask('a'))
  refused('task 1: prefer must be like { attribute, equals, waitMs }, not "r1"', preferring('r1'))
  refused(
    'task 1: prefer.waitMs must be whole milliseconds, 0 to ten years, not undefined',
    preferring({ attribute: 'rack', equals: 'r1' }),
  )
  refused(
    'task 1: prefer[1].attribute must be the name of an attribute, hostname or agent, not "no name"',
    preferring([on('agent-1', 0), { attribute: 'no name', equals: 'r1', waitMs: 0 }]),
  )
  refused(
    'task 1: prefer.equals must be a text, a number, or a list of 1 to 64, not []',
    preferring({ attribute: 'rack', equals: [], waitMs: 0 }),
  )
  refused("task 1: role must be a role, like '*' or 'team/batch', not \"a b\"", {
    ...aTask('a'),
    role: 'a b',
  })
  refused('task 1: prefer has more than 8 preferences', preferring(Array(9).fill(on('agent-1', 0))))
  const large = { ...aTask('a'), env: { LARGE: 'x'.repeat(30_000), LARGER: 'y'.repeat(30_000) } }
  t.like(queue.add([large]), { outcome: 'refused', refusal: { name: 'too-large' } })
  t.is(queue.length, 0)
  t.deepEqual(queue.add([aTask('a')]).taskIds, ['a' as never])
  refused('task a waits already', aTask('a'))
  t.true(queue.remove('a'))
  t.false(queue.remove('a'))
  t.like(await queue.answer('offer' as never), { outcome: 'refused', placed: [] })
  await cluster.until(scheduler.close())
})
