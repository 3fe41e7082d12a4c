/** What the world hears: a task's whole life, offers that were used, who comes and goes. */
import test from 'ava'
import type { Task } from '../../../../actors/master/entities.ts'
import { taskItem } from '../../../../actors/master/tasks.ts'
import { EVENT_WORDS, taskWordOf } from '../../../../protocol/event-words.ts'
import type { TaskId } from '../../../../protocol/ids.ts'
import { ILLNESS_TOLD_MS } from '../../../../protocol/limits.ts'
import { clusterEvents, frameworkWorldEvents } from '../../../../protocol/subjects.ts'
import { TASK_STATES } from '../../../../protocol/task-state.ts'
import {
  aHeldTask,
  aStage,
  aStageWith,
  aTask,
  live,
  oldLaunch,
} from '../../../support/master-actors.ts'
import { aFramework, effectsOf, type MasterDriver } from '../../../support/master-builders.ts'

/** `kind.what` of each event, and the event. */
const heard = (master: MasterDriver) =>
  effectsOf(master.effects, 'send-public').flatMap(({ subject, body }) =>
    body.events.map((event) => [`${subject.kind}.${subject.what}`, event] as const),
  )
const words = (master: MasterDriver): readonly string[] => heard(master).map(([word]) => word)

test('a task is heard of from its launch to its end, after the offer that it uses', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING')
  agent.update('t1', 'TASK_FAILED', { exit: { code: 3 } })
  t.deepEqual(words(master), [
    'master.leads',
    'agent.registered',
    'framework.subscribed',
    'offer.accepted',
    'task.staging',
    'task.running',
    'task.failed',
  ])
  const events = heard(master).map(([, event]) => event)
  t.like(events[1], { agentId: 'a1', name: 'host' })
  t.like(events[3], { ...aFramework(), agentId: 'a1', tasks: 1 })
  t.is(events[3]?.offers?.length, 1)
  t.like(events[4], { ...aFramework(), agentId: 'a1', status: { taskId: 't1' } })
  t.like(events[6], { status: { taskId: 't1', state: 'TASK_FAILED', exit: { code: 3 } } })
})

test('that a task is ill is heard at once, and again after a minute; that it is well, each time', (t) => {
  const { master, agent } = aStageWith('t1')
  const healths = () =>
    heard(master).flatMap(([word, { status }]) =>
      word === 'task.running' ? [status?.healthy] : [],
    )
  const say = (healthy: boolean) => agent.update('t1', 'TASK_RUNNING', { healthy })
  agent.update('t1', 'TASK_RUNNING')
  say(true)
  say(false)
  say(false)
  t.deepEqual(healths(), [undefined, true, false])
  for (let i = 0; i < 10; i++) {
    say(true)
    say(false)
  }
  t.deepEqual(healths(), [undefined, true, false, true], 'it comes and goes')
  t.false(master.task('t1')?.health?.healthy)
  for (let ms = 0; ms < ILLNESS_TOLD_MS; ms += 1_000) live({ master, agent }, 1_000)
  say(false)
  t.deepEqual(healths(), [undefined, true, false, true, false], 'it stays ill')
  say(true)
  t.is(healths().at(-1), true)
  say(false)
  agent.update('t1', 'TASK_KILLED', { healthy: false })
  t.is(words(master).at(-1), 'task.killed')
})

test('that a task listens where it was not given the port is heard of, once', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING')
  const message = 'it listens on port 80; it was given none'
  const number = { incarnation: 1, count: 1_000 }
  const said = { reason: 'CONTAINER_LIMITATION_PORTS', message, number } as const
  agent.update('t1', 'TASK_RUNNING', said)
  t.like(heard(master).at(-1)?.[1], { status: { state: 'TASK_RUNNING', message } })
  const before = words(master).length
  agent.update('t1', 'TASK_RUNNING', said)
  t.is(words(master).length, before)
})

test('a task that is refused is heard of', (t) => {
  const { master, framework, allocator } = aStage()
  allocator.offer()
  const { offers } = framework
  framework.accept(offers, aTask('t1', { resources: {} }), aTask('t2'))
  t.deepEqual(words(master).slice(-3), ['task.error', 'offer.accepted', 'task.staging'])
})

test('the tasks of a framework that was torn down are heard to be killed', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  framework.call('teardown', {})
  agent.say({ kind: 'torn-down', ...aFramework() })
  t.deepEqual(words(master).slice(-2), ['framework.ended', 'task.killed'])
})

test('a framework whose failover time was over is told from one that was torn down', (t) => {
  const { master, framework, agent } = aStage()
  framework.subscribe({ failoverMs: 20_000 })
  live({ master, agent }, 60_000)
  const ended = heard(master).find(([word]) => word === 'framework.ended')
  t.like(ended?.[1], { message: 'its failover time was over' })
})

test('an end that waits behind what nobody acknowledges is heard when its framework ends', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING', { latest: 'TASK_FAILED' })
  const { message, state } = taskItem(master, master.task('t1') as Task)
  t.is(state, 'TASK_FAILED')
  t.is(message, 'how it ended is told when its framework acknowledges TASK_RUNNING')
  framework.call('teardown', {})
  agent.say({ kind: 'torn-down', ...aFramework() })
  t.deepEqual(words(master).slice(-3), ['task.running', 'framework.ended', 'task.failed'])
  t.is(
    master.ended[0]?.said?.message,
    'how it ended was not told: nobody acknowledged TASK_RUNNING',
  )
})

