/**
 * `npm test [-- FILES and AVA's flags]`: runs AVA on its own build, then prints the closing lines.
 * Files may be named as they are in the source tree. Exit status 1 if anything failed.
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

const ava = spawn(
  process.execPath,
  [
    'node_modules/ava/entrypoints/cli.mjs',
    '--no-color',
    ...(namesFiles ? [] : [`${build}/test/**/*.test.js`]),
    ...args,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const exited = once(ava, 'exit')
for await (const line of createInterface({ input: ava.stdout })) {
  const shown = report.read(line)
  if (shown !== undefined) console.log(shown)
}
const [status] = await exited
for (const line of report.close(status !== 0)) console.log(line)
process.exitCode = report.failed === 0 ? 0 : 1
