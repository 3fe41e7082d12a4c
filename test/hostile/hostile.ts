/**
 * `npm run hostile -- [NAME…] [--alone | --together] [--json] [--keep]`: tasks that mean harm, one
 * after another and then all at once, beside a well-behaved one on one agent of a real cluster.
 * `npm run hostile -- table`: the same, into docs/isolation.md.
 */
import { whenReaderIsGone } from '../../tools/reader-gone.ts'
import { ToolArguments } from '../../tools/wrong-use.ts'
import { afterSince, endsBySignals, namedItems } from '../support/tool.ts'
import { HOSTILE_TASKS, hostileTaskOf } from './cases.ts'
import { wrongIn } from './outcome.ts'
import { runHostile } from './run.ts'
import { summary } from './summary.ts'
import { remakeTable } from './table.ts'

const USAGE = [
  'usage: npm run hostile -- [NAME…] [--alone | --together] [--json] [--keep] | table',
  ...HOSTILE_TASKS.map(({ name, does }) => `  ${name.padEnd(16)} ${does}`),
]
const REST_MS = 5_000

const begunMs = performance.now()
endsBySignals(() => afterSince(begunMs))
const given = new ToolArguments(USAGE.join('\n'))
const { values, positionals } = given.parse({
  allowPositionals: true,
  options: {
    alone: { type: 'boolean', default: false },
    together: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
if (values.alone && values.together) given.wrong('--alone and --together exclude each other')
const { isTable, items: named } = namedItems(given, positionals, {
  what: 'hostile task',
  find: hostileTaskOf,
})
whenReaderIsGone(() => undefined)

const outcome = await runHostile({
  tasks: named.length === 0 ? HOSTILE_TASKS : named,
  restMs: REST_MS,
  ...(values.alone && { only: 'alone' }),
  ...(values.together && { only: 'together' }),
  keep: values.keep,
  say(line) {
    const at = ((performance.now() - begunMs) / 1000).toFixed(1)
    process.stderr.write(`${at.padStart(7)}  ${line}\n`)
  },
})
const lines = values.json ? [JSON.stringify(outcome)] : summary(outcome)
if (isTable) remakeTable(outcome)
for (const line of lines) process.stdout.write(`${line}\n`)
process.exit(wrongIn(outcome).length === 0 ? 0 : 1)
