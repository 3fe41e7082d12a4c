/** One agent, as the leader sees it. */
import { setup } from 'xstate'
import { compileMachine } from '../../protocol/machine-table.ts'

export const AGENT_STATES = [
  'unknown',
  'recovering',
  'opening',
  'registered',
  'silent',
  'stopped',
  'leaving',
  'unreachable',
  'gone',
] as const
export type AgentState = (typeof AGENT_STATES)[number]

export const AGENT_EVENTS = [
  'registry.known',
  'registry.unreachable',
  'agent.opened',
  'snapshot.confirmed',
  'session.lost',
  'agent.stopped',
  'agent.leaves',
  'agent.lost',
  'operator.gone',
] as const
export type AgentEvent = (typeof AGENT_EVENTS)[number]
/** `withdraw`: rescind its offers. `lose`: its tasks are unreachable. */
export type AgentAction = 'withdraw' | 'lose'

const givenUp = { target: 'gone', actions: 'withdraw' } as const

export const agentMachine = setup({
  types: { events: {} as { readonly type: AgentEvent } },
  actions: { withdraw: () => {}, lose: () => {} },
}).createMachine({
  id: 'agent',
  initial: 'unknown',
  states: {
    unknown: {
      on: {
        'registry.known': 'recovering',
        'registry.unreachable': 'unreachable',
        'agent.opened': 'opening',
        // It was forgotten while that was being written.
        'operator.gone': givenUp,
      },
    },
    // Known from the registry to a leader that has just taken over; not heard yet.
    recovering: {
      on: {
        'agent.opened': 'opening',
        'agent.lost': { target: 'unreachable', actions: 'lose' },
        'operator.gone': givenUp,
      },
    },
    // A session was opened; its pages or the registry's answer are not complete.
    opening: {
      on: {
        'agent.opened': 'opening',
        'snapshot.confirmed': 'registered',
        'session.lost': 'silent',
        'agent.stopped': 'stopped',
        'agent.lost': { target: 'unreachable', actions: 'lose' },
        'operator.gone': givenUp,
      },
    },
    registered: {
      on: {
        'agent.opened': { target: 'opening', actions: 'withdraw' },
        'session.lost': { target: 'silent', actions: 'withdraw' },
        'agent.stopped': { target: 'stopped', actions: 'withdraw' },
        'agent.leaves': { target: 'leaving', actions: 'withdraw' },
        'agent.lost': { target: 'unreachable', actions: ['withdraw', 'lose'] },
        'operator.gone': givenUp,
      },
    },
    // A message was lost: it must open anew. Its tasks are as they were.
    silent: {
      on: {
        'agent.opened': 'opening',
        'agent.lost': { target: 'unreachable', actions: 'lose' },
        'operator.gone': givenUp,
      },
    },
    // It said so: its tasks run on, and it may be back at any time.
    stopped: {
      on: {
        'agent.opened': 'opening',
        'agent.lost': { target: 'unreachable', actions: 'lose' },
        'operator.gone': givenUp,
      },
    },
    // Stopped for good: it is forgotten when the registry has heard of it.
    leaving: {
      on: { 'agent.opened': 'opening', 'operator.gone': givenUp },
    },
    // Not for good: it may come back with its tasks alive.
    unreachable: {
      on: { 'agent.opened': 'opening', 'operator.gone': givenUp },
    },
    // For good: it is no agent any more, and if it comes back it is refused.
    gone: { type: 'final' },
  },
})

export const agentStep = compileMachine<AgentState, AgentEvent, AgentAction>(
  agentMachine,
  AGENT_STATES,
  AGENT_EVENTS,
)
