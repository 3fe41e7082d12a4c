import test from 'ava'
import { progressLine, silentText, statusText, summaryLines } from '../../../cli/run-progress.ts'
import type { InstanceView, RunResult } from '../../../frameworks/run/result.ts'
import type { AgentId, TaskId } from '../../../protocol/ids.ts'

const inState = (...states: InstanceView['state'][]): readonly InstanceView[] =>
  states.map((state, index) => ({ index, state }))

const aResult = (fields: Partial<RunResult>): RunResult => ({
  frameworkId: 'fw',
  instances: [],
  couldNotPlace: [],
  isInterrupted: false,
  ...fields,
})

test('progress counts what waits, runs and has ended', (t) => {
  const all = inState(
    'waiting',
    'restarting',
    'TASK_STAGING',
    'TASK_STARTING',
    'TASK_RUNNING',
    'TASK_UNREACHABLE',
    'TASK_KILLING',
    'TASK_FINISHED',
    'TASK_FAILED',
    'TASK_GONE',
  )
  t.is(
    progressLine(all, 65_000),
    '1 waiting, 1 restarting, 2 starting, 1 running, 1 unreachable, 1 ending, 1 finished, 2 failed, 1m5s',
  )
})

test('the summary names who did not finish', (t) => {
  const failed: InstanceView = {
    index: 0,
    state: 'TASK_FAILED',
    taskId: 'sh-0' as TaskId,
    agentId: 'a1' as AgentId,
    message: 'command exited with status 3',
  }
  const killed: InstanceView = { ...failed, state: 'TASK_KILLED', exit: { signal: 9 }, message: '' }
  const instances = [failed, killed, ...inState('TASK_FINISHED')]
  t.deepEqual(summaryLines(aResult({ instances }), 2_000), [
    'fw/sh-0 on a1: TASK_FAILED, command exited with status 3',
    'fw/sh-0 on a1: TASK_KILLED, SIGKILL',
    '1 finished, 1 killed, 1 failed after 2s',
  ])
})

test('of very many that did not finish, ten are named', (t) => {
  const instances = inState(...Array.from({ length: 13 }, () => 'TASK_FAILED' as const))
  const lines = summaryLines(aResult({ instances }), 0)
  t.is(lines.length, 12)
  t.is(lines.at(-2), 'and 3 more that did not finish')
})

test('why some could not be placed comes first', (t) => {
  const couldNotPlace = ['1 instance of 1 could not be placed', 'no agent offers cpus 9']
  const lines = summaryLines(aResult({ instances: inState('waiting'), couldNotPlace }), 5_000)
  t.deepEqual(lines, [...couldNotPlace, '1 not placed after 5s'])
})

test('a leader that did not hear of the end ends what still runs, later', (t) => {
  const unheardEndMs = 25_000
  const [, running] = summaryLines(aResult({ instances: inState('TASK_RUNNING'), unheardEndMs }), 0)
  const why =
    'the leader did not hear of it: what still runs ends at most 25s after it last heard of this run'
  t.is(running, why)
  const over = summaryLines(aResult({ instances: inState('TASK_FINISHED'), unheardEndMs }), 0)
  t.deepEqual(over, ['1 finished after 0ms'])
})

test('how often an instance was started again is told', (t) => {
  const failed: InstanceView = {
    index: 0,
    state: 'TASK_FAILED',
    taskId: 'sh-0-3' as TaskId,
    message: 'why',
    restarts: 2,
  }
  t.is(statusText('fw', failed), 'fw/sh-0-3: TASK_FAILED, why (restarted 2 times)')
  t.is(statusText('fw', { ...failed, restarts: 1 }), 'fw/sh-0-3: TASK_FAILED, why (restarted once)')
})

test('what is on an agent that does not answer is told, and what becomes of it', (t) => {
  const silent = { agentId: 'big' as AgentId, taskIds: ['sh-0' as TaskId] }
  t.is(silentText(silent), 'agent big does not answer: sh-0 may run on there; it is waited for')
  const several = { ...silent, taskIds: ['sh-0', 'sh-1', 'sh-2'] as TaskId[], replacedMs: 300_000 }
  t.is(
    silentText(several),
    'agent big does not answer: sh-0 and 2 more may run on there; after 5m they are started elsewhere',
  )
  t.deepEqual(summaryLines(aResult({ instances: inState('TASK_UNREACHABLE') }), 0), [
    '1 unreachable after 0ms',
    'what may still run on an agent that does not answer is killed when it is back',
  ])
})
