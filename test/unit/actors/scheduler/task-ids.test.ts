/** Ids that are launched again, while what was asked about an earlier task is still on its way. */
import test from 'ava'
import type { InstanceId, TaskId } from '../../../../protocol/ids.ts'
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

const gone = aStatus('TASK_GONE', { source: 'master', reason: 'RECONCILIATION', agentId: AGENT })
const tell = (given: Given) => given.say([{ kind: 'status', status: gone }])
const told = (given: Given) =>
  given.all('tell-statuses').flatMap(({ statuses }) => statuses.map(({ state }) => state))

/** The first task of the id ends, its end is acknowledged, and the id is accepted again. */
function launchAgain(given: Given): void {
  given.status(aStatus('TASK_FINISHED', { launch: launch(1, 1), uuid: uuid(1) }))
  given.input({ kind: 'framework.seen', keys: [uuid(1)] })
  const offer = anOffer(7)
  given.offer(offer)
  given.accept([offer.offerId], ['t-1'], 2)
}

for (const question of ['framework.reconcile', 'framework.kill'] as const) {
  test(`${question} about a task: its answer ends no later one of that id`, (t) => {
    const given = new Given().subscribed().launched('t-1')
    given.input({ kind: question, taskId: 't-1' as TaskId })
    launchAgain(given)
    const { key } = given.call('accept')
    tell(given)
    t.deepEqual(told(given), [])
    given.answer(key)
    given.status(aStatus('TASK_RUNNING', { launch: launch(1, 2), uuid: uuid(2) }))
    t.deepEqual(told(given), ['TASK_RUNNING'])
    given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
    t.is(given.calls('kill').length, 1)
    tell(given)
    t.deepEqual(told(given), ['TASK_GONE'], 'that was asked about this one')
  })
}

test('a kill that was not answered is not said again to the next task of the id', (t) => {
  const given = new Given().subscribed().launched('t-1')
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  const { body, key } = given.call('kill')
  given.pass(2_500)
  t.deepEqual(given.calls('kill')[0]?.body, body, 'so it may have got lost')
  launchAgain(given)
  given.answer(given.call('accept').key)
  given.pass(5_000)
  t.deepEqual(given.calls('kill'), [])
  const { session, n, epoch } = body
  t.deepEqual(given.calls('pong')[0]?.body, { session, n, epoch })
  given.answer(key)
  given.pass(20_000)
  t.deepEqual([given.calls('kill'), given.calls('pong')], [[], []])
})

test('a kill is not for what another instance has started under the id since', (t) => {
  const given = new Given({ holder: { instance: 'a' as InstanceId, leaseMs: 15_000 } })
  given.subscribed().launched('t-1')
  given.status(aStatus('TASK_RUNNING', { launch: launch(1, 1), uuid: uuid(1) }))
  given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
  given.answer(given.call('kill').key)
  given.nowMs += 60_000
  given.input({ kind: 'bus.connected' })
  given.subscribe(fence(1), 3)
  t.is(given.call('kill').body.launch, launch(1, 1))
  given.answer(given.call('kill').key)
  const next = aStatus('TASK_RUNNING', { source: 'master', launch: launch(1, 2) })
  given.say([{ kind: 'status', status: next }])
  t.deepEqual(told(given), ['TASK_RUNNING'])
  t.deepEqual(given.calls('kill'), [])
})

for (const [whose, made, isMeant] of [
  ['what another instance has started elsewhere', 2, false],
  ['what an earlier process has under the id', 1, true],
] as const) {
  test(`a kill before the first status is ${isMeant ? '' : 'not '}for ${whose}`, (t) => {
    const given = new Given({ holder: { instance: 'a' as InstanceId, leaseMs: 15_000 } })
    given.input({ kind: 'start' })
    given.say([subscribed(1, 1, { lastLaunch: launch(1, 1) })])
    given.launched('t-1')
    given.input({ kind: 'framework.kill', taskId: 't-1' as TaskId })
    given.answer(given.call('kill').key)
    given.nowMs += 60_000
    given.input({ kind: 'bus.connected' })
    given.subscribe(fence(1), 3)
    given.answer(given.call('kill').key)
    const [agentId, at] = [OTHER_AGENT, launch(1, made)]
    given.say([
      {
        kind: 'status',
        status: aStatus('TASK_RUNNING', { source: 'master', agentId, launch: at }),
      },
    ])
    t.deepEqual(told(given), ['TASK_RUNNING'])
    t.is(given.calls('kill').length, isMeant ? 1 : 0)
  })
}
