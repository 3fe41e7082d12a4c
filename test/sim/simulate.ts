/** `npm run simulate`: see docs/simulation.md. */
import { appendFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { systemClock } from '../../bus/clock.ts'
import { runBatch } from './batch.ts'
import { CHANCES, type ChanceName } from './plan.ts'
import { conclusion, show, summary } from './report.ts'
import { revision } from './revision.ts'
import type { Wanted } from './run-seed.ts'

const USAGE = `usage: npm run simulate -- [--seed N | --from N --seeds N] [--minutes M] [--jobs N]
       [--keep N,N…] [--chances NAME,NAME…] [--shrink SECONDS] [--about WORD] [--log FILE] [--first] [--json]`
const DEFAULT_MINUTES = 5
const MS_PER_S = 1_000

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
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

const from = Number(values.seed ?? values.from)
const seeds = values.seed === undefined ? Number(values.seeds) : 1
const minutes = Number(values.minutes)
const jobs = Number(values.jobs)
const keep = listOf(values.keep)?.map(Number)
const chances = listOf(values.chances) as readonly ChanceName[] | undefined
const isGood =
  Number.isSafeInteger(from) &&
  [seeds, jobs].every((count) => Number.isSafeInteger(count) && count > 0) &&
  minutes > 0 &&
  Number(values.shrink) >= 0 &&
  (keep ?? []).every((index) => Number.isSafeInteger(index)) &&
  (chances ?? []).every((name) => CHANCES.includes(name))
if (!isGood) {
  process.stderr.write(`${USAGE}\n`)
  process.exit(64)
}

const begunMs = systemClock.now().monotonicMs
const wanted = Array.from({ length: seeds }, (_, i): Wanted => {
  const seed = from + i
  return { seed, minutes, ...(keep && { keep }), ...(chances && { chances }) }
})
const outcomes = await runBatch(wanted, {
  jobs: Math.min(jobs, seeds),
  // What was chosen by hand is as small as somebody wants it.
  shrinkMs: keep === undefined && chances === undefined ? Number(values.shrink) * MS_PER_S : 0,
  stopsAtFailure: values.first,
  ...(values.about !== undefined && { about: values.about }),
  onProgress: (text) => progress(text),
  onOutcome(outcome, done) {
    print(values.json ? [JSON.stringify(outcome)] : show(outcome))
    if (seeds > jobs) progress(`${done} of ${seeds} seeds`)
  },
})
const tookMs = systemClock.now().monotonicMs - begunMs
const { failed, missing } = conclusion(outcomes)
const said = { ...revision(), from, seeds, minutes, jobs: Math.min(jobs, seeds), tookMs }
if (!values.json) print(summary(outcomes, said))
if (values.log !== undefined) {
  const counts = { failed: failed.map(({ seed }) => seed), neverHappened: missing }
  appendFileSync(values.log, `${JSON.stringify({ ...said, ...counts })}\n`)
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
