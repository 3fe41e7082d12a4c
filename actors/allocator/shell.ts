/** The allocator as it runs: messages in, core in the middle, reports out. The only I/O is here. */
import type { Clock } from '../../bus/clock.ts'
import type { Messenger } from '../../bus/messenger.ts'
import { allocatorFigures, allocatorReports, leaderBeat } from '../../protocol/subjects.ts'
import { runActor } from '../kit/run-actor.ts'
import { allocatorCore, type Input } from './core.ts'
import type { Effect, Phase } from './effects.ts'
import { contain } from './policies/contain.ts'
import { beginAnew, fallBack } from './policies/fall-back.ts'
import type { LoadedPolicy } from './policies/load.ts'
import { newState } from './state.ts'

export interface AllocatorDeps {
  readonly cluster: string
  readonly messenger: Messenger
  readonly clock: Clock
  /** 128 random bits as 32 hexadecimal digits. */
  readonly seed: string
  readonly loaded: LoadedPolicy
  readonly onPhase: (phase: Phase) => void
  readonly onFailure: (policy: string, problem: string) => void
}

/** Runs an allocator on an open connection, which stays the caller's. */
export function openAllocator(deps: AllocatorDeps): { close(): void } {
  const { cluster, messenger, clock, seed, loaded, onPhase, onFailure } = deps
  const { policy, asking } = loaded
  const perform = (effect: Effect): void => {
    switch (effect.do) {
      case 'publish':
        return messenger.send(allocatorReports, { cluster }, effect.message)
      case 'tell-failure':
        return onFailure(effect.policy, effect.problem)
      case 'tell-phase':
        return onPhase(effect.phase)
      default:
        return effect satisfies never
    }
  }
  const core = asking
    ? contain({ core: allocatorCore, asking, fallBack, beginAnew })
    : allocatorCore
  const actor = runActor({ core, state: newState(seed, policy), clock, perform })
  const open = hearLeader({ messenger, cluster }, (input) => actor.input(input))
  return {
    close() {
      actor.stop()
      for (const subscription of open) subscription.close()
    },
  }
}

/** Hears the leader, and when the connection is back. All of what it gives is to be closed. */
export function hearLeader(
  { messenger, cluster }: Pick<AllocatorDeps, 'messenger' | 'cluster'>,
  input: (input: Input) => void,
): readonly { close(): void }[] {
  return [
    messenger.listen(leaderBeat, { cluster }, (beat) => input({ kind: 'beat', beat })),
    messenger.listen(allocatorFigures, { cluster }, (message) =>
      input({ kind: 'figures', message }),
    ),
    messenger.bus.onState((state) => {
      if (state === 'connected') input({ kind: 'reconnected' })
    }),
  ]
}
