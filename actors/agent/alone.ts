/**
 * What a watcher becomes when no agent has come back for long: a program that ends the tasks of a
 * work directory, and itself. `alone.js TIMEOUT_MS WORK_DIR USES`.
 */
import { join } from 'node:path'
import { usesOf } from '../../agent-runtime/containerizer/runtime-directory.ts'
import { sleep, systemClock } from '../../bus/clock.ts'
import { KILL_GRACE_MS } from '../../protocol/limits.ts'
import { endLeftovers } from './leftovers.ts'

/** What is refused now, by a full disk or an agent that only begins, may be allowed later. */
const TRIES = 60
const AGAIN_MS = 60_000

const [timeoutMs = '', workDir = '', uses = ''] = process.argv.slice(2)

/** An agent that came back watches for itself, also when it is gone again. */
const isLast = (): boolean => usesOf(join(workDir, 'runtime')) === Number(uses)

const alone = `no agent came back within ${Number(timeoutMs) / 1_000} s`

// Timers of the clock alone would let it end before it has seen to it that all is dead.
void sleep(TRIES * AGAIN_MS)
for (let tries = 0; tries < TRIES && isLast(); tries++) {
  try {
    await endLeftovers({
      workDir,
      clock: systemClock,
      graceMs: KILL_GRACE_MS,
      forget: false,
      alone,
    })
    break
  } catch {
    await sleep(AGAIN_MS)
  }
}
process.exit()
