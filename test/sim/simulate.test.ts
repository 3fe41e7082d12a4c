import { availableParallelism } from 'node:os'
import test from 'ava'
import { SharedReading } from '../../bus/simulated/shared-reading.ts'
import { runBatch } from './batch.ts'
import { again, conclusion } from './report.ts'
import { type Outcome, runSeed } from './run-seed.ts'

const SEEDS = 25
const MINUTES = 2

/** What failed, and how to see it again. */
const failureOf = (outcome: Outcome): string =>
  `${outcome.violation?.invariant}: ${outcome.violation?.what}\n${again(outcome)}`

test.serial(`${SEEDS} seeds of ${MINUTES} minutes keep what the design promises`, async (t) => {
  const wanted = Array.from({ length: SEEDS }, (_, i) => ({ seed: i + 1, minutes: MINUTES }))
  const jobs = availableParallelism()
  const nothing = (): void => undefined
  const outcomes = await runBatch(wanted, {
    jobs,
    shrinkMs: 0,
    onProgress: nothing,
    onOutcome: nothing,
  })
  for (const outcome of outcomes) {
    t.true(outcome.isOk, failureOf(outcome))
    t.true(outcome.started > 30, 'tasks run')
    t.true(outcome.changes > 5, 'weights and quotas change')
  }
  t.deepEqual(conclusion(outcomes).missing, [], 'every kind of fault has happened')
})

test.serial('the same seed gives the same run, another seed another', async (t) => {
  const runs: Outcome[] = []
  for (const seed of [7, 7, 8]) runs.push(await runSeed({ seed, minutes: 1 }))
  const [once, repeated, other] = runs as [Outcome, Outcome, Outcome]
  t.is(once.hash, repeated.hash)
  t.deepEqual({ ...once, tookMs: 0 }, { ...repeated, tookMs: 0 })
  t.not(once.hash, other.hash)
})

test.serial('nobody changes what others have heard with him', async (t) => {
  SharedReading.freezes = true
  t.teardown(() => {
    SharedReading.freezes = false
  })
  const outcome = await runSeed({ seed: 9, minutes: 2 })
  t.true(outcome.isOk, failureOf(outcome))
})

test.serial('of the faults of a plan some can be kept, and the rest is as it was', async (t) => {
  const whole = await runSeed({ seed: 7, minutes: 1 })
  const [, second, third] = whole.strikes
  const some = await runSeed({ seed: 7, minutes: 1, keep: [1, 2], chances: [] })
  t.deepEqual(some.strikes, [second, third])
  t.true(some.isOk, failureOf(some))
  t.is(some.faults['bus lost'], 0)
  t.is(again(some), 'npm run simulate -- --seed 7 --minutes 1 --keep 1,2 --chances none')
})
