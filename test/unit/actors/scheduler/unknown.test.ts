import test from 'ava'
import type { TaskId } from '../../../../protocol/ids.ts'
import { AGENT, aStatus, Given, launch, OTHER_AGENT, uuid } from './given.ts'

const MINUTE_MS = 60_000
const taskId = 't-1' as TaskId
const unknown = aStatus('TASK_UNKNOWN', { source: 'master', reason: 'RECONCILIATION' })
const running = aStatus('TASK_RUNNING', { launch: launch(1, 1), uuid: uuid(1) })

/** It was asked about once. */
const aRunning = (): Given => {
  const given = new Given().subscribed().launched('t-1')
  given.status(running)
  given.input({ kind: 'framework.seen', keys: [uuid(1)] })
  given.input({ kind: 'framework.reconcile' })
  given.answer(given.call('reconcile').key)
  return given
}

const say = (given: Given) => given.say([{ kind: 'status', status: { ...unknown } }])

/** The leader answers so for so many minutes, every minute. */
function unknownFor(given: Given, minutes: number): void {
  say(given)
  for (let i = 0; i < minutes; i++) {
    given.nowMs += MINUTE_MS
    say(given)
  }
}

test('a task that nobody knows for ten minutes is let go of, behind its last status', (t) => {
  const given = aRunning()
  unknownFor(given, 9)
  t.true(given.state.tasks.has(taskId))
  t.deepEqual(given.all('tell-let-go'), [])
  given.nowMs += MINUTE_MS
  const effects = say(given).map((effect) => effect.do)
  t.deepEqual(effects, ['tell-statuses', 'tell-let-go'])
  t.false(given.state.tasks.has(taskId), 'it is asked about no more')
})

test('a task that somebody knows meanwhile is held on, and told of once, as it is', (t) => {
  const given = aRunning()
  unknownFor(given, 9)
  const known = { kind: 'status', status: aStatus('TASK_RUNNING', { source: 'master' }) } as const
  given.say([known])
  t.like(given.all('tell-statuses')[0]?.statuses, [{ taskId, state: 'TASK_RUNNING' }])
  given.say([known])
  t.is(given.all('tell-statuses').length, 0, 'that is no news')
  unknownFor(given, 9)
  t.true(given.state.tasks.has(taskId))
})

test('a new session waits for ten minutes anew: its leader may have lost sight of all', (t) => {
  const given = aRunning()
  unknownFor(given, 9)
  given.input({ kind: 'bus.connected' })
  given.subscribe()
  unknownFor(given, 9)
  t.true(given.state.tasks.has(taskId))
})

test('a task that was let go of and comes back is told of, and held again', (t) => {
  const given = aRunning()
  unknownFor(given, 10)
  given.status(running)
  t.like(given.all('tell-statuses')[0]?.statuses, [{ taskId, state: 'TASK_RUNNING' }])
  t.is(given.state.tasks.get(taskId)?.agentId, AGENT)
  t.deepEqual(given.calls('kill'), [])
})

test('the end of a task that was let go of is told', (t) => {
  const given = aRunning()
  unknownFor(given, 10)
  given.status(aStatus('TASK_FINISHED', { launch: launch(1, 1), uuid: uuid(2) }))
  t.like(given.all('tell-statuses')[0]?.statuses, [{ taskId, state: 'TASK_FINISHED' }])
  t.false(given.state.tasks.has(taskId))
})

test('a task that was to be killed, was let go of and comes back is killed', (t) => {
  const given = aRunning()
  given.input({ kind: 'framework.kill', taskId, graceMs: 100 })
  unknownFor(given, 10)
  given.status(running)
  t.like(given.call('kill').body, { taskId, agentId: AGENT, graceMs: 100 })
})

test('a task that is started under the id of one that was let go of is not killed for it', (t) => {
  const given = aRunning()
  given.input({ kind: 'framework.kill', taskId })
  unknownFor(given, 10)
  given.launched('t-1')
  given.status(aStatus('TASK_RUNNING', { launch: launch(1, 2), uuid: uuid(3) }))
  t.deepEqual(given.calls('kill'), [])
  t.like(given.all('tell-statuses')[0]?.statuses, [{ taskId, state: 'TASK_RUNNING' }])
})

test('what was let go of and comes back while its id is in use elsewhere changes nothing', (t) => {
  const given = aRunning()
  unknownFor(given, 10)
  given.launched('t-1')
  given.status(running, OTHER_AGENT)
  t.deepEqual(given.all('tell-statuses'), [])
})

test('what was let go of is found when its agent is back and says nothing of it, and killed', (t) => {
  const given = aRunning()
  given.input({ kind: 'framework.kill', taskId })
  unknownFor(given, 10)
  given.input({ kind: 'bus.connected' })
  given.subscribe()
  t.deepEqual(given.call('reconcile').body.tasks, [], 'all that the leader knows')
  given.say([
    {
      kind: 'status',
      status: { ...aStatus('TASK_RUNNING', { launch: launch(1, 1) }), source: 'master' },
    },
  ])
  t.like(given.all('tell-statuses')[0]?.statuses, [{ taskId, state: 'TASK_RUNNING' }])
  t.is(given.call('kill').body.taskId, taskId)
})

test('a kill of what was let go of is not for a later launch: another instance has started it', (t) => {
  const given = aRunning()
  given.input({ kind: 'framework.kill', taskId })
  unknownFor(given, 10)
  const next = aStatus('TASK_RUNNING', { source: 'master', launch: launch(1, 2) })
  given.say([{ kind: 'status', status: next }])
  t.like(given.all('tell-statuses')[0]?.statuses, [{ taskId, state: 'TASK_RUNNING' }])
  t.deepEqual(given.calls('kill'), [])
  t.true(given.state.kills.has(taskId), 'what was meant may come back yet')
})

for (const [state, isOver] of [
  ['TASK_GONE_BY_OPERATOR', true],
  ['TASK_UNREACHABLE', false],
] as const) {
  test(`the first that a process hears of a task may be ${state}`, (t) => {
    const given = new Given().subscribed()
    const said = aStatus(state, { source: 'master', launch: launch(1, 1) })
    given.say([{ kind: 'status', status: said }])
    t.is(given.all('tell-statuses').length, 1)
    t.is(given.state.ended.has(taskId), isOver)
    t.is(given.state.tasks.get(taskId)?.state, isOver ? undefined : state)
  })
}
