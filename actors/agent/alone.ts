/**
 * What a watcher becomes when no agent has come back for long: a program that ends the tasks of a
 * work directory, and itself. `alone.js TIMEOUT_MS WORK_DIR USES`.
 */
import { sleep, systemClock } from '../../bus/clock.ts'
import { endAlone } from './leftovers.ts'

/** Longer than all tries. */
const AWAKE_MS = 24 * 60 * 60_000

const [timeoutMs = '', workDir = '', uses = ''] = process.argv.slice(2)

// Timers of the clock alone would let it end before it has seen to it that all is dead.
void sleep(AWAKE_MS)
await endAlone({
  workDir,
  clock: systemClock,
  timeoutMs: Number(timeoutMs),
  uses: Number(uses),
})
process.exit()
