/** `npm run simulate`: see docs/simulation.md. */
import { appendFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { systemClock } from '../../bus/clock.ts'
import { commitHere } from '../../tools/commit.ts'
import { whenReaderIsGone } from '../../tools/reader-gone.ts'
import { ToolArguments } from '../../tools/wrong-use.ts'
import { afterSince, endsBySignals } from '../support/tool.ts'
import { runBatch } from './batch.ts'
import { CHANCES } from './plan.ts'
import { conclusion, show, summary } from './report.ts'
import type { Wanted } from './run-seed.ts'

const DEFAULT_MINUTES = 5
const given =
  new ToolArguments(`usage: npm run simulate -- [--seed N | --from N --seeds N] [--minutes M] [--jobs N]
       [--keep N,N…] [--chances NAME,NAME…] [--shrink SECONDS] [--about WORD] [--log FILE] [--first] [--json]
  --seed N              one run
  --from N --seeds N    a batch (default: seed 1 alone)
  --minutes M           simulated minutes of each (default ${DEFAULT_MINUTES})
  --jobs N              threads (default: one for each core)
  --keep N,N…           of the planned faults only these, by their number; none: not one
  --chances NAME,NAME…  of what happens on the bus by chance only these; none: not one
  --shrink SECONDS      so long a run that fails is made smaller (default 60; 0: not at all)
  --about WORD          a trace with the lines that have this word; may be given several times
  --log FILE            a line of JSON is appended to it, with the commit
  --first               nothing more is run after the first failure
  --json                for each run a line of JSON`)
const MS_PER_S = 1_000
/** Nothing else changes what a run does. */
const SOURCES = ['protocol', 'bus', 'actors', 'agent-runtime', 'test/sim']

const { values } = given.parse({
  options: {
    seed: { type: 'string' },
    from: { type: 'string' },
    seeds: { type: 'string' },
    minutes: { type: 'string', default: String(DEFAULT_MINUTES) },
    jobs: { type: 'string', default: String(availableParallelism()) },
    keep: { type: 'string' },
    chances: { type: 'string' },
    shrink: { type: 'string', default: '60' },
    about: { type: 'string', multiple: true },
    log: { type: 'string' },
    first: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

if (values.seed !== undefined && (values.from ?? values.seeds) !== undefined)
  given.wrong(`--seed and --${values.from === undefined ? 'seeds' : 'from'} exclude each other`)
const from =
  values.seed === undefined
    ? given.whole('from', values.from ?? '1', 0)
    : given.whole('seed', values.seed, 0)
const seeds = given.whole('seeds', values.seeds ?? '1', 1)
const minutes = given.positive('minutes', values.minutes)
const jobs = given.whole('jobs', values.jobs, 1)
const shrinkMs = given.whole('shrink', values.shrink, 0) * MS_PER_S
const keep = listOf(values.keep)?.map((index) => given.whole('keep', index, 0))
const chances = listOf(values.chances)?.map((name) => given.oneOf('chances', name, CHANCES))

const log = given.appendable('log', values.log)
whenReaderIsGone(() => process.exit())

// Asked before others commit more.
const commit = commitHere(SOURCES)
const begunMs = systemClock.now().monotonicMs
let ran = 0
endsBySignals(() => `${ran} of ${seeds} seeds from ${from}, ${afterSince(begunMs)}`)
const wanted = Array.from({ length: seeds }, (_, i): Wanted => {
  const seed = from + i
  return { seed, minutes, ...(keep && { keep }), ...(chances && { chances }) }
})
const outcomes = await runBatch(wanted, {
  jobs: Math.min(jobs, seeds),
  // What was chosen by hand is as small as somebody wants it.
  shrinkMs: keep === undefined && chances === undefined ? shrinkMs : 0,
  stopsAtFailure: values.first,
  ...(values.about !== undefined && { about: values.about }),
  onProgress: (text) => progress(text),
  onOutcome(outcome, done) {
    ran = done
    print(values.json ? [JSON.stringify(outcome)] : show(outcome))
    if (seeds > jobs) progress(`${done} of ${seeds} seeds`)
  },
})
const tookMs = systemClock.now().monotonicMs - begunMs
const { failed, missing } = conclusion(outcomes)
const said = { commit, from, seeds, minutes, jobs: Math.min(jobs, seeds), tookMs }
if (!values.json) print(summary(outcomes, said))
if (log !== undefined) {
  const counts = { failed: failed.map(({ seed }) => seed), neverHappened: missing }
  appendFileSync(log, `${JSON.stringify({ ...said, ...counts })}\n`)
}
if (failed.length > 0 || missing.length > 0) process.exitCode = 1

function listOf(text: string | undefined): readonly string[] | undefined {
  return text?.split(',').filter((one) => one !== '' && one !== 'none')
}

function print(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`)
}

/** For who waits: on stderr, on one line where there is a terminal. */
function progress(text: string): void {
  if (values.json) return
  process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`)
}
