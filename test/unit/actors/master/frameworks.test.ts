/** Frameworks: they subscribe, are taken over, fall silent, and end. */
import test from 'ava'
import type { AgentId, SessionId } from '../../../../protocol/ids.ts'
import {
  FRAMEWORK_FAILOVER_MS,
  FRAMEWORK_PING_MS,
  FRAMEWORK_PINGS_MISSED_MAX,
} from '../../../../protocol/limits.ts'
import {
  aHeldTask,
  aStage,
  aStageWith,
  aTask,
  cpusMem,
  FakeAgent,
  FakeFramework,
  live,
  oldLaunch,
} from '../../../support/master-actors.ts'
import {
  aFramework,
  bits,
  effectsOf,
  eventsOf,
  eventsTo,
  figuresOf,
  MasterDriver,
  ordersOf,
} from '../../../support/master-builders.ts'

const SILENT_MS = FRAMEWORK_PING_MS * (FRAMEWORK_PINGS_MISSED_MAX + 1)

const framesOf = (master: MasterDriver) =>
  master.records.filter(({ kind }) => kind === 'framework').length

test('a framework that subscribes is in the registry first, and then told', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  const framework = new FakeFramework(master)
  t.is(framework.subscribe(), undefined)
  t.is(master.leader.frameworks.size, 0)
  const effects = master.release()
  t.like(eventsOf(effects, 'subscribed')[0], {
    subscription: { epoch: 1, count: 1 },
    version: 1,
    pingMs: FRAMEWORK_PING_MS,
    failoverMs: FRAMEWORK_FAILOVER_MS,
  })
  t.like(master.records.at(-1), { kind: 'framework', name: 'test', roles: ['*'] })
  t.is(effectsOf(effects, 'answer').length, 1)
})

test('events of a session are numbered in a row and name what was heard', (t) => {
  const master = new MasterDriver().leading()
  const framework = new FakeFramework(master)
  framework.subscribe()
  framework.pong()
  framework.call('reconcile', { tasks: [{ taskId: aTask('t1').taskId }] })
  const bodies = effectsOf(master.effects, 'send-events').map(({ body }) => body)
  t.deepEqual(
    bodies.map(({ session, n, heard }) => [session, n, heard]),
    [
      [framework.session, 1, 1],
      [framework.session, 2, 3],
    ],
  )
})

test('another secret is refused with 409, and changes nothing', (t) => {
  const { master, framework } = aStage()
  const { session } = framework
  const thief = new FakeFramework(master)
  const answer = thief.subscribe({ secretHash: 'b'.repeat(64) })
  t.like(answer, { refused: { code: 409, name: 'wrong-secret' } })
  t.is(master.framework().session?.id, session)
})

test('of two first secrets the one that the registry took first counts', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  const [first, second] = [new FakeFramework(master), new FakeFramework(master)]
  first.subscribe()
  second.subscribe({ secretHash: 'b'.repeat(64) })
  master.release()
  t.is(master.framework().session?.id, first.session)
  t.is(effectsOf(master.effects, 'refuse').at(-1)?.refusal.name, 'wrong-secret')
})

test('no version in common is refused by name', (t) => {
  const framework = new FakeFramework(new MasterDriver().leading())
  const answer = framework.subscribe({ version: { min: 8, max: 9 } })
  t.like(answer, { refused: { code: 400, name: 'no-common-version' } })
})

test('the same id and secret take over: the older instance is cut off', (t) => {
  const { master, framework, allocator } = aStage()
  allocator.offer()
  const from = master.effects.length
  const second = new FakeFramework(master)
  t.deepEqual(second.subscribe(), { ok: {} })
  const sent = effectsOf(master.effects.slice(from), 'send-events').map(({ body }) => body)
  t.is(sent[0]?.session, framework.session)
  t.like(sent[0]?.events[0], { kind: 'error', name: 'failed-over' })
  t.is(sent[1]?.session, second.session)
  t.like(sent[1]?.events[0], { kind: 'subscribed', subscription: { epoch: 1, count: 2 } })
  t.is(master.leader.offers.size, 0)
  t.like(framework.pong(), { refused: { name: 'stale-session' } })
})

