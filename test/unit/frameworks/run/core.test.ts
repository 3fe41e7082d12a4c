import test from 'ava'
import { exitCodeOf } from '../../../../frameworks/run/result.ts'
import { refusal } from '../../../../protocol/errors.ts'
import type { TaskId } from '../../../../protocol/ids.ts'
import type { ResourceList } from '../../../../protocol/schema/common.ts'
import { AGENT, FOUR_CPUS, Run } from './given.ts'

test('as many instances as fit are placed on an offer, and what does not fit waits', (t) => {
  const run = new Run({}, 6).offer()
  t.deepEqual(run.placed, ['run-0', 'run-1', 'run-2', 'run-3'])
  t.deepEqual(run.all('suppress'), [])
  run.offer()
  t.deepEqual(run.placed, ['run-4', 'run-5'])
  t.is(run.all('suppress').length, 1, 'all are placed')
  run.offer()
  t.like(run.all('decline')[0], { reason: 'all instances are placed' })
})

test('the scarcest resource decides how many fit', (t) => {
  t.is(new Run({ cpus: 0.1, mem: 400 }, 9).offer().placed.length, 2)
})

test('ports are taken one by one, none twice', (t) => {
  const run = new Run({ ports: 2 }, 3).offer([
    ...FOUR_CPUS,
    {
      name: 'ports',
      ranges: [
        [31_000, 31_000],
        [31_005, 31_007],
      ],
    },
  ])
  const ports = run
    .all('accept')
    .flatMap(({ tasks }) => tasks)
    .map(({ resources }) => (resources as ResourceList).find(({ name }) => name === 'ports'))
  t.deepEqual(
    ports.map((entry) => entry?.ranges),
    [
      [
        [31_000, 31_000],
        [31_005, 31_005],
      ],
      [[31_006, 31_007]],
    ],
  )
})

test('what is reserved and what is not are taken together, each as what it is', (t) => {
  const run = new Run({ cpus: 3 }).offer([
    { name: 'cpus', scalar: 2, role: 'web' },
    { name: 'cpus', scalar: 2 },
    { name: 'mem', scalar: 64 },
  ])
  t.deepEqual(run.all('accept')[0]?.tasks[0]?.resources, [
    { name: 'cpus', scalar: 2, role: 'web' },
    { name: 'cpus', scalar: 1 },
    { name: 'mem', scalar: 32 },
  ])
})

test('resources that can be taken back are not for who does not ask for them', (t) => {
  const run = new Run({}).offer([
    { name: 'cpus', scalar: 4, revocable: true },
    { name: 'mem', scalar: 64 },
  ])
  t.is(run.all('decline').length, 1)
})

test('an offer that does not fit is declined with what it lacks', (t) => {
  const run = new Run({ cpus: 1000, mem: 2048 }).offer()
  const why = 'cpus 1000 wanted, 4 offered; mem 2048 wanted, 1024 offered'
  t.is(run.all('decline')[0]?.reason, why)
})

test('time is up: why nothing fitted, by the best offer for each resource', (t) => {
  const other: ResourceList = [
    { name: 'cpus', scalar: 8 },
    { name: 'mem', scalar: 16 },
  ]
  const run = new Run({ cpus: 1000 }).offer().offer(other, { agentId: 'agent-2' })
  run.input({ kind: 'timed-out' })
  t.deepEqual(run.result.couldNotPlace, [
    '1 instance of 1 could not be placed within 5 s',
    'no agent offers cpus 1000: the most is 8, on agent-2 (of 2 agents that offered)',
  ])
  t.is(run.all('done').length, 1)
  t.is(exitCodeOf(run.result), 2)
})

test('time is up with some placed: these are killed, and the run is over when they are dead', (t) => {
  const run = new Run({ cpus: 3 }, 2).offer().status('run-0', 'TASK_RUNNING')
  run.input({ kind: 'timed-out' })
  t.deepEqual(run.all('kill'), [{ do: 'kill', taskId: 'run-0' as TaskId }])
  t.deepEqual(run.result.couldNotPlace.slice(1), [
    'no agent offers cpus 3: the most is 1, on agent-1',
  ])
  t.deepEqual(run.all('done'), [])
  run.status('run-0', 'TASK_KILLED').read(0)
  t.is(run.all('done').length, 1)
})

test('time is up after all were placed: nothing happens', (t) => {
  t.deepEqual(
    new Run({}).offer().status('run-0', 'TASK_RUNNING').input({ kind: 'timed-out' }).effects,
    [],
  )
})

test('output is read from the first word of an agent on, and to its end before the run is over', (t) => {
  const run = new Run({}).offer().status('run-0', 'TASK_RUNNING')
  t.deepEqual(run.all('read-output'), [
    { do: 'read-output', taskId: 'run-0' as TaskId, agentId: AGENT, index: 0 },
  ])
  run.status('run-0', 'TASK_FINISHED', { exit: { code: 0 } })
  t.deepEqual(run.all('read-output'), [])
  t.deepEqual(run.all('done'), [])
  run.read(0)
  t.is(run.all('done').length, 1)
  t.is(exitCodeOf(run.result), 0)
  t.deepEqual(run.result.instances[0]?.exit, { code: 0 })
})

test('a task of which the agent says only its end is read all the same', (t) => {
  t.is(new Run({}).offer().status('run-0', 'TASK_FAILED').all('read-output').length, 1)
})

test('a task that could not be launched has no output', (t) => {
  const run = new Run({}).offer().status('run-0', 'TASK_FAILED', { reason: 'LAUNCH_FAILED' })
  t.is(run.all('done').length, 1)
  t.is(exitCodeOf(run.result), 1)
})

