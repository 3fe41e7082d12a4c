/** Starts a shadow allocator on a connection of its own. */
import type { BusSystem } from '../../../bus/bus.ts'
import type { Clock } from '../../../bus/clock.ts'
import { type MessengerDeps, openMessenger } from '../../../bus/messenger.ts'
import type { RandomToken } from '../../../bus/random.ts'
import type { ShadowId } from '../../../protocol/ids.ts'
import { inboxOf } from '../../../protocol/subjects.ts'
import type { LoadedPolicy } from '../policies/load.ts'
import type { ShadowPhase } from './effects.ts'
import { openShadow } from './shell.ts'

export interface ShadowOptions {
  readonly cluster: string
  readonly shadowId: ShadowId
  readonly loaded: LoadedPolicy
  readonly system: BusSystem
  readonly clock: Clock
  readonly randomToken: RandomToken
  /** Told at each change. Default: nobody is. */
  readonly onPhase?: (phase: ShadowPhase) => void
  /** The policy was no good, the default one takes its place. Default: nobody is told. */
  readonly onFailure?: (policy: string, problem: string) => void
  /** A message could not be read. Default: nobody is told. */
  readonly onRefused?: MessengerDeps['onRefused']
}

export interface RunningShadow {
  /** Idempotent. */
  stop(): Promise<void>
}

/** @throws {ClusterError} when there is no bus to connect to. */
export async function startShadow(options: ShadowOptions): Promise<RunningShadow> {
  const { cluster, shadowId, loaded, system, clock, randomToken } = options
  const { onPhase = () => {}, onFailure = () => {}, onRefused = () => {} } = options
  const inbox = inboxOf(cluster, 'allocator', randomToken(64))
  const bus = await system.connect({ name: `${cluster} shadow ${shadowId}`, inbox })
  const messenger = openMessenger({ bus, clock, randomToken, isOpen: false, onRefused })
  const seed = randomToken(128)
  const told = { onPhase, onFailure }
  const shadow = openShadow({ cluster, shadowId, loaded, messenger, clock, seed, ...told })
  return {
    async stop() {
      shadow.close()
      messenger.close()
      await bus.close()
    },
  }
}
