/** Agents that do not answer: who waits is told, and where there are restarts, others take over. */
import test from 'ava'
import { exitCodeOf } from '../../../../frameworks/run/result.ts'
import { SILENCE_MS_MAX } from '../../../../frameworks/run/silence.ts'
import type { TaskStatus } from '../../../../protocol/schema/common.ts'
import { AGENT, Run } from './given.ts'

const ALWAYS = { restart: { restartsMax: Number.POSITIVE_INFINITY }, readsOutput: false }
const BY_MASTER: Partial<TaskStatus> = { source: 'master', reason: 'AGENT_UNREACHABLE' }

const isSilent = (run: Run, taskId = 'run-0', atMs = 0): Run =>
  run.status(taskId, 'TASK_UNREACHABLE', { ...BY_MASTER, atMs })

/** What its last wait for an agent comes back as. */
function over(run: Run): Run {
  const [wait] = run.all('end-silence-after')
  if (wait === undefined) throw new Error('nothing is waited for')
  return run.input({ kind: 'silence-over', index: wait.index, silence: wait.silence })
}

test('an agent that does not answer is told of once, with all that may run there', (t) => {
  const run = new Run({}, 3).offer().status('run-0', 'TASK_RUNNING')
  const silent = { agentId: AGENT, taskIds: ['run-0', 'run-1', 'run-2'] }
  t.deepEqual(isSilent(run).all('tell-silent'), [{ do: 'tell-silent', silent }] as never)
  t.deepEqual(isSilent(run).all('tell-silent'), [], 'again')
  t.deepEqual(isSilent(run, 'run-1').all('tell-silent'), [], 'another one there')
  run.status('run-0', 'TASK_RUNNING', { source: 'master', reason: 'AGENT_RETURNED' })
  t.is(isSilent(run).all('tell-silent').length, 1, 'after it had answered')
})

test('an agent that never began what it was given, and is silent again, is told of again', (t) => {
  const run = isSilent(new Run({}, 1).offer())
  t.is(run.all('tell-silent').length, 1)
  run.status('run-0', 'TASK_GONE', { source: 'master' }).offer()
  t.is(isSilent(run, 'run-0-2').all('tell-silent').length, 1)
})

test('without restarts it is waited for', (t) => {
  const run = isSilent(new Run({}, 1).offer().status('run-0', 'TASK_RUNNING'))
  t.deepEqual(run.all('end-silence-after'), [])
  t.deepEqual(run.states, ['TASK_UNREACHABLE'])
})

test('with restarts it is given up after a while and starts elsewhere, by another id', (t) => {
  const run = isSilent(new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_RUNNING'))
  t.like(run.all('end-silence-after')[0], { index: 0, delayMs: SILENCE_MS_MAX })
  t.is(run.all('tell-silent')[0]?.silent.replacedMs, SILENCE_MS_MAX)
  over(run)
  t.like(run.all('kill')[0], { taskId: 'run-0' }, 'the leader remembers it for when it is back')
  t.like(run.all('restart-after')[0]?.failed, {
    state: 'TASK_LOST',
    agentId: AGENT,
    message: `agent ${AGENT} has not answered for 5 minutes`,
  })
  t.deepEqual(run.input({ kind: 'restart-due', index: 0 }).offer().placed, ['run-0-2'])
})

test('one that was given up changes nothing when it comes back: it is killed already', (t) => {
  const run = isSilent(new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_RUNNING'))
  over(run).input({ kind: 'restart-due', index: 0 }).offer().status('run-0-2', 'TASK_RUNNING')
  isSilent(run)
  t.deepEqual(run.effects, [])
  run.status('run-0', 'TASK_KILLED')
  t.deepEqual([run.states, run.effects], [['TASK_RUNNING'], []])
})

test('an agent that answers in time keeps its instance, however often it falls silent', (t) => {
  const run = isSilent(new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_RUNNING'))
  const [first] = run.all('end-silence-after')
  run.status('run-0', 'TASK_RUNNING', { source: 'master', reason: 'AGENT_RETURNED' })
  isSilent(run, 'run-0', 200_000)
  run.input({ kind: 'silence-over', index: 0, silence: first?.silence ?? 0 })
  t.deepEqual(run.states, ['TASK_UNREACHABLE'], 'that wait was about the first silence')
})

test('who has no restart left, or is stopping, waits', (t) => {
  const spent = new Run({}, 1, { ...ALWAYS, restart: { restartsMax: 1 } }).offer()
  spent.status('run-0', 'TASK_FAILED').input({ kind: 'restart-due', index: 0 }).offer()
  t.deepEqual(isSilent(spent).all('end-silence-after'), [])
  const stopping = isSilent(new Run({}, 2, ALWAYS).offer())
  const [wait] = stopping.all('end-silence-after')
  stopping.offer().input({ kind: 'interrupted' })
  stopping.input({ kind: 'silence-over', index: 0, silence: wait?.silence ?? 0 })
  t.deepEqual(stopping.states, ['TASK_UNREACHABLE', 'TASK_STAGING'])
})

test('who is ending waits for no agent that does not answer', (t) => {
  const run = new Run({}, 2).offer().status('run-0', 'TASK_RUNNING')
  isSilent(run, 'run-1').input({ kind: 'interrupted' })
  t.deepEqual(
    run.all('kill').map(({ taskId }) => taskId as string),
    ['run-0', 'run-1'],
  )
  t.deepEqual(run.all('done'), [])
  t.is(run.status('run-0', 'TASK_KILLED').read(0).all('done').length, 1)
})

test('what its agent has not spoken of in time was not placed', (t) => {
  const run = new Run({}, 2).offer().status('run-0', 'TASK_RUNNING')
  run.input({ kind: 'timed-out' })
  t.deepEqual(run.result.couldNotPlace, [
    '1 instance of 2 could not be placed within 5 s',
    `agent ${AGENT} was given run-1 and does not answer`,
  ])
  t.is(run.all('kill').length, 2)
  run.status('run-0', 'TASK_KILLED').read(0)
  t.is(isSilent(run, 'run-1').all('done').length, 1)
  t.is(exitCodeOf(run.result), 2)
})
