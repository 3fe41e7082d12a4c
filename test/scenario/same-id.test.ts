/** Tasks, and other tasks of their ids. */
import test from 'ava'
import { openScheduler, type Scheduler } from '../../actors/scheduler/scheduler.ts'
import type { AgentId } from '../../protocol/ids.ts'
import { NOT_LAUNCHED_MAX } from '../../protocol/limits.ts'
import { SimulatedCluster } from '../../testing/testing.ts'
import { Scenario } from '../support/scenario.ts'

test('a task is started anew under its id while a reader is busy with its end: its own end is told', async (t) => {
  const scenario = await Scenario.open()
  const islands = await scenario.islands('a', 'b')
  const { cluster } = scenario
  const { system, clock, randomToken } = cluster
  const scheduler = await cluster.until(
    openScheduler({ name: 'f', world: { system, clock, randomToken } }),
  )
  const told: string[] = []
  scheduler.onStatus(({ taskId, state }) => void told.push(`${taskId} ${state}`))
  const task = (ms: string) => ({
    taskId: 'web',
    command: 'true',
    env: { PRETEND_MS: ms },
    resources: { cpus: 1, mem: 32 },
  })
  const launch = async (ms: string, not?: string) => {
    for await (const offer of scheduler.offers()) {
      if (offer.agentId === not) continue
      await scheduler.accept([offer], [task(ms)])
      return offer.agentId
    }
    return undefined
  }
  const reader = scheduler.statuses('web')[Symbol.asyncIterator]()
  const first = reader.next()
  const agentId = (await cluster.until(launch('Infinity'))) as AgentId
  t.like(await cluster.until(first), { value: { state: 'TASK_RUNNING' } })
  const second = reader.next()
  islands.get(agentId)?.cutOff()
  await scenario.ask('mark-gone', { agentId })
  t.like(await cluster.until(second), { value: { state: 'TASK_GONE_BY_OPERATOR' } })
  // Its author is busy with that for 5 s; somebody else starts it anew meanwhile.
  await cluster.until(launch('20000', agentId))
  await scenario.pass(5_000)
  t.true((await cluster.until(reader.next())).done)
  for (let i = 0; i < 5; i++) await scenario.pass(5 * 60_000)
  t.deepEqual(told, [
    'web TASK_RUNNING',
    'web TASK_GONE_BY_OPERATOR',
    'web TASK_RUNNING',
    'web TASK_FINISHED',
  ])
  await cluster.until(scheduler.close())
})

for (const [what, end] of [
  ['they end by themselves', 'TASK_FINISHED'],
  ['they are killed', 'TASK_KILLED'],
] as const) {
  test(`more ids are in use on an agent that is away than an answer names, and ${what}: so it is told`, async (t) => {
    const agents = ['a1', 'a2'].map((agentId) => ({ agentId, cpus: 100, mem: 10_000 }))
    const cluster = await SimulatedCluster.open({ agents })
    const identity = { name: 'test', frameworkId: 'f1', secret: 'a secret of tests' }
    const ids = Array.from({ length: NOT_LAUNCHED_MAX + 8 }, (_, i) => `t${i}`)
    const task = (taskId: string) => ({
      taskId,
      command: 'true',
      env: { PRETEND_MS: end === 'TASK_KILLED' ? 'Infinity' : '300000' },
      resources: { cpus: 1, mem: 32 },
    })
    const launch = async (scheduler: Scheduler, on: string) => {
      for await (const offer of scheduler.offers()) {
        if (offer.agentId !== on) continue
        const answer = await offer.accept(ids.map(task))
        return answer.outcome === 'done' ? (answer.notLaunched?.length ?? 0) : answer.outcome
      }
      return undefined
    }
    const first = cluster.process()
    const before = await cluster.until(openScheduler({ ...identity, world: first.world }))
    t.is(await cluster.until(launch(before, 'a1')), 0)
    await cluster.pass(2_000)
    cluster.agent('a1').cutOff()
    first.kill()
    await cluster.pass(40_000)
    const second = cluster.process()
    const scheduler = await cluster.until(openScheduler({ ...identity, world: second.world }))
    const told = new Map<string, string>()
    scheduler.onStatus(({ taskId, state }) => void told.set(taskId, state))
    t.is(await cluster.until(launch(scheduler, 'a2')), NOT_LAUNCHED_MAX)
    cluster.agent('a1').join()
    await cluster.pass(60_000)
    if (end === 'TASK_KILLED') for (const taskId of ids) scheduler.kill(taskId)
    await cluster.pass(300_000)
    t.deepEqual(new Set(told.values()), new Set([end]))
    t.is(told.size, ids.length)
    t.deepEqual(cluster.agent('a1').running, [])
  })
}
