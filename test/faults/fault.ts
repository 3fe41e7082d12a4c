/** `npm run fault`: rows of the fault matrix, each alone; `-- --help` says how. */
import { ToolArguments } from '../../tools/wrong-use.ts'
import { afterSince, endsBySignals, namedItems } from '../support/tool.ts'
import type { Row } from './row.ts'
import { NO_ROWS, ROWS, rowOf } from './rows.ts'
import { isGood, isUnmet, linesOf, type Report, runRow, survived } from './run-row.ts'
import { openStage } from './stage.ts'
import { remakeTable } from './table.ts'

const USAGE = [
  'usage: npm run fault -- ROW… [--load] [--times N] [--keep] [--json] | table [ROW…] [--times N]',
  '  table      all rows, or those, at rest and under load, into docs/reliability.md',
  '  --load     tasks are launched all the time while the fault happens',
  '  --times N  each row so often, one run after another (default 1)',
  '  --keep     the files of each run stay; those of a run that was not survived always do',
  '  --json     for each row a line of JSON',
  'rows, by number or name:',
  ...[...ROWS, ...NO_ROWS]
    .toSorted((a, b) => a.number - b.number)
    .map((one) => `  ${one.number} ${'name' in one ? one.name : `is no row: ${one.why}`}`),
]
/** Nothing is wrong, and nothing was tried. */
const EXIT_MISSING = 69

let begunMs = performance.now()
/** What runs now. */
let doing = 'no row yet'
endsBySignals(() => `${doing}, ${afterSince(begunMs)}`)
const given = new ToolArguments(USAGE.join('\n'))
const { values, positionals } = given.parse({
  allowPositionals: true,
  options: {
    load: { type: 'boolean', default: false },
    times: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const times = given.whole('times', values.times, 1)
const { isTable, items } = namedItems(given, positionals, { what: 'row', find: rowOf })
if (items.length === 0 && !isTable) given.wrong('a row is to be named')

const rows = items.length === 0 ? ROWS : items
if (isTable) doing = 'the table'
if (isTable) process.exitCode = (await remakeTable(rows, times)) ? 0 : 1
else for (const row of rows) await runAlone(row)
// What a row has left open, a timer or a connection, is not to keep this alive.
process.exit()

async function runAlone(row: Row): Promise<void> {
  const missing = ((await row.needs?.()) ?? []).filter(({ found }) => !found)
  if (missing.length > 0) {
    const names = missing.map(({ name, install }) => (install ? `${name} (${install})` : name))
    const sentence = `row ${row.number}, ${row.name}, needs what is not here: ${names.join(', ')}`
    say(values.json ? JSON.stringify({ row: row.number, name: row.name, missing }) : sentence)
    process.exitCode ||= EXIT_MISSING
    return
  }
  const report: { -readonly [K in keyof Report]: Report[K] } = {
    row: row.number,
    name: row.name,
    isLoaded: values.load,
    withinMs: row.withinMs,
    runs: [],
  }
  for (let i = 1; i <= times; i++) {
    const stage = openStage({ isLoaded: values.load, keepsFiles: values.keep })
    const run = times > 1 ? `, run ${i} of ${times}` : ''
    const kept = values.keep ? `, its files are in ${stage.folder}` : ''
    doing = `row ${row.number}, ${row.name}${run}${kept}`
    begunMs = performance.now()
    report.runs = [...report.runs, await runRow(row, stage)]
  }
  for (const line of values.json ? [JSON.stringify(report)] : linesOf(row, report)) say(line)
  if (isGood(report)) return
  if (report.runs.every((run) => survived(run) || isUnmet(run))) process.exitCode ||= EXIT_MISSING
  else process.exitCode = 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
