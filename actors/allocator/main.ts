/** Starts an allocator on a connection of its own. */
import type { BusSystem } from '../../bus/bus.ts'
import type { Clock } from '../../bus/clock.ts'
import { type MessengerDeps, openMessenger } from '../../bus/messenger.ts'
import type { RandomToken } from '../../bus/random.ts'
import { inboxOf } from '../../protocol/subjects.ts'
import type { Phase } from './effects.ts'
import { drf } from './policies/drf.ts'
import type { LoadedPolicy } from './policies/load.ts'
import { openAllocator } from './shell.ts'

export interface AllocatorOptions {
  readonly cluster: string
  readonly system: BusSystem
  readonly clock: Clock
  readonly randomToken: RandomToken
  /** Default: that of all who do not say. */
  readonly loaded?: LoadedPolicy
  /** The policy was no good, the default one takes its place. Default: nobody is told. */
  readonly onFailure?: (policy: string, problem: string) => void
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
  const { cluster, system, clock, randomToken, loaded = { policy: drf } } = options
  const inbox = inboxOf(cluster, 'allocator', randomToken(64))
  const bus = await system.connect({ name: `${cluster} allocator`, inbox })
  const onRefused = options.onRefused ?? (() => {})
  const messenger = openMessenger({ bus, clock, randomToken, isOpen: false, onRefused })
  const { onPhase = () => {}, onFailure = () => {} } = options
  const seed = randomToken(128)
  const told = { onPhase, onFailure }
  const allocator = openAllocator({ cluster, messenger, clock, seed, loaded, ...told })
  return {
    async stop() {
      allocator.close()
      messenger.close()
      await bus.close()
    },
  }
}
