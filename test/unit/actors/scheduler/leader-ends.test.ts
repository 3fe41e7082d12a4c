/** What the leader says of tasks that have ended, beside what their agents say. */
import test from 'ava'
import type { TaskStatus } from '../../../../protocol/schema/common.ts'
import { AGENT, aStatus, Given, launch, uuid } from './given.ts'

const finished = aStatus('TASK_FINISHED', {
  uuid: uuid(2),
  number: { incarnation: 1, count: 2 },
  launch: launch(1, 1),
})
const number = { incarnation: 1, count: 1 }
const running = { ...finished, state: 'TASK_RUNNING' as const, uuid: uuid(1), number }
const launched = (): Given => new Given().subscribed().launched('t-1')

test('while the framework is busy with an end that the leader said, its agent keeps the task', (t) => {
  const given = launched()
  const { uuid: _, ...made } = finished
  const end: TaskStatus = { ...made, source: 'master', agentId: AGENT }
  given.say([{ kind: 'status', status: end }])
  t.is(given.all('tell-statuses').length, 1)
  for (const status of [running, finished, finished]) {
    given.status(status)
    t.deepEqual(given.effects, [])
  }
  t.deepEqual(given.flush(), [])
  const acked = () => {
    given.flush()
    return given.all('acknowledge').flatMap(({ body }) => body.acks.map((ack) => ack.uuid))
  }
  given.input({ kind: 'framework.seen', keys: [launch(1, 1)] })
  t.deepEqual(acked(), [uuid(2)])
  given.status(finished)
  t.deepEqual(acked(), [uuid(2)], 'it had not come in time')
})

test('what the leader said of a task before it ended says nothing of its end', (t) => {
  const given = launched()
  const { uuid: _, ...made } = running
  given.say([{ kind: 'status', status: { ...made, source: 'master', agentId: AGENT } }])
  given.status(finished)
  given.input({ kind: 'framework.seen', keys: [launch(1, 1)] })
  t.deepEqual(given.flush(), [])
  given.input({ kind: 'framework.seen', keys: [uuid(2)] })
  t.is(given.flush().length, 1)
})

test('an answer by name about a task that nobody here has does not begin one', (t) => {
  const given = new Given().subscribed()
  const gone = aStatus('TASK_GONE', { source: 'master', reason: 'RECONCILIATION', agentId: AGENT })
  given.say([{ kind: 'status', status: gone }])
  t.deepEqual(given.all('tell-statuses'), [])
  t.is(given.state.counts.oldStatus, 1)
})
