/**
 * `npm run check`: types, format, lint, dead code, style. One line for each step with its time, what
 * a step found under its line. All steps run; exit status 1 if any failed. Plain JavaScript, because
 * it must run when nothing compiles.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'

const OUT = '.build/check'

/** The style test is compiled by the first step, which checks types on the way. */
const STEPS = [
  ['types', 'tsc', '--checkers', '1', '--outDir', OUT, '--noEmitOnError', 'false'],
  ['format', 'biome', 'check', '--error-on-warnings'],
  ['lint', 'oxlint', '--deny-warnings'],
  ['dead code', 'knip', '--no-progress'],
  ['style', 'ava', '--no-color', `${OUT}/test/tidy.test.js`, `${OUT}/test/lock.test.js`],
]

rmSync(OUT, { recursive: true, force: true })
const startedMs = performance.now()
for (const [name, program, ...args] of STEPS) {
  const stepMs = performance.now()
  const { status, stdout, stderr } = spawnSync(`node_modules/.bin/${program}`, args, {
    encoding: 'utf8',
  })
  const seconds = ((performance.now() - stepMs) / 1000).toFixed(1)
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(10)} ${seconds} s`)
  if (status === 0) continue
  process.exitCode = 1
  console.log(`${stdout}${stderr}`.trimEnd())
}
console.log(`check took ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
