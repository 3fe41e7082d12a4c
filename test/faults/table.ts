/**
 * `npm run fault -- table [ROW…] [--times N]`: runs rows one after the other, at rest and under
 * load, and writes the fault matrix of docs/reliability.md; the others keep what they had, with its
 * commit.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { commitHere } from '../../tools/commit.ts'
import { type Kept, type KeptRow, type KeptRows, tableOf, withTable } from './markdown.ts'
import type { Row } from './row.ts'
import { ROWS } from './rows.ts'
import { runAlone, type Said } from './run-alone.ts'
import { isUnmet, type Report, survived } from './run-row.ts'

/** From the root of the project, where npm starts its scripts. */
const PAGE = 'docs/reliability.md'
const KEPT = 'test/faults/results.json'
/** A run that takes longer hangs. */
const RUN_MS_MAX = 180_000

/** Resolves to whether all of these are as they should be. */
export async function remakeTable(rows: readonly Row[], times: number): Promise<boolean> {
  const kept: Record<string, KeptRow> = existsSync(KEPT)
    ? (JSON.parse(readFileSync(KEPT, 'utf8')) as KeptRows)
    : {}
  let isAllGood = true
  for (const { number, name } of rows) {
    const made = { commit: commitHere() }
    const atRest = await make(number, times, [])
    const underLoad = await make(number, times, ['--load'])
    const isMissing = atRest.outcome === 'missing'
    const isKnown = kept[number]?.atRest.outcome === 'made'
    // What was seen where the machine could says more than that this one cannot.
    if (!(isMissing && isKnown)) kept[number] = { ...made, atRest, underLoad }
    write(kept)
    for (const one of [atRest, underLoad]) {
      process.stdout.write(`${number} ${name}: ${JSON.stringify(one)}\n`)
      if (one.outcome === 'made' ? one.survived < one.runs : one.outcome === 'failed')
        isAllGood = false
    }
  }
  return isAllGood
}

/** Once for each row, so that what was seen is not lost with what comes after it. */
function write(kept: KeptRows): void {
  writeFileSync(KEPT, `${JSON.stringify(kept, undefined, 2)}\n`)
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), tableOf(ROWS, kept)))
}

async function make(row: number, times: number, more: readonly string[]): Promise<Kept> {
  const said = await runAlone([String(row), '--times', String(times), ...more], RUN_MS_MAX * times)
  return keptOf(said)
}

function keptOf(said: Said): Kept {
  if (said === undefined) return { outcome: 'failed', why: 'it has hung, or ended early' }
  if ('missing' in said) return { outcome: 'missing', needs: said.missing.map(({ name }) => name) }
  const { runs: all }: Report = said
  const unmet = all.filter(isUnmet)
  const runs = all.filter((run) => !isUnmet(run))
  if (runs.length === 0)
    return { outcome: 'missing', needs: unmet.flatMap(({ missing }) => missing ?? []) }
  const sum = (of: 'lost' | 'doubled' | 'phantom'): number =>
    runs.reduce((all, run) => all + run[of], 0)
  return {
    outcome: 'made',
    runs: runs.length,
    survived: runs.filter(survived).length,
    worstMs: Math.max(...runs.map(({ recoveryMs }) => recoveryMs)),
    lost: sum('lost'),
    doubled: sum('doubled'),
    phantom: sum('phantom'),
    note: runs.at(-1)?.note ?? '',
    problems: runs.flatMap(({ problems, late }) =>
      late === undefined ? problems : [...problems, late],
    ),
  }
}
