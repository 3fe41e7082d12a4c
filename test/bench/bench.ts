/** `npm run bench -- SCENARIO [--agents N] [--frameworks N] [--tasks N] [--seconds N] [--json]` */
import { linesOf, type Measured, resultOf } from './result.ts'
import { floor } from './scenarios/floor.ts'
import { idle } from './scenarios/idle.ts'
import { throughput } from './scenarios/throughput.ts'
import { parseCommand, type Settings } from './settings.ts'

const SCENARIOS: Readonly<Record<string, (settings: Settings) => Promise<Measured>>> = {
  idle,
  floor,
  throughput,
}

const { words, json, settings } = parseCommand(process.argv.slice(2))
const name = words.join(' ')
const scenario = SCENARIOS[name]
if (scenario === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(SCENARIOS).join('|')} [flags]\n`)
  process.exit(64)
}
const result = resultOf(name, await scenario(settings))
const lines = json ? [JSON.stringify(result)] : linesOf(result)
for (const line of lines) process.stdout.write(`${line}\n`)
