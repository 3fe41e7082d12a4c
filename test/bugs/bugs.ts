/**
 * `npm run bugs -- [NAME…] [--seeds N] [--minutes M] [--jobs N] [--shrink SECONDS]`: are the bugs
 * that we know found by the simulator? Each patch is applied to a copy, built and run until a seed
 * fails. `npm run bugs -- --chaos [NAME…] [--seed N] [--seeds N] [--minutes M]`: and by chaos? The
 * source as it is must then be clean at the same seeds. Exit status 1: one was not found, or its
 * patch does not apply any more.
 */
import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { ToolArguments } from '../../tools/wrong-use.ts'
import { BUGS, buildWith, CHAOS, type Finder, SIMULATOR } from './apply.ts'
import { lookForNothing, lookInChaos } from './in-chaos.ts'
import { lookInSimulation } from './in-simulation.ts'
import type { Look } from './look.ts'

/** What chaos finds in a few runs of CHAOS_MINUTES. */
const FOUND_BY_CHAOS = ['kill-forgotten', 'repeated-accept-dropped']
const CHAOS_MINUTES = '1.5'
/** At most: an accept is said twice only where its answer alone is lost, not in each run. */
const CHAOS_SEEDS = '10'

const USAGE = [
  'usage: npm run bugs -- [NAME…] [--seeds N] [--minutes M] [--jobs N] [--shrink SECONDS] [--trace]',
  '       npm run bugs -- --chaos [NAME…] [--seed N] [--seeds N] [--minutes M]',
  ...BUGS.map((bug) => `  ${bug}`),
]

const given = new ToolArguments(USAGE.join('\n'))
const { values, positionals } = given.parse({
  allowPositionals: true,
  options: {
    chaos: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    shrink: { type: 'string', default: '30' },
    trace: { type: 'boolean', default: false },
  },
})
const all = values.chaos ? FOUND_BY_CHAOS : BUGS
const wanted = positionals.length === 0 ? all : positionals
const unknown = wanted.filter((bug) => !BUGS.includes(bug))
if (unknown.length > 0) given.wrong(`no bug is called ${unknown.join(', ')}`)
const seed = given.whole('seed', values.seed, 0)
for (const flag of ['seeds', 'jobs'] as const)
  if (values[flag] !== undefined) given.whole(flag, values[flag], 1)
if (values.minutes !== undefined) given.positive('minutes', values.minutes)
given.whole('shrink', values.shrink, 0)
const isWell = await (values.chaos ? byChaos() : bySimulation())
if (!isWell) process.exitCode = 1

async function bySimulation(): Promise<boolean> {
  const { seeds = '1000', minutes = '2', jobs, shrink, trace } = values
  const flags = { seeds, minutes, jobs, shrink, trace }
  let found = 0
  for (const bug of wanted) {
    const { isFound } = await look(bug, SIMULATOR, (copy) => lookInSimulation(bug, copy, flags))
    if (isFound) found += 1
  }
  say(`${found} of ${wanted.length} bugs found`)
  return found === wanted.length
}

async function byChaos(): Promise<boolean> {
  const { seeds: count = CHAOS_SEEDS, minutes = CHAOS_MINUTES } = values
  const seeds = Array.from({ length: Number(count) }, (_, i) => seed + i)
  const foundAt: number[] = []
  for (const bug of wanted) {
    await look(bug, CHAOS, async (copy) => {
      const found = await lookInChaos(bug, copy, { seeds, minutes })
      if (found.seed !== undefined) foundAt.push(found.seed)
      return found
    })
  }
  let isClean = true
  for (const seed of new Set(foundAt)) {
    const seen = await look(undefined, CHAOS, (copy) => lookForNothing(copy, seed, minutes))
    isClean &&= !seen.isFound
  }
  say(`${foundAt.length} of ${wanted.length} bugs found by chaos`)
  return isClean && foundAt.length === wanted.length
}

/** Looks in a copy, with the bug or without, and says what came of it. */
async function look(
  bug: string | undefined,
  finder: Finder,
  lookIn: (copy: string) => Promise<Look>,
): Promise<Look> {
  const { folder, problem } = buildWith(bug, finder)
  try {
    const isFound = bug === undefined
    const seen =
      problem === undefined
        ? await lookIn(folder)
        : { isFound, lines: [`${bug ?? 'without a patch'}: NOT BUILT: ${problem}`] }
    for (const line of seen.lines) say(line)
    return seen
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
