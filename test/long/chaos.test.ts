/** Three minutes of chaos, on one NATS server and on three. */
import test from 'ava'
import { runChaos } from '../chaos/run.ts'
import { summary } from '../chaos/summary.ts'

for (const [servers, seed] of [
  [1, 1_001],
  [3, 1_003],
] as const)
  test(`through 3 minutes of chaos no task is lost or doubled: ${servers} NATS server(s)`, async (t) => {
    t.timeout(600_000)
    const outcome = await runChaos({
      seed,
      servers,
      ms: 90_000,
      keep: false,
      say: (line) => t.log(line),
    })
    for (const line of summary(outcome)) t.log(line)
    t.deepEqual(outcome.violations, [])
    t.deepEqual(outcome.leftBehind, [])
  })
