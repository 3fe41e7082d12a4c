/** What bourse/testing says of what is no good, and what happens to whom it happens to. */
import test from 'ava'
import { openScheduler } from '../../../actors/scheduler/scheduler.ts'
import { type AgentWish, type ClusterOptions, SimulatedCluster } from '../../../testing/testing.ts'

const OPEN = 'SimulatedCluster.open'
const AGENTS = 'agents must be how many, 0 to 10000, or a list of what each is to have'
const AMOUNT = 'a number, 0 or more'
const PORTS = 'ports must be the first and the last, like [31000, 31009]'
const OPTIONS: readonly (readonly [given: unknown, wrong: string])[] = [
  [3, `${OPEN}: must be given an object, not 3`],
  [{ agent: 3 }, `${OPEN}: there is no option "agent"`],
  [{ agents: '3' }, `${OPEN}: ${AGENTS}, not "3"`],
  [{ agents: -1 }, `${OPEN}: ${AGENTS}, not -1`],
  [{ agents: 1.5 }, `${OPEN}: ${AGENTS}, not 1.5`],
  [{ agents: [8] }, 'an agent: must be given an object, not 8'],
  [{ agents: [{ memory: 64 }] }, 'an agent: there is no option "memory"'],
  [
    { agents: [{ agentId: 'a b' }] },
    'an agent: agentId must be 1 to 64 letters, digits, _ or -, not "a b"',
  ],
  [
    { agents: [{ cpus: '4', mem: -1 }] },
    `an agent: cpus must be ${AMOUNT}, not "4"; mem must be ${AMOUNT}, not -1`,
  ],
  [{ agents: [{ ports: [9, 1] }] }, `an agent: ${PORTS}, not [9, …]`],
  [{ agents: [{ ports: [1, 65_536] }] }, `an agent: ${PORTS}, not [1, …]`],
  [
    { agents: [{ attributes: { rack: 7 } }] },
    "an agent: attributes must be texts by name, like { rack: 'r1' }, not { rack }",
  ],
  [{ agents: [{ agentId: 'a' }, { agentId: 'a' }] }, 'there is an agent a already'],
]

for (const [given, message] of OPTIONS) {
  test(`a cluster is not opened, but told: ${message}`, async (t) => {
    const opening = SimulatedCluster.open(given as ClusterOptions)
    await t.throwsAsync(opening, { code: 'testing/option', message })
  })
}

test('what is asked of a cluster is a time, an agent that there is, and a leader', async (t) => {
  const cluster = await SimulatedCluster.open({ agents: 0 })
  const { nowMs } = cluster
  const noTime = { code: 'testing/option', message: /^milliseconds must be a number, 0 or more/ }
  await t.throwsAsync(cluster.pass(Number.NaN), noTime)
  await t.throwsAsync(cluster.pass(-1), noTime)
  await t.throwsAsync(cluster.until(Promise.resolve(), Number.NaN), noTime)
  t.is(cluster.nowMs, nowMs)
  t.throws(() => cluster.agent('a'), { code: 'testing/no-agent' })
  const agent = await cluster.addAgent()
  const wrong = agent.start({ cpus: 'many' } as unknown as AgentWish)
  await t.throwsAsync(wrong, { code: 'testing/option' })
  await cluster.killLeader()
  await t.throwsAsync(cluster.killLeader(), { code: 'testing/no-leader' })
  await cluster.pass(10_000)
  await cluster.killLeader()
})

test('who waits for what never comes is told so, and time goes on', async (t) => {
  const cluster = await SimulatedCluster.open({ agents: 0 })
  const scheduler = await cluster.scheduler({ name: 'x' })
  const first = scheduler.offers()[Symbol.asyncIterator]().next()
  await t.throwsAsync(cluster.until(first, 5_000), { code: 'testing/not-settled' })
  await cluster.addAgent({ agentId: 'late' })
  t.is((await cluster.until(first)).value?.agentId, 'late')
})

test('two that let time pass at once do not hinder each other', async (t) => {
  const cluster = await SimulatedCluster.open()
  const beganMs = cluster.nowMs
  const scheduler = cluster.scheduler({ name: 'x' })
  await Promise.all([cluster.pass(3_000), cluster.pass(1_000), scheduler])
  t.true(cluster.nowMs >= beganMs + 3_000)
})

test('who is cut off before it connects is, and so is an agent that starts again', async (t) => {
  const cluster = await SimulatedCluster.open({ agents: 2 })
  const process = cluster.process()
  process.cutOff()
  const opening = openScheduler({ name: 'x', openTimeoutMs: 5_000, world: process.world })
  await t.throwsAsync(cluster.until(opening), { code: 'scheduler/no-leader' })
  const scheduler = await cluster.scheduler({ name: 'y' })
  const [near, far] = [cluster.agent('agent-1'), cluster.agent('agent-2')]
  const heard = new Set<string>()
  const look = async (): Promise<void> => {
    for await (const offer of scheduler.offers()) {
      heard.add(offer.agentId)
      await offer.decline('only looking', { refuseMs: 0 })
    }
  }
  far.cutOff()
  far.crash()
  await cluster.until(far.start())
  await cluster.pass(60_000)
  void look()
  await cluster.pass(10_000)
  t.deepEqual([...heard], [near.agentId])
  far.join()
  await cluster.pass(60_000)
  t.deepEqual([...heard].sort(), [near.agentId, far.agentId])
})

test('who is frozen before it connects hears nothing until it goes on', async (t) => {
  const cluster = await SimulatedCluster.open()
  const process = cluster.process()
  process.freeze()
  let isOpen = false
  const patient = { name: 'x', openTimeoutMs: 600_000, world: process.world }
  const opening = openScheduler(patient).then(() => {
    isOpen = true
  })
  await cluster.pass(60_000)
  t.false(isOpen)
  process.thaw()
  await cluster.until(opening)
})
