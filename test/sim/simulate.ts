/** `npm run simulate -- [--seed N | --from N --seeds N] [--minutes M] [--about WORD] [--json]` */
import { parseArgs } from 'node:util'
import { ALL_FAULTS } from './plan.ts'
import { type Outcome, runSeed } from './run-seed.ts'

/** A fault kind that is missing counts from this many seeds on: one run is too short for all. */
const SEEDS_FOR_ALL_FAULTS = 20
const MINUTE_MS = 60_000

const USAGE =
  'usage: npm run simulate -- [--seed N | --from N --seeds N] [--minutes M] [--about WORD] [--json]'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '5' },
    about: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  },
})
const from = Number(values.seed ?? values.from)
const seeds = values.seed === undefined ? Number(values.seeds) : 1
const minutes = Number(values.minutes)
if (!Number.isSafeInteger(from) || !(Number.isSafeInteger(seeds) && seeds > 0) || !(minutes > 0)) {
  process.stderr.write(`${USAGE}\n`)
  process.exit(64)
}

const outcomes: Outcome[] = []
for (let seed = from; seed < from + seeds; seed++) {
  const outcome = await runSeed(seed, minutes, values.about)
  outcomes.push(outcome)
  if (values.json) print(JSON.stringify(outcome))
  else show(outcome)
}
const faults = sumOf(outcomes)
const missing =
  seeds < SEEDS_FOR_ALL_FAULTS ? [] : ALL_FAULTS.filter((kind) => (faults.get(kind) ?? 0) === 0)
const failed = outcomes.filter(({ isOk }) => !isOk)
if (!values.json) conclude()
if (failed.length > 0 || missing.length > 0) process.exitCode = 1

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function show({ seed, violation, steps, tasks, started, changes, tookMs, hash }: Outcome): void {
  const what = violation === undefined ? 'ok' : 'FAILED'
  print(
    `seed ${seed} ${what}: ${tasks} tasks, ${started} started, ${changes} changes, ${steps} steps, ` +
      `${tookMs} ms (${speedOf(1, tookMs)} × real time), trace ${hash}`,
  )
  if (violation === undefined) return
  for (const line of violation.trace) print(`  ${line}`)
  print(`  invariant ${violation.invariant}`)
  print(`  at ${(violation.atMs / 1_000).toFixed(3)} s: ${violation.what}`)
  print(`  again: ${again(seed)}`)
}

function speedOf(runs: number, tookMs: number): number {
  return Math.round((runs * minutes * MINUTE_MS) / tookMs)
}

function again(seed: number): string {
  return `npm run simulate -- --seed ${seed}${minutes === 5 ? '' : ` --minutes ${minutes}`}`
}

function conclude(): void {
  print('faults:')
  const kinds = [...faults].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [kind, count] of kinds) print(`  ${kind}: ${count}`)
  if (missing.length > 0) print(`never happened: ${missing.join(', ')}`)
  for (const { seed, violation } of failed)
    print(`failed: ${again(seed)}   (${violation?.invariant})`)
  const tookMs = outcomes.reduce((sum, outcome) => sum + outcome.tookMs, 0)
  print(
    `${outcomes.length - failed.length} passed, ${failed.length} failed, ` +
      `${speedOf(outcomes.length, tookMs)} × real time`,
  )
}

function sumOf(all: readonly Outcome[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { faults } of all)
    for (const [kind, count] of Object.entries(faults))
      sums.set(kind, (sums.get(kind) ?? 0) + count)
  return sums
}
