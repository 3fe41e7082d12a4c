/** The table of behaviours says of each number what shows it, or why nothing does. */
import { existsSync, readdirSync } from 'node:fs'
import test from 'ava'
import { SECTIONS } from '../../behaviours/sections.ts'

const all = SECTIONS.flatMap(({ behaviours }) => behaviours)
const tests = all.flatMap((behaviour) => behaviour.tests)

for (const { title, numbers, behaviours } of SECTIONS) {
  test(`${title}: each number has its behaviour, in order, and a test or a reason`, (t) => {
    t.deepEqual(
      behaviours.map(({ number }) => number),
      [...numbers],
    )
    const silent = behaviours.filter((one) => one.tests.length + one.reasons.length === 0)
    t.deepEqual(silent, [])
  })
}

test('no number stands in two sections', (t) => {
  t.is(new Set(all.map(({ number }) => number)).size, all.length)
})

test('each behaviour is a sentence', (t) => {
  for (const { sentence } of all) t.regex(sentence, /^[A-Z].{10,98}\.$/)
})

test('the files of tests that are named are there', (t) => {
  const files = new Set(tests.map(({ file }) => `test/${file}.test.ts`))
  t.deepEqual(
    [...files].filter((file) => !existsSync(file)),
    [],
  )
})

test('the decisions that are named are there', (t) => {
  const decisions = readdirSync('docs/decisions').map((name) => name.slice(0, 4))
  const named = all
    .flatMap(({ reasons }) => reasons)
    .flatMap((reason) => (reason.kind === 'deliberately different' ? [reason.decision] : []))
  t.true(named.length > 0)
  t.deepEqual(
    named.filter((decision) => !decisions.includes(decision)),
    [],
  )
})
