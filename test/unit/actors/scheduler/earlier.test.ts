/** What agents have said to an earlier process of the framework, and what comes of it here. */
import test from 'ava'
import type { TaskId } from '../../../../protocol/ids.ts'
import type { Subscription, TaskStatus } from '../../../../protocol/schema/common.ts'
import {
  AGENT,
  anOffer,
  aStatus,
  fence,
  Given,
  launch,
  OTHER_AGENT,
  subscribed,
  uuid,
} from './given.ts'

const finished = aStatus('TASK_FINISHED', {
  uuid: uuid(2),
  number: { incarnation: 1, count: 2 },
  launch: launch(1, 1),
})
const running = { ...finished, state: 'TASK_RUNNING' as const, uuid: uuid(1) }
const EARLIER = { epoch: 1, count: 1 }
const OURS = { epoch: 1, count: 2 }

function started(): Given {
  const given = new Given()
  given.input({ kind: 'start' })
  return given
}

function subscribedAnew(): Given {
  const given = started()
  given.subscribe(fence(1), OURS.count)
  return given
}

test('a late word on a task of an earlier process, which may have ended since, is not passed on', (t) => {
  const given = subscribedAnew()
  given.status(running, AGENT, EARLIER)
  t.deepEqual(given.effects, [])
  t.deepEqual(given.flush(), [], 'nor acknowledged: who has the task repeats it')
  t.is(given.state.tasks.size, 0, 'and nobody is asked about it')
  t.is(given.state.counts.earlierStatus, 1)
})

test('it is passed on from an agent that has heard of this process, or does not say', (t) => {
  const given = subscribedAnew()
  given.status(running, AGENT, OURS)
  t.is(given.all('tell-statuses').length, 1)
  given.status({ ...finished, taskId: 't-2' as TaskId })
  t.is(given.all('tell-statuses').length, 1)
  t.is(given.state.counts.earlierStatus, 0)
})

test('who is not subscribed yet believes nobody who has heard of somebody else', (t) => {
  const given = started()
  given.status(running, AGENT, EARLIER)
  t.deepEqual(given.effects, [])
  given.subscribe(fence(1), OURS.count)
  given.status(running, AGENT, OURS)
  t.is(given.all('tell-statuses').length, 1)
})

test('of tasks of its own a process hears whatever their agent knows', (t) => {
  const given = new Given().subscribed().launched('t-1')
  given.say([{ kind: 'error', name: 'gap', message: '' }])
  given.pass(10_000)
  given.subscribe(fence(1), OURS.count)
  given.status(running, AGENT, EARLIER)
  t.is(given.all('tell-statuses').length, 1)
  given.status(finished, AGENT, EARLIER)
  t.is(given.all('tell-statuses').length, 1)
  t.is(given.state.tasks.size, 0)
  given.status(finished, AGENT, EARLIER)
  t.is(given.state.counts.repeatedStatus, 1, 'also of one that has ended')
})

test('a late word on an earlier task is not taken for one of the same id that this process launched', (t) => {
  const given = subscribedAnew()
  const offer = anOffer(1)
  given.offer(offer)
  given.accept([offer.offerId], ['t-1'], 2)
  const told = (status: TaskStatus, known: Subscription) => {
    given.status(status, AGENT, known)
    return given.all('tell-statuses').length
  }
  t.is(told(running, EARLIER), 0)
  t.is(told({ ...running, launch: launch(1, 2) }, OURS), 1)
  t.is(told(finished, EARLIER), 0)
  t.is(given.flush().length, 1, 'its agent need not hear of us: it forgets that task')
  t.is(told({ ...finished, launch: launch(1, 2) }, OURS), 1)
  t.is(told({ ...running, launch: launch(1, 3) }, EARLIER), 0, 'nor for one since')
  t.is(given.state.counts.earlierStatus, 2)
})

test('a question names the launch, if it is known: its end may be told to this process yet', (t) => {
  const given = subscribedAnew()
  given.status(running, AGENT, OURS)
  given.input({ kind: 'framework.reconcile' })
  t.deepEqual(given.call('reconcile').body.tasks, [
    { taskId: 't-1' as TaskId, agentId: AGENT, launch: launch(1, 1) },
  ])
})

test('a kill that names the launch is said until it is answered: it finds no later one', (t) => {
  const given = subscribedAnew()
  given.status(running, AGENT, OURS)
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  const { key, body } = given.call('kill')
  given.status(finished, AGENT, OURS)
  given.pass(2_500)
  t.deepEqual(given.call('kill').body, body)
  given.answer(key)
  given.pass(10_000)
  t.deepEqual(given.calls('kill'), [])
})

