/**
 * `npm run bench -- SCENARIO [--agents N] [--frameworks N] [--tasks N] [--tasks-per-agent N]
 * [--seconds N] [--isolation none|cgroups|namespaces|container] [--json]`; `check` and `baseline`:
 * does a task cost more than it did; `table [RUN…]`: docs/performance.md.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { check, keepBaseline } from './baseline/check.ts'
import { linesOf, type Measured, resultOf } from './result.ts'
import { allocator } from './scenarios/allocator.ts'
import { cli } from './scenarios/cli.ts'
import { failover } from './scenarios/failover.ts'
import { floor } from './scenarios/floor.ts'
import { growth } from './scenarios/growth.ts'
import { idle } from './scenarios/idle.ts'
import { impolite } from './scenarios/impolite.ts'
import { latency } from './scenarios/latency.ts'
import { launch } from './scenarios/launch.ts'
import { paper } from './scenarios/paper.ts'
import { throughput } from './scenarios/throughput.ts'
import { versusBullmq } from './scenarios/versus-bullmq.ts'
import { versusSlurm } from './scenarios/versus-slurm.ts'
import { type Command, parseCommand, type Settings, WrongUse } from './settings.ts'
import { remakeTable } from './table/remake.ts'
import { MissingPeer } from './versus/peer.ts'

/** Nothing was started. */
const EXIT_USAGE = 64
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
  allocator,
  impolite,
  failover,
  cli,
  'versus slurm': versusSlurm,
  'versus bullmq': versusBullmq,
}

const COMMANDS = ['check', 'baseline', 'table']

removeWhatIsLeft()
try {
  await run(parseCommand(process.argv.slice(2)))
} catch (error) {
  // One sentence, and nothing on stdout: whoever reads that has no document then.
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(error instanceof WrongUse ? EXIT_USAGE : 1)
}

async function run({ words, json, settings }: Command): Promise<void> {
  const name = words.join(' ')
  const scenario = SCENARIOS[name]
  const [command, ...rest] = words
  if (scenario !== undefined) await print(name, () => scenario(settings), json)
  else if (name === 'check') await check(settings, json)
  else if (name === 'baseline') await keepBaseline(settings, json)
  else if (command === 'table') await remakeTable(rest, json)
  else {
    const names = [...Object.keys(SCENARIOS), ...COMMANDS].join(', ')
    const wrong = name === '' ? 'a scenario is to be named' : `no scenario is called ${name}`
    throw new WrongUse(`${wrong}: ${names}`)
  }
}

async function print(name: string, measure: () => Promise<Measured>, json: boolean): Promise<void> {
  try {
    const result = resultOf(name, await measure())
    const lines = json ? [JSON.stringify(result)] : linesOf(result)
    for (const line of lines) process.stdout.write(`${line}\n`)
  } catch (error) {
    if (!(error instanceof MissingPeer)) throw error
    const { message: missing } = error
    process.stdout.write(`${json ? JSON.stringify({ scenario: name, missing }) : missing}\n`)
    process.exitCode = EXIT_MISSING
  }
}

/**
 * However this process ends, short of SIGKILL: who starts a process ends it when this one exits,
 * and all folders lie in one, which goes last.
 */
function removeWhatIsLeft(): void {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-bench-'))
  process.env['TMPDIR'] = folder
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      process.stderr.write(`ended by ${signal}\n`)
      process.exit(128 + constants.signals[signal])
    })
  }
}