test('an older instance that goes on calling keeps nobody alive', (t) => {
  const { master, framework, agent } = aStage()
  const second = new FakeFramework(master)
  second.subscribe()
  for (let i = 0; i < 5; i++) {
    live({ master, agent }, FRAMEWORK_PING_MS)
    framework.pong()
  }
  t.is(master.framework().state, 'away')
})

test('the same terms are not written to the registry again', (t) => {
  const { master, framework } = aStage()
  framework.subscribe()
  framework.subscribe({ roles: ['*', '*'] })
  t.is(framesOf(master), 1)
  framework.subscribe({ name: 'other' })
  framework.subscribe({ name: 'other', failoverMs: 1 })
  framework.subscribe({ name: 'other', failoverMs: 1, roles: ['a', 'b'] })
  t.is(framesOf(master), 4)
  framework.subscribe({ name: 'other', failoverMs: 1, roles: ['b', 'a'] })
  t.is(framesOf(master), 4)
})

test('an open that is repeated in its session is answered, and cuts nobody off', (t) => {
  const { master, framework } = aStage()
  const session = framework.session ?? bits<SessionId>(0)
  const from = master.effects.length
  t.deepEqual(framework.subscribe({ session }), { ok: {} })
  t.deepEqual(
    eventsTo(master.effects.slice(from)).map(({ kind }) => kind),
    ['ping'],
  )
})

test('an open that is repeated while the registry writes counts once', (t) => {
  const master = new MasterDriver().leading()
  master.holding.add('registry')
  const framework = new FakeFramework(master)
  framework.subscribe({ session: bits<SessionId>(5) })
  framework.subscribe({ session: bits<SessionId>(5) })
  const effects = master.release()
  t.is(eventsOf(effects, 'subscribed').length, 1)
  t.is(eventsOf(effects, 'error').length, 0)
  t.is(effectsOf(effects, 'answer').length, 2)
})

test('of two instances the later one counts, though the registry has to write for the first', (t) => {
  const { master, framework } = aStage()
  master.holding.add('registry')
  framework.subscribe({ name: 'other' })
  const second = new FakeFramework(master)
  t.is(second.subscribe(), undefined)
  master.release()
  t.is(master.framework().session?.id, second.session)
})

test('who subscribes while its end is being written is refused', (t) => {
  const { master, framework } = aStageWith('t1')
  master.holding.add('registry')
  framework.call('teardown', {})
  t.is(new FakeFramework(master).subscribe(), undefined)
  master.release()
  t.is(effectsOf(master.effects, 'refuse').at(-1)?.refusal.name, 'torn-down')
  t.is(master.framework().state, 'ended')
})

test('the agents of its tasks hear of a subscription', (t) => {
  const { master, framework } = aStageWith('t1')
  const from = master.effects.length
  framework.subscribe()
  const [order] = ordersOf(master.effects.slice(from), 'a1', 'framework-subscribed')
  t.like(order, { ...aFramework(), subscription: { epoch: 1, count: 2 } })
})

test('a framework that misses its pings is away, and its offers are free again', (t) => {
  const { master, agent, allocator } = aStage()
  allocator.offer()
  live({ master, agent }, SILENT_MS)
  t.is(master.framework().state, 'away')
  t.is(master.leader.offers.size, 0)
  t.is(eventsOf(master.effects, 'rescind').length, 0)
})

test('who is away is told so when it calls, and answered when it pongs without a session', (t) => {
  const { master, framework, agent } = aStage()
  live({ master, agent }, SILENT_MS)
  const message = 'the framework is away: it answered no ping for 15 s; subscribe, or pong'
  t.like(framework.call('suppress', {}), { refused: { name: 'not-subscribed', message } })
  t.deepEqual(master.call(framework.key, { verb: 'pong', body: {} }), { ok: {} })
  t.is(master.framework().state, 'subscribed')
})