for (const [title, shown] of [
  ['shows it as settled', { latest: 'TASK_FAILED', settled: true }],
  ['has forgotten it', undefined],
] as const) {
  test(`an end that its framework took before the leader knew of it is heard: its agent ${title}`, (t) => {
    const { master, framework, agent } = aStageWith('t1')
    const { launch = oldLaunch(9) } = master.task('t1') ?? {}
    agent.update('t1', 'TASK_RUNNING', { latest: 'TASK_FAILED' })
    framework.call('teardown', {})
    agent.open({}, shown === undefined ? [] : [aHeldTask('t1', { launch, ...shown })])
    agent.say({ kind: 'torn-down', ...aFramework() })
    const failed = heard(master).filter(([word]) => word === 'task.failed')
    t.is(failed.length, 1)
    t.is(master.ended.length, 1)
    t.notRegex(master.ended[0]?.said?.message ?? '', /is told when/)
  })
}

test('an end of which its agent knows nothing any more is heard, once', (t) => {
  const { master, agent } = aStageWith('t1')
  agent.update('t1', 'TASK_RUNNING', { latest: 'TASK_FAILED' })
  agent.open({}, [])
  t.is(words(master).filter((word) => word === 'task.failed').length, 1)
  t.like(master.ended[0]?.said, { message: 'its agent does not know any more how it ended' })
})

for (const [title, after] of [
  ['acknowledged while it opened', 'settled'],
  ['acknowledged before', 'shown-settled'],
  ['never acknowledged: its framework ended', 'torn-down'],
] as const) {
  test(`how a task ended while its agent was away is heard by its snapshot: ${title}`, (t) => {
    const { master, framework, agent } = aStageWith('t1')
    const { launch = oldLaunch(9) } = master.task('t1') ?? {}
    const taskId = 't1' as TaskId
    agent.update('t1', 'TASK_RUNNING')
    if (after === 'torn-down') framework.call('teardown', {})
    const settled = after === 'shown-settled'
    agent.open({}, [
      aHeldTask('t1', {
        launch,
        latest: 'TASK_FAILED',
        number: { incarnation: 1, count: 9 },
        reason: 'COMMAND_FAILED',
        message: 'command exited with status 9',
        exit: { code: 9 },
        ...(settled && { settled }),
      }),
    ])
    if (after === 'settled')
      agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId, launch }] })
    if (after === 'torn-down') agent.say({ kind: 'torn-down', ...aFramework() })
    const failed = heard(master).filter(([word]) => word === 'task.failed')
    const end = { message: 'command exited with status 9', exit: { code: 9 } }
    t.is(failed.length, 1)
    t.like(failed[0]?.[1].status, { ...end, reason: 'COMMAND_FAILED' })
    t.is(master.ended.length, 1)
    t.like(master.ended[0]?.said, end)
  })
}

test('what a status of the end says counts, and is heard once, whatever a snapshot has shown', (t) => {
  const { master, agent } = aStageWith('t1')
  const { launch = oldLaunch(9) } = master.task('t1') ?? {}
  const number = { incarnation: 1, count: 2 }
  agent.update('t1', 'TASK_RUNNING')
  agent.open({}, [aHeldTask('t1', { launch, latest: 'TASK_FAILED', number, exit: { code: 9 } })])
  t.like(taskItem(master, master.task('t1') as Task), { exit: { code: 9 } })
  agent.update('t1', 'TASK_FAILED', { number, message: 'so it was', exit: { code: 9 } })
  agent.say({ kind: 'settled', tasks: [{ ...aFramework(), taskId: 't1' as TaskId, launch }] })
  t.is(words(master).filter((word) => word === 'task.failed').length, 1)
  t.like(master.ended[0]?.said, { message: 'so it was', exit: { code: 9 } })
})

test('an agent that goes and comes back is heard, with its tasks', (t) => {
  const { master, framework, agent } = aStageWith('t1')
  live({ master, framework }, 25_000)
  t.deepEqual(words(master).slice(-2), ['task.unreachable', 'agent.unreachable'])
  agent.open({}, [])
  t.is(words(master).at(-1), 'agent.registered')
})

test('every state but the two that nobody is told has its word', (t) => {
  t.deepEqual(
    TASK_STATES.filter((state) => taskWordOf(state) === undefined),
    ['TASK_UNKNOWN', 'TASK_LOST'],
  )
  t.is(taskWordOf('TASK_GONE_BY_OPERATOR'), 'gone-by-operator')
})

test('a pattern picks what happened to the tasks of any framework', (t) => {
  const subject = frameworkWorldEvents.to({
    ...aFramework(),
    cluster: 'c',
    kind: 'task',
    what: 'failed',
  })
  t.is(subject, 'c.event.task.local.f1.failed')
  t.is(
    clusterEvents.to({ cluster: 'c', kind: 'agent', what: 'registered' }),
    'c.event.agent.registered',
  )
  for (const words of Object.values(EVENT_WORDS))
    for (const word of Object.keys(words)) t.regex(word, /^[a-z-]+$/)
})
