/**
 * A machine as a flat table: a transition of XState costs microseconds, a look-up nanoseconds. A
 * test holds each table to its machine for every state and event.
 */
import { type AnyStateMachine, transition } from 'xstate'

export interface Step<State extends string, Action extends string> {
  readonly state: State
  readonly actions: readonly Action[]
}

/** `undefined`: the event is illegal in that state; nothing changes and it is counted. */
export type MachineTable<State extends string, Event extends string, Action extends string> = (
  state: State,
  event: Event,
) => Step<State, Action> | undefined

/** Compiles a machine without guards and nested states: it is asked once for each pair. */
export function compileMachine<State extends string, Event extends string, Action extends string>(
  machine: AnyStateMachine,
  states: readonly State[],
  events: readonly Event[],
): MachineTable<State, Event, Action> {
  const table = new Map<State, Map<Event, Step<State, Action>>>()
  for (const state of states) {
    const row = new Map<Event, Step<State, Action>>()
    for (const event of events) {
      const from = machine.resolveState({ value: state, context: undefined })
      if (!from.can({ type: event })) continue
      const [to, actions] = transition(machine, from, { type: event })
      row.set(event, {
        state: to.value as State,
        actions: actions.map((action) => action.type as Action),
      })
    }
    table.set(state, row)
  }
  return (state, event) => table.get(state)?.get(event)
}
