/**
 * Agents, leaders and frameworks that are away for a while, as a framework's author sees it: the
 * real library on a whole simulated cluster.
 */
import test from 'ava'
import { openScheduler, type Scheduler, type TaskWish } from '../../actors/scheduler/scheduler.ts'
import { isTerminal } from '../../protocol/task-state.ts'
import { type ClusterOptions, SimulatedCluster } from '../../testing/testing.ts'

/** So long an agent may be silent before it is unreachable, and a little more. */
const UNREACHABLE_MS = 30_000
/** Another leader leads, and whoever lives has come to it. */
const TAKEN_OVER_MS = 30_000
/** An agent that was cut off is heard again, and all that it had to say. */
const BACK_MS = 30_000
const WHOLE = { cpus: 4, mem: 1_024 }
const IDENTITY = { name: 'test', frameworkId: 'f1', secret: 'a secret of tests' }

const aTask = (taskId: string, env: Readonly<Record<string, string>> = {}): TaskWish => ({
  taskId,
  command: 'true',
  resources: WHOLE,
  env: { PRETEND_MS: 'Infinity', ...env },
})

class Story {
  readonly cluster: SimulatedCluster
  readonly scheduler: Scheduler
  /** As `task STATE`; those of one task in order, each once. */
  readonly told: string[] = []
  readonly failures: string[] = []

  constructor(cluster: SimulatedCluster, scheduler: Scheduler) {
    this.cluster = cluster
    this.scheduler = scheduler
    scheduler.onStatus(({ taskId, state }) => {
      const said = `${taskId} ${state}`
      if (this.told.findLast((other) => other.startsWith(`${taskId} `)) !== said)
        this.told.push(said)
    })
    scheduler.onFailure((agentId) => {
      this.failures.push(agentId)
    })
  }

  static async open(options: ClusterOptions = {}): Promise<Story> {
    const cluster = await SimulatedCluster.open(options)
    return new Story(cluster, await cluster.scheduler(IDENTITY))
  }

  /** Each task on the next offer, which it takes whole. */
  async run(...tasks: readonly TaskWish[]): Promise<void> {
    const waiting = [...tasks]
    const serve = async (): Promise<void> => {
      for await (const offer of this.scheduler.offers()) {
        const next = waiting.shift()
        if (next !== undefined) await offer.accept([next])
        if (waiting.length === 0) return
      }
    }
    await this.cluster.until(serve())
    await this.cluster.pass(2_000)
  }

  /** Agents of which something is offered within a few seconds, to whoever takes nothing. */
  async offered(): Promise<readonly string[]> {
    const agents = new Set<string>()
    const look = async (): Promise<void> => {
      for await (const offer of this.scheduler.offers()) {
        agents.add(offer.agentId)
        await offer.decline('only looking', { refuseMs: 0 })
      }
    }
    void look()
    await this.cluster.pass(10_000)
    return [...agents].sort()
  }

  get running(): readonly string[] {
    return this.cluster.agents.flatMap(({ running }) => running).sort()
  }
}

test('an agent that nobody hears is lost: frameworks hear of it and of its tasks, and it is not offered', async (t) => {
  const story = await Story.open({ agents: 2 })
  await story.run(aTask('t1'), aTask('t2', { PRETEND_MS: '5000' }))
  const [lost] = story.cluster.agents.filter(({ running }) => running.includes('t1'))
  lost?.cutOff()
  await story.cluster.pass(UNREACHABLE_MS)
  t.deepEqual(story.failures, [lost?.agentId])
  t.is(story.told.at(-1), 't1 TASK_UNREACHABLE')
  t.false((await story.offered()).includes(lost?.agentId ?? ''))
  lost?.join()
  await story.cluster.pass(BACK_MS)
  t.is(story.told.at(-1), 't1 TASK_RUNNING')
  t.deepEqual(story.running, ['t1'])
})

test('an agent that is cut off while the leader dies is lost to the next one, and found again', async (t) => {
  const story = await Story.open({ agents: 2 })
  await story.run(aTask('t1'), aTask('t2'))
  const [agent] = story.cluster.agents
  agent?.cutOff()
  await story.cluster.killLeader()
  await story.cluster.pass(TAKEN_OVER_MS)
  t.deepEqual(story.failures, [], 'it has its time to come back')
  await story.cluster.pass(600_000)
  t.deepEqual(story.failures, [agent?.agentId])
  agent?.join()
  await story.cluster.pass(BACK_MS * 2)
  t.deepEqual(story.running, ['t1', 't2'])
  t.false(story.told.some((said) => isTerminal(said.split(' ')[1] as 'TASK_RUNNING')))
})

test('a task that ended while its agent was unreachable is told with its true end', async (t) => {
  const story = await Story.open()
  await story.run(aTask('t1', { PRETEND_MS: '40000', PRETEND_EXIT: '7' }))
  const [agent] = story.cluster.agents
  agent?.cutOff()
  await story.cluster.pass(UNREACHABLE_MS + 20_000)
  t.is(story.told.at(-1), 't1 TASK_UNREACHABLE')
  agent?.join()
  await story.cluster.pass(BACK_MS)
  t.is(story.told.at(-1), 't1 TASK_FAILED')
  t.deepEqual(await story.offered(), ['agent-1'], 'what it held is free')
})