test('a kill names the launch, if it is known: its end may be told to this process yet', (t) => {
  const given = subscribedAnew()
  const kill = () => {
    given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
    return given.call('kill').body
  }
  t.false('launch' in kill(), 'it may be any')
  given.status(running, AGENT, OURS)
  t.is(kill().launch, launch(1, 1))
})

/** Launches up to 1-1 are an earlier process's; this one has accepted their id. */
function acceptedAnew(): Given {
  const given = started()
  given.say([subscribed(1, OURS.count, { lastLaunch: launch(1, 1) })])
  const offer = anOffer(1)
  given.offer(offer)
  given.accept([offer.offerId], ['t-1'], 2)
  return given
}

const told = (given: Given) =>
  given
    .all('tell-statuses')
    .flatMap(({ statuses }) => statuses.map((one) => `${one.state} ${one.launch}`))

const ofLeader = { source: 'master', launch: launch(1, 1) } as const

test('the end of an earlier launch is not that of a task whose accept is on its way', (t) => {
  const given = acceptedAnew()
  const { key } = given.call('accept')
  given.status(finished, AGENT, OURS)
  given.say([{ kind: 'status', status: aStatus('TASK_FINISHED', ofLeader) }])
  t.deepEqual(given.effects, [])
  t.deepEqual(given.flush(), [], 'nor acknowledged: its id is in use')
  given.pass(2_500)
  t.is(given.calls('accept').length, 1, 'so the accept may be said again')
  given.answer(key)
  given.say([{ kind: 'status', status: aStatus('TASK_FINISHED', ofLeader) }])
  t.deepEqual(told(given), [], 'nor behind the answer')
  given.status({ ...running, launch: launch(1, 2), uuid: uuid(3) }, AGENT, OURS)
  t.deepEqual(told(given), [`TASK_RUNNING ${launch(1, 2)}`])
  given.status(finished, AGENT, OURS)
  t.deepEqual(told(given), [])
  t.like(given.flush(), [{ do: 'acknowledge', body: { acks: [{ launch: launch(1, 1) }] } }])
})

test('an id that is in use by an earlier launch is that launch, as the leader says or nobody', (t) => {
  const notLaunched = [{ taskId: 't-1' as TaskId, message: 'in use' }]
  const named = acceptedAnew()
  named.input({ kind: 'leader.answered', key: named.call('accept').key, notLaunched })
  named.status(running, AGENT, OURS)
  t.deepEqual(told(named), [`TASK_RUNNING ${launch(1, 1)}`])
  // The answer does not name all of them.
  const asked = acceptedAnew()
  asked.answer(asked.call('accept').key)
  asked.input({ kind: 'framework.reconcile' })
  asked.say([{ kind: 'status', status: aStatus('TASK_RUNNING', ofLeader) }])
  t.deepEqual(told(asked), [`TASK_RUNNING ${launch(1, 1)}`])
  asked.status(finished, AGENT, OURS)
  t.deepEqual(told(asked), [`TASK_FINISHED ${launch(1, 1)}`])
  // The answer was lost, and the leader knows of an end that the agent has not told yet.
  const unsaid = acceptedAnew()
  unsaid.nowMs += 1_000
  unsaid.input({ kind: 'bus.connected' })
  unsaid.subscribe(fence(1), OURS.count + 1)
  unsaid.answer(unsaid.call('reconcile').key)
  unsaid.status({ ...running, latest: 'TASK_FINISHED' }, AGENT, OURS)
  t.deepEqual(told(unsaid), [`TASK_RUNNING ${launch(1, 1)}`])
})

test('an earlier launch that comes back alive when a later one of its id has ended is killed', (t) => {
  const given = subscribedAnew()
  given.status({ ...running, launch: launch(1, 2) }, AGENT, OURS)
  given.status({ ...finished, launch: launch(1, 2) }, AGENT, OURS)
  given.flush()
  const back = { ...running, uuid: uuid(5) }
  for (const _ of ['once', 'as its agent says it again']) {
    given.status(back, OTHER_AGENT, OURS)
    const { taskId } = back
    t.like(given.call('kill').body, { taskId, agentId: OTHER_AGENT, launch: launch(1, 1) })
    t.deepEqual(told(given), [])
    t.deepEqual(given.flush(), [], 'not acknowledged while it lives')
  }
  for (const dead of [
    { ...back, latest: 'TASK_KILLED' as const },
    { ...finished, uuid: uuid(6) },
  ]) {
    given.status(dead, OTHER_AGENT, OURS)
    t.deepEqual(given.calls('kill'), [])
    t.deepEqual(told(given), [], 'the framework has heard of the end of its task')
    t.is(given.flush().length, 1)
  }
})
