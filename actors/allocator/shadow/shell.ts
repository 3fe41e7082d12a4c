/** A shadow as it runs: hears leader and allocator, and says what it would have done. */
import type { Clock } from '../../../bus/clock.ts'
import type { Messenger } from '../../../bus/messenger.ts'
import type { ShadowId } from '../../../protocol/ids.ts'
import { allocatorReports, shadowReports } from '../../../protocol/subjects.ts'
import { runActor } from '../../kit/run-actor.ts'
import { contain } from '../policies/contain.ts'
import type { LoadedPolicy } from '../policies/load.ts'
import { hearLeader } from '../shell.ts'
import { beginAnew, fallBack, shadowCore } from './core.ts'
import type { ShadowEffect, ShadowPhase } from './effects.ts'
import { newShadow } from './state.ts'

export interface ShadowDeps {
  readonly cluster: string
  readonly shadowId: ShadowId
  readonly messenger: Messenger
  readonly clock: Clock
  /** 128 random bits as 32 hexadecimal digits. */
  readonly seed: string
  readonly loaded: LoadedPolicy
  readonly onPhase: (phase: ShadowPhase) => void
  readonly onFailure: (policy: string, problem: string) => void
}

/** Runs a shadow on an open connection, which stays the caller's. */
export function openShadow(deps: ShadowDeps): { close(): void } {
  const { cluster, shadowId, messenger, clock, seed, loaded, onPhase, onFailure } = deps
  const { policy, asking } = loaded
  const perform = (effect: ShadowEffect): void => {
    switch (effect.do) {
      case 'ask':
        return messenger.send(allocatorReports, { cluster }, { reports: [{ kind: 'shadow' }] })
      case 'publish':
        return messenger.send(shadowReports, { cluster, shadowId }, effect.report)
      case 'tell-failure':
        return onFailure(effect.policy, effect.problem)
      case 'tell-phase':
        return onPhase(effect.phase)
      default:
        return effect satisfies never
    }
  }
  const core = asking ? contain({ core: shadowCore, asking, fallBack, beginAnew }) : shadowCore
  const actor = runActor({ core, state: newShadow(seed, policy), clock, perform })
  const open = [
    ...hearLeader({ messenger, cluster }, (input) => actor.input(input)),
    messenger.listen(allocatorReports, { cluster }, (message) =>
      actor.input({ kind: 'reports', message }),
    ),
  ]
  return {
    close() {
      actor.stop()
      for (const subscription of open) subscription.close()
    },
  }
}
