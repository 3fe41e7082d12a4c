import test from 'ava'
import fc from 'fast-check'
import { COLUMNS as LISTINGS } from '../../../cli/columns.ts'
import { type Column, tableLines } from '../../../cli/table.ts'
import { cutMiddle, cutToWidth, harmless, widthOf } from '../../../cli/text.ts'
import { TASK_STATES } from '../../../protocol/task-state.ts'

interface Row {
  readonly id: string
  readonly count: number
  readonly why?: string
}
const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', text: ({ id }) => id, gives: true },
  { title: 'COUNT', text: ({ count }) => String(count), align: 'right' },
  { title: 'WHY', text: ({ why }) => why ?? '', gives: true },
]

test('columns are as wide as their widest cell', (t) => {
  t.deepEqual(
    tableLines(COLUMNS, [
      { id: 'a', count: 1 },
      { id: 'long-one', count: 1234567, why: 'so' },
    ]),
    ['ID          COUNT  WHY', 'a               1', 'long-one  1234567  so'],
  )
})

test('a narrow terminal cuts the widest columns that give', (t) => {
  const lines = tableLines(
    COLUMNS,
    [{ id: 'x'.repeat(40), count: 7, why: 'because of this and of that' }],
    40,
  )
  t.deepEqual(lines, ['ID               COUNT  WHY', 'xxxxxxxxxxxxxx…      7  because of this…'])
  for (const line of lines) t.true(widthOf(line) <= 40)
})

test('a terminal that is much too narrow leaves eight columns of each', (t) => {
  const [, line] = tableLines(COLUMNS, [{ id: 'x'.repeat(40), count: 7, why: 'y'.repeat(40) }], 5)
  t.is(line, 'xxxxxxx…      7  yyyyyyy…')
})

interface Thing {
  readonly id: string
  readonly note: string
}
const ID_COLUMNS: readonly Column<Thing>[] = [
  { title: 'LONG-ID', text: ({ id }) => id, gives: 'id' },
  { title: 'STATE', text: () => 'TASK_UNREACHABLE' },
  { title: 'NOTE', text: ({ note }) => note, gives: true, spare: 1 },
]

test('ids are cut in the middle, and only as far as they stay apart', (t) => {
  const things = ['host-aaaaaaaaaaaa-1', 'host-aaaaaaaaaaaa-2', 'host-b', 'hose-aaaaaaaaaaaa-2']
  const lines = tableLines(
    ID_COLUMNS,
    things.map((id) => ({ id, note: 'because' })),
    40,
  )
  t.deepEqual(lines, [
    'LONG-ID        STATE             NOTE',
    'host-a…aaaa-1  TASK_UNREACHABLE  because',
    'host-a…aaaa-2  TASK_UNREACHABLE  because',
    'host-b         TASK_UNREACHABLE  because',
    'hose-a…aaaa-2  TASK_UNREACHABLE  because',
  ])
})

test('a column that finds no room is left out', (t) => {
  const things = [{ id: 'a-long-name', note: 'because of that' }]
  t.deepEqual(tableLines(ID_COLUMNS, things, 28), [
    'LONG-ID     STATE',
    'a-lon…name  TASK_UNREACHABLE',
  ])
})

test('every listing fits every terminal of 40 columns and more, whatever it holds', (t) => {
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
  const name = fc.string({ unit: 'grapheme', maxLength: 40 })
  const task = fc.record({
    taskId: id,
    name,
    frameworkId: id,
    agentId: id,
    state: fc.constantFrom(...TASK_STATES),
    resources: fc.constant([]),
    changedAtMs: fc.nat(),
    message: name,
  })
  const columns = LISTINGS.tasks(1e12) as readonly Column<unknown>[]
  const outcome = fc.check(
    fc.property(
      fc.array(task, { maxLength: 8 }),
      fc.integer({ min: 40, max: 200 }),
      (tasks, width) => {
        const [, ...lines] = tableLines(columns, tasks, width)
        const cut = new Set(lines.map((line) => line.split(/\s+/)[0]))
        const ids = new Set(tasks.map(({ taskId }) => taskId))
        // Ids that only their middle tells apart are not cut.
        return (
          cut.size === ids.size &&
          (isEverShort(ids) ? lines.every((line) => widthOf(line) <= width) : true)
        )
      },
    ),
    { numRuns: 300 },
  )
  t.false(outcome.failed, JSON.stringify(outcome.counterexample))
})

/** Their begins and ends tell them apart in twelve columns. */
const isEverShort = (ids: ReadonlySet<string>): boolean =>
  new Set([...ids].map((one) => cutMiddle(one, 12))).size === ids.size

test('wide characters take two columns, combined ones one', (t) => {
  t.is(widthOf('日本'), 4)
  t.is(widthOf('e\u0301a'), 2)
  t.is(widthOf('❤\ufe0f'), 2)
  t.is(widthOf('🇩🇪👩‍👩‍👧'), 4)
  t.is(widthOf('\u0301\u200b'), 0)
  t.is(cutToWidth('日本語', 4), '日…')
  t.is(cutMiddle('日本語日本語', 7), '日…語')
  t.is(cutToWidth('abc', 3), 'abc')
})

test('what a stranger writes does nothing to the terminal', (t) => {
  t.is(harmless('a\u001b[31mb\nc\u202ed\u009be'), 'a\ufffd[31mb\ufffdc\ufffdd\ufffde')
  const [, line] = tableLines(COLUMNS, [{ id: 'a\n\u001b[2Jb', count: 1 }])
  t.is(line, 'a\ufffd\ufffd[2Jb      1')
})