test('any call counts as a pong', (t) => {
  const { master, framework, agent } = aStage()
  for (let i = 0; i < 10; i++) {
    live({ master, agent }, FRAMEWORK_PING_MS)
    framework.call('suppress', {})
  }
  t.is(master.framework().state, 'subscribed')
})

test('silence does not count while the own beats do not come back', (t) => {
  const { master } = aStage()
  master.isEchoing = false
  master.pass(5 * SILENT_MS)
  t.is(master.framework().state, 'subscribed')
})

test('who comes back within its failover time goes on, and its clock is stopped', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  live({ master, agent }, SILENT_MS)
  t.is(master.framework().state, 'away')
  framework.subscribe()
  for (let i = 0; i < FRAMEWORK_FAILOVER_MS / 5_000; i++) {
    live({ master, agent }, 5_000)
    framework.pong()
  }
  t.is(master.framework().state, 'subscribed')
  t.is(master.task('t1')?.state, 'TASK_STAGING')
})

test('who stays away for its failover time is ended: registry first, then its tasks', (t) => {
  const { master, framework, agent, allocator } = aStage()
  framework.subscribe({ failoverMs: 20_000 })
  allocator.offer()
  framework.accept(framework.offers, aTask('t1'))
  live({ master, agent }, SILENT_MS)
  const from = master.effects.length
  live({ master, agent }, 19_000)
  t.is(master.framework().state, 'away')
  live({ master, agent }, 2_000)
  t.is(master.framework().state, 'ended')
  t.like(master.records.at(-1), { kind: 'framework-ended' })
  t.is(ordersOf(master.effects.slice(from), 'a1', 'tear-down').length, 1)
})

test('nobody’s failover time is over while the leader cannot hear', (t) => {
  const { master, framework, agent } = aStage()
  framework.subscribe({ failoverMs: 20_000 })
  live({ master, agent }, SILENT_MS)
  t.is(master.framework().state, 'away')
  master.isEchoing = false
  live({ master, agent }, 60_000)
  t.is(master.framework().state, 'away')
  master.isEchoing = true
  t.deepEqual(framework.subscribe({ failoverMs: 20_000 }), { ok: {} })
})

test('an ended framework is forgotten when its agents have confirmed', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  t.deepEqual(framework.call('teardown', {}), { ok: {} })
  t.is(master.framework().state, 'ended')
  t.like(master.operate({ verb: 'master', body: {} }), { ok: { frameworks: 0 } })
  t.like(new FakeFramework(master).subscribe(), { refused: { code: 410, name: 'torn-down' } })
  agent.say({ kind: 'torn-down', ...aFramework() })
  t.is(master.leader.frameworks.size, 0)
  t.like(master.ended[0], {
    taskId: 't1',
    state: 'TASK_KILLED',
    said: { message: 'its framework ended' },
  })
  t.like(master.records.at(-1), { kind: 'framework-forgotten' })
  t.deepEqual(new FakeFramework(master).subscribe(), { ok: {} })
})

test('what the tasks of an ended framework hold is held until the agent has confirmed', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  framework.call('teardown', {})
  t.is(master.task('t1')?.isHeld, true)
  agent.say({ kind: 'torn-down', ...aFramework() })
  t.deepEqual(master.agent('a1').free, master.agent('a1').total)
})

test('a framework without tasks is forgotten as soon as it has ended', (t) => {
  const { master, framework } = aStage()
  t.deepEqual(framework.call('teardown', {}), { ok: {} })
  t.is(master.leader.frameworks.size, 0)
})

test('an id from before is burnt while an agent is away that may hold something of it', (t) => {
  const { master, framework } = aRecalled()
  framework.subscribe()
  framework.call('teardown', {})
  t.is(master.framework().state, 'ended')
  new FakeAgent(master).open()
  t.is(master.leader.frameworks.size, 0)
})

test('an agent that never comes back burns no id that it cannot have heard of', (t) => {
  const { master } = aRecalled()
  const framework = new FakeFramework(master, 'f2')
  framework.subscribe()
  framework.call('teardown', {})
  t.deepEqual([...master.leader.frameworks.keys()], ['local.f1'])
  t.is(master.leader.absent.size, 1)
})

