/**
 * `npm run bench -- SCENARIO [--agents N] [--frameworks N] [--tasks N] [--seconds N] [--json]`;
 * `check` and `baseline`: does a task cost more than it did; `table [RUN…]`: docs/performance.md.
 */
import { check, keepBaseline } from './baseline/check.ts'
import { linesOf, type Measured, resultOf } from './result.ts'
import { cli } from './scenarios/cli.ts'
import { floor } from './scenarios/floor.ts'
import { growth } from './scenarios/growth.ts'
import { idle } from './scenarios/idle.ts'
import { latency } from './scenarios/latency.ts'
import { launch } from './scenarios/launch.ts'
import { paper } from './scenarios/paper.ts'
import { throughput } from './scenarios/throughput.ts'
import { versusBullmq } from './scenarios/versus-bullmq.ts'
import { versusSlurm } from './scenarios/versus-slurm.ts'
import { parseCommand, type Settings } from './settings.ts'
import { remakeTable } from './table/remake.ts'
import { MissingPeer } from './versus/peer.ts'

/** What it is compared with is not here: nothing is wrong, and nothing was measured. */
const EXIT_MISSING = 69

const SCENARIOS: Readonly<Record<string, (settings: Settings) => Promise<Measured>>> = {
  idle,
  growth,
  floor,
  paper,
  throughput,
  latency,
  launch,
  cli,
  'versus slurm': versusSlurm,
  'versus bullmq': versusBullmq,
}

const { words, json, settings } = parseCommand(process.argv.slice(2))
const name = words.join(' ')
const scenario = SCENARIOS[name]
const [command, ...rest] = words
if (scenario !== undefined) await print(name, scenario)
else if (name === 'check') await check(settings)
else if (name === 'baseline') await keepBaseline(settings)
else if (command === 'table') await remakeTable(rest)
else {
  const names = [...Object.keys(SCENARIOS), 'check', 'baseline', 'table'].join('|')
  process.stderr.write(`usage: npm run bench -- ${names} [flags]\n`)
  process.exit(64)
}

async function print(
  called: string,
  measure: (settings: Settings) => Promise<Measured>,
): Promise<void> {
  try {
    const result = resultOf(called, await measure(settings))
    const lines = json ? [JSON.stringify(result)] : linesOf(result)
    for (const line of lines) process.stdout.write(`${line}\n`)
  } catch (error) {
    if (!(error instanceof MissingPeer)) throw error
    const { message: missing } = error
    process.stdout.write(`${json ? JSON.stringify({ scenario: called, missing }) : missing}\n`)
    process.exitCode = EXIT_MISSING
  }
}
