/** Tests that are rows of the fault matrix, two at a time, each in a process of its own. */
import { rmSync } from 'node:fs'
import test from 'ava'
import { rowOf } from '../faults/rows.ts'
import { runAlone } from '../faults/run-alone.ts'
import { needs } from './needs.ts'

const AT_ONCE = 2
/** What one framework leaves to another is seen only where nothing else wants it. */
export const ROWS_ALONE: readonly number[] = [25]
/** For one row. */
const ROW_MS_MAX = 180_000

/** Makes a test of each, by number. `isLoaded`: tasks are launched all the time meanwhile. */
export function testRows(
  numbers: readonly number[],
  { isLoaded }: { readonly isLoaded: boolean },
): void {
  const chains: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve())
  for (const [i, number] of numbers.entries()) {
    const row = rowOf(String(number))
    if (row === undefined) throw new Error(`there is no row ${number}`)
    const title = `row ${number}: ${row.fault}`
    test(title, async (t) => {
      t.timeout(ROW_MS_MAX * numbers.length)
      const before = chains[i % AT_ONCE]
      const args = [String(number), ...(isLoaded ? ['--load'] : [])]
      const said = Promise.resolve(before).then(() => runAlone(args, ROW_MS_MAX))
      chains[i % AT_ONCE] = said
      const report = await said
      if (report === undefined) return void t.fail('it has hung, or ended early')
      if ('missing' in report) {
        const [missing] = report.missing
        if (missing !== undefined) needs(t, missing)
        return
      }
      for (const { note, problems, late, missing, folder } of report.runs) {
        t.log(note)
        if (problems.length === 0 && missing !== undefined) {
          needs(t, { name: missing, found: false })
          continue
        }
        // A test says nothing of time: others run beside it.
        if (late !== undefined) t.log(late)
        if (folder !== undefined && problems.length === 0) rmSync(folder, { recursive: true })
        else if (folder !== undefined) t.log(`logs: ${folder}`)
        t.deepEqual(problems, [])
      }
    })
  }
}
