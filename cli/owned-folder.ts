/** A work directory that one process has at a time. */
import { join, resolve } from 'node:path'
import { type Claimer, claimFile, dropClaim } from '../bus/nats/claimed-file.ts'
import type { ClusterError } from '../protocol/errors.ts'

interface Stoppable {
  stop(): Promise<void>
}

/**
 * What `start` gives, which has `workDir` to itself until it has stopped.
 * @throws what `inUse` says of the process that has it already; as `start`.
 */
export async function startOwning<Running extends Stoppable>(
  workDir: string,
  inUse: (other: Claimer) => ClusterError,
  start: () => Promise<Running>,
): Promise<Running> {
  const owner = join(resolve(workDir), 'owner')
  const other = claimFile(owner)
  if (other !== undefined) throw inUse(other)
  try {
    const running = await start()
    return {
      ...running,
      async stop() {
        await running.stop()
        dropClaim(owner)
      },
    }
  } catch (error) {
    dropClaim(owner)
    throw error
  }
}
