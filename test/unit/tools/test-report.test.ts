import test from 'ava'
import { TestReport } from '../../../tools/test-report.ts'

const PRINTED = `
  ✔ unit › core › a task starts
    ℹ a note
      of two lines
  ✔ contract › bus › what is published is heard
  ✔ system › dev › a cluster starts (1.2s)
  ✔ unit › codec › python reads it
    ℹ skipped: python3-msgpack is missing: apt-get install python3-msgpack
  - [skip] unit › core › never
  ✘ [fail]: unit › core › a task ends
  ─

  unit › core › a task ends

  Difference (- actual, + expected):
      at test/unit/core.test.ts:3:24
      at Test.run (file:///x/node_modules/ava/lib/test.js:534:33)
`.split('\n')

const read = (lines: readonly string[]): { report: TestReport; shown: string[] } => {
  const report = new TestReport((title) => title.startsWith('contract '))
  const shown = lines.map((line) => report.read(line)).filter((line) => line !== undefined)
  return { report, shown }
}

test('the closing lines name each skip with its reason and count what AVA printed', (t) => {
  t.deepEqual(read(PRINTED).report.close(true), [
    'skipped: unit › codec › python reads it, python3-msgpack is missing: apt-get install python3-msgpack',
    'skipped: unit › core › never, switched off in its source',
    '3 passed, 1 failed, 2 skipped',
  ])
})

test('failures, slow tests and the sentences of contracts are shown, other passes are not', (t) => {
  t.deepEqual(read(PRINTED).shown, [
    '',
    '  ✔ contract › bus › what is published is heard',
    '  ✔ system › dev › a cluster starts (1.2s)',
    '  ✘ [fail]: unit › core › a task ends',
    '  ─',
    '',
    '  unit › core › a task ends',
    '',
    '  Difference (- actual, + expected):',
    '      at test/unit/core.test.ts:3:24',
    '',
  ])
})

test('a run in which nothing ran is a failure', (t) => {
  t.deepEqual(read([]).report.close(false), ['0 passed, 1 failed, 0 skipped'])
})

test('a run that AVA calls failed is a failure, whatever was counted', (t) => {
  t.deepEqual(read(['  ✔ unit › a › b']).report.close(true), ['1 passed, 1 failed, 0 skipped'])
})

test('an uncaught exception and a file that ends early count as failures', (t) => {
  const { report } = read([
    '  Uncaught exception in dist/test/a.test.js',
    '  ✘ dist/test/a.test.js exited with a non-zero exit code: 1',
  ])
  t.deepEqual(report.close(true), ['0 passed, 2 failed, 0 skipped'])
})
