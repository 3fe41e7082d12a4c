/** The machine of an agent, and of who ends what a dead one left there. */
import {
  type Containerizers,
  type ContainerizersOptions,
  openContainerizers,
} from '../../agent-runtime/containerizer/containerizers.ts'
import { sleep } from '../../bus/clock.ts'
import { ClusterError } from '../../protocol/errors.ts'

/** Who ends tasks takes a few seconds, unless it is stopped itself. */
const ENDING_MS_MAX = 60_000
const LOOK_MS = 100

/**
 * Waits while tasks that were left there are being ended.
 *
 * @throws {ClusterError} as `openContainerizers`.
 */
export function openMachine(options: ContainerizersOptions): Promise<Containerizers> {
  return whenEnded(() => openContainerizers(options))
}

/** Tries again while the tasks of a dead agent are being ended. */
export async function whenEnded<M>(open: () => Promise<M>): Promise<M> {
  for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
    try {
      return await open()
    } catch (error) {
      const isEnding = error instanceof ClusterError && error.code === 'containerizer/ending'
      if (!isEnding || waitedMs >= ENDING_MS_MAX) throw error
    }
    await sleep(LOOK_MS)
  }
}
