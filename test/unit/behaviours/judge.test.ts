import test from 'ava'
import { behaviour, different, inFile, notYet } from '../../behaviours/behaviour.ts'
import { countResults, isGood, judge, linesOf } from '../../behaviours/judge.ts'
import { TapResults } from '../../behaviours/tap.ts'

const OUTPUT = `TAP version 13
ok 1 - scenario › offers › one
#   a log
not ok 2 - scenario › offers › two
  ---
    name: AssertionError
  ...
ok 3 - unit › offers › one
#   skipped: python3 is missing: apt-get install python3
ok 4 - unit › offers › off # SKIP
ok 5 - scenario › offers › four

1..5`

const results = new TapResults()
for (const line of OUTPUT.split('\n')) results.read(line)

const inScenario = (title: string) => ({ file: 'scenario/offers', title })

test('a test is found by its file and title', (t) => {
  t.is(results.of(inScenario('one')), 'passed')
  t.is(results.of(inScenario('two')), 'failed')
  t.is(results.of(inScenario('three')), 'absent')
  t.is(results.of({ file: 'unit/offers', title: 'one' }), 'skipped')
  t.is(results.of({ file: 'unit/offers', title: 'off' }), 'skipped')
})

test('of files that share folders, and of a single file, less is said', (t) => {
  const fewer = new TapResults()
  fewer.read('ok 1 - offers › one')
  fewer.read('ok 2 - alone')
  t.is(fewer.of(inScenario('one')), 'passed')
  t.is(fewer.of(inScenario('alone')), 'passed')
})

const section = {
  title: 'Offers',
  numbers: [1, 2, 3, 4, 5, 6],
  behaviours: [
    behaviour(1, 'It is shown.', inFile('scenario/offers', 'one', 'four')),
    behaviour(2, 'It is shown by two.', inFile('scenario/offers', 'one', 'two'), notYet('more')),
    behaviour(3, 'Its test is gone.', inFile('scenario/offers', 'three')),
    behaviour(4, 'It is not meant.', [], different('0001', 'so it is')),
    behaviour(5, 'It cannot run.', inFile('unit/offers', 'one')),
  ],
}
const judged = judge([section], (name) => results.of(name))

test('a behaviour is as good as the worst of its tests, and a reason stands for none', (t) => {
  const found = judged.map(({ result }) => result)
  t.deepEqual(found, ['passed', 'failed', 'failed', 'reason', 'skipped', 'missing'])
})

test('what failed or is missing is not good; a reason and a skip are', (t) => {
  const counts = countResults(judged)
  t.deepEqual(counts, { passed: 1, failed: 2, skipped: 1, missing: 1, reason: 1 })
  t.false(isGood(counts))
  t.false(isGood({ ...counts, failed: 0 }))
  t.false(isGood({ ...counts, missing: 0 }))
  t.true(isGood({ ...counts, failed: 0, missing: 0 }))
})

test('people read number, result, sentence, tests and reasons, and the counts last', (t) => {
  t.deepEqual(linesOf(judged).slice(0, 8), [
    'Offers',
    '   1  passed   It is shown.',
    '               test/scenario/offers.test.ts: one',
    '               test/scenario/offers.test.ts: four',
    '   2  failed   It is shown by two.',
    '               test/scenario/offers.test.ts: one',
    '               test/scenario/offers.test.ts: two (failed)',
    '               not yet: more',
  ])
  t.is(
    linesOf(judged).at(-1),
    '6 behaviours: 1 passed, 2 failed, 1 skipped, 1 missing, 1 with a reason instead of a test',
  )
})
