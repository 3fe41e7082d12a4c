/** The fault matrix of docs/reliability.md says what its rows say. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { type KeptRows, tableOf, withTable } from './faults/markdown.ts'
import { ROWS } from './faults/rows.ts'

test('the table is made of the rows as they are, and of what was kept of them', (t) => {
  const page = readFileSync('docs/reliability.md', 'utf8')
  const kept = JSON.parse(readFileSync('test/faults/results.json', 'utf8')) as KeptRows
  t.is(withTable(page, tableOf(ROWS, kept)), page)
})
