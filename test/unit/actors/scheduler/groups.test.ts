/** Tasks that are started together, as an author writes them, on a whole simulated cluster. */
import test from 'ava'
import {
  type Offered,
  openScheduler,
  type TaskWish,
} from '../../../../actors/scheduler/scheduler.ts'
import { SimulatedActors } from '../../../../testing/simulated-actors.ts'

const wish = (taskId: string, env: TaskWish['env'] = {}, cpus = 1): TaskWish => ({
  taskId,
  command: 'true',
  env: { PRETEND_MS: 'Infinity', ...env },
  resources: { cpus, mem: 32 },
})

async function opened() {
  const cluster = await SimulatedActors.open(1)
  const scheduler = await cluster.until(openScheduler({ name: 'test', world: cluster.world }))
  const states = new Map<string, string[]>()
  scheduler.onStatus(({ taskId, state }) => {
    states.set(taskId, [...(states.get(taskId) ?? []), state])
  })
  const offers = scheduler.offers()[Symbol.asyncIterator]()
  const offer = (await cluster.until(offers.next())).value as Offered
  const pass = (delayMs: number): Promise<void> =>
    cluster.until(new Promise((resolve) => void cluster.clock.after(delayMs, resolve)))
  return { cluster, scheduler, offer, states, pass }
}

test('a group is started with the tasks around it; its members die together', async (t) => {
  const { cluster, scheduler, offer, states, pass } = await opened()
  const fails = wish('fails', { PRETEND_MS: '1000', PRETEND_EXIT: '1' })
  const accepted = await cluster.until(
    offer.accept([wish('before'), { group: [fails, wish('beside')] }, wish('after')]),
  )
  t.deepEqual(accepted as unknown, {
    outcome: 'done',
    taskIds: ['before', 'fails', 'beside', 'after'],
  })
  await pass(500)
  for (const taskId of accepted.taskIds) t.deepEqual(states.get(taskId), ['TASK_RUNNING'])
  await pass(10_000)
  t.is(states.get('fails')?.at(-1), 'TASK_FAILED')
  t.is(states.get('beside')?.at(-1), 'TASK_KILLED')
  t.deepEqual(states.get('before'), ['TASK_RUNNING'])
  t.deepEqual(states.get('after'), ['TASK_RUNNING'])
  await cluster.until(scheduler.teardown())
})

test('of a group that does not fit nothing is started, and what comes after it has the room', async (t) => {
  const { cluster, scheduler, offer, states, pass } = await opened()
  await cluster.until(
    offer.accept([wish('before'), { group: [wish('a'), wish('b', {}, 3)] }, wish('after', {}, 3)]),
  )
  await pass(500)
  t.deepEqual(
    [...states].toSorted(([one], [other]) => (one < other ? -1 : 1)),
    [
      ['a', ['TASK_ERROR']],
      ['after', ['TASK_RUNNING']],
      ['b', ['TASK_ERROR']],
      ['before', ['TASK_RUNNING']],
    ],
  )
  await cluster.until(scheduler.teardown())
})
