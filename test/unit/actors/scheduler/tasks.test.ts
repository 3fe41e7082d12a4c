import test from 'ava'
import { refusal } from '../../../../protocol/errors.ts'
import type { InstanceId, SessionId, TaskId } from '../../../../protocol/ids.ts'
import type { TaskStatus } from '../../../../protocol/schema/common.ts'
import { AGENT, anOffer, aStatus, fence, Given, launch, OTHER_AGENT, uuid } from './given.ts'

const number = (count: number, incarnation = 1) => ({ incarnation, count })
const running = aStatus('TASK_RUNNING', {
  uuid: uuid(1),
  number: number(1),
  launch: launch(1, 1),
})
const finished = aStatus('TASK_FINISHED', {
  uuid: uuid(2),
  number: number(2),
  launch: launch(1, 1),
})
const launched = (): Given => new Given().subscribed().launched('t-1')
const seen = (given: Given, n: number) => given.input({ kind: 'framework.seen', keys: [uuid(n)] })
const askedAbout = (given: Given) => given.call('reconcile').body.tasks.length
const stateOf = (given: Given) => given.state.tasks.get('t-1' as TaskId)?.state

test('a status is handed over, and acknowledged when the framework has seen it', (t) => {
  const given = launched()
  given.status(running)
  t.deepEqual(given.effects, [{ do: 'tell-statuses', statuses: [{ ...running, agentId: AGENT }] }])
  t.deepEqual(given.flush(), [])
  seen(given, 1)
  t.deepEqual(given.flush(), [
    {
      do: 'acknowledge',
      agentId: AGENT,
      body: {
        subscription: { epoch: 1, count: 1 },
        acks: [{ taskId: 't-1' as TaskId, uuid: uuid(1), launch: launch(1, 1) }],
      },
    },
  ])
})

test('acknowledgements of one turn go to each agent in one message', (t) => {
  const given = new Given().subscribed().launched('t-1', 't-2')
  given.status(running)
  seen(given, 1)
  given.status({ ...running, taskId: 't-2' as TaskId, uuid: uuid(7) })
  seen(given, 7)
  given.status(finished)
  seen(given, 2)
  given.flush()
  t.deepEqual(
    given.all('acknowledge').map(({ body }) => body.acks.map((ack) => ack.uuid)),
    [[uuid(1), uuid(7), uuid(2)]],
  )
})

test('a repeat while the framework is busy waits; one after that is acknowledged again', (t) => {
  const given = launched()
  given.status(running)
  given.status(running)
  t.deepEqual(given.effects, [])
  t.deepEqual(given.flush(), [])
  seen(given, 1)
  given.flush()
  given.status(running)
  t.deepEqual(given.effects, [], 'not handed over twice')
  given.flush()
  t.is(given.all('acknowledge').length, 1)
})

test('a terminal status stays: what comes later is acknowledged only', (t) => {
  const given = launched()
  given.status(finished)
  seen(given, 2)
  given.flush()
  for (const late of [running, { ...running, uuid: uuid(9), number: number(9) }, finished]) {
    given.status(late)
    t.deepEqual(given.effects, [])
    t.is(given.flush().length, 1)
  }
})

test('a lower number is old', (t) => {
  const given = launched()
  given.status({ ...running, number: number(5) })
  given.status({ ...finished, number: number(4) })
  t.deepEqual(given.effects, [])
  given.status({ ...finished, uuid: uuid(3), number: number(1, 2) })
  t.is(given.all('tell-statuses').length, 1, 'a later incarnation counts from the start')
})

test('another agent has no say, and is acknowledged', (t) => {
  const given = launched()
  given.status(running)
  given.status({ ...running, launch: launch(1, 2), uuid: uuid(9) }, OTHER_AGENT)
  t.deepEqual(given.effects, [])
  t.is(given.state.counts.foreignAgent, 1)
  given.flush()
  t.is(given.all('acknowledge')[0]?.agentId, OTHER_AGENT)
})

