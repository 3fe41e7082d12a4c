/** Is the cluster there? Its leader says so every second, to all. */
import type { World } from '../../actors/scheduler/scheduler.ts'
import type { Bus } from '../../bus/bus.ts'
import { leaderBeat } from '../../protocol/subjects.ts'

/** So long a silence is worth a word. */
export const AWAY_MS = 3_000

export interface Presence {
  /** Since the leader was heard; since this was opened, if it was not yet. */
  silenceMs(): number
  /** For how long it was heard without such a silence: to stand still oneself is one, too. */
  heardForMs(): number
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
  let heardSinceMs = heardAtMs
  const silenceMs = (): number => clock.now().monotonicMs - heardAtMs
  bus.subscribe(leaderBeat.on({ cluster }), () => {
    const isBack = silenceMs() >= AWAY_MS
    heardAtMs = clock.now().monotonicMs
    if (isBack) heardSinceMs = heardAtMs
  })
  return {
    silenceMs,
    heardForMs: () => (silenceMs() >= AWAY_MS ? 0 : clock.now().monotonicMs - heardSinceMs),
    close: () => bus.close(),
  }
}
