/** Kills that leaders forget, as a framework's author sees it. */
import test from 'ava'
import { KILLS_REMEMBERED_MAX } from '../../protocol/limits.ts'
import { SimulatedCluster } from '../../testing/testing.ts'

test('more kills than a new leader remembers reach an agent that is back later', async (t) => {
  const count = KILLS_REMEMBERED_MAX + 100
  const agents = [{ agentId: 'big', cpus: count, mem: count }]
  const cluster = await SimulatedCluster.open({ agents })
  const scheduler = await cluster.scheduler({ name: 'test' })
  const killed = new Set<string>()
  scheduler.onStatus(({ taskId, state }) => {
    if (state === 'TASK_KILLED') killed.add(taskId)
  })
  const waiting = Array.from({ length: count }, (_, i) => `t${i}`)
  const serve = async (): Promise<void> => {
    for await (const offer of scheduler.offers()) {
      const some = waiting.splice(0, 500).map((taskId) => ({
        taskId,
        command: 'true',
        env: { PRETEND_MS: 'Infinity' },
        resources: { cpus: 1, mem: 1 },
      }))
      await offer.accept(some, { refuseMs: 0 })
      if (waiting.length === 0) return
    }
  }
  await cluster.until(serve())
  await cluster.pass(5_000)
  const agent = cluster.agent('big')
  const { running } = agent
  t.is(running.length, count)
  agent.cutOff()
  await cluster.killLeader()
  await cluster.pass(10_000)
  for (const taskId of running) scheduler.kill(taskId)
  await cluster.pass(5_000)
  agent.join()
  await cluster.pass(90_000)
  t.is(agent.running.length, 0)
  t.is(killed.size, count)
})
