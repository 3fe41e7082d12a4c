import test from 'ava'
import type { Row, RowOutcome } from '../../faults/row.ts'
import { isGood, isUnmet, linesOf, runRow } from '../../faults/run-row.ts'

const SEEN: RowOutcome = { recoveryMs: 10, lost: 0, doubled: 0, phantom: 0, note: 'seen' }

async function judged(outcome: Partial<RowOutcome>) {
  const row: Row = {
    number: 99,
    name: 'played',
    fault: 'none',
    expected: 'nothing',
    invariants: ['I8'],
    withinMs: 100,
    run: async () => ({ ...SEEN, ...outcome }),
  }
  const run = await runRow(row, { isLoaded: false })
  const report = { row: 99, name: 'played', isLoaded: false, withinMs: 100, runs: [run] }
  const told = linesOf(row, report).filter((line) => /^(WRONG|LATE|MISSING)/.test(line))
  return { isGood: isGood(report), isUnmet: isUnmet(run), told }
}

test('a row that lacked what it needs is neither survived nor wrong', async (t) => {
  t.deepEqual(await judged({}), { isGood: true, isUnmet: false, told: [] })
  t.deepEqual(await judged({ missing: 'a core' }), {
    isGood: false,
    isUnmet: true,
    told: ['MISSING: it needs a core'],
  })
})

test('what is wrong is wrong, whatever was missing', async (t) => {
  t.deepEqual(await judged({ missing: 'a core', lost: 1 }), {
    isGood: false,
    isUnmet: false,
    told: ['WRONG: lost: 1', 'MISSING: it needs a core'],
  })
})
