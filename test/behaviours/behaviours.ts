/**
 * `npm run behaviours [-- --json]`: each behaviour by its number, with the tests that show it and
 * what became of them, or why there is none. Exit status 1 when one failed, or is missing.
 */
import { parseArgs } from 'node:util'
import { countResults, isGood, judge, linesOf } from './judge.ts'
import { runTests } from './run-tests.ts'
import { SECTIONS } from './sections.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const named = SECTIONS.flatMap(({ behaviours }) => behaviours.flatMap(({ tests }) => tests))
const results = await runTests(new Set(named.map(({ file }) => file)))
const judged = judge(SECTIONS, (test) => results.of(test))
const counts = countResults(judged)
const lines = values.json ? [JSON.stringify({ behaviours: judged, counts })] : linesOf(judged)
for (const line of lines) process.stdout.write(`${line}\n`)
process.exitCode = isGood(counts) ? 0 : 1
