/**
 * One task's life, as master, agent and scheduler all see it. An event that a state does not list
 * is illegal there: it is counted and changes nothing.
 *
 * Statuses are ordered by their number before they get here; the machine only says which state may
 * follow which. `hold` and `release` are the bookkeeping of what the task holds of its agent.
 */
import { setup } from 'xstate'
import { compileMachine } from './machine-table.ts'
import type { TaskState } from './task-state.ts'

/** The states that occur in Bourse, in the order of a task's life. */
export const MACHINE_STATES = [
  'TASK_UNKNOWN',
  'TASK_STAGING',
  'TASK_STARTING',
  'TASK_RUNNING',
  'TASK_KILLING',
  'TASK_UNREACHABLE',
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
  'TASK_DROPPED',
  'TASK_GONE',
  'TASK_GONE_BY_OPERATOR',
] as const satisfies readonly TaskState[]
export type MachineState = (typeof MACHINE_STATES)[number]

export const TASK_EVENTS = [
  'launch',
  'status.staging',
  'status.starting',
  'status.running',
  'status.killing',
  'status.finished',
  'status.failed',
  'status.killed',
  'status.error',
  'status.dropped',
  'status.gone',
  'agent.unreachable',
  'agent.gone-by-operator',
] as const
export type TaskEvent = (typeof TASK_EVENTS)[number]
export type TaskAction = 'hold' | 'release'

/** An end that comes while the task holds something. */
const ends = {
  'status.finished': { target: 'TASK_FINISHED', actions: 'release' },
  'status.failed': { target: 'TASK_FAILED', actions: 'release' },
  'status.killed': { target: 'TASK_KILLED', actions: 'release' },
  'status.error': { target: 'TASK_ERROR', actions: 'release' },
  'status.dropped': { target: 'TASK_DROPPED', actions: 'release' },
  'status.gone': { target: 'TASK_GONE', actions: 'release' },
  'agent.unreachable': { target: 'TASK_UNREACHABLE', actions: 'release' },
  'agent.gone-by-operator': { target: 'TASK_GONE_BY_OPERATOR', actions: 'release' },
} as const

/** What an agent says of a task for which nothing is held (yet, or since it was unreachable). */
const reported = {
  'status.staging': { target: 'TASK_STAGING', actions: 'hold' },
  'status.starting': { target: 'TASK_STARTING', actions: 'hold' },
  'status.running': { target: 'TASK_RUNNING', actions: 'hold' },
  'status.killing': { target: 'TASK_KILLING', actions: 'hold' },
  'status.finished': 'TASK_FINISHED',
  'status.failed': 'TASK_FAILED',
  'status.killed': 'TASK_KILLED',
  'status.error': 'TASK_ERROR',
  'status.dropped': 'TASK_DROPPED',
  'status.gone': 'TASK_GONE',
} as const

const ended = { type: 'final' } as const

export const taskMachine = setup({
  types: { events: {} as { readonly type: TaskEvent } },
  actions: { hold: () => {}, release: () => {} },
}).createMachine({
  id: 'task',
  initial: 'TASK_UNKNOWN',
  states: {
    // Not known here: before its launch, or after a new leader has lost sight of it. A framework
    // that has just started may hear of its agent's fate first.
    TASK_UNKNOWN: {
      on: {
        launch: { target: 'TASK_STAGING', actions: 'hold' },
        ...reported,
        'agent.unreachable': 'TASK_UNREACHABLE',
        'agent.gone-by-operator': 'TASK_GONE_BY_OPERATOR',
      },
    },
    // Sent to the agent; no word from there yet.
    TASK_STAGING: {
      on: {
        'status.staging': 'TASK_STAGING',
        'status.starting': 'TASK_STARTING',
        'status.running': 'TASK_RUNNING',
        'status.killing': 'TASK_KILLING',
        ...ends,
      },
    },
    TASK_STARTING: {
      on: {
        'status.starting': 'TASK_STARTING',
        'status.running': 'TASK_RUNNING',
        'status.killing': 'TASK_KILLING',
        ...ends,
      },
    },
    // Reported again when something about it has changed.
    TASK_RUNNING: {
      on: { 'status.running': 'TASK_RUNNING', 'status.killing': 'TASK_KILLING', ...ends },
    },
    TASK_KILLING: {
      on: { 'status.killing': 'TASK_KILLING', ...ends },
    },
    // Not terminal: the agent may come back with the task alive. Meanwhile nothing is held for it.
    TASK_UNREACHABLE: {
      on: { ...reported, 'agent.gone-by-operator': 'TASK_GONE_BY_OPERATOR' },
    },
    TASK_FINISHED: ended,
    TASK_FAILED: ended,
    TASK_KILLED: ended,
    TASK_ERROR: ended,
    TASK_DROPPED: ended,
    TASK_GONE: ended,
    TASK_GONE_BY_OPERATOR: ended,
  },
})

/** The machine as a table. */
export const taskStep = compileMachine<MachineState, TaskEvent, TaskAction>(
  taskMachine,
  MACHINE_STATES,
  TASK_EVENTS,
)

const EVENT_OF_STATE: Partial<Record<TaskState, TaskEvent>> = {
  TASK_STAGING: 'status.staging',
  TASK_STARTING: 'status.starting',
  TASK_RUNNING: 'status.running',
  TASK_KILLING: 'status.killing',
  TASK_FINISHED: 'status.finished',
  TASK_FAILED: 'status.failed',
  TASK_KILLED: 'status.killed',
  TASK_ERROR: 'status.error',
  TASK_DROPPED: 'status.dropped',
  TASK_GONE: 'status.gone',
  TASK_UNREACHABLE: 'agent.unreachable',
  TASK_GONE_BY_OPERATOR: 'agent.gone-by-operator',
}

/** The event that a status of `state` is; undefined for TASK_UNKNOWN and TASK_LOST. */
export function taskEventOf(state: TaskState): TaskEvent | undefined {
  return EVENT_OF_STATE[state]
}
