/** The lifecycles of the master, whole: each table is read like a document when it changes. */
import test from 'ava'
import { type AnyStateMachine, transition } from 'xstate'
import {
  AGENT_EVENTS,
  AGENT_STATES,
  agentMachine,
  agentStep,
} from '../../../../actors/master/agent-machine.ts'
import {
  FRAMEWORK_EVENTS,
  FRAMEWORK_STATES,
  frameworkMachine,
  frameworkStep,
} from '../../../../actors/master/framework-machine.ts'
import {
  LEASE_EVENTS,
  LEASE_STATES,
  leaseMachine,
  leaseStep,
} from '../../../../actors/master/lease-machine.ts'

type Step = { readonly state: string; readonly actions: readonly string[] } | undefined

interface Lifecycle {
  readonly name: string
  readonly machine: AnyStateMachine
  readonly states: readonly string[]
  readonly events: readonly string[]
  readonly step: (state: string, event: string) => Step
  readonly rows: number
}

const lifecycles: readonly Lifecycle[] = [
  {
    name: 'lease',
    machine: leaseMachine,
    states: LEASE_STATES,
    events: LEASE_EVENTS,
    step: leaseStep as Lifecycle['step'],
    rows: 35,
  },
  {
    name: 'agent',
    machine: agentMachine,
    states: AGENT_STATES,
    events: AGENT_EVENTS,
    step: agentStep as Lifecycle['step'],
    rows: 81,
  },
  {
    name: 'framework',
    machine: frameworkMachine,
    states: FRAMEWORK_STATES,
    events: FRAMEWORK_EVENTS,
    step: frameworkStep as Lifecycle['step'],
    rows: 30,
  },
]

/** What XState itself says of one pair. */
function stepOfMachine(machine: AnyStateMachine, state: string, event: string): Step {
  const from = machine.resolveState({ value: state, context: undefined })
  const [to, actions] = transition(machine, from, { type: event })
  const isIllegal = !from.can({ type: event })
  return isIllegal
    ? undefined
    : { state: String(to.value), actions: actions.map(({ type }) => type) }
}

const sorted = (words: readonly string[]): readonly string[] =>
  [...words].sort((a, b) => a.localeCompare(b))

for (const { name, machine, states, events, step, rows } of lifecycles) {
  const pairs = states.flatMap((state) => events.map((event) => [state, event] as const))

  test(`the table of the ${name}: every state and event`, (t) => {
    const table = pairs.map(([state, event]) => {
      const next = step(state, event)
      const to = next === undefined ? 'illegal' : [next.state, ...next.actions].join(', ')
      return `${state} + ${event} → ${to}`
    })
    t.is(table.length, rows)
    t.snapshot(table)
  })

  test(`the compiled table of the ${name} says what its machine says`, (t) => {
    for (const [state, event] of pairs) {
      t.deepEqual(step(state, event), stepOfMachine(machine, state, event), `${state} + ${event}`)
    }
  })

  test(`the ${name}'s machine has no state and no event that its table lacks`, (t) => {
    t.deepEqual(sorted(Object.keys(machine.states)), sorted(states))
    t.deepEqual(sorted(machine.events), sorted(events))
  })
}
