/** Half a minute of chaos on real processes, from a fixed seed; long ones are `npm run chaos`. */
import test from 'ava'
import { runChaos } from '../chaos/run.ts'
import { summary } from '../chaos/summary.ts'

const SEED = 7
const MS = 30_000

test('through 30 s of kills, cuts, full disks and lost stores no task is lost or doubled', async (t) => {
  t.timeout(240_000)
  const outcome = await runChaos({
    seed: SEED,
    servers: 1,
    ms: MS,
    keep: false,
    say: (line) => t.log(line),
  })
  for (const line of summary(outcome)) t.log(line)
  t.deepEqual(outcome.violations, [])
  t.deepEqual(outcome.leftBehind, [])
  t.is(outcome.figures.lost, 0)
  t.is(outcome.figures.doubled, 0)
  t.true(outcome.faults > 2 && outcome.figures.started > 50)
})
