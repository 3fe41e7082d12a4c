import test from 'ava'
import { LineCutter } from '../../../cli/lines.ts'

const text = (lines: readonly Uint8Array[]): readonly string[] =>
  lines.map((line) => Buffer.from(line).toString())

test('lines are passed on when they are whole', (t) => {
  const cutter = new LineCutter()
  t.deepEqual(text(cutter.push(Buffer.from('one\ntw'))), ['one\n'])
  t.deepEqual(text(cutter.push(Buffer.from('o'))), [])
  t.deepEqual(text(cutter.push(Buffer.from('\n\nthree'))), ['two\n', '\n'])
  t.deepEqual(text(cutter.end()), ['three\n'])
  t.deepEqual(text(cutter.end()), [])
})

test('what never ends its line is passed on in large pieces', (t) => {
  const cutter = new LineCutter()
  t.deepEqual(text(cutter.push(Buffer.alloc(65_535, 'x'))), [])
  t.deepEqual(text(cutter.push(Buffer.from('yz'))), [`${'x'.repeat(65_535)}yz\n`])
})