for (const state of ['TASK_STAGING', 'TASK_RUNNING', 'TASK_UNREACHABLE'] as const) {
  test(`a task whose id is in use is where the leader tells that it is: ${state}`, (t) => {
    const given = new Given().subscribed().offer(anOffer(1))
    given.accept([anOffer(1).offerId], ['t-1'])
    given.nowMs += 1_000
    given.input({ kind: 'bus.connected' })
    given.subscribe(fence(1), 2)
    given.status(finished, OTHER_AGENT)
    t.is(given.state.counts.foreignAgent, 1)
    t.deepEqual(given.flush(), [], 'it may be its end: not acknowledged')
    const told = { source: 'master', launch: launch(1, 1), agentId: OTHER_AGENT } as const
    given.say([{ kind: 'status', status: aStatus(state, told) }])
    given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
    t.is(given.call('kill').body.agentId, OTHER_AGENT)
    given.status(finished, OTHER_AGENT)
    t.like(given.all('tell-statuses')[0]?.statuses, [{ state: 'TASK_FINISHED' }])
    seen(given, 2)
    given.flush()
    t.is(given.all('acknowledge')[0]?.agentId, OTHER_AGENT)
  })
}

test('another launch of the task id is acknowledged and ignored', (t) => {
  const given = launched()
  given.status(running)
  given.status({ ...finished, launch: launch(1, 2) })
  t.deepEqual(given.effects, [])
  t.is(given.state.counts.foreignLaunch, 1)
  t.is(stateOf(given), 'TASK_RUNNING')
})

test('a task id may be used again, and is not ended by what is left of its last launch', (t) => {
  const given = launched()
  given.status(finished)
  given.offer(anOffer(5))
  given.accept([anOffer(5).offerId], ['t-1'])
  given.answer(given.call('accept').key)
  given.status({ ...finished, uuid: uuid(8), number: number(8) })
  t.deepEqual(given.effects, [])
  given.status({ ...running, uuid: uuid(9), launch: launch(1, 2), number: number(9) })
  t.is(given.all('tell-statuses').length, 1)
})

test('a step that no task can take is counted, acknowledged and ignored', (t) => {
  const given = launched()
  given.status(running)
  given.status(aStatus('TASK_STAGING', { uuid: uuid(5), number: number(5) }))
  t.deepEqual(given.effects, [])
  t.is(given.state.counts.illegalState, 1)
  given.flush()
  t.is(given.all('acknowledge').length, 1)
})

test('an unknown task is of an earlier process: it is held from its first status on', (t) => {
  const given = new Given().subscribed()
  given.status(running)
  t.is(given.all('tell-statuses').length, 1)
  t.like(given.state.tasks.get('t-1' as TaskId), { agentId: AGENT, launch: launch(1, 1) })
})

test('without a subscription, acknowledgements wait', (t) => {
  const given = new Given()
  given.input({ kind: 'start' })
  given.status(running)
  seen(given, 1)
  t.deepEqual(given.flush(), [])
  given.subscribe()
  given.flush()
  t.is(given.all('acknowledge').length, 1)
})

test('while a session is opened, the last subscription acknowledges', (t) => {
  const given = launched()
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(2) })
  given.status(running)
  seen(given, 1)
  given.flush()
  t.deepEqual(given.all('acknowledge')[0]?.body.subscription, { epoch: 1, count: 1 })
})

test('the leader speaks for an agent that is lost, and for one that is back', (t) => {
  const given = launched()
  given.status({ ...running, number: number(3) })
  const lost = aStatus('TASK_UNREACHABLE', { source: 'master', number: number(3) })
  given.say([{ kind: 'status', status: lost }])
  t.is(stateOf(given), 'TASK_UNREACHABLE')
  t.deepEqual(given.flush(), [], 'it is not acknowledged')
  const back = aStatus('TASK_RUNNING', { source: 'master', number: number(3) })
  given.say([{ kind: 'status', status: back }])
  t.is(stateOf(given), 'TASK_RUNNING')
})

test('an answer that tells nothing new is not handed over', (t) => {
  const given = launched()
  given.status(running)
  const same = aStatus('TASK_RUNNING', { source: 'master', number: number(1) })
  given.say([{ kind: 'status', status: same }])
  t.deepEqual(given.effects, [])
})

test('a leader that answers with an older state than the agent told is not believed', (t) => {
  const given = launched()
  given.status({ ...running, number: number(3) })
  const old = aStatus('TASK_UNREACHABLE', { source: 'master', number: number(2) })
  given.say([{ kind: 'status', status: old }])
  t.is(stateOf(given), 'TASK_RUNNING')
})

