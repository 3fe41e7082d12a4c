/** Is the cluster there? Its leader says so every second, to all. */
import type { World } from '../../actors/scheduler/scheduler.ts'
import type { Bus } from '../../bus/bus.ts'
import { leaderBeat } from '../../protocol/subjects.ts'

export interface Presence {
  /** Since the leader was heard; since this was opened, if it was not yet. */
  silenceMs(): number
  close(): Promise<void>
}

type PresenceDeps = Pick<World, 'system' | 'clock'> & { readonly cluster: string }

/**
 * On a connection of its own: what the framework's own connection goes through is its library's.
 *
 * @throws {ClusterError} as `connect`.
 */
export async function openPresence({ system, clock, cluster }: PresenceDeps): Promise<Presence> {
  const bus: Bus = await system.connect({ name: 'bourse run' })
  let heardAtMs = clock.now().monotonicMs
  bus.subscribe(leaderBeat.on({ cluster }), () => {
    heardAtMs = clock.now().monotonicMs
  })
  return {
    silenceMs: () => clock.now().monotonicMs - heardAtMs,
    close: () => bus.close(),
  }
}
