/**
 * `npm run bench -- table [RUN…]`: makes the runs that are named, or all, one after the other, and
 * writes the table of docs/performance.md; the others keep what they had, with its commit.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Result } from '../result.ts'
import { WrongUse } from '../settings.ts'
import { type Kept, type KeptRuns, tableOf, withTable } from './markdown.ts'
import { ROWS, RUNS } from './rows.ts'

/** From the root of the project, where npm starts its scripts. */
const PAGE = 'docs/performance.md'
const KEPT = 'test/bench/results.json'
/** A run that takes longer hangs. */
const RUN_MS_MAX = 600_000

type Said = Result | { readonly missing: string }

/** @throws {WrongUse} when a run is unknown; a run that fails stands in the table as failed. */
export async function remakeTable(named: readonly string[], json: boolean): Promise<void> {
  const unknown = named.find((name) => RUNS[name] === undefined)
  if (unknown !== undefined)
    throw new WrongUse(`no run is called ${unknown}: ${Object.keys(RUNS).join(', ')}`)
  const kept: Record<string, Kept> = existsSync(KEPT)
    ? (JSON.parse(readFileSync(KEPT, 'utf8')) as KeptRuns)
    : {}
  for (const name of named.length > 0 ? named : Object.keys(RUNS)) {
    process.stderr.write(`== ${name}\n`)
    const made = await make(RUNS[name] as readonly string[])
    // What was measured where the peer is says more than that it is not here.
    if (made.outcome === 'missing' && kept[name]?.outcome === 'measured')
      process.stderr.write(`${made.why}; the rows of ${name} stay as they were\n`)
    else kept[name] = made
    write(kept)
  }
  write(kept)
  process.stdout.write(`${json ? JSON.stringify(kept) : tableOf(ROWS, kept)}\n`)
}

/** Once for each run, so that what was measured is not lost with what comes after it. */
function write(kept: KeptRuns): void {
  const inOrder = Object.keys(RUNS).flatMap((name) => {
    const run = kept[name]
    return run === undefined ? [] : [[name, run] as const]
  })
  writeFileSync(KEPT, `${JSON.stringify(Object.fromEntries(inOrder), undefined, 2)}\n`)
  const table = tableOf(ROWS, Object.fromEntries(inOrder))
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), table))
}

/** In a process of its own: what fails there, or hangs, fails alone. */
function make(args: readonly string[]): Promise<Kept> {
  const [node, bench = ''] = process.argv
  const child = spawn(node as string, [bench, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let isTooLong = false
  const timer = setTimeout(() => {
    isTooLong = true
    child.kill('SIGTERM')
  }, RUN_MS_MAX)
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (data: Buffer) => {
    said.stdout += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    said.stderr += data.toString()
    process.stderr.write(data)
  })
  return new Promise((resolve) => {
    child.once('close', () => {
      clearTimeout(timer)
      const whyNot = isTooLong ? `it took more than ${RUN_MS_MAX} ms` : lastLineOf(said.stderr)
      resolve(keptOf(lastLineOf(said.stdout), whyNot))
    })
  })
}

const lastLineOf = (text: string): string => text.trim().split('\n').at(-1) ?? ''

/** `said`: the document, or nothing; then the last that was heard is why. */
function keptOf(said: string, why: string): Kept {
  const date = new Date().toISOString().slice(0, 'YYYY-MM-DD'.length)
  if (!said.startsWith('{')) return { outcome: 'failed', date, why }
  const result = JSON.parse(said) as Said
  if ('missing' in result) return { outcome: 'missing', date, why: result.missing }
  return { outcome: 'measured', date, result }
}
