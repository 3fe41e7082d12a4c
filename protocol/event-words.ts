/** What the world may hear of: the kinds of public events, and the last word of their subjects. */
import { TASK_STATES, type TaskState } from './task-state.ts'

/** By kind and word: what has happened, and which fields of the event say more. */
export const EVENT_WORDS = {
  master: {
    leads: 'A master leads from now on: `name`.',
  },
  allocator: {
    'policy-failed':
      'The policy of the allocator, `name`, was no good; it goes on with the default one.',
  },
  agent: {
    registered:
      'An agent is there: a new one, one that was away, or a known one after a takeover. `name` is its host.',
    stopped: 'An agent was stopped. Its tasks run on; nothing of it is offered until it is back.',
    unreachable: 'An agent has not answered for long. What becomes of its tasks is told for each.',
    left: 'An agent was stopped for good. What becomes of its tasks is told for each.',
    gone: 'An operator, `principal`, has said that an agent will not come back. Its tasks are over.',
  },
  role: {
    'quota-set': 'An operator, `principal`, has set the quota of `role`: `guarantee` and `limit`.',
    'weight-set': 'An operator, `principal`, has set the weight of `role`: `weight`.',
  },
  framework: {
    subscribed: 'A framework is there, or there again: `name`.',
    updated: 'A framework has changed what it subscribed with: `message` names the fields.',
    away: 'A framework does not answer. Its tasks run on until its failover is over.',
    ended: 'A framework was torn down. Its tasks are killed.',
  },
  offer: {
    accepted: 'A framework has used `offers` of one agent and launched so many `tasks`.',
  },
  task: {
    staging: 'A task was sent to its agent. `name` is what its framework calls it.',
    starting: 'Its agent has begun to start it.',
    running:
      'It runs. Again when `status.healthy` has changed, but that it is ill no more than once a minute, and when it listens on ports of others.',
    killing: 'Its agent is ending it.',
    finished: 'It ended with exit status 0.',
    failed: 'It ended otherwise: see `status.exit` and `status.message`.',
    killed: 'It was ended on request, or with its framework.',
    error: 'It was refused: its description is not valid.',
    dropped: 'It was never started.',
    unreachable: 'Nobody knows how it is: its agent does not answer.',
    gone: 'Its agent does not know it any more.',
    'gone-by-operator': 'An operator said that its agent will not come back.',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>

export type EventKind = keyof typeof EVENT_WORDS
export type EventWord<Kind extends EventKind> = keyof (typeof EVENT_WORDS)[Kind] & string

/** The words of tasks are their states. */
export type TaskWord = EventWord<'task'>

/** `TASK_GONE_BY_OPERATOR` is `gone-by-operator`. Undefined: a state that is told to nobody. */
export const taskWordOf = (state: TaskState): TaskWord | undefined => WORD_OF.get(state)

const WORD_OF: ReadonlyMap<TaskState, TaskWord> = new Map(
  TASK_STATES.flatMap((state) => {
    const word = state.slice('TASK_'.length).toLowerCase().replaceAll('_', '-')
    return word in EVENT_WORDS.task ? [[state, word as TaskWord]] : []
  }),
)
