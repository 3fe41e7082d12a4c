/** Operators: listings in pages, and the few things that they may do to others' tasks. */
import test from 'ava'
import type { AgentId, FrameworkId, MasterId, SessionId, TaskId } from '../../../../protocol/ids.ts'
import { LEADER_SILENCE_MS, LISTING_ITEMS_MAX, STANDBYS_MAX } from '../../../../protocol/limits.ts'
import type { Listing, MasterReport } from '../../../../protocol/schema/operator.ts'
import {
  aHeldTask,
  aRegister,
  aStage,
  aStageWith,
  cpusMem,
  FakeAgent,
  FakeFramework,
  live,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  aFramework,
  bits,
  MasterDriver,
  OTHER_RUN,
  ordersOf,
} from '../../../support/master-builders.ts'

interface Page {
  readonly items: readonly Record<string, unknown>[]
  readonly next?: string
}

function list(
  master: MasterDriver,
  verb: 'agents' | 'frameworks' | 'tasks' | 'offers',
  body: Listing = {},
): Page {
  const answer = master.operate({ verb, body })
  return (answer !== undefined && 'ok' in answer ? answer.ok : { items: [] }) as Page
}

const TASK = { ...aFramework(), taskId: 't1' as TaskId }

test('agents are listed with what they have, what is used and what is offered', (t) => {
  const { master, allocator } = aStageWith('t1')
  allocator.offer({ resources: cpusMem(1, 64) })
  t.like(list(master, 'agents').items, [
    {
      agentId: 'a1',
      hostname: 'host',
      state: 'registered',
      total: cpusMem(4, 4096),
      used: cpusMem(1, 128),
      offered: cpusMem(1, 64),
      tasks: 1,
    },
  ])
})

test('agents and frameworks are as they are since they became so', (t) => {
  const { master, agent, framework } = aStage()
  const since = (verb: 'agents' | 'frameworks') =>
    list(master, verb).items.map((item) => item['sinceMs'])
  const nowMs = () => 1e12 + master.nowMs
  const beganMs = nowMs()
  live({ master, agent, framework }, 1_000)
  agent.open({ opens: 2 })
  t.deepEqual([since('agents'), since('frameworks')], [[beganMs], [beganMs]])
  framework.call('hand-over', {})
  t.deepEqual(since('frameworks'), [nowMs()])
  master.pass(1_000)
  master.operate({ verb: 'mark-gone', body: { agentId: 'a1' as AgentId } })
  t.deepEqual(since('agents'), [nowMs()])
})

test('frameworks are listed with their roles and what they use', (t) => {
  const { master, framework } = aStageWith('t1')
  framework.call('suppress', {})
  t.like(list(master, 'frameworks').items, [
    {
      ...aFramework(),
      name: 'test',
      state: 'subscribed',
      roles: ['*'],
      suppressed: ['*'],
      tasks: 1,
      offers: 0,
      used: cpusMem(1, 128),
    },
  ])
})

test('a role that a framework has left is not listed as one that it wants', (t) => {
  const { master, framework } = aStageWith('t1')
  framework.subscribe({ roles: ['b'] })
  t.like(list(master, 'frameworks').items[0], { roles: ['b'], suppressed: [] })
})

test('offers are listed with their age', (t) => {
  const { master, allocator } = aStage()
  allocator.offer()
  master.pass(1_500)
  t.like(list(master, 'offers').items, [{ ...aFramework(), agentId: 'a1', ageMs: 1_500 }])
})

test('tasks are listed with those that have lately ended', (t) => {
  const { master, agent } = aStageWith('t1', 't2')
  const launch = master.task('t1')?.launch ?? oldLaunch(9)
  agent.update('t1', 'TASK_FAILED', { exit: { code: 3 }, message: 'why' })
  agent.say({ kind: 'settled', tasks: [{ ...TASK, launch }] })
  t.like(list(master, 'tasks').items, [
    { taskId: 't1', state: 'TASK_FAILED', exit: { code: 3 }, message: 'why' },
    { taskId: 't2', state: 'TASK_STAGING', agentId: 'a1', role: '*' },
  ])
})

test('pages follow each other without a hole and without a double', (t) => {
  const master = new MasterDriver().leading()
  const count = 5 * LISTING_ITEMS_MAX + 3
  const tasks = Array.from({ length: count }, (_, i) =>
    aHeldTask(`t${i}`, { launch: oldLaunch(i + 1), resources: cpusMem(0.001, 1) }),
  )
  new FakeAgent(master).open({}, tasks)
  const seen: unknown[] = []
  let next: string | undefined
  do {
    const page = list(master, 'tasks', next === undefined ? {} : { after: next })
    t.true(page.items.length <= LISTING_ITEMS_MAX)
    seen.push(...page.items.map(({ taskId }) => taskId))
    next = page.next
  } while (next !== undefined)
  t.is(seen.length, count)
  t.is(new Set(seen).size, count)
})

test('a page is cut by bytes, too', (t) => {
  const master = new MasterDriver().leading()
  const attributes = Array.from({ length: 8 }, (_, i) => ({ name: `x${i}`, text: 'y'.repeat(900) }))
  for (let i = 0; i < 50; i++) {
    new FakeAgent(master, `a${i}`).open({ info: { ...aRegister().info, attributes } })
  }
  const page = list(master, 'agents')
  t.true(page.items.length > 10 && page.items.length < 50)
  t.is(page.next, String(page.items.at(-1)?.['agentId']))
})