test('every caller of a teardown is answered', (t) => {
  const { master, framework } = aStage()
  master.holding.add('registry')
  t.is(framework.call('teardown', {}), undefined)
  t.is(framework.call('teardown', {}), undefined)
  t.is(effectsOf(master.release(), 'answer').length, 2)
})

test('the last thing that a torn down framework hears is why', (t) => {
  const { master, framework } = aStage()
  const from = master.effects.length
  framework.call('teardown', {})
  t.like(eventsTo(master.effects.slice(from)), [{ kind: 'error', name: 'torn-down' }])
})

test('without a session it hears that it was torn down, but not that it has subscribed again', (t) => {
  const { master } = aStage()
  const subscribe = {
    verb: 'subscribe',
    body: { name: 'plain', secretHash: 'a'.repeat(64) },
  } as const
  const heard = (): readonly string[] =>
    eventsTo(master.effects).flatMap((event) => (event.kind === 'error' ? [event.name] : []))
  master.call(aFramework(), subscribe)
  t.deepEqual(heard(), ['failed-over'], 'the session that there was')
  master.call(aFramework(), subscribe)
  t.deepEqual(heard(), ['failed-over'])
  master.call(aFramework(), { verb: 'teardown', body: {} })
  t.deepEqual(heard(), ['failed-over', 'torn-down'])
})

test('a framework that ended while a stranger was opening is forgotten with the stranger', (t) => {
  const { master, framework } = aRecalled()
  framework.subscribe()
  const agent = new FakeAgent(master)
  agent.open()
  new FakeAgent(master, 'stranger').open({ pages: 1 })
  framework.call('teardown', {})
  t.is(master.framework().state, 'ended')
  live({ master, agent }, 25_000)
  t.is(master.leader.frameworks.size, 0)
})

test('a tear-down is confirmed for ended frameworks only', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.say({ kind: 'torn-down', ...aFramework() })
  t.is(master.task('t1')?.state, 'TASK_STAGING')
  t.is(master.counter('torn-down-unexpected'), 1)
})

/** A leader that knows a framework from the registry only. */
function aRecalled(): { master: MasterDriver; framework: FakeFramework } {
  const { master } = aStage()
  master.freeze(3_000)
  master.pass(500)
  const framework = new FakeFramework(master)
  return { master, framework }
}

test('a known framework that answers a ping without a session is welcomed back', (t) => {
  const { master, framework } = aRecalled()
  t.is(master.framework().state, 'recovered')
  const from = master.effects.length
  framework.pong()
  t.is(master.framework().state, 'subscribed')
  t.like(eventsTo(master.effects.slice(from))[0], {
    kind: 'subscribed',
    subscription: { epoch: 2, count: 1 },
  })
  t.is(framesOf(master), 1)
})

test('a known framework that answers with an old session must subscribe', (t) => {
  const { framework } = aRecalled()
  framework.session = bits<SessionId>(99)
  t.like(framework.pong(), { refused: { code: 403, name: 'not-subscribed' } })
})

test('whoever is not known and only answers pings must subscribe', (t) => {
  const { master } = aRecalled()
  t.like(new FakeFramework(master, 'f2').pong(), { refused: { name: 'not-subscribed' } })
})

test('a framework of which only agents have told waits for its secret', (t) => {
  const master = new MasterDriver().leading()
  new FakeAgent(master).open({}, [aHeldTask('t1')])
  const framework = new FakeFramework(master)
  t.like(framework.pong(), { refused: { name: 'not-subscribed' } })
  t.deepEqual(framework.subscribe(), { ok: {} })
  t.is(master.task('t1')?.state, 'TASK_RUNNING')
})

test('a recovered framework is asked in vain before its failover time runs, then in full', (t) => {
  const { master } = aRecalled()
  const agent = new FakeAgent(master)
  agent.open()
  live({ master, agent }, SILENT_MS + 1_000)
  t.is(master.framework().state, 'away')
  live({ master, agent }, FRAMEWORK_FAILOVER_MS - 10_000)
  t.is(master.framework().state, 'away')
  live({ master, agent }, 10_000)
  t.is(master.leader.frameworks.size, 0)
})