test('an agent that registers anew for no reason changes nothing: nothing is killed, nothing told', async (t) => {
  const story = await Story.open({ agents: 2 })
  await story.run(aTask('t1'), aTask('t2'))
  const before = [...story.told]
  for (const agent of story.cluster.agents) agent.disconnect(200)
  await story.cluster.pass(BACK_MS)
  t.deepEqual(story.told, before)
  t.deepEqual(story.running, ['t1', 't2'])
})

test('a launch that was lost is over when its agent returns from being unreachable', async (t) => {
  const story = await Story.open()
  const [agent] = story.cluster.agents
  const offers = story.scheduler.offers()[Symbol.asyncIterator]()
  const { value: offer } = await story.cluster.until(offers.next())
  agent?.cutOff()
  await story.cluster.until(story.scheduler.accept([offer], [aTask('t1')]))
  await story.cluster.pass(UNREACHABLE_MS)
  t.deepEqual(story.told, ['t1 TASK_UNREACHABLE'])
  agent?.join()
  await story.cluster.pass(BACK_MS)
  t.deepEqual(
    [story.told.length, isTerminal(story.told[1]?.split(' ')[1] as 'TASK_GONE')],
    [2, true],
  )
  t.deepEqual(await story.offered(), ['agent-1'])
})

test('a kill that its agent cannot hear is remembered until it can', async (t) => {
  const story = await Story.open()
  await story.run(aTask('t1'))
  const [agent] = story.cluster.agents
  agent?.cutOff()
  await story.cluster.pass(UNREACHABLE_MS)
  story.scheduler.kill('t1')
  await story.cluster.pass(5_000)
  t.deepEqual(story.running, ['t1'])
  agent?.join()
  await story.cluster.pass(BACK_MS)
  t.is(story.told.at(-1), 't1 TASK_KILLED')
  t.deepEqual(story.running, [])
})

for (const first of ['the framework', 'agents'] as const) {
  test(`after a takeover all is as before when ${first} came first, and nothing is offered twice`, async (t) => {
    const cluster = await SimulatedCluster.open({ agents: 3 })
    const process = cluster.process()
    const opening = openScheduler({ ...IDENTITY, world: process.world })
    const story = new Story(cluster, await cluster.until(opening))
    await story.run(aTask('t1'), aTask('t2'))
    const before = [...story.told]
    process.cutOff()
    for (const agent of cluster.agents) agent.cutOff()
    await cluster.killLeader()
    await cluster.pass(TAKEN_OVER_MS)
    const joins = [() => process.join(), () => cluster.agents.forEach((agent) => agent.join())]
    for (const join of first === 'agents' ? joins.reverse() : joins) {
      join()
      await cluster.pass(TAKEN_OVER_MS)
    }
    t.deepEqual(story.told, before)
    t.deepEqual(story.running, ['t1', 't2'])
    const idle = cluster.agents.filter(({ running }) => running.length === 0)
    t.deepEqual(
      await story.offered(),
      idle.map(({ agentId }) => agentId),
      'and no others',
    )
  })
}

test('an agent that crashes and starts again has its tasks as before, and they go on to be told of', async (t) => {
  const story = await Story.open()
  await story.run(aTask('t1', { PRETEND_MS: '60000' }))
  const before = [...story.told]
  const [agent] = story.cluster.agents
  agent?.crash()
  await story.cluster.pass(5_000)
  await story.cluster.until(agent?.start() ?? Promise.resolve())
  await story.cluster.pass(10_000)
  t.deepEqual(story.told, before)
  t.deepEqual(story.running, ['t1'])
  await story.cluster.pass(60_000)
  t.is(story.told.at(-1), 't1 TASK_FINISHED')
})

test('an agent that starts again with more has its tasks as before, and offers the rest', async (t) => {
  const story = await Story.open()
  await story.run(aTask('t1'))
  const before = [...story.told]
  const [agent] = story.cluster.agents
  agent?.crash()
  await story.cluster.until(agent?.start({ cpus: 10 }) ?? Promise.resolve())
  await story.cluster.pass(BACK_MS)
  t.deepEqual([story.told, story.running], [before, ['t1']])
  const offers = story.scheduler.offers()[Symbol.asyncIterator]()
  const { value: offer } = await story.cluster.until(offers.next())
  t.is(offer.roomFor({ cpus: 1 }), 6)
})

test('a task that ended while its agent was down is told with its true end', async (t) => {
  const story = await Story.open()
  await story.run(aTask('t1', { PRETEND_MS: '5000', PRETEND_EXIT: 'SIGSEGV' }))
  const [agent] = story.cluster.agents
  agent?.crash()
  await story.cluster.pass(10_000)
  await story.cluster.until(agent?.start() ?? Promise.resolve())
  await story.cluster.pass(BACK_MS)
  t.is(story.told.at(-1), 't1 TASK_FAILED')
})

test('an end that nobody acknowledged is told to the process that comes next', async (t) => {
  const cluster = await SimulatedCluster.open()
  const process = cluster.process()
  const first = await cluster.until(openScheduler({ ...IDENTITY, world: process.world }))
  const before = new Story(cluster, first)
  await before.run(aTask('t1', { PRETEND_MS: '20000' }))
  process.kill()
  await cluster.pass(60_000)
  const after = new Story(cluster, await cluster.scheduler(IDENTITY))
  await cluster.pass(60_000)
  t.deepEqual(after.told, ['t1 TASK_FINISHED'])
})
