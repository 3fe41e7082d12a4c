import test from 'ava'
import { type Column, tableLines } from '../../../cli/table.ts'
import { cutToWidth, harmless, widthOf } from '../../../cli/text.ts'

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

test('wide characters take two columns, combined ones one', (t) => {
  t.is(widthOf('日本'), 4)
  t.is(widthOf('e\u0301a'), 2)
  t.is(cutToWidth('日本語', 4), '日…')
  t.is(cutToWidth('abc', 3), 'abc')
})

test('what a stranger writes does nothing to the terminal', (t) => {
  t.is(harmless('a\u001b[31mb\nc\u202ed\u009be'), 'a\ufffd[31mb\ufffdc\ufffdd\ufffde')
  const [, line] = tableLines(COLUMNS, [{ id: 'a\n\u001b[2Jb', count: 1 }])
  t.is(line, 'a\ufffd\ufffd[2Jb      1')
})
