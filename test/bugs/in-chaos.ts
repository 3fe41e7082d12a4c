/** Is a known bug found by chaos on real processes? */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { ChaosOutcome } from '../chaos/outcome.ts'
import type { Look } from './look.ts'

export interface ChaosFlags {
  /** Tried one after another. */
  readonly seeds: readonly number[]
  readonly minutes: string
}

export interface ChaosLook extends Look {
  /** The seed that has found it. */
  readonly seed?: number
}

/** `folder`: a copy with the bug, compiled. */
export async function lookInChaos(
  bug: string,
  folder: string,
  { seeds, minutes }: ChaosFlags,
): Promise<ChaosLook> {
  for (const seed of seeds) {
    const outcome = await runIn(folder, seed, minutes)
    if (outcome.folder !== undefined) rmSync(outcome.folder, { recursive: true, force: true })
    const [first, ...others] = outcome.violations.filter(isOfInvariant)
    if (first === undefined) continue
    const lines = [`${bug}: BUG found by chaos at seed ${seed}: ${first}`]
    if (others.length > 0) lines.push(`  and ${others.length} more violations`)
    return { isFound: true, lines, seed }
  }
  return { isFound: false, lines: [`${bug}: NOT FOUND by chaos at seeds ${seeds.join(', ')}`] }
}

/** What finds bugs finds nothing where none is: `folder` is a copy of the source as it is. */
export async function lookForNothing(folder: string, seed: number, minutes: string): Promise<Look> {
  const { violations, folder: logs } = await runIn(folder, seed, minutes)
  const what = `without a patch, chaos at seed ${seed}`
  const lines = violations.map((sentence) => `  VIOLATION ${sentence}`)
  if (violations.length > 0) lines.push(`  logs: ${logs}`)
  if (violations.some(isOfInvariant)) return { isFound: true, lines: [`${what}: a bug`, ...lines] }
  return { isFound: false, lines: [`${what}: nothing is found`, ...lines] }
}

/** A late recovery is a busy machine's as well. */
const isOfInvariant = (sentence: string): boolean => /^I\d/.test(sentence)

async function runIn(folder: string, seed: number, minutes: string): Promise<ChaosOutcome> {
  const chaos = join(folder, 'dist', 'test', 'chaos', 'chaos.js')
  const args = [chaos, '--seed', String(seed), '--minutes', minutes, '--json']
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const said = await text(child.stdout)
  if (said === '') throw new Error(`chaos has not run to its end in ${folder}`)
  return JSON.parse(said) as ChaosOutcome
}