test('offers of a role that it has left are rescinded, others stay', (t) => {
  const { master, framework, allocator } = aStage()
  framework.subscribe({ roles: ['a', 'b'] })
  master.holding.add('registry')
  const session = framework.session ?? bits<SessionId>(0)
  framework.subscribe({ roles: ['b'] })
  framework.session = session
  allocator.offer({ role: 'a', resources: cpusMem(1, 64) })
  const from = master.effects.length
  master.release()
  t.is(master.leader.offers.size, 0)
  t.deepEqual([...master.framework().roles.keys()], ['b'])
  t.true(figuresOf(master.effects.slice(from)).some((figure) => figure.kind === 'member-gone'))
})

test('tasks of a role that it has left go on, are counted, and the role goes with the last', (t) => {
  const { master, framework, agent, allocator } = aStage()
  framework.subscribe({ roles: ['a', 'b'] })
  allocator.offer({ role: 'a' })
  framework.accept(framework.offers, aTask('t1'))
  framework.subscribe({ roles: ['b'] })
  t.like(master.framework().roles.get('a'), { isLeft: true })
  framework.call('revive', {})
  framework.call('revive', { roles: ['a'] })
  t.is(allocator.offer({ role: 'a', resources: cpusMem(1, 64) }).outcome, 'refused')
  const records = framesOf(master)
  framework.subscribe({ roles: ['b'] })
  t.is(framesOf(master), records)
  agent.update('t1', 'TASK_FINISHED')
  t.deepEqual([...master.framework().roles.keys()], ['b'])
})

test('a role that only a task names is not offered anything', (t) => {
  const { master, agent, allocator } = aStage()
  agent.open({}, [aHeldTask('t1', { role: 'old', launch: oldLaunch(3) })])
  t.is(allocator.offer({ role: 'old', resources: cpusMem(1, 64) }).outcome, 'refused')
  t.like(master.framework().roles.get('old'), { isLeft: true })
})

test('frameworks of two principals may have the same id', (t) => {
  const { master } = aStage()
  const other = new FakeFramework(master, 'f1', 'guest')
  t.deepEqual(other.subscribe({ secretHash: 'c'.repeat(64) }), { ok: {} })
  t.deepEqual([...master.leader.frameworks.keys()], ['local.f1', 'guest.f1'])
})

test('gaps in its numbers are no matter: what was heard without a gap is named', (t) => {
  const { master, framework } = aStage()
  framework.call('suppress', { n: 5 })
  t.is(master.framework().session?.heard, 1)
  framework.call('suppress', { n: 2 })
  framework.call('suppress', { n: 4 })
  t.is(master.framework().session?.heard, 2)
  framework.call('suppress', { n: 3 })
  t.is(master.framework().session?.heard, 5)
  t.is(master.framework().state, 'subscribed')
})

test('a call that means another leader is refused as stale', (t) => {
  const { framework } = aStage()
  t.like(framework.call('suppress', { epoch: 7 }), { refused: { code: 409, name: 'stale' } })
})

test('a call without a session, number and id counts for the current session', (t) => {
  const { master } = aStage()
  const call = { verb: 'suppress', body: {} } as const
  t.deepEqual(master.call(aFramework(), call), { ok: {} })
  t.is(master.framework().roles.get('*')?.isSuppressed, true)
})

test('it may ask for output of a task at a registered agent', (t) => {
  const { master, framework } = aStageWith('t1')
  const asked = {
    taskId: aTask('t1').taskId,
    agentId: 'a1' as AgentId,
    stream: 'stdout' as const,
    offset: 0,
    bytesMax: 100,
    waitMs: 0,
    request: bits<SessionId>(1),
  }
  const from = master.effects.length
  t.deepEqual(framework.call('read-output', asked), { ok: {} })
  t.is(ordersOf(master.effects.slice(from), 'a1', 'send-output').length, 1)
  const nowhere = framework.call('read-output', { ...asked, agentId: 'a9' as AgentId })
  t.like(nowhere, { refused: { code: 404 } })
})