test('an end of just this launch is believed of the leader, though its number is older', (t) => {
  const given = launched()
  given.status({ ...running, number: number(3) })
  const end = aStatus('TASK_KILLED', { source: 'master', number: number(2), launch: launch(1, 1) })
  given.say([{ kind: 'status', status: { ...end, launch: launch(1, 2) } }])
  t.is(stateOf(given), 'TASK_RUNNING', 'of another launch it is not')
  given.say([{ kind: 'status', status: end }])
  t.is(stateOf(given), undefined)
})

test('TASK_UNKNOWN is handed over and stored nowhere', (t) => {
  const given = launched()
  given.status(running)
  given.input({ kind: 'framework.reconcile' })
  const unknown = aStatus('TASK_UNKNOWN', { source: 'master', reason: 'RECONCILIATION' })
  given.say([{ kind: 'status', status: unknown }])
  t.is(given.all('tell-statuses').length, 1)
  t.is(stateOf(given), 'TASK_RUNNING')
})

test('kill: said with agent and grace, and again in the next session', (t) => {
  const given = launched()
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId, graceMs: 100 })
  t.like(given.call('kill').body, { taskId: 't-1', agentId: AGENT, graceMs: 100 })
  given.answer(given.call('kill').key)
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(2) })
  given.subscribe(fence(2))
  t.like(given.call('kill').body, { taskId: 't-1', graceMs: 100 })
})

test('kill: said again while the leader tells of the task as if nobody had said it', (t) => {
  const given = launched()
  given.status(running)
  const kills = (state: TaskStatus['state'], made = 1) => {
    const status = aStatus(state, { source: 'master', launch: launch(1, made) })
    given.say([{ kind: 'status', status }])
    return given.calls('kill').map(({ body }) => body.taskId)
  }
  t.deepEqual(kills('TASK_RUNNING'), [], 'nobody wants it dead')
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  given.answer(given.call('kill').key)
  t.deepEqual(kills('TASK_RUNNING'), ['t-1' as TaskId], 'also if that is no news')
  t.deepEqual(kills('TASK_RUNNING', 2), [], 'another launch')
  t.deepEqual(kills('TASK_UNREACHABLE'), [], 'its agent could not hear it')
  t.deepEqual(kills('TASK_RUNNING'), ['t-1' as TaskId])
  t.deepEqual(kills('TASK_KILLING'), [])
  t.deepEqual(kills('TASK_RUNNING'), [], 'old')
})

test('kill of a task whose accept is not answered waits for the answer', (t) => {
  const given = new Given().subscribed().offer(anOffer(1))
  const { key } = given.accept([anOffer(1).offerId], ['t-1'])[0] as ReturnType<typeof given.call>
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  t.deepEqual(given.effects, [], 'it must not overtake the accept: nobody would know the task')
  given.answer(key)
  t.is(given.call('kill').body.taskId, 't-1' as TaskId)
})

test('kill of a task whose accept was lost is said in the next session', (t) => {
  const given = new Given().subscribed().offer(anOffer(1))
  given.accept([anOffer(1).offerId], ['t-1'])
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  given.nowMs += 1_000
  given.input({ kind: 'bus.connected' })
  given.subscribe(fence(1), 2)
  t.is(given.call('kill').body.taskId, 't-1' as TaskId)
})

test('kill of a task that is not known here is said all the same', (t) => {
  const given = new Given().subscribed()
  given.input({ kind: 'framework.kill', taskId: 't-9' as TaskId })
  t.is(given.call('kill').body.taskId, 't-9' as TaskId)
  const unknown = aStatus('TASK_UNKNOWN', { taskId: 't-9' as TaskId, source: 'master' })
  given.say([{ kind: 'status', status: unknown }])
  t.is(given.all('tell-statuses').length, 1)
  t.is(given.state.tasks.size, 0, 'nobody knows it: it is asked about no more')
})

test('kill of an ended task says nothing', (t) => {
  const given = launched()
  given.status(finished)
  t.deepEqual(given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId }), [])
})

test('each subscription asks about all unfinished tasks and where they are', (t) => {
  const given = new Given().subscribed().launched('t-1', 't-2')
  given.status({ ...finished, taskId: 't-2' as TaskId })
  given.nowMs += 1_000
  given.input({ kind: 'bus.connected' })
  given.subscribe(fence(1), 2)
  t.deepEqual(given.call('reconcile').body.tasks, [{ taskId: 't-1' as TaskId, agentId: AGENT }])
})

