/**
 * `npm test [-- FILES and AVA's flags]`: runs AVA on its own build, then prints the closing lines.
 * Files may be named as they are in the source tree; without any, BOURSE_LONG=1 also runs
 * `test/alone/`, when all else has ended. Exit status 1 if anything failed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { TestReport } from './test-report.ts'

const build = relative(process.cwd(), dirname(import.meta.dirname))
const compiled = (argument: string): string =>
  argument.startsWith('test/') ? `${build}/${argument.replace(/\.ts$/, '.js')}` : argument

const args = process.argv.slice(2).map(compiled)
const namesFiles = args.some((argument) => !argument.startsWith('-'))
const report = new TestReport((title) => namesFiles || title.startsWith('contract '))

/** Whether AVA calls it well. */
async function run(
  files: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<boolean> {
  const ava = spawn(
    process.execPath,
    ['node_modules/ava/entrypoints/cli.mjs', '--no-color', ...files, ...args],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } },
  )
  const exited = once(ava, 'exit')
  for await (const line of createInterface({ input: ava.stdout })) {
    const shown = report.read(line)
    if (shown !== undefined) console.log(shown)
  }
  const [status] = await exited
  return status === 0
}

const alone = { BOURSE_ALONE: '1' }
const namesTests = args.some((argument) => argument.startsWith('--match'))
let isWell = namesFiles ? await run([], alone) : await run([`${build}/test/**/*.test.js`], {})
if (!namesFiles && !namesTests && process.env['BOURSE_LONG'] === '1')
  isWell = (await run([`${build}/test/alone/**/*.test.js`], alone)) && isWell
for (const line of report.close(!isWell)) console.log(line)
process.exitCode = report.failed === 0 ? 0 : 1
