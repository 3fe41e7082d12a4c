import test from 'ava'
import { hasFailed, nextPauseMs, parseRestart } from '../../../../frameworks/run/restarts.ts'
import { exitCodeOf } from '../../../../frameworks/run/result.ts'
import type { TaskId } from '../../../../protocol/ids.ts'
import { NOT_LAUNCHED_MAX } from '../../../../protocol/limits.ts'
import { Run } from './given.ts'

const ALWAYS = { restart: { restartsMax: Number.POSITIVE_INFINITY }, readsOutput: false }
const TWICE = { restart: { restartsMax: 2 }, readsOutput: false }

test('how often is written as Docker has it', (t) => {
  t.deepEqual(parseRestart('never'), { restartsMax: 0 })
  t.deepEqual(parseRestart('on-failure'), ALWAYS.restart)
  t.deepEqual(parseRestart('on-failure:2'), TWICE.restart)
  for (const text of ['', 'always', 'on-failure:', 'on-failure:0', 'on-failure:x', 'never:1'])
    t.like(parseRestart(text), { name: 'invalid' }, text)
})

test('pauses double up to a minute, and begin anew after ten seconds of running', (t) => {
  const pauses: number[] = []
  for (
    let pauseMs = nextPauseMs(undefined, 0);
    pauses.length < 8;
    pauseMs = nextPauseMs(pauseMs, 0)
  )
    pauses.push(pauseMs)
  t.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  t.is(nextPauseMs(60_000, 9_999), 60_000)
  t.is(nextPauseMs(60_000, 10_000), 1_000)
})

test('an instance that failed is placed again after a pause, under its task id', (t) => {
  const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_RUNNING')
  run.status('run-0', 'TASK_FAILED', { exit: { code: 3 } })
  const [again] = run.all('restart-after')
  t.like(again, { index: 0, delayMs: 1_000, failed: { state: 'TASK_FAILED', exit: { code: 3 } } })
  t.deepEqual(run.states, ['restarting'])
  t.deepEqual(run.all('revive'), [], 'nothing is wanted before the pause is over')
  run.input({ kind: 'restart-due', index: 0 })
  t.deepEqual(run.states, ['waiting'])
  t.is(run.all('revive').length, 1)
  t.deepEqual(run.offer().placed, ['run-0'])
  run.status('run-0', 'TASK_FINISHED')
  t.is(run.all('done').length, 1)
  t.like(run.result.instances[0], { state: 'TASK_FINISHED', restarts: 1, taskId: 'run-0' })
  t.is(exitCodeOf(run.result), 0)
})

test('what the last attempt wrote is read before there is another', (t) => {
  const run = new Run({}, 1, { ...ALWAYS, readsOutput: true }).offer()
  run.status('run-0', 'TASK_FAILED').input({ kind: 'restart-due', index: 0 })
  t.deepEqual(run.states, ['restarting'])
  run.read(0)
  t.deepEqual(run.states, ['waiting'])
  run.offer().status('run-0', 'TASK_FINISHED')
  t.is(run.all('read-output').length, 1)
  t.is(run.read(0).all('done').length, 1)
})

test('the end of the last attempt is the end of the instance', (t) => {
  const run = new Run({}, 1, TWICE).offer().status('run-0', 'TASK_FAILED')
  run.input({ kind: 'restart-due', index: 0 }).offer().status('run-0', 'TASK_FAILED')
  t.is(run.all('restart-after')[0]?.delayMs, 2_000)
  run.input({ kind: 'restart-due', index: 0 }).offer()
  run.status('run-0', 'TASK_FAILED', { exit: { code: 9 } })
  t.deepEqual(run.all('restart-after'), [])
  t.is(run.all('done').length, 1)
  t.like(run.result.instances[0], { state: 'TASK_FAILED', restarts: 2, exit: { code: 9 } })
  t.is(exitCodeOf(run.result), 1)
})

test('what ran for long begins again with the shortest pause', (t) => {
  const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_FAILED')
  run.input({ kind: 'restart-due', index: 0 }).offer()
  run.status('run-0', 'TASK_RUNNING', { atMs: 5_000 })
  run.status('run-0', 'TASK_FAILED', { atMs: 20_000 })
  t.is(run.all('restart-after')[0]?.delayMs, 1_000)
})

for (const state of ['TASK_KILLED', 'TASK_FINISHED', 'TASK_ERROR'] as const)
  test(`an instance that is ${state} is not started again`, (t) => {
    const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_RUNNING')
    run.status('run-0', state)
    t.is(run.all('done').length, 1)
    t.deepEqual(run.states, [state])
  })

for (const state of ['TASK_GONE', 'TASK_GONE_BY_OPERATOR', 'TASK_LOST'] as const)
  test(`an instance that is ${state} with its agent is started again`, (t) => {
    const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_RUNNING')
    run.status('run-0', state, { source: 'master' })
    t.is(run.all('restart-after').length, 1)
  })

test('an instance that its agent killed for its health is started again, unlike others', (t) => {
  t.true(hasFailed('TASK_KILLED', { reason: 'UNHEALTHY' }))
  t.false(hasFailed('TASK_KILLED', {}))
  t.true(hasFailed('TASK_FAILED', { reason: 'MAX_COMPLETION_TIME_REACHED' }))
})