test('a leader that still invites its agents is asked when it has invited all', (t) => {
  const given = new Given().subscribed().launched('t-1')
  const beat = (inviting?: true) =>
    given.input({ kind: 'leader.beat', beat: { ...fence(2), ...(inviting && { inviting }) } })
  given.nowMs += 1_000
  beat(true)
  given.subscribe(fence(2))
  t.deepEqual(given.calls('reconcile'), [])
  for (let second = 1; second <= 20; second++) {
    given.say([{ kind: 'ping' }], fence(2))
    given.pass(1_000)
    t.deepEqual(given.calls('reconcile'), [])
    beat(true)
    t.deepEqual(given.calls('reconcile'), [])
  }
  beat()
  const { key } = given.call('reconcile')
  given.answer(key)
  beat()
  t.deepEqual(given.calls('reconcile'), [], 'once')
})

test('a leader that invites for longer than a minute is asked all the same', (t) => {
  const given = new Given().subscribed().launched('t-1')
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: { ...fence(2), inviting: true } })
  given.subscribe(fence(2))
  let asked = 0
  for (let second = 1; second <= 60; second++) {
    given.say([{ kind: 'ping' }], fence(2))
    for (const effect of given.pass(1_000)) {
      if (effect.do === 'call' && effect.verb === 'reconcile') asked = second
    }
  }
  t.is(asked, 60)
})

test('what a leader said of its agents is not true of the next', (t) => {
  const given = new Given().subscribed().launched('t-1')
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: { ...fence(2), inviting: true } })
  given.subscribe(fence(2))
  t.deepEqual(given.calls('reconcile'), [])
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(3) })
  given.subscribe(fence(3))
  t.is(askedAbout(given), 1)
})

test('an agent that is lost is asked after where the leader has said nothing of its tasks', (t) => {
  const given = new Given().subscribed().launched('t-1', 't-2')
  given.status(aStatus('TASK_RUNNING', { launch: launch(1, 1), uuid: uuid(1) }))
  given.say([{ kind: 'failure', agentId: OTHER_AGENT }])
  t.deepEqual(given.calls('reconcile'), [])
  const lost = aStatus('TASK_UNREACHABLE', { source: 'master', agentId: AGENT })
  given.say([
    { kind: 'status', status: lost },
    { kind: 'failure', agentId: AGENT },
  ])
  t.deepEqual(given.call('reconcile').body.tasks, [{ taskId: 't-2' as TaskId, agentId: AGENT }])
})

test('a framework that comes back asks for all that the leader knows, again and again', (t) => {
  const given = new Given({ isReturning: true })
  given.input({ kind: 'start' })
  given.subscribe()
  t.deepEqual(given.call('reconcile').body.tasks, [])
  given.answer(given.call('reconcile').key)
  given.nowMs += 1_000
  given.input({ kind: 'leader.beat', beat: fence(2) })
  given.subscribe(fence(2))
  t.deepEqual(given.call('reconcile').body.tasks, [], 'the next leader may know more')
  given.answer(given.call('reconcile').key)
  const askedAtMs: number[] = []
  const beganMs = given.nowMs
  for (let second = 1; second <= 120; second++) {
    given.say([{ kind: 'ping' }], fence(2))
    for (const effect of given.pass(1_000)) {
      if (effect.do !== 'call' || effect.verb !== 'reconcile') continue
      t.deepEqual(effect.body.tasks, [])
      given.answer(effect.key)
      askedAtMs.push(given.nowMs - beganMs)
    }
  }
  const often = [5_000, 15_000, 35_000, 60_000, 100_000, 120_000]
  t.deepEqual(askedAtMs, often, 'agents come back one after the other')
})

test('a leader that has no time for the question is not asked ever more', (t) => {
  const given = new Given({ isReturning: true })
  given.input({ kind: 'start' })
  given.subscribe()
  const asked = new Set<SessionId>()
  for (let second = 1; second <= 600; second++) {
    given.say([{ kind: 'ping' }])
    for (const effect of given.pass(1_000)) {
      if (effect.do !== 'call' || effect.verb !== 'reconcile') continue
      asked.add(effect.key)
      given.answer(effect.key, refusal('too-many', 'not now'))
    }
  }
  t.is(asked.size, 1)
  for (const key of asked) given.answer(key)
  t.true(given.pass(5_000).some((effect) => effect.do === 'call' && effect.verb === 'reconcile'))
})

