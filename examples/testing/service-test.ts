/** What the service does when things go wrong, by `node --test`, without a cluster. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedCluster } from '../../testing/testing.ts'
import { keepRunning } from './service.ts'

const WEB = { command: 'serve', env: { PRETEND_MS: 'Infinity' }, resources: { cpus: 2, mem: 64 } }

/** Three copies on three agents with room for two each. */
async function story(task = WEB): Promise<SimulatedCluster> {
  const cluster = await SimulatedCluster.open({ agents: 3 })
  const scheduler = await cluster.scheduler({ name: 'service' })
  void keepRunning(scheduler, { copies: 3, task })
  await cluster.pass(10_000)
  return cluster
}

const running = (cluster: SimulatedCluster): readonly string[] =>
  cluster.agents.flatMap((agent) => agent.running)

void test('three copies run, and no more', async () => {
  const cluster = await story()
  assert.equal(running(cluster).length, 3)
})

void test('copies that end are started anew', async () => {
  const cluster = await story({ ...WEB, env: { PRETEND_MS: '1000' } })
  await cluster.pass(60_000)
  assert.equal(running(cluster).length, 3)
})

void test('the leader dies: what runs runs on, and nothing is started twice', async () => {
  const cluster = await story()
  const before = running(cluster)
  await cluster.killLeader()
  await cluster.pass(60_000)
  assert.deepEqual(running(cluster), before)
})

void test('an agent restarts: its tasks are the same as before', async () => {
  const cluster = await story()
  const before = running(cluster)
  for (const agent of cluster.agents) {
    agent.crash()
    await cluster.until(agent.start())
  }
  await cluster.pass(60_000)
  assert.deepEqual(running(cluster), before)
})
