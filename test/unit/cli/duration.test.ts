import test from 'ava'
import { formatDuration, parseDuration } from '../../../cli/duration.ts'

test('durations are a number and a unit', (t) => {
  t.is(parseDuration('500ms'), 500)
  t.is(parseDuration('5s'), 5_000)
  t.is(parseDuration('10m'), 600_000)
  t.is(parseDuration('2h'), 7_200_000)
  t.is(parseDuration('1.5s'), 1_500)
  t.is(parseDuration('0'), 0)
  t.is(parseDuration('3650d'), 3_650 * 86_400_000)
})

for (const wrong of ['', '5', '5 s', '-5s', 's', '5x', '1e3s', '5s5', '3651d'])
  test(`"${wrong}" is no duration`, (t) => {
    t.like(parseDuration(wrong), { code: 400 })
  })

test('durations are shown in at most two units', (t) => {
  const shown = [-5, 0, 999, 1_000, 59_999, 60_000, 192_000, 7_500_000, 86_400_000, 400_000_000]
  t.deepEqual(shown.map(formatDuration), [
    '0ms',
    '0ms',
    '999ms',
    '1s',
    '59s',
    '1m',
    '3m12s',
    '2h5m',
    '1d',
    '4d15h',
  ])
})
