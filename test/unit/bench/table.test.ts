import test from 'ava'
import { type KeptRuns, spoken, tableOf, verdict, withTable } from '../../bench/table/markdown.ts'
import { ROWS, RUNS } from '../../bench/table/rows.ts'

const KEPT: KeptRuns = {
  fast: {
    outcome: 'measured',
    date: '2026-01-02',
    result: {
      scenario: 'fast',
      commit: 'abc1234',
      machine: { cores: 2 },
      settings: { tasks: 10 },
      counts: { finished: { is: 10, mustBe: 10 } },
      figures: {
        tasksPerS: 15_000,
        floor: 25_000,
        share: 0.6,
        'cost.of50000': { total: 90 },
        'cost.of1000': { total: 60 },
        jobs: { bourse: 200, slurm: 70, better: 2.86, betterMin: 2.5, betterMax: 3 },
      },
    },
  },
  absent: { outcome: 'missing', date: '2026-01-02', why: 'slurmd is not here: apt-get' },
  broken: { outcome: 'failed', date: '2026-01-02', why: 'Error: the counts do not add up' },
}

const rowOf = (...row: Parameters<typeof tableOf>[0]): string | undefined =>
  tableOf(row, KEPT).split('\n')[2]

test('a row has its figure, its aim, by how much it is missed, and the floor of that run', (t) => {
  const row = { run: 'fast', what: 'tasks', unit: '/s', figure: 'tasksPerS', floor: 'floor' }
  t.is(
    rowOf({ ...row, aim: { least: 20_000 } }),
    '| tasks | 15,000 /s | ≥ 20,000 /s | **missed by 25 %** | 25,000 /s |  |  | fast |',
  )
  t.is(
    rowOf({
      run: 'fast',
      what: 'share',
      unit: '%',
      figure: 'share',
      times: 100,
      aim: { least: 60 },
    }),
    '| share | 60 % | ≥ 60 % | met |  |  |  | fast |',
  )
})

test('a row may be of two figures, whose names have dots, or of what a count lacks', (t) => {
  const row = { run: 'fast', what: 'cost', unit: '×', figure: 'cost.of50000.total' }
  t.is(
    rowOf({ ...row, over: 'cost.of1000.total', aim: { most: 1.4 } }),
    '| cost | 1.5 × | ≤ 1.4 × | **missed by 7 %** |  |  |  | fast |',
  )
  t.is(
    rowOf({ run: 'fast', what: 'lost', unit: '', figure: 'counts:finished', aim: { most: 0 } }),
    '| lost | 0 | ≤ 0 | met |  |  |  | fast |',
  )
})

test('a row of a peer has its figure, and the ratio with its spread', (t) => {
  const row = { run: 'fast', what: 'jobs', unit: '/s', figure: 'jobs.bourse' }
  t.is(
    rowOf({ ...row, peer: 'jobs.slurm', ratio: 'jobs.better' }),
    '| jobs | 200 /s |  |  |  | 70 /s | 2.86 (2.5–3) | fast |',
  )
})

test('a row without a figure says why', (t) => {
  const row = { what: 'jobs', unit: '/s', figure: 'nowhere' }
  t.is(rowOf({ ...row, run: 'absent' }), '| jobs | – |  | not here |  |  |  | absent |')
  t.is(rowOf({ ...row, run: 'broken' }), '| jobs | – |  | failed |  |  |  | broken |')
  t.is(rowOf({ ...row, run: 'never' }), '| jobs | – |  | not run |  |  |  | never |')
  t.is(rowOf({ ...row, run: 'fast' }), '| jobs | – |  | no figure nowhere |  |  |  | fast |')
})

test('below the rows stands how each run was made, or why it was not', (t) => {
  t.deepEqual(tableOf([], KEPT).split('\n').slice(-3), [
    '- `fast`: commit abc1234, 2026-01-02; tasks 10; machine: cores 2',
    '- `absent`: missing, 2026-01-02: slurmd is not here: apt-get',
    '- `broken`: failed, 2026-01-02: Error: the counts do not add up',
  ])
})

test('an aim is missed by its own share', (t) => {
  t.is(verdict(1.5, { most: 1.7 }), 'met')
  t.is(verdict(1.7, { most: 1.69 }), '**missed by 1 %**')
  t.is(verdict(3.4, { most: 1.7 }), '**missed by 100 %**')
  t.is(verdict(17, { most: 1.7 }), '**missed: 10 times the aim**')
  t.is(verdict(60, { least: 60 }), 'met')
  t.is(verdict(0, { most: 0 }), 'met')
})

test('figures have three digits', (t) => {
  t.deepEqual([1_234_567, 19_960, 0.123_45, 300].map(spoken), [
    '1,230,000',
    '20,000',
    '0.123',
    '300',
  ])
})

test('the table takes the place of the last one, and nothing else', (t) => {
  const marks = [
    '<!-- Made by `npm run bench -- table`; what stands up to the end mark is replaced. -->',
    '<!-- The end of what is made. -->',
  ]
  const page = (table: string): string => `before\n${marks[0]}\n\n${table}\n\n${marks[1]}\nafter\n`
  t.is(withTable(page('old'), 'new'), page('new'))
  t.throws(() => withTable('a page', 'new'), { message: /no marks/ })
})

test('each row is of a run that can be made', (t) => {
  t.deepEqual(
    ROWS.filter(({ run }) => RUNS[run] === undefined).map(({ what }) => what),
    [],
  )
})
