/** The walk of an offer, over real processes. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { type Offered, openScheduler, type Scheduler } from '../../actors/scheduler/scheduler.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { openCluster } from '../support/cluster.ts'

test('what one framework leaves is offered to the other; what its tasks held comes back', async (t) => {
  t.timeout(60_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const { folder, env } = cluster
  const nats = env['NATS_URL'] as string
  await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  const first = await openScheduler({ name: 'first', nats })
  const firstOffers = first.offers()[Symbol.asyncIterator]()
  const workDir = join(folder, 'a1')
  const resources = 'cpus:4;mem:4096'
  await cluster.start('agent', '--id', 'a1', '--work-dir', workDir, '--resources', resources)

  const all = await next(firstOffers)
  t.like(all, { cpus: 4, mem: 4096, agentId: 'a1' as Offered['agentId'] })
  const ended = allEnded(first, 2)
  const second = await openScheduler({ name: 'second', nats })
  const secondOffers = second.offers()[Symbol.asyncIterator]()
  const wait = `while [ ! -e ${join(folder, 'go')} ]; do sleep 0.05; done`
  const accepted = await all.accept([
    { command: wait, resources: { cpus: 2, mem: 1024 } },
    { command: wait, resources: { cpus: 1, mem: 2048 } },
  ])
  t.is(accepted.outcome, 'done')

  const rest = await next(secondOffers)
  t.like(rest, { cpus: 1, mem: 1024 }, 'the rest goes to the other framework')
  await rest.decline('enough seen', { refuseMs: 0 })
  first.suppress()

  writeFileSync(join(folder, 'go'), '')
  t.deepEqual(await ended, ['TASK_FINISHED', 'TASK_FINISHED'])
  let cpus = 0
  let mem = 0
  while (cpus < 4) {
    const offer = await next(secondOffers)
    cpus += offer.cpus
    mem += offer.mem
  }
  t.deepEqual({ cpus, mem }, { cpus: 4, mem: 4096 }, 'everything is offered again')

  await first.teardown()
  await second.teardown()
  await first.close()
  await second.close()
  await cluster.close()
})

async function next(offers: AsyncIterator<Offered>): Promise<Offered> {
  const { value, done } = await offers.next()
  if (done) throw new Error('there are no more offers')
  return value as Offered
}

/** The terminal states of so many tasks, as they come. */
function allEnded(scheduler: Scheduler, count: number): Promise<readonly string[]> {
  const states: string[] = []
  return new Promise((resolve) => {
    scheduler.onStatus(({ state }) => {
      if (isTerminal(state)) states.push(state)
      if (states.length === count) resolve(states)
    })
  })
}
