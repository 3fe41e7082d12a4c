/** How long commands take, from their start to their end, beside Node's own start. */
import { spawn } from 'node:child_process'
import { BOURSE } from '../../support/cluster.ts'
import { openBenchCluster } from '../bench-cluster.ts'
import { type Figure, type Measured, percentile } from '../result.ts'
import type { Settings } from '../settings.ts'

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  node: ['-e', '0'],
  version: [BOURSE, '--version'],
  help: [BOURSE, '--help'],
  agents: [BOURSE, 'agents'],
  run: [BOURSE, 'run', '--', 'true'],
}
/** What is read from the disk is in memory after one. */
const WARM_UP_ROUNDS = 2

/** `tasks`: how often each command is run. */
export async function cli(settings: Settings): Promise<Measured> {
  const { tasks: rounds = 15, say } = settings
  say('starting a cluster with one real agent')
  const cluster = await openBenchCluster({ emulated: 0 })
  const env = { ...process.env, NATS_URL: cluster.url }
  try {
    await cluster.registered(1)
    say(`running each command ${rounds} times, in turn`)
    for (let i = 0; i < WARM_UP_ROUNDS; i++) await runEach(env)
    const ran: Round[] = []
    for (let i = 0; i < rounds; i++) ran.push(await runEach(env))
    const failed = ran.flatMap((round) => Object.values(round)).filter(({ code }) => code !== 0)
    return {
      settings: { rounds },
      counts: { failed: { is: failed.length, mustBe: 0 } },
      figures: {
        medianMs: figureOf(ran, 0.5),
        leastMs: figureOf(ran, 0),
        mostMs: figureOf(ran, 1),
      },
    }
  } finally {
    await cluster.close()
  }
}

interface Ran {
  readonly ms: number
  readonly code: number | null
}

/** Each command once, by its name. */
type Round = Readonly<Record<string, Ran>>

async function runEach(env: NodeJS.ProcessEnv): Promise<Round> {
  const round: Record<string, Ran> = {}
  for (const [name, args] of Object.entries(COMMANDS)) round[name] = await timed(args, env)
  return round
}

function figureOf(rounds: readonly Round[], share: number): Figure {
  const of = (name: string): number =>
    Math.round(
      percentile(
        rounds.map((round) => round[name]?.ms ?? 0),
        share,
      ),
    )
  return Object.fromEntries(Object.keys(COMMANDS).map((name) => [name, of(name)]))
}

/** Its output goes nowhere. */
function timed(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const startedAtMs = performance.now()
    const child = spawn(process.execPath, [...args], { env, stdio: 'ignore' })
    child.once('error', reject)
    child.once('exit', (code) => resolve({ ms: performance.now() - startedAtMs, code }))
  })
}
