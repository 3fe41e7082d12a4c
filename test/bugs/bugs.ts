/**
 * `npm run bugs -- [NAME…] [--seeds N] [--minutes M] [--jobs N] [--shrink SECONDS]`: are the bugs
 * that we know found by the simulator? Each patch is applied to a copy, built and run until a seed
 * fails. Exit status 1: one was not found, or its patch does not apply any more.
 */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { again } from '../sim/report.ts'
import type { Outcome } from '../sim/run-seed.ts'
import { describeStrike } from '../sim/strikes.ts'
import { BUGS, buildWith } from './apply.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '2' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    shrink: { type: 'string', default: '30' },
    trace: { type: 'boolean', default: false },
  },
})
const wanted = positionals.length === 0 ? BUGS : positionals
const unknown = wanted.filter((bug) => !BUGS.includes(bug))
if (unknown.length > 0) {
  process.stderr.write(`no such bug: ${unknown.join(', ')}; there are ${BUGS.join(', ')}\n`)
  process.exit(64)
}
let missed = 0
for (const bug of wanted) {
  const { isFound, lines } = await look(bug)
  if (!isFound) missed += 1
  for (const line of lines) process.stdout.write(`${line}\n`)
}
process.stdout.write(`${wanted.length - missed} of ${wanted.length} bugs found\n`)
if (missed > 0) process.exitCode = 1

interface Look {
  readonly isFound: boolean
  readonly lines: readonly string[]
}

async function look(bug: string): Promise<Look> {
  const { folder, problem } = buildWith(bug)
  try {
    if (problem !== undefined) return { isFound: false, lines: [`${bug}: NOT BUILT: ${problem}`] }
    const failed = await firstFailure(folder)
    if (failed !== undefined) return { isFound: true, lines: told(bug, failed) }
    return { isFound: false, lines: [`${bug}: NOT FOUND within ${values.seeds} seeds`] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function told(bug: string, outcome: Outcome): readonly string[] {
  const { seed, strikes, chances, violation } = outcome
  const planned = strikes.map((strike) => describeStrike(strike))
  const faults = [...planned, ...(chances ?? ['anything by chance'])].join('; ')
  return [
    `${bug}: BUG found at seed ${seed}, FAULT ${faults || 'none'}`,
    `  invariant ${violation?.invariant}`,
    `  at ${((violation?.atMs ?? 0) / 1_000).toFixed(3)} s: ${violation?.what.split('\n')[0]}`,
    ...(values.trace ? (violation?.trace ?? []).map((line) => `    ${line}`) : []),
    `  again, with the patch: ${again(outcome)}`,
  ]
}

/** Of the first seeds; several run at once, so it need not be the lowest. */
async function firstFailure(folder: string): Promise<Outcome | undefined> {
  const simulate = join(folder, 'dist', 'test', 'sim', 'simulate.js')
  const { seeds, minutes, jobs, shrink } = values
  const much = ['--seeds', seeds, '--minutes', minutes, '--jobs', jobs, '--shrink', shrink]
  const args = [simulate, ...much, '--json', '--first']
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  let failed: Outcome | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const outcome = JSON.parse(line) as Outcome
    if (!outcome.isOk) failed ??= outcome
  }
  return failed
}
