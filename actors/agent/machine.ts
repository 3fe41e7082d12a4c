/** The machine of an agent, and of who ends what a dead one left there. */
import { openRuntime, type RealRuntime, type RuntimeOptions } from '../../agent-runtime/runtime.ts'
import { sleep } from '../../bus/clock.ts'
import { ClusterError } from '../../protocol/errors.ts'

/** Who ends tasks takes a few seconds, unless it is stopped itself. */
const ENDING_MS_MAX = 60_000
const LOOK_MS = 100

/**
 * Waits while tasks that were left there are being ended.
 *
 * @throws {ClusterError} as `openRuntime`.
 */
export async function openMachine(options: RuntimeOptions): Promise<RealRuntime> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    try {
      return await openRuntime(options)
    } catch (error) {
      const isEnding = error instanceof ClusterError && error.code === 'containerizer/ending'
      if (!isEnding || waitedMs >= ENDING_MS_MAX) throw error
    }
    await sleep(LOOK_MS)
  }
}
