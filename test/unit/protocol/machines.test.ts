import test from 'ava'
import { type AnyStateMachine, transition } from 'xstate'
import type { MachineTable } from '../../../protocol/machine-table.ts'
import {
  OFFER_EVENTS,
  OFFER_STATES,
  offerMachine,
  offerStep,
} from '../../../protocol/offer-machine.ts'
import {
  MACHINE_STATES,
  TASK_EVENTS,
  taskEventOf,
  taskMachine,
  taskStep,
} from '../../../protocol/task-machine.ts'
import { isTerminal, TASK_STATES, TERMINAL_STATES } from '../../../protocol/task-state.ts'

interface Table<S extends string, E extends string> {
  readonly states: readonly S[]
  readonly events: readonly E[]
  readonly step: MachineTable<S, E, string>
}

/** `STATE + event → STATE, action`, for every state and event. */
function rowsOf<S extends string, E extends string>({ states, events, step }: Table<S, E>) {
  return states.flatMap((state) =>
    events.map((event) => {
      const next = step(state, event)
      const outcome = next === undefined ? 'illegal' : [next.state, ...next.actions].join(', ')
      return `${state} + ${event} → ${outcome}`
    }),
  )
}

/** The same, asked of XState itself. */
function rowsOfMachine(
  machine: AnyStateMachine,
  states: readonly string[],
  events: readonly string[],
) {
  return states.flatMap((state) =>
    events.map((type) => {
      const from = machine.resolveState({ value: state, context: undefined })
      const [to, actions] = transition(machine, from, { type })
      const words = [to.value as string, ...actions.map((action) => action.type)]
      return `${state} + ${type} → ${from.can({ type }) ? words.join(', ') : 'illegal'}`
    }),
  )
}

const task = { states: MACHINE_STATES, events: TASK_EVENTS, step: taskStep }
const offer = { states: OFFER_STATES, events: OFFER_EVENTS, step: offerStep }

test('the whole task machine: 13 states × 13 events', (t) => {
  const rows = rowsOf(task)
  t.is(rows.length, 169)
  t.snapshot(rows)
})

test('the whole offer machine: 5 states × 9 events', (t) => {
  const rows = rowsOf(offer)
  t.is(rows.length, 45)
  t.snapshot(rows)
})

test('the compiled tables are the machines', (t) => {
  t.deepEqual(rowsOf(task), rowsOfMachine(taskMachine, MACHINE_STATES, TASK_EVENTS))
  t.deepEqual(rowsOf(offer), rowsOfMachine(offerMachine, OFFER_STATES, OFFER_EVENTS))
})

test('the tables hold every state and event that the machines have', (t) => {
  t.deepEqual([...MACHINE_STATES].sort(), Object.keys(taskMachine.states).sort())
  t.deepEqual([...TASK_EVENTS].sort(), [...taskMachine.events].sort())
  t.deepEqual([...OFFER_STATES].sort(), Object.keys(offerMachine.states).sort())
  t.deepEqual([...OFFER_EVENTS].sort(), [...offerMachine.events].sort())
})

test('a terminal state is left by no event, any other by some', (t) => {
  for (const state of MACHINE_STATES) {
    const isLeft = TASK_EVENTS.some((event) => taskStep(state, event) !== undefined)
    t.is(isLeft, !isTerminal(state), state)
  }
})

test('what is held is released exactly once, on every way through the machine', (t) => {
  // Held in these, not held in the others: then every hold and release changes that.
  const held = new Set(['TASK_STAGING', 'TASK_STARTING', 'TASK_RUNNING', 'TASK_KILLING'])
  for (const state of MACHINE_STATES) {
    for (const event of TASK_EVENTS) {
      const next = taskStep(state, event)
      if (next === undefined) continue
      const change = Number(held.has(next.state)) - Number(held.has(state))
      const said = { '1': ['hold'], '0': [], '-1': ['release'] }[change]
      t.deepEqual([...next.actions], said, `${state} + ${event}`)
    }
  }
})

test('an offer releases what it holds when it ends, however it ends', (t) => {
  for (const event of OFFER_EVENTS) {
    t.true(offerStep('outstanding', event)?.actions.includes('release'), event)
  }
})

test('a status of a state is an event that leads there', (t) => {
  for (const state of TASK_STATES) {
    const event = taskEventOf(state)
    if (event === undefined) t.true(['TASK_UNKNOWN', 'TASK_LOST'].includes(state))
    else {
      const reaches = MACHINE_STATES.some((from) => taskStep(from, event)?.state === state)
      t.true(reaches, state)
    }
  }
})

test('terminal states are those that a task never leaves', (t) => {
  t.is(TASK_STATES.length, 14)
  t.is(TERMINAL_STATES.length, 8)
  t.false(isTerminal('TASK_UNREACHABLE'))
})