test('an instance that was dropped is placed again under a new task id', (t) => {
  const run = new Run({}).offer()
  t.is(run.all('suppress').length, 1)
  run.status('run-0', 'TASK_DROPPED', { source: 'master', reason: 'INVALID_OFFERS' })
  t.deepEqual(run.states, ['waiting'])
  t.is(run.all('revive').length, 1)
  run.offer()
  t.deepEqual(run.placed, ['run-0-2'])
  run.status('run-0', 'TASK_RUNNING')
  t.deepEqual(run.effects, [], 'the first attempt is nobody now')
})

test('an instance whose accept was lost is placed again; one that ran is not', (t) => {
  const run = new Run({}, 2).offer().status('run-1', 'TASK_RUNNING')
  run.status('run-0', 'TASK_GONE', { source: 'master', reason: 'RECONCILIATION' })
  run.status('run-1', 'TASK_GONE', { source: 'master', reason: 'AGENT_REMOVED' })
  t.deepEqual(run.states, ['waiting', 'TASK_GONE'])
})

test('an instance that is always dropped is given up', (t) => {
  const run = new Run({})
  for (let i = 1; i <= 10; i++) run.offer().status(i === 1 ? 'run-0' : `run-0-${i}`, 'TASK_DROPPED')
  t.deepEqual(run.states, ['TASK_DROPPED'])
})

test('an accept that was refused for now puts its instances back', (t) => {
  const run = new Run({}).offer()
  const taskIds = ['run-0' as TaskId]
  const refused = { outcome: 'refused' as const, refusal: refusal('used', ''), taskIds }
  run.input({ kind: 'answered', accepted: refused })
  t.deepEqual(run.states, ['waiting'])
})

test('an accept that will always be refused fails its instances', (t) => {
  const run = new Run({}).offer()
  const taskIds = ['run-0' as TaskId]
  const refused = { outcome: 'refused' as const, refusal: refusal('invalid', 'why'), taskIds }
  run.input({ kind: 'answered', accepted: refused })
  t.like(run.result.instances[0], { state: 'TASK_ERROR', message: 'why' })
  t.is(run.all('done').length, 1)
})

test('an unreachable task may come back: the run waits', (t) => {
  const run = new Run({}).offer().status('run-0', 'TASK_RUNNING')
  run.status('run-0', 'TASK_UNREACHABLE', { source: 'master' })
  t.deepEqual(run.all('done'), [])
  run.status('run-0', 'TASK_FINISHED').read(0)
  t.is(exitCodeOf(run.result), 0)
})

test('a task that nobody knows for a minute is lost', (t) => {
  const run = new Run({}).offer().status('run-0', 'TASK_RUNNING')
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 1_000 })
  t.deepEqual(run.states, ['TASK_RUNNING'])
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 61_000 })
  t.deepEqual(run.states, ['TASK_LOST'])
  t.is(run.all('done').length, 1, 'nobody may ever send what it wrote')
  t.is(exitCodeOf(run.result), 1)
})

test('a task that nobody knows for a while, until its agent is back, goes on', (t) => {
  const run = new Run({}).offer().status('run-0', 'TASK_RUNNING')
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 1_000 })
  run.status('run-0', 'TASK_RUNNING', { source: 'master', atMs: 50_000 })
  run.status('run-0', 'TASK_UNKNOWN', { source: 'master', atMs: 90_000 })
  t.deepEqual(run.states, ['TASK_RUNNING'])
  run.status('run-0', 'TASK_FINISHED').read(0)
  t.is(exitCodeOf(run.result), 0)
})

test('interrupted: what is placed is killed, what waits is not placed, the run ends', (t) => {
  const run = new Run({ cpus: 3 }, 2).offer().status('run-0', 'TASK_RUNNING')
  run.input({ kind: 'interrupted' })
  t.is(run.all('kill').length, 1)
  t.is(run.all('suppress').length, 1)
  t.is(run.offer().all('decline').length, 1)
  run.status('run-0', 'TASK_KILLED').read(0)
  t.is(run.all('done').length, 1)
  t.deepEqual(run.states, ['TASK_KILLED', 'waiting'])
  t.is(exitCodeOf(run.result), 1)
})

test('interrupted before anything was placed: the run ends', (t) => {
  t.is(new Run({}).input({ kind: 'interrupted' }).all('done').length, 1)
})

test('interrupted: tasks that cannot be killed are not waited for for ever', (t) => {
  const run = new Run({}).offer().status('run-0', 'TASK_KILLING')
  run.input({ kind: 'interrupted' })
  t.deepEqual(run.all('done'), [])
  t.is(run.input({ kind: 'give-up' }).all('done').length, 1)
})

test('more tasks than fit into one message go in several, and the offer comes back at once', (t) => {
  const wide: ResourceList = [
    { name: 'cpus', scalar: 100 },
    { name: 'mem', scalar: 100_000 },
  ]
  const run = new Run({}, 20, { task: { command: 'x'.repeat(30_000) } }).offer(wide)
  t.is(run.placed.length, 6)
  t.is(run.all('accept')[0]?.refuseMs, 0)
})

test('exit code: 0 all have finished, 1 one has not, 2 one could not be placed', (t) => {
  const view = (state: 'TASK_FINISHED' | 'TASK_FAILED' | 'waiting') => ({ index: 0, state })
  const code = (...states: Parameters<typeof view>[0][]) =>
    exitCodeOf({ instances: states.map(view), couldNotPlace: [] })
  t.is(code('TASK_FINISHED', 'TASK_FINISHED'), 0)
  t.is(code('TASK_FINISHED', 'TASK_FAILED'), 1)
  t.is(code('TASK_FINISHED', 'waiting'), 1)
  const instances = [view('TASK_FINISHED')]
  t.is(exitCodeOf({ instances, couldNotPlace: ['why'] }), 2)
})
