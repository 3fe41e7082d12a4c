/** One offer's life at the leader. An ended offer is remembered only as "used". */
import { setup } from 'xstate'
import { compileMachine } from './machine-table.ts'

export const OFFER_STATES = [
  'outstanding',
  'accepted',
  'declined',
  'rescinded',
  'discarded',
] as const
export type OfferState = (typeof OFFER_STATES)[number]

export const OFFER_EVENTS = [
  'framework.accept',
  'framework.decline',
  'timer.timed-out',
  'agent.lost',
  'agent.changed',
  'framework.left-role',
  'framework.gone',
  'operator.set-quotas',
  'operator.set-weights',
] as const
export type OfferEvent = (typeof OFFER_EVENTS)[number]
/**
 * `release`: what it held is free. `filter`: not to this framework for a while. `rescind`: say so.
 */
export type OfferAction = 'release' | 'filter' | 'rescind'

const ended = { type: 'final' } as const

export const offerMachine = setup({
  types: { events: {} as { readonly type: OfferEvent } },
  actions: { release: () => {}, filter: () => {}, rescind: () => {} },
}).createMachine({
  id: 'offer',
  initial: 'outstanding',
  states: {
    outstanding: {
      on: {
        // What the tasks do not use is left over, and counts as declined.
        'framework.accept': { target: 'accepted', actions: ['release', 'filter'] },
        'framework.decline': { target: 'declined', actions: ['release', 'filter'] },
        // No answer is a decline with the default filter; the framework is told.
        'timer.timed-out': { target: 'rescinded', actions: ['release', 'filter', 'rescind'] },
        'agent.lost': { target: 'rescinded', actions: ['release', 'rescind'] },
        'agent.changed': { target: 'rescinded', actions: ['release', 'rescind'] },
        'framework.left-role': { target: 'rescinded', actions: ['release', 'rescind'] },
        // Back to whom it is due now; its framework has not declined anything.
        'operator.set-quotas': { target: 'rescinded', actions: ['release', 'rescind'] },
        'operator.set-weights': { target: 'rescinded', actions: ['release', 'rescind'] },
        // Nobody is there to be told: away, taken over, or torn down.
        'framework.gone': { target: 'discarded', actions: 'release' },
      },
    },
    accepted: ended,
    declined: ended,
    rescinded: ended,
    discarded: ended,
  },
})

/** The machine as a table. */
export const offerStep = compileMachine<OfferState, OfferEvent, OfferAction>(
  offerMachine,
  OFFER_STATES,
  OFFER_EVENTS,
)
