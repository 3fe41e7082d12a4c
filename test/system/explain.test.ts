/** `bourse explain`, over real processes. */
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openScheduler, type Scheduler } from '../../actors/scheduler/scheduler.ts'
import type { Explanation } from '../../protocol/schema/explain.ts'
import { type Actor, type Cluster, openCluster, runBourse } from '../support/cluster.ts'

interface World {
  readonly cluster: Cluster
  readonly master: Actor
  readonly agent: (id: string, resources: string, ...args: string[]) => Promise<unknown>
  readonly framework: (options: Parameters<typeof openScheduler>[0]) => Promise<Scheduler>
  /** Asks until what is printed says so: what it is about may take a moment. */
  readonly explains: (id: string, ...expected: readonly RegExp[]) => Promise<void>
}

async function aWorld(t: ExecutionContext): Promise<World> {
  t.timeout(60_000)
  const cluster = await openCluster()
  const frameworks: Scheduler[] = []
  t.teardown(async () => {
    for (const one of frameworks) await one.close()
    await cluster.close()
  })
  const master = await cluster.start('master', '--id', 'm1')
  await cluster.start('allocator')
  return {
    cluster,
    master,
    agent(id, resources, ...args) {
      const workDir = join(cluster.folder, id)
      const flags = ['--id', id, '--work-dir', workDir, '--resources', resources, ...args]
      return cluster.start('agent', ...flags)
    },
    async framework(options) {
      const nats = cluster.env['NATS_URL'] as string
      const framework = await openScheduler({ nats, ...options })
      frameworks.push(framework)
      return framework
    },
    async explains(id, ...expected) {
      for (let tries = 1; ; tries++) {
        const { stdout, stderr } = await runBourse(cluster.env, 'explain', id)
        if (expected.every((pattern) => pattern.test(stdout))) break
        if (tries === TRIES_MAX) throw new Error(`explain ${id}:\n${stdout}${stderr}`)
      }
      t.pass()
    },
  }
}

/** Half a minute and more. */
const TRIES_MAX = 50

const CPUS_MEM = 'cpus:4;mem:4096'

test('who declines is told what, who suppresses that, and whom an offer keeps waiting', async (t) => {
  const { agent, framework, explains, cluster } = await aWorld(t)
  await agent('a1', CPUS_MEM)
  const picky = await framework({ name: 'picky', frameworkId: 'picky-1' })
  for await (const offer of picky.offers()) {
    await offer.decline('too small', { refuseMs: 600_000 })
    break
  }
  const readMore = picky.offers()[Symbol.asyncIterator]().next()
  await explains(
    'picky',
    /^picky-1 \(role \*\) waits: the only agent is not offered to it$/m,
    /^ {2}1 agent was declined by it, the last .* ago: "too small"$/m,
    /^ {4}a1: declined cpus 4, mem 4096.* \(for another 9m\d+s\)$/m,
  )

  const holder = await framework({ name: 'holder', frameworkId: 'holder-1' })
  const held = await holder.offers()[Symbol.asyncIterator]().next()
  t.is(held.value?.agentId, 'a1')
  await explains(
    'picky-1',
    /^ {2}1 agent has nothing free: all is used or offered/m,
    /^1 offer is unanswered in the cluster, the oldest with holder-1 for .*, of a1/m,
  )
  await explains(
    'a1',
    /^a1 has nothing free of cpus 4/m,
    /^ {2}offered to holder-1 in role \* for/m,
  )
  holder.suppress()
  await explains('holder', /^holder-1 \(role \*\) wants no offers: it has suppressed them$/m)

  const { stdout, code } = await runBourse(cluster.env, 'explain', 'picky-1', '--json')
  t.is(code, 0)
  const document = JSON.parse(stdout) as Explanation & { kind: string; id: string }
  t.like(document, { kind: 'framework', id: 'picky-1', state: 'subscribed', allocator: true })
  t.like(document.members, [
    { role: '*', declineReason: 'too small', explained: { counts: { 'none-free': 1 } } },
  ])
  void readMore
})

