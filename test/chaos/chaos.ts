/**
 * `npm run chaos`: real processes, killed, frozen and cut off while tasks run. `-- --help`: how.
 *
 * Progress goes to standard error, one summary to standard output. Exit 1: something was violated,
 * or is left behind.
 */
import { appendFileSync } from 'node:fs'
import { commitHere } from '../../tools/commit.ts'
import { whenReaderIsGone } from '../../tools/reader-gone.ts'
import { ToolArguments } from '../../tools/wrong-use.ts'
import { afterSince, endsBySignals } from '../support/tool.ts'
import { isGood } from './outcome.ts'
import { runChaos } from './run.ts'
import { summary } from './summary.ts'

const USAGE = [
  'usage: npm run chaos -- [--minutes M] [--seed N] [--servers 1|3] [--json] [--log FILE] [--keep]',
  '  --minutes M    so long faults come; the end takes up to two more (default 3)',
  '  --seed N       of all that is drawn: faults, pauses, tasks (default: by chance)',
  '  --servers 1|3  one nats-server, or a cluster of three (default 1)',
  '  --json         the summary as a line of JSON',
  '  --log FILE     the same line is appended to it, with the commit',
  '  --keep         the logs stay; those of a run that went wrong always do',
]
const given = new ToolArguments(USAGE.join('\n'))

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
endsBySignals(() => `seed ${seed}, ${afterSince(begunMs)} of ${minutes * 60} and no summary`)
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