test('a prefix finds agents and frameworks by id, and tasks by any of their ids', (t) => {
  const { master } = aStageWith('t1', 'other')
  new FakeAgent(master, 'b1').open()
  new FakeFramework(master, 'g1', 'guest').subscribe({ secretHash: 'c'.repeat(64) })
  t.like(list(master, 'agents', { prefix: 'b' }).items, [{ agentId: 'b1' }])
  t.like(list(master, 'frameworks', { prefix: 'g1' }).items, [{ frameworkId: 'g1' }])
  t.like(list(master, 'frameworks', { prefix: 'guest.g' }).items, [{ frameworkId: 'g1' }])
  t.like(list(master, 'tasks', { prefix: 'oth' }).items, [{ taskId: 'other' }])
  t.is(list(master, 'tasks', { prefix: 'f1' }).items.length, 2)
  t.is(list(master, 'tasks', { prefix: 'zz' }).items.length, 0)
})

test('the leader says who it is, since when, and what it has counted', (t) => {
  const { master } = aStageWith('t1')
  const answer = master.operate({ verb: 'master', body: {} })
  t.like(answer, { ok: { master: 'm1', epoch: 1, agents: 1, frameworks: 1, tasks: 1, offers: 0 } })
})

test('masters that stand by are named while they are heard', (t) => {
  const { master } = aStage()
  const standbys = () => {
    const answer = master.operate({ verb: 'master', body: {} })
    return answer !== undefined && 'ok' in answer ? (answer.ok as MasterReport).standbys : undefined
  }
  const beat = (name: string) =>
    master.input({
      kind: 'peer-beat',
      masterId: name as MasterId,
      body: { run: OTHER_RUN, role: 'follower' },
    })
  t.deepEqual(standbys(), [])
  beat('m3')
  beat('m2')
  beat('m1')
  t.deepEqual(standbys(), ['m2', 'm3'])
  for (let i = 0; i < 2 * STANDBYS_MAX; i++) beat(`peer-${i}`)
  t.is(standbys()?.length, STANDBYS_MAX)
  master.pass(LEADER_SILENCE_MS)
  t.deepEqual(standbys(), [])
  beat('m2')
  t.deepEqual(standbys(), ['m2'])
})

test('an operator kills any task', (t) => {
  const { master } = aStageWith('t1')
  t.deepEqual(master.operate({ verb: 'kill', body: { ...TASK, graceMs: 5 } }), { ok: {} })
  t.like(ordersOf(master.effects, 'a1', 'kill'), [{ taskId: 't1', graceMs: 5 }])
})

test('a task or framework that is not there is not found', (t) => {
  const { master } = aStage()
  const missing = { code: 404, name: 'not-found' }
  const { taskId: _, ...nobody } = { ...TASK, ...aFramework('f9') }
  t.like(master.operate({ verb: 'kill', body: TASK }), { refused: missing })
  t.like(master.operate({ verb: 'kill', body: { ...TASK, ...nobody } }), { refused: missing })
  t.like(master.operate({ verb: 'teardown', body: nobody }), { refused: missing })
})

test('a teardown is answered when the registry has it', (t) => {
  const { master } = aStageWith('t1')
  master.holding.add('registry')
  t.is(master.operate({ verb: 'teardown', body: aFramework() }), undefined)
  t.is(master.framework().state, 'subscribed')
  const effects = master.release()
  t.is(master.framework().state, 'ended')
  t.is(effects.filter((effect) => effect.do === 'answer').length, 1)
  t.like(master.operate({ verb: 'teardown', body: aFramework() }), { refused: { code: 404 } })
})

test('an operator reads output of any task, where its agent is registered', (t) => {
  const { master, agent } = aStageWith('t1')
  const body = {
    ...TASK,
    agentId: agent.agentId,
    stream: 'stderr' as const,
    offset: 0,
    bytesMax: 10,
    waitMs: 0,
    request: bits<SessionId>(3),
  }
  t.deepEqual(master.operate({ verb: 'read-output', body }), { ok: {} })
  t.is(ordersOf(master.effects, 'a1', 'send-output').length, 1)
  agent.n += 1
  agent.pong()
  t.like(master.operate({ verb: 'read-output', body }), { refused: { code: 404 } })
})

test('pages of tasks go through frameworks in the order of their tasks, and show each once', (t) => {
  const master = new MasterDriver().leading()
  const tasks = ['b', 'a', 'a-b', 'a0', 'c'].flatMap((frameworkId) =>
    Array.from({ length: 300 }, (_, i) => ({
      ...aHeldTask(`t${i}`, { resources: cpusMem(0.001, 0.1) }),
      frameworkId: frameworkId as FrameworkId,
    })),
  )
  new FakeAgent(master, 'a1').open({ pages: 1 }, tasks)
  const keys: string[] = []
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { items, next } = list(master, 'tasks', { after })
    keys.push(...items.map((item) => ['local', item['frameworkId'], item['taskId'], ''].join('.')))
    after = next
  }
  t.is(keys.length, tasks.length)
  t.deepEqual(keys, [...new Set(keys)].sort())
})