test('a task whose accept is not answered is not asked about', (t) => {
  const given = new Given().subscribed().offer(anOffer(1))
  given.accept([anOffer(1).offerId], ['t-1'])
  given.input({ kind: 'framework.reconcile' })
  t.is(given.calls('reconcile').length, 0)
})

test('tasks that stay silent are asked about again after 5 s, the others once a minute', (t) => {
  const given = new Given().subscribed().launched('t-1', 't-2')
  given.nowMs += 1_000
  given.input({ kind: 'bus.connected' })
  given.subscribe(fence(1), 2)
  given.answer(given.call('reconcile').key)
  given.status(running)
  const asked = given
    .pass(4_999)
    .concat(given.pass(1))
    .flatMap((effect) => (effect.do === 'call' && effect.verb === 'reconcile' ? [effect] : []))
  t.deepEqual(
    asked.map(({ body }) => body.tasks.map(({ taskId }) => taskId)),
    [['t-2' as TaskId]],
  )
  for (const { key } of asked) given.answer(key)
  given.say([{ kind: 'ping' }])
  given.pass(9_999)
  t.is(given.calls('reconcile').length, 0)
})

test('many tasks are asked about in several calls that fit, one after the other', (t) => {
  const given = new Given().subscribed()
  const ids = Array.from({ length: 5_000 }, (_, i) => `t-${i}`)
  for (let i = 0; i < ids.length; i += 500) given.launched(...ids.slice(i, i + 500))
  given.input({ kind: 'framework.reconcile' })
  t.is(askedAbout(given), 2_048)
  const { key } = given.call('reconcile')
  given.answer(key, refusal('too-many', 'not now'))
  t.deepEqual(given.calls('reconcile'), [], 'it is repeated')
  given.answer(key)
  t.is(askedAbout(given), 2_048)
  const second = given.call('reconcile')
  given.status({ ...finished, taskId: 't-4999' as TaskId })
  given.answer(second.key)
  t.is(askedAbout(given), 5_000 - 2 * 2_048 - 1, 'not about one that has ended meanwhile')
  given.answer(given.call('reconcile').key)
  t.deepEqual(given.calls('reconcile'), [])
})

/** An instance that was told, in epoch 2, that the agent of its task does not have it. */
function withoutTask(): Given {
  const holder = { instance: 'a' as InstanceId, leaseMs: 15_000 }
  const given = new Given({ holder }).subscribed().launched('t-1')
  given.nowMs += 1_000
  given.input({ kind: 'bus.connected' })
  given.subscribe(fence(2))
  const status = aStatus('TASK_GONE', { source: 'master', agentId: AGENT })
  given.say([{ kind: 'status', status }], fence(2))
  return given
}

/** The leader has counted so many subscriptions of all instances. */
function subscribedAnew(given: Given, count: number): Given {
  given.nowMs += 1_000
  given.input({ kind: 'bus.connected' })
  given.subscribe(fence(2), count)
  return given
}

test('an agent whose disk went back brings nothing new with a task that it did not have', (t) => {
  const given = withoutTask()
  given.status(finished)
  t.deepEqual(given.all('tell-statuses'), [])
  t.is(given.flush().length, 1, 'it is acknowledged')
  subscribedAnew(given, 3).status({ ...finished, uuid: uuid(3) })
  t.deepEqual(given.all('tell-statuses'), [], 'it was launched before the end was told')
})

test('a task that another instance has started under that id since is followed', (t) => {
  const since = { ...running, launch: launch(2, 1) }
  const given = withoutTask()
  given.status(since)
  t.deepEqual(given.all('tell-statuses'), [], 'no other has led')
  subscribedAnew(given, 2).status({ ...since, uuid: uuid(3) })
  t.deepEqual(given.all('tell-statuses'), [], 'it was this very instance again')
  subscribedAnew(given, 4).status({ ...since, uuid: uuid(4) })
  t.is(given.all('tell-statuses').length, 1)
  const elsewhere = withoutTask()
  elsewhere.status(running, OTHER_AGENT)
  t.is(elsewhere.all('tell-statuses').length, 1)
})
