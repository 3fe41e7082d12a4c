/** A master's way to the lead and back. */
import { setup } from 'xstate'
import { compileMachine } from '../../protocol/machine-table.ts'

export const LEASE_STATES = ['following', 'probing', 'claiming', 'recovering', 'leading'] as const
export type LeaseState = (typeof LEASE_STATES)[number]

export const LEASE_EVENTS = [
  'leader.heard',
  'leader.silent',
  'lease.free',
  'probe.unanswered',
  'lease.taken',
  'lease.lost',
  'registry.ready',
] as const
export type LeaseEvent = (typeof LEASE_EVENTS)[number]
export type LeaseAction = 'probe' | 'claim' | 'recover' | 'lead' | 'follow'

export const leaseMachine = setup({
  types: { events: {} as { readonly type: LeaseEvent } },
  actions: {
    probe: () => {},
    claim: () => {},
    recover: () => {},
    lead: () => {},
    follow: () => {},
  },
}).createMachine({
  id: 'lease',
  initial: 'following',
  states: {
    following: {
      on: {
        'leader.silent': { target: 'probing', actions: 'probe' },
        'lease.free': { target: 'claiming', actions: 'claim' },
      },
    },
    // Asked the silent leader once more, by name.
    probing: {
      on: {
        'leader.heard': 'following',
        'lease.free': { target: 'claiming', actions: 'claim' },
        'probe.unanswered': { target: 'claiming', actions: 'claim' },
      },
    },
    // A compare-and-set is under way: only its outcome decides.
    claiming: {
      on: {
        'lease.taken': { target: 'recovering', actions: 'recover' },
        'lease.lost': { target: 'following', actions: 'follow' },
      },
    },
    // Holds the lease, and reads what earlier leaders have written.
    recovering: {
      on: {
        'registry.ready': { target: 'leading', actions: 'lead' },
        'lease.lost': { target: 'following', actions: 'follow' },
      },
    },
    leading: {
      on: { 'lease.lost': { target: 'following', actions: 'follow' } },
    },
  },
})

export const leaseStep = compileMachine<LeaseState, LeaseEvent, LeaseAction>(
  leaseMachine,
  LEASE_STATES,
  LEASE_EVENTS,
)

/** The lease was taken; whether it still counts is asked of the clock. */
export function isHolding(state: LeaseState): boolean {
  return state === 'recovering' || state === 'leading'
}
