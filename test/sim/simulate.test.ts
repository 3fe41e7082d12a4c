import test from 'ava'
import { ALL_FAULTS } from './plan.ts'
import { type Outcome, runSeed } from './run-seed.ts'

const SEEDS = 20
const MINUTES = 2

/** What failed, and how to see it again. */
function failureOf({ seed, minutes, violation }: Outcome): string {
  const again = `npm run simulate -- --seed ${seed} --minutes ${minutes}`
  return `${violation?.invariant}: ${violation?.what}\n${again}`
}

test.serial(`${SEEDS} seeds of ${MINUTES} minutes keep what the design promises`, async (t) => {
  const happened = new Set<string>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const outcome = await runSeed(seed, MINUTES)
    t.true(outcome.isOk, failureOf(outcome))
    t.true(outcome.started > 30, 'tasks run')
    t.true(outcome.changes > 5, 'weights and quotas change')
    for (const [kind, count] of Object.entries(outcome.faults)) if (count > 0) happened.add(kind)
  }
  const never = ALL_FAULTS.filter((kind) => !happened.has(kind))
  t.deepEqual(never, [], 'every kind of fault has happened')
})

test.serial('the same seed gives the same run, another seed another', async (t) => {
  const [once, again, other] = [await runSeed(7, 1), await runSeed(7, 1), await runSeed(8, 1)]
  t.is(once.hash, again.hash)
  t.deepEqual({ ...once, tookMs: 0 }, { ...again, tookMs: 0 })
  t.not(once.hash, other.hash)
})
