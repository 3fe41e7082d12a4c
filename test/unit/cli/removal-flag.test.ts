import test from 'ava'
import { parseRemovals, removalsFlag } from '../../../cli/removal-flag.ts'
import { AGENT_REMOVALS_MIN } from '../../../protocol/limits.ts'

test('so many agents in a time, or a part of all but a few at least', (t) => {
  t.deepEqual(parseRemovals('20/1m'), { perMs: 60_000, part: 0, least: 20 })
  t.deepEqual(parseRemovals('10%/30s'), { perMs: 30_000, part: 0.1, least: AGENT_REMOVALS_MIN })
  t.is(removalsFlag(0.1, 60_000), '10%/1m')
})

test('none is no limit at all', (t) => {
  t.like(parseRemovals('none'), { perMs: 0, least: Number.MAX_SAFE_INTEGER })
})

for (const text of ['', '20', '0/1m', '20/0s', '20/', '101%/1m', '-1/1m', '1.5/1m', 'all'])
  test(`"${text}" is no limit of removals`, (t) => {
    t.like(parseRemovals(text), { name: 'invalid' })
  })
