import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { Row, RowOutcome } from '../../faults/row.ts'
import { isGood, isUnmet, linesOf, runRow } from '../../faults/run-row.ts'
import { openStage } from '../../faults/stage.ts'

const SEEN: RowOutcome = { recoveryMs: 10, lost: 0, doubled: 0, phantom: 0, note: 'seen' }

async function judged(outcome: Partial<RowOutcome>) {
  const stage = openStage({ isLoaded: false })
  const { folder } = stage
  const row: Row = {
    number: 99,
    name: 'played',
    fault: 'none',
    expected: 'nothing',
    invariants: ['I8'],
    withinMs: 100,
    run: async () => {
      writeFileSync(join(folder, 'log'), '')
      return { ...SEEN, ...outcome }
    },
  }
  const run = await runRow(row, stage)
  const report = { row: 99, name: 'played', isLoaded: false, withinMs: 100, runs: [run] }
  const lines = linesOf(row, report)
  const told = lines.filter((line) => /^(WRONG|LATE|MISSING)/.test(line))
  const logs = lines.find((line) => line.startsWith('logs: '))?.slice('logs: '.length)
  const isKept = logs !== undefined && existsSync(join(logs, 'log'))
  rmSync(folder, { recursive: true, force: true })
  return { isGood: isGood(report), isUnmet: isUnmet(run), told, isKept }
}

test('a row that lacked what it needs is neither survived nor wrong', async (t) => {
  t.deepEqual(await judged({}), {
    isGood: true,
    isUnmet: false,
    told: [],
    isKept: false,
  })
  t.deepEqual(await judged({ missing: 'a core' }), {
    isGood: false,
    isUnmet: true,
    told: ['MISSING: it needs a core'],
    isKept: false,
  })
})

test('what is wrong is wrong, whatever was missing', async (t) => {
  t.deepEqual(await judged({ missing: 'a core', lost: 1 }), {
    isGood: false,
    isUnmet: false,
    told: ['WRONG: lost: 1', 'MISSING: it needs a core'],
    isKept: true,
  })
})

test('a row that came late keeps its logs and names them', async (t) => {
  t.deepEqual(await judged({ recoveryMs: 101 }), {
    isGood: false,
    isUnmet: false,
    told: ['LATE: recovered in 101 ms, stated are 100 ms'],
    isKept: true,
  })
})
