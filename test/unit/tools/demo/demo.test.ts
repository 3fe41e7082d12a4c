import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { plannedLine, type Result, totalLine } from '../../../../examples/word-count/report.ts'
import type { TaskRecord } from '../../../../examples/word-count/state.ts'
import { folderProblem, parseDemo } from '../../../../tools/demo/command-line.ts'
import { countHere } from '../../../../tools/demo/count-here.ts'
import { faults, type Outcome } from '../../../../tools/demo/outcome.ts'
import { outcomeLines } from '../../../../tools/demo/report.ts'

const WHERE = { from: '/somewhere', folderDefault: '/project' }

test('a folder is named from where one stands; without one it is the project', (t) => {
  t.like(parseDemo([], WHERE), { folder: '/project', killAgent: false, json: false })
  t.like(parseDemo(['docs', '--kill-agent'], WHERE), { folder: '/somewhere/docs', killAgent: true })
  t.like(parseDemo(['--nats-server', 'bin/nats'], WHERE), { natsServer: '/somewhere/bin/nats' })
  t.like(parseDemo(['--nats-server', 'fetch'], WHERE), { natsServer: 'fetch' })
})

test('what was written wrongly is said in a sentence', (t) => {
  for (const args of [['a', 'b'], ['--kill-everything'], ['--nats-server']]) {
    const parsed = parseDemo(args, WHERE)
    t.true(parsed !== 'help' && 'wrong' in parsed && parsed.wrong.length > 0, args.join(' '))
  }
  t.is(parseDemo(['--help'], WHERE), 'help')
})

test('a folder that is none is said in a sentence', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-demo-unit-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'file'), 'text')
  t.is(folderProblem(folder), undefined)
  const file = join(folder, 'file')
  t.is(folderProblem(file), `${file} is no folder: name the one that it lies in`)
  const nowhere = join(folder, 'nowhere')
  t.is(folderProblem(nowhere), `there is no folder ${nowhere}`)
})

test('words are counted alike, however long they are and wherever pieces of a file end', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-demo-unit-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const long = 'Ab'.repeat(2 ** 20)
  writeFileSync(join(folder, 'long'), long)
  writeFileSync(join(folder, 'both'), `cat ${long}\u00e9cat`)
  writeFileSync(join(folder, 'edge'), `${' '.repeat(2 ** 20 - 2)}cat  dog`)
  writeFileSync(join(folder, 'gap'), `${'x'.repeat(2 ** 20)} Dog\n`)
  const counts = countHere(folder, ['long', 'both', 'edge', 'gap'])
  t.deepEqual(
    [...counts].map(([word, count]) => [word.length, count]),
    [
      [2 ** 21, 2],
      [3, 3],
      [3, 2],
      [2 ** 20, 1],
    ],
  )
})

test('one is told of as one', (t) => {
  const planned = { event: 'planned', folder: '/f', files: 1, bytes: 9, unreadable: 0 } as const
  t.is(
    plannedLine({ ...planned, parts: 1, notText: 1 }),
    '1 text file of /f, 9 bytes, in 1 part (without 1 that is no text)',
  )
  t.is(totalLine([['cat', 1]]), '1 word, 1 different one')
})

const task = (taskId: string, fields: Partial<TaskRecord> = {}): TaskRecord => ({
  taskId,
  part: 1,
  agentId: 'agent-1',
  files: 1,
  bytes: 2_048,
  state: 'counted',
  words: 3,
  tookMs: 40,
  ...fields,
})

const result: Result = {
  event: 'result',
  counts: [
    ['cat', 1],
    ['the', 2],
  ],
  tasks: [task('count-1')],
  agents: [
    { agentId: 'agent-1', offers: 3, accepted: 1, unanswered: 0, declined: [['no need', 2]] },
  ],
}

const anOutcome = (fields: Partial<Outcome> = {}): Outcome => ({
  planned: {
    event: 'planned',
    folder: '/f',
    files: 1,
    bytes: 9,
    parts: 1,
    notText: 0,
    unreadable: 0,
  },
  result,
  kills: [],
  here: new Map(result.counts),
  isChanged: false,
  leftBehind: [],
  elapsedMs: 3_210,
  ...fields,
})

test('words, tasks, agents and the check are shown', (t) => {
  t.deepEqual(faults(anOutcome()), [])
  t.deepEqual(outcomeLines(anOutcome()), [
    `the  2  ${'█'.repeat(40)}`,
    `cat  1  ${'█'.repeat(20)}`,
    '',
    'TASK     AGENT    FILES     SIZE  WORDS  TOOK  STATE',
    'count-1  agent-1      1  2.0 KiB      3  40ms  counted',
    '',
    'AGENT    COUNTED  WORDS  OFFERS  ACCEPTED  DECLINED  WHY DECLINED',
    'agent-1        1      3       3         1         2  no need (2)',
    '',
    'the same 3 words, 2 different ones, counted without the cluster: equal',
    'left behind: 0',
    'took 3.2 s',
  ])
})

test('another count, and anything that is left, is a fault', (t) => {
  const here = new Map([
    ['the', 2],
    ['dog', 1],
  ])
  const outcome = anOutcome({ here, leftBehind: ['process 1 sleep'] })
  t.deepEqual(faults(outcome), [
    'counted without the cluster, 2 words are not the same: cat, dog',
    'left behind: process 1 sleep',
  ])
  t.true(outcomeLines(outcome).includes('left behind: 1'))
  const [changed = ''] = faults(anOutcome({ here, isChanged: true }))
  t.regex(changed, /the folder was written to in between/)
})

test('what was killed is told with what became of it', (t) => {
  const kill = {
    what: 'agent',
    name: 'agent-1',
    pid: 7,
    tasks: ['count-1', 'count-2'],
    backMs: 512,
  } as const
  const leader = {
    what: 'master',
    name: 'master-1',
    pid: 8,
    tasks: [],
    backMs: 1_400,
    successor: 'master-2',
  } as const
  const lines = outcomeLines(anOutcome({ kills: [leader, kill] }))
  t.true(lines.includes('master-1 (pid 8) led and was killed: master-2 leads after 1.4 s'))
  t.true(
    lines.includes('agent-1 (pid 7) ran 2 tasks and was killed: back after 0.5 s, all went on'),
  )
  const tasks = [task('count-1', { state: 'lost', why: 'gone' }), task('count-1-2')]
  const lossy = outcomeLines(anOutcome({ kills: [kill], result: { ...result, tasks } }))
  t.true(lossy.some((line) => line.endsWith('back after 0.5 s, count-1 had to be done again')))
  t.true(lossy.some((line) => line.endsWith('lost: gone')))
})