test('an agent with GPUs says who does not ask for them, constraints say what they miss', async (t) => {
  const { agent, framework, explains } = await aWorld(t)
  // A real one offers no GPU that its machine does not have.
  await agent('gpu', `${CPUS_MEM};gpus:2`, '--emulate', '1', '--attributes', 'rack:r7')
  const plain = await framework({ name: 'plain', frameworkId: 'plain-1' })
  void plain.offers()[Symbol.asyncIterator]().next()
  await explains(
    'plain',
    /^plain-1 \(role \*\) waits: the only agent is not offered to it$/m,
    /^ {2}1 agent has GPUs, and it does not ask for any \(capability GPU_RESOURCES\)$/m,
    /^ {4}gpu-1$/m,
  )
  const racked = await framework({
    name: 'racked',
    frameworkId: 'racked-1',
    capabilities: ['GPU_RESOURCES'],
    constraints: { '*': [[{ attribute: 'rack', equals: 'r1' }]] },
  })
  void racked.offers()[Symbol.asyncIterator]().next()
  await explains(
    'racked',
    /^ {2}1 agent does not meet its constraints/m,
    /^ {4}gpu-1: wants rack = r1, has rack = r7$/m,
  )
  await explains(
    'gpu-1',
    /^gpu-1 has cpus 4, mem 4096.*, gpus 2.* free of /m,
    /^1 framework does not ask for GPUs, which it has \(capability GPU_RESOURCES\)$/m,
    /^ {2}plain-1$/m,
    /^1 framework has constraints that it does not meet$/m,
    /^ {2}racked-1: wants rack = r1, has rack = r7$/m,
  )
})

test('who waits for a limit is told which', async (t) => {
  const { agent, framework, explains, cluster } = await aWorld(t)
  const set = await runBourse(cluster.env, 'quota', 'set', 'batch', '--limit', 'cpus:1', '--force')
  t.is(set.stderr, '')
  await agent('a1', CPUS_MEM)
  const night = await framework({ name: 'night', frameworkId: 'night-1', roles: ['batch'] })
  const offers = night.offers()[Symbol.asyncIterator]()
  const offer = (await offers.next()).value
  await offer.accept([{ command: 'sleep 60', resources: { cpus: 1, mem: 64 } }])
  void offers.next()
  const told = [
    /its role has all that its quota allows/,
    /a1: role batch has 1 of its limit of 1 cpus/,
    /role batch holds 25 % of the cluster, .*has cpus 1 of at most 1/,
  ]
  await explains('night', ...told)
  await explains('batch', /^role batch has 1 framework; cpus 1, .*used/m, ...told.slice(2))
})

test('who needs more than a limit leaves is told of the limit, by its run too', async (t) => {
  const { agent, explains, cluster } = await aWorld(t)
  await runBourse(cluster.env, 'quota', 'set', 'batch', '--limit', 'cpus:1', '--force')
  await agent('a1', CPUS_MEM)
  const args = ['run', '--role', 'batch', '--name', 'night', '--cpus', '2', '--timeout', '8s']
  const run = runBourse(cluster.env, ...args, '--', 'true')
  const offered = 'it is offered cpus 1 of 4: role batch has 0 of its limit of 1 cpus'
  await explains(
    'night',
    /^ {2}1 agent was declined by it, the last .* ago: "cpus 2 wanted, 1 offered"$/m,
    new RegExp(`^ {4}a1: ${offered} `, 'm'),
  )
  const { stderr, code } = await run
  t.is(code, 2)
  const few = 'no agent offers cpus 2: the most is 1, on a1'
  const limit = `the limit of its role leaves no more (a1: ${offered})`
  t.true(stderr.includes(`bourse: waiting: ${few}; ${limit}\n`), stderr)
  t.true(stderr.includes(`bourse: ${few}\nbourse: ${limit}\n`), stderr)
})

test('where no allocator is, status and runs say so', async (t) => {
  t.timeout(60_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  await cluster.start('master', '--id', 'm1')
  const run = await runBourse(cluster.env, 'run', '--timeout', '3s', '--', 'true')
  t.is(run.code, 2)
  t.regex(run.stderr, /^bourse: nothing is offered: no allocator answers$/m)
  t.regex((await runBourse(cluster.env, 'status')).stdout, /^allocator +none$/m)
})

test('what has ended is explained as a task', async (t) => {
  const { agent, cluster, explains } = await aWorld(t)
  await agent('a1', CPUS_MEM)
  const run = ['run', '--name', 'bad', '--cpus', '1', '--', 'sh', '-c', 'exit 3']
  await runBourse(cluster.env, ...run)
  await explains('bad-0', /^bad-.*\/bad-0 ended as TASK_FAILED .* ago on a1: .*3$/m)
})

test('of an id that the leader does not know it is said where the ends of tasks stay', async (t) => {
  const { agent, cluster, master } = await aWorld(t)
  await agent('a1', CPUS_MEM)
  await runBourse(cluster.env, 'run', '--name', 'bad', '--', 'sh', '-c', 'exit 3')
  await master.end()
  await master.start()
  for (const command of ['status', 'explain']) {
    const { code, stderr } = await runBourse(cluster.env, command, 'bad-0')
    t.is(code, 1)
    t.regex(stderr, /bad-0.*; if it is a task, it may .*have ended .* under an earlier leader: see/)
    const [, see = ''] = /`bourse (.*)`/.exec(stderr) ?? []
    const { stdout } = await runBourse(cluster.env, ...see.split(' '))
    t.regex(stdout, /task\.failed .*\/bad-0 .* status 3$/m)
  }
})
