/** One framework, as the leader sees it. */
import { setup } from 'xstate'
import { compileMachine } from '../../protocol/machine-table.ts'

export const FRAMEWORK_STATES = ['unknown', 'recovered', 'subscribed', 'away', 'ended'] as const
export type FrameworkState = (typeof FRAMEWORK_STATES)[number]

export const FRAMEWORK_EVENTS = [
  'registry.known',
  'registry.ended',
  'agent.reported',
  'framework.subscribed',
  'framework.silent',
  'framework.ended',
] as const
export type FrameworkEvent = (typeof FRAMEWORK_EVENTS)[number]
/**
 * `withdraw`: its offers are free again. `startFailover`: it has that long to return. `end`: kill
 * its tasks.
 */
export type FrameworkAction = 'withdraw' | 'startFailover' | 'end'

export const frameworkMachine = setup({
  types: { events: {} as { readonly type: FrameworkEvent } },
  actions: { withdraw: () => {}, startFailover: () => {}, end: () => {} },
}).createMachine({
  id: 'framework',
  initial: 'unknown',
  states: {
    unknown: {
      on: {
        'registry.known': 'recovered',
        'registry.ended': 'ended',
        // Its tasks run on an agent; who it is will be known when it subscribes.
        'agent.reported': 'recovered',
        'framework.subscribed': 'subscribed',
      },
    },
    // Known to a new leader, which asks it; its failover time does not run before that is in vain.
    recovered: {
      on: {
        'framework.subscribed': 'subscribed',
        'framework.silent': { target: 'away', actions: 'startFailover' },
        'framework.ended': { target: 'ended', actions: 'end' },
      },
    },
    subscribed: {
      on: {
        // Another instance, or the same one anew: offers of the old session are void.
        'framework.subscribed': { target: 'subscribed', actions: 'withdraw' },
        'framework.silent': { target: 'away', actions: ['withdraw', 'startFailover'] },
        'framework.ended': { target: 'ended', actions: ['withdraw', 'end'] },
      },
    },
    away: {
      on: {
        'framework.subscribed': 'subscribed',
        'framework.ended': { target: 'ended', actions: 'end' },
      },
    },
    // Burnt, until all its agents have confirmed.
    ended: { type: 'final' },
  },
})

export const frameworkStep = compileMachine<FrameworkState, FrameworkEvent, FrameworkAction>(
  frameworkMachine,
  FRAMEWORK_STATES,
  FRAMEWORK_EVENTS,
)
