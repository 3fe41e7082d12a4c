/** What the observer takes for a violation, and what not. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { StatusUpdates } from '../../../protocol/schema/scheduler.ts'
import type { TaskState } from '../../../protocol/task-state.ts'
import { addUp, exceeds, scalarsOf } from '../../lab/observed/amounts.ts'
import { type Excuse, judge } from '../../lab/observed/judge.ts'
import { Leaders } from '../../lab/observed/leaders.ts'
import { Story } from '../../lab/observed/story.ts'
import { Updates } from '../../lab/observed/updates.ts'
import { Observer } from '../../lab/observer.ts'
import { importsOf } from '../../support/tidy-rules.ts'

test('the observer knows the protocol and the codec, and nothing else of the product', (t) => {
  const folder = 'test/lab'
  const own = readdirSync(join(folder, 'observed')).map((name) => `${folder}/observed/${name}`)
  const files = [`${folder}/observer.ts`, ...own]
  for (const path of files) {
    const foreign = importsOf({ path, text: readFileSync(path, 'utf8') })
      .map(({ target }) => target)
      .filter((target) => !/^(node:|@nats-io\/|protocol\/)/.test(target))
      .filter((target) => target !== 'bus/codec.ts' && !files.includes(posix.normalize(target)))
    t.deepEqual(foreign, [], path)
  }
})

type Told = readonly [state: TaskState, more?: object]

interface Given {
  readonly launch?: object
  readonly told?: readonly Told[]
  readonly starts?: number
  readonly ends?: boolean
  readonly killed?: boolean
  readonly excuses?: readonly Excuse[]
}

function judged(t: ExecutionContext, given: Given): string {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-story-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const name of ['starts', 'ends']) mkdirSync(join(folder, name))
  const lines = (values: readonly object[]): string =>
    values.map((value) => `${JSON.stringify(value)}\n`).join('')
  const launch = { do: 'launch', taskId: 't', agentId: 'a1', ending: 'ok', atMs: 100 }
  const kill = given.killed === true ? [{ do: 'kill', taskId: 't', atMs: 150 }] : []
  writeFileSync(join(folder, 'journal'), lines([{ ...launch, ...given.launch }, ...kill]))
  const told = (given.told ?? []).map(([state, more]) => ({
    taskId: 't',
    state,
    source: 'agent',
    heardAtMs: 200,
    pid: 1,
    ...more,
  }))
  writeFileSync(join(folder, 'statuses'), lines(told))
  writeFileSync(join(folder, 'starts', 't'), 'a1\n'.repeat(given.starts ?? 1))
  if (given.ends === true) writeFileSync(join(folder, 'ends', 't'), 'ended\n')
  const broken: string[] = []
  const story = new Story('f', folder, (sentence) => void broken.push(sentence))
  const verdicts = story.look().map((task) => judge(story, task, given.excuses ?? []))
  const said = verdicts.map((one) => (one.kind === 'broken' ? one.sentence : one.kind))
  return [...broken, ...said].join('; ')
}

test('a task that ends by itself is well', (t) => {
  t.is(judged(t, { told: [['TASK_RUNNING'], ['TASK_FINISHED']], ends: true }), 'well')
  const failed: Told = ['TASK_FAILED', { exit: { code: 3 } }]
  t.is(judged(t, { launch: { ending: 'fails' }, told: [failed], ends: true }), 'well')
  const crashed: Told = ['TASK_FAILED', { exit: { signal: 9 } }]
  t.is(judged(t, { launch: { ending: 'crashes' }, told: [crashed], ends: true }), 'well')
})

test('a leader that is asked does not say why a task was killed', (t) => {
  const killed = (reason: string, source: string): string =>
    judged(t, { launch: { ending: 'sick' }, told: [['TASK_KILLED', { reason, source }]] })
  t.is(killed('UNHEALTHY', 'agent'), 'well')
  t.is(killed('RECONCILIATION', 'master'), 'well')
  t.regex(killed('COMMAND_FAILED', 'agent'), /^I5/)
})

test('how a task ended is told to its framework, whoever tells it', (t) => {
  for (const source of ['agent', 'master'])
    t.is(
      judged(t, { launch: { ending: 'crashes' }, told: [['TASK_FAILED', { source }]], ends: true }),
      'I5: f/t began and was to end by itself (crashes), but was told TASK_FAILED',
    )
})

test('a task that began and ended by nothing that was asked for is lost', (t) => {
  for (const state of ['TASK_FAILED', 'TASK_KILLED', 'TASK_GONE', 'TASK_DROPPED'] as const)
    t.is(
      judged(t, { told: [[state]] }),
      `I5: f/t began and was to end by itself (ok), but was told ${state}`,
    )
})

test('a task that is said to have finished has run out', (t) => {
  t.regex(judged(t, { told: [['TASK_FINISHED']] }), /^I5/)
  t.is(
    judged(t, { told: [['TASK_FINISHED']], starts: 0 }),
    'I3: f/t was told TASK_FINISHED, but it never began',
  )
})

test('a kill that was asked for excuses its end, a reboot that of all tasks there', (t) => {
  t.is(judged(t, { told: [['TASK_KILLED']], killed: true }), 'well')
  const reboot = { agentId: 'a1', fromMs: 150, untilMs: 300 }
  t.is(judged(t, { told: [['TASK_GONE']], excuses: [reboot] }), 'excused')
  t.regex(judged(t, { told: [['TASK_GONE']], excuses: [{ ...reboot, agentId: 'a2' }] }), /^I5/)
  t.regex(judged(t, { told: [['TASK_GONE']], excuses: [{ ...reboot, fromMs: 250 }] }), /^I5/)
})

test('a task may be told of as never begun, and end before it has begun for a reason', (t) => {
  t.is(judged(t, { told: [['TASK_DROPPED']], starts: 0 }), 'never-begun')
  t.is(judged(t, { told: [['TASK_KILLED']], starts: 0, killed: true }), 'never-begun')
  const full = { agentId: 'a1', fromMs: 150, untilMs: 300 }
  const failed: Told = ['TASK_FAILED', { reason: 'LAUNCH_FAILED' }]
  t.is(judged(t, { told: [failed], starts: 0, excuses: [full] }), 'never-begun')
  const broken = 'I3: f/t was told TASK_FAILED (LAUNCH_FAILED), but it never began'
  t.is(judged(t, { told: [failed], starts: 0 }), broken)
  t.is(judged(t, { told: [failed], starts: 0, killed: true }), broken, 'nothing went wrong with it')
  t.regex(judged(t, { told: [['TASK_KILLED']], starts: 0 }), /^I3/)
})

test('an agent that has no room for a task was given too many, unless it lost some', (t) => {
  const dropped = (source: string): Told => ['TASK_DROPPED', { reason: 'INVALID_OFFERS', source }]
  t.is(judged(t, { told: [dropped('master')], starts: 0 }), 'never-begun', 'the offer was gone')
  t.regex(judged(t, { told: [dropped('agent')], starts: 0 }), /^I1: a1 had no room for f\/t/)
  const reboot = { agentId: 'a1', fromMs: 150, untilMs: 300 }
  t.is(judged(t, { told: [dropped('agent')], starts: 0, excuses: [reboot] }), 'never-begun')
})

test('two starts are one too many', (t) => {
  t.is(
    judged(t, { told: [['TASK_FINISHED']], ends: true, starts: 2 }),
    'I4: f/t was started 2 times',
  )
})

test('after its end a framework is told nothing else, in order before it', (t) => {
  const [running, finished, gone] = ['TASK_RUNNING', 'TASK_FINISHED', 'TASK_GONE'] as const
  const told = (...all: readonly Told[]) => judged(t, { told: all, ends: true })
  t.is(told([finished], [finished]), 'well')
  t.is(told([finished], [gone]), 'I3: f/t was told TASK_FINISHED, and then TASK_GONE; well')
  t.is(told([finished], [running]), 'I3: f/t was told TASK_FINISHED, and then TASK_RUNNING; well')
  const second: Told = ['TASK_KILLING', { agentId: 'a1', number: { incarnation: 1, count: 2 } }]
  const first: Told = [running, { agentId: 'a1', number: { incarnation: 1, count: 1 } }]
  t.regex(told(second, first, [finished]), /^I3: .*the older TASK_RUNNING/)
  const [state, more] = first
  t.is(told(second, [state, { ...more, pid: 2 }], [finished]), 'well', 'another process')
})

function aStatus(count: number, state: TaskState, uuid: string): StatusUpdates {
  const number = { incarnation: 1, count }
  return {
    statuses: [{ taskId: 't', state, uuid, source: 'agent', number, atMs: 0 }],
  } as unknown as StatusUpdates
}

test('on the bus statuses are repeated, but never changed, and an end stays', (t) => {
  const broken: string[] = []
  const updates = new Updates((sentence) => void broken.push(sentence))
  const hear = (count: number, state: TaskState, uuid: string): void =>
    updates.hear('a1', 'f', aStatus(count, state, uuid))
  hear(1, 'TASK_RUNNING', 'u1')
  hear(1, 'TASK_RUNNING', 'u1')
  hear(3, 'TASK_FINISHED', 'u3')
  hear(1, 'TASK_RUNNING', 'u1')
  hear(3, 'TASK_FINISHED', 'u3')
  t.deepEqual(broken, [])
  hear(3, 'TASK_FAILED', 'u4')
  hear(4, 'TASK_FAILED', 'u5')
  t.is(broken.length, 3)
  t.is(updates.endOf('a1', 'f', 't')?.state, 'TASK_FINISHED')
})

test('an epoch has one leader, and is over when another began', (t) => {
  const broken: string[] = []
  const leaders = new Leaders((sentence) => void broken.push(sentence))
  const beat = (epoch: number, run: string, nowMs: number): void =>
    leaders.beat({ epoch, run, master: 'm1' } as unknown as Parameters<Leaders['beat']>[0], nowMs)
  beat(1, 'r1', 0)
  beat(2, 'r2', 1_000)
  beat(1, 'r1', 2_000)
  t.deepEqual(broken, [], 'who was frozen says a last word')
  t.is(leaders.leader?.epoch, 2)
  beat(2, 'r3', 3_000)
  t.deepEqual(broken.splice(0), ['I2: epoch 2 has two leaders, r2 and r3'])
  beat(1, 'r1', 40_000)
  t.deepEqual(broken, ['I2: epoch 1 still speaks 39 s after it was followed'])
})

test('who took the lease before another begins just after it, or never', (t) => {
  const broken: string[] = []
  const leaders = new Leaders((sentence) => void broken.push(sentence))
  const ids = { kind: 'master', what: 'leads' } as Parameters<Leaders['events']>[0]
  const says = (epoch: number, nowMs: number): void => {
    const said = { epoch, run: `r${epoch}`, n: 1, master: `m${epoch}`, events: [] }
    leaders.events(ids, said as unknown as Parameters<Leaders['events']>[1], nowMs)
    leaders.beat(said as unknown as Parameters<Leaders['beat']>[0], nowMs)
  }
  says(5, 1_000)
  says(4, 1_010)
  t.deepEqual(broken, [])
  t.is(leaders.leader?.epoch, 5)
  says(3, 5_000)
  t.deepEqual(broken.splice(0), ['I2: epoch 3 began after 5'])
  says(4, 30_000)
  t.true(broken.includes('I2: epoch 4 still speaks 29 s after it was followed'))
})

test('what runs on an agent and what is offered of it beside are no more than it has', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-overlap-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const observer = new Observer({ servers: [], cluster: 'bourse', folder })
  observer.watchAgent({ agentId: 'a1', total: { cpus: 2 } })
  observer.count('f', { cpus: 0.5 })
  const env = {
    BOURSE_TASK_ID: 't',
    BOURSE_FRAMEWORK_ID: 'f',
    BOURSE_AGENT_ID: 'a1',
    BOURSE_SANDBOX: `${folder}/t`,
  }
  const task = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log()'], {
    env,
  })
  t.teardown(() => task.kill('SIGKILL'))
  await once(task.stdout, 'data')
  t.is(observer.overlap('a1', { cpus: 1.5 }), undefined)
  t.is(observer.overlap('a1', { cpus: 1.6 }), 'cpus 2.1 of 2')
})

test('amounts add up without drift', (t) => {
  const sum = addUp([{ cpus: 0.1 }, { cpus: 0.2, mem: 16 }])
  t.deepEqual(sum, { cpus: 0.3, mem: 16 })
  t.is(exceeds(sum, { cpus: 0.3, mem: 16 }), undefined)
  t.is(exceeds(sum, { cpus: 0.2, mem: 16 }), 'cpus 0.3 of 0.2')
  t.deepEqual(scalarsOf('cpus:2;mem:1024;ports:[31000-31099]'), { cpus: 2, mem: 1024 })
})