test('a command that cannot be started at all is not started again', (t) => {
  for (const fields of [{ exit: { code: 127 } }, { exit: { code: 126 } }] as const) {
    const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_FAILED', fields)
    t.is(run.all('done').length, 1)
  }
  const run = new Run({}, 1, ALWAYS).offer()
  t.is(run.status('run-0', 'TASK_FAILED', { reason: 'LAUNCH_FAILED' }).all('done').length, 1)
})

test('a command that could be started before is started again, even if an agent cannot', (t) => {
  const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_FAILED', { exit: { code: 1 } })
  run.input({ kind: 'restart-due', index: 0 }).offer()
  run.status('run-0', 'TASK_FAILED', { reason: 'LAUNCH_FAILED' })
  t.is(run.all('restart-after').length, 1)
})

test('whose last end its agent never heard to be taken is started under another id', (t) => {
  const taskIds = ['run-0' as TaskId]
  const notLaunched = taskIds.map((taskId) => ({ taskId, message: 'the id is in use' }))
  const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_FAILED')
  run.input({ kind: 'restart-due', index: 0 }).offer()
  run.input({ kind: 'answered', accepted: { outcome: 'done', notLaunched, taskIds } })
  t.deepEqual(run.states, ['waiting'])
  run.status('run-0', 'TASK_FAILED', { source: 'master' })
  t.deepEqual(run.all('restart-after'), [], 'it has failed only once')
  t.deepEqual(run.offer().placed, ['run-0-2'])
})

test('no more are started again at once than an answer can say are in use', (t) => {
  const run = new Run({ cpus: 0.05, mem: 8 }, 40, ALWAYS).offer()
  t.is(run.placed.length, 40)
  for (const taskId of run.placed) run.status(taskId, 'TASK_FAILED')
  for (let index = 0; index < 40; index++) run.input({ kind: 'restart-due', index })
  const [accept] = run.offer().all('accept')
  t.is(accept?.tasks.length, NOT_LAUNCHED_MAX)
  t.is(accept?.refuseMs, 0, 'what is left comes back for the rest')
  t.is(run.offer().placed.length, 40 - NOT_LAUNCHED_MAX)
})

test('one that nobody knows for a minute is given up for lost, and killed should it come back', (t) => {
  const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_RUNNING')
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 0 })
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 60_000 })
  t.is(run.all('restart-after').length, 1)
  t.deepEqual(run.all('kill'), [{ do: 'kill', taskId: 'run-0' }] as never)
  t.deepEqual(run.status('run-0', 'TASK_KILLED').states, ['restarting'], 'its end is nobody’s')
  t.deepEqual(run.input({ kind: 'restart-due', index: 0 }).offer().placed, ['run-0-2'])
})

test('one that nobody knew for a while and that is back is not lost when it is unknown again', (t) => {
  const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_RUNNING')
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 0 })
  run.status('run-0', 'TASK_RUNNING', { source: 'master', reason: 'RECONCILIATION' })
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 900_000 })
  t.deepEqual([run.states, run.effects], [['TASK_RUNNING'], []])
})

test('one that was given up for lost is not waited for by its readers', (t) => {
  const run = new Run({}, 1, { ...ALWAYS, readsOutput: true }).offer()
  const [read] = run.status('run-0', 'TASK_RUNNING').all('read-output')
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 0 })
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 60_000 })
  t.deepEqual(run.input({ kind: 'restart-due', index: 0 }).offer().placed, ['run-0-2'])
  run.status('run-0-2', 'TASK_FINISHED')
  const { taskId, index } = read as NonNullable<typeof read>
  t.deepEqual(run.input({ kind: 'read', taskId, index }).all('done'), [])
  t.is(run.read(0).all('done').length, 1)
})

test('interrupted in a pause: how it failed is how it ended', (t) => {
  const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_FAILED')
  run.input({ kind: 'interrupted' })
  t.is(run.all('done').length, 1)
  t.like(run.result.instances[0], { state: 'TASK_FAILED', taskId: 'run-0' })
})

test('interrupted: nothing is started again', (t) => {
  const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_RUNNING')
  run.input({ kind: 'interrupted' }).status('run-0', 'TASK_FAILED')
  t.is(run.all('done').length, 1)
})

test('the time to place is about the first place only', (t) => {
  const run = new Run({}, 1, ALWAYS).offer().status('run-0', 'TASK_FAILED')
  run.input({ kind: 'restart-due', index: 0 }).input({ kind: 'timed-out' })
  t.deepEqual(run.result.couldNotPlace, [])
  t.deepEqual(run.states, ['waiting'])
})

test('all have been somewhere: that is told once, unless all is over', (t) => {
  const run = new Run({}, 2, ALWAYS).offer().status('run-0', 'TASK_RUNNING')
  t.deepEqual(run.all('tell-placed'), [])
  run.status('run-1', 'TASK_RUNNING')
  t.is(run.all('tell-placed').length, 1)
  run.status('run-1', 'TASK_FAILED').input({ kind: 'restart-due', index: 1 }).offer()
  t.deepEqual(run.status('run-1', 'TASK_RUNNING').all('tell-placed'), [])
  const short = new Run({}, 1, { readsOutput: false }).offer()
  t.deepEqual(
    short.status('run-0', 'TASK_FAILED').effects.map((effect) => effect.do),
    ['tell-changed', 'done'],
  )
})
