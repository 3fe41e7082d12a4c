/** Starts an allocator on a connection of its own. */
import type { BusSystem } from '../../bus/bus.ts'
import type { Clock } from '../../bus/clock.ts'
import { type MessengerDeps, openMessenger } from '../../bus/messenger.ts'
import type { RandomToken } from '../../bus/random.ts'
import { inboxOf } from '../../protocol/subjects.ts'
import type { Phase } from './effects.ts'
import { openAllocator } from './shell.ts'

export interface AllocatorOptions {
  readonly cluster: string
  readonly system: BusSystem
  readonly clock: Clock
  readonly randomToken: RandomToken
  /** Told at each change. Default: nobody is. */
  readonly onPhase?: (phase: Phase) => void
  /** A message could not be read. Default: nobody is told. */
  readonly onRefused?: MessengerDeps['onRefused']
}

export interface RunningAllocator {
  /** Idempotent. Nothing is lost: the next allocator is told everything anew. */
  stop(): Promise<void>
}

/** @throws {ClusterError} when there is no bus to connect to. */
export async function startAllocator(options: AllocatorOptions): Promise<RunningAllocator> {
  const { cluster, system, clock, randomToken } = options
  const inbox = inboxOf(cluster, 'allocator', randomToken(64))
  const bus = await system.connect({ name: `${cluster} allocator`, inbox })
  const onRefused = options.onRefused ?? (() => {})
  const messenger = openMessenger({ bus, clock, randomToken, isOpen: false, onRefused })
  const onPhase = options.onPhase ?? (() => {})
  const seed = randomToken(128)
  const allocator = openAllocator({ cluster, messenger, clock, seed, onPhase })
  return {
    async stop() {
      allocator.close()
      messenger.close()
      await bus.close()
    },
  }
}
