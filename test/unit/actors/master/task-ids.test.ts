/** Task ids that are in use: what is told of those that were not launched. */
import test from 'ava'
import type { TaskId } from '../../../../protocol/ids.ts'
import { NOT_LAUNCHED_MAX } from '../../../../protocol/limits.ts'
import type { AcceptAnswer } from '../../../../protocol/schema/calls.ts'
import type { FrameworkEvent } from '../../../../protocol/schema/scheduler.ts'
import { aStage, aTask, cpusMem, FakeFramework } from '../../../support/master-actors.ts'
import { eventsTo, ordersOf, statusesOf } from '../../../support/master-builders.ts'

type Subscribed = Extract<FrameworkEvent, { readonly kind: 'subscribed' }>

/** A stage with one offer of all of a1. */
function anOffered() {
  const stage = aStage()
  stage.allocator.offer()
  const [offerId = ''] = stage.framework.offers
  return { ...stage, offerId }
}

/** What is said from here on. */
function since(master: ReturnType<typeof aStage>['master']) {
  const from = master.effects.length
  return () => master.effects.slice(from)
}

test('a new session hears which launches were before it', (t) => {
  const { master, framework, offerId } = anOffered()
  framework.accept([offerId], aTask('t1'))
  const said = since(master)
  new FakeFramework(master).subscribe()
  const { lastLaunch } = eventsTo(said()).find(({ kind }) => kind === 'subscribed') as Subscribed
  t.is(lastLaunch, master.task('t1')?.launch)
})

test('a task that lives is not told dead by the bad accept of its namesake', (t) => {
  const { master, framework, allocator, offerId } = anOffered()
  framework.accept([offerId], aTask('t1'))
  allocator.offer({ resources: cpusMem(1, 64) })
  const [second = ''] = framework.offers
  framework.call('decline', { offers: [second] })
  const said = since(master)
  const message = 'task id t1 is in use: it is TASK_STAGING on a1'
  const answer = framework.accept([second], aTask('t1'), aTask('t2'))
  t.deepEqual(answer, { ok: { notLaunched: [{ taskId: 't1' as TaskId, message }] } })
  t.like(statusesOf(said()), [
    { taskId: 't1', state: 'TASK_STAGING', message, launch: master.task('t1')?.launch },
    { taskId: 't2', state: 'TASK_DROPPED' },
  ])
  t.is(master.task('t1')?.state, 'TASK_STAGING')
})

test('the id of an end that is not acknowledged is in use', (t) => {
  const { master, framework, allocator, agent, offerId } = anOffered()
  framework.accept([offerId], aTask('t1'))
  agent.update('t1', 'TASK_RUNNING')
  agent.update('t1', 'TASK_FINISHED')
  allocator.offer({ resources: cpusMem(1, 64) })
  const said = since(master)
  const message = 'task id t1 is in use: its TASK_FINISHED on a1 is not acknowledged yet'
  const answer = framework.accept(framework.offers, aTask('t1'))
  t.deepEqual(answer, { ok: { notLaunched: [{ taskId: 't1' as TaskId, message }] } })
  t.like(statusesOf(said()), [{ taskId: 't1', state: 'TASK_FINISHED', message }])
  t.deepEqual(ordersOf(said(), 'a1', 'run'), [])
  t.deepEqual(master.agent('a1').free, master.agent('a1').total)
})

test('an end of which its agent has yet to say how it came is not told with an id in use', (t) => {
  const { master, framework, allocator, agent, offerId } = anOffered()
  framework.accept([offerId], aTask('t1'))
  agent.update('t1', 'TASK_RUNNING', { latest: 'TASK_FAILED' })
  allocator.offer({ resources: cpusMem(1, 64) })
  const said = since(master)
  const message = 'task id t1 is in use: its TASK_FAILED on a1 is not acknowledged yet'
  const answer = framework.accept(framework.offers, aTask('t1'))
  t.deepEqual(answer, { ok: { notLaunched: [{ taskId: 't1' as TaskId, message }] } })
  t.deepEqual(statusesOf(said()), [])
})

test('an answer names so many tasks that were not launched, and statuses name all', (t) => {
  const { master, framework, allocator, offerId } = anOffered()
  const ids = Array.from({ length: NOT_LAUNCHED_MAX + 1 }, (_, i) => `t${i}`)
  const tasks = ids.map((id) => aTask(id, { resources: { cpus: 0.001 } }))
  framework.accept([offerId], ...tasks)
  allocator.offer({ resources: cpusMem(1, 64) })
  const said = since(master)
  const answer = framework.accept(framework.offers, ...tasks)
  const named = answer !== undefined && 'ok' in answer ? (answer.ok as AcceptAnswer) : {}
  t.is(named.notLaunched?.length, NOT_LAUNCHED_MAX)
  t.is(statusesOf(said()).length, ids.length)
})

test('the second of two tasks with one id does not start, and the first is not told dead', (t) => {
  const { master, framework, offerId } = anOffered()
  const said = since(master)
  const answer = framework.accept([offerId], aTask('t1'), aTask('t1'))
  const message = 'task id t1 is in use: it is TASK_STAGING on a1'
  t.deepEqual(answer, { ok: { notLaunched: [{ taskId: 't1' as TaskId, message }] } })
  t.like(statusesOf(said()), [{ taskId: 't1', state: 'TASK_STAGING' }])
  t.is(ordersOf(said(), 'a1', 'run')[0]?.tasks.length, 1)
  t.is(master.counter('task-ids-in-use'), 1)
})
