/**
 * `npm run chaos -- [--minutes M] [--seed N] [--servers 1|3] [--json] [--log FILE] [--keep]`: real
 * processes, killed, frozen and cut off while tasks run.
 *
 * Progress goes to standard error, one summary to standard output. Exit 1: something was violated,
 * or is left behind. `--log` appends a line of JSON to a file.
 */
import { appendFileSync } from 'node:fs'
import { commitHere } from '../../tools/commit.ts'
import { whenReaderIsGone } from '../../tools/reader-gone.ts'
import { ToolArguments } from '../../tools/wrong-use.ts'
import { isGood } from './outcome.ts'
import { runChaos } from './run.ts'
import { summary } from './summary.ts'

const given = new ToolArguments(
  'usage: npm run chaos -- [--minutes M] [--seed N] [--servers 1|3] [--json] [--log FILE] [--keep]',
)

const { values } = given.parse({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    servers: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    log: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const minutes = given.positive('minutes', values.minutes)
const seed = given.whole('seed', values.seed, 0)
const servers = given.oneOf('servers', values.servers, ['1', '3']) === '3' ? 3 : 1

const log = given.appendable('log', values.log)
// It goes on to its end: nothing is left behind.
whenReaderIsGone(() => undefined)

// A run that is logged stands for what was built: asked before others commit more.
const commit = log === undefined ? undefined : commitHere()
const begunMs = performance.now()
const outcome = await runChaos({
  seed,
  servers,
  ms: minutes * 60_000,
  keep: values.keep,
  say(line) {
    const at = ((performance.now() - begunMs) / 1000).toFixed(1)
    process.stderr.write(`${at.padStart(7)}  ${line}\n`)
  },
})
const text = values.json ? JSON.stringify(outcome) : summary(outcome).join('\n')
process.stdout.write(`${text}\n`)
if (log !== undefined) appendFileSync(log, `${JSON.stringify({ commit, ...outcome })}\n`)
process.exit(isGood(outcome) ? 0 : 1)
