/** Readers of one task, and another task of its id. */
import test from 'ava'
import { openScheduler } from '../../actors/scheduler/scheduler.ts'
import type { AgentId } from '../../protocol/ids.ts'
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
