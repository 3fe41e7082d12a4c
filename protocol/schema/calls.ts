/**
 * What frameworks ask of the master, one message a call, by verb. Each works as a plain publish and
 * as a request. `session`, `n`, `call`, `epoch` and `version` may be left out: such a call counts
 * for the current session.
 */
import Type, { type Static } from 'typebox'
import {
  ACCEPT_TASKS_MAX,
  CALL_OFFERS_MAX,
  NOT_LAUNCHED_MAX,
  OUTPUT_BYTES_MAX,
  RECONCILE_TASKS_MAX,
  ROLES_MAX,
} from '../limits.ts'
import { SECRET_PATTERN } from '../patterns.ts'
import {
  AgentIdToken,
  Epoch,
  Fence,
  frameworkTerms,
  InstanceLease,
  InstanceToken,
  KnownCapabilities,
  LaunchToken,
  MessageNumber,
  Role,
  SessionToken,
  TaskIdToken,
  TaskInfo,
  VersionRange,
} from './common.ts'
import { durationMs, integer, item, list, message, oneOf, text, token, word } from './shapes.ts'

/** What every call may carry. */
const header = {
  session: Type.Optional(SessionToken),
  n: Type.Optional(MessageNumber),
  /** A repeated call of the same id gets its first answer. */
  call: Type.Optional(SessionToken),
  /** The leader that the caller means. */
  epoch: Type.Optional(Epoch),
}

/** How long what was declined stays away: absent 5 s, 0 only a second. */
const refuseMs = Type.Optional(durationMs)

/**
 * Starts or takes over the framework. The first secret binds: another is 409. Everything that may
 * change is taken from here each time. `session` opens a session; without one, calls are
 * unnumbered.
 *
 * Who names an `instance` is refused as `held`, with `retryMs`, while another process holds the
 * framework: its lease counts from the last call that was heard of it. Without one the newest wins.
 */
export type Subscribe = Static<typeof Subscribe>
export const Subscribe = message('Starts or takes over the framework.', {
  ...header,
  secret: Type.String({ pattern: SECRET_PATTERN }),
  version: Type.Optional(VersionRange),
  name: text(256, 1),
  /** Absent: `*`. */
  roles: Type.Optional(list(Role, ROLES_MAX, 1)),
  suppressed: Type.Optional(list(Role, ROLES_MAX)),
  /** How long its tasks outlive its absence. Absent: 10 min. */
  failoverMs: Type.Optional(durationMs),
  /** Which of several processes of the framework this is. Needs `session`. */
  instance: Type.Optional(InstanceToken),
  /** With `instance`, how long it holds the framework after it was last heard. Absent: 5 s. */
  leaseMs: Type.Optional(InstanceLease),
  /** The framework was there, as the sender knows: if there is none now, it was torn down. */
  known: Type.Optional(Type.Boolean()),
  ...frameworkTerms,
  capabilities: Type.Optional(KnownCapabilities),
})

/**
 * Changes what was subscribed with; what is absent stays. All of it, or nothing. Offers of a role
 * that is left are rescinded, others stay; a role that is suppressed no longer is asked again at
 * once, whatever it declined. `capabilities`, `constraints` and `minAllocatable` are replaced, each
 * as a whole.
 */
export type UpdateFramework = Static<typeof UpdateFramework>
export const UpdateFramework = message('Changes what was subscribed with.', {
  ...header,
  name: Type.Optional(text(256, 1)),
  roles: Type.Optional(list(Role, ROLES_MAX, 1)),
  suppressed: Type.Optional(list(Role, ROLES_MAX)),
  failoverMs: Type.Optional(durationMs),
  ...frameworkTerms,
  capabilities: Type.Optional(KnownCapabilities),
})

/** What is done with offers, in order. */
export const OfferOperation = oneOf(
  item('launch', 'Start these; the bad ones are TASK_ERROR, the others run.', {
    tasks: list(TaskInfo, ACCEPT_TASKS_MAX, 1),
  }),
  item(
    'launch-group',
    'Start all of these or none; when one has ended badly, the others are killed.',
    {
      tasks: list(TaskInfo, ACCEPT_TASKS_MAX, 1),
    },
  ),
)

/**
 * Uses offers of one agent and role. What is left over counts as declined. All offers are used, or
 * none: if one is gone, or they are of several agents or roles, the tasks are TASK_DROPPED, whose
 * message says which offer is at fault, and those that were held return without a filter.
 */
export type Accept = Static<typeof Accept>
export const Accept = message('Uses offers of one agent and role.', {
  ...header,
  offers: list(token<string>(), CALL_OFFERS_MAX, 1),
  operations: list(OfferOperation, 64),
  refuseMs,
})

/** `message` says where and how the task of that id is. */
export type NotLaunched = Static<typeof NotLaunched>
export const NotLaunched = message('A task that was not launched.', {
  taskId: TaskIdToken,
  message: text(512),
})

/**
 * Answers an accept. `notLaunched`: tasks whose id is in use, by one that lives, or whose end is
 * not acknowledged yet. No status of theirs is made, for it would be taken for the other's; the
 * newest known status of that one is sent again, as reconcile answers, with the same message. Of a
 * group with such a task none is launched: the others are TASK_ERROR.
 */
export type AcceptAnswer = Static<typeof AcceptAnswer>
export const AcceptAnswer = message('Answers an accept.', {
  /** Absent: none. */
  notLaunched: Type.Optional(list(NotLaunched, NOT_LAUNCHED_MAX, 1)),
})

/** Gives offers back. Unknown ones are passed over. */
export type Decline = Static<typeof Decline>
export const Decline = message('Gives offers back.', {
  ...header,
  offers: list(token<string>(), CALL_OFFERS_MAX, 1),
  refuseMs,
  /** Why, for whoever asks. */
  reason: Type.Optional(text(256)),
})

/** Offers again, at once, for these roles (absent: all); their filters are cleared. */
export type Revive = Static<typeof Revive>
export const Revive = message('Wants offers again.', {
  ...header,
  roles: Type.Optional(list(Role, ROLES_MAX)),
})

/** No offers for these roles (absent: all) until revived. */
export type Suppress = Static<typeof Suppress>
export const Suppress = message('Wants no offers.', {
  ...header,
  roles: Type.Optional(list(Role, ROLES_MAX)),
})

/**
 * Stops a task. The outcome is a status. An unknown task is answered as by reconcile, and if an
 * agent may still bring it, so many kills are remembered: whoever is told later that it runs on
 * says it again. A repeat does not lengthen the grace.
 *
 * Who names a `launch` means no later one of the id, alive or brought by an agent: of that it hears
 * as who reconciles with an earlier launch, and of its own how it ended, if that is remembered.
 */
export type KillTask = Static<typeof KillTask>
export const KillTask = message('Stops a task.', {
  ...header,
  taskId: TaskIdToken,
  agentId: Type.Optional(AgentIdToken),
  /** As a status said. Absent: whatever has the id. */
  launch: Type.Optional(LaunchToken),
  graceMs: Type.Optional(integer(0, 3_600_000)),
})

/** Asks for the newest known state of each of `tasks`; none: of all that the leader knows. */
export type Reconcile = Static<typeof Reconcile>
export const Reconcile = message('Asks what has become of tasks.', {
  ...header,
  tasks: list(
    message('One task and where it should be.', {
      taskId: TaskIdToken,
      agentId: Type.Optional(AgentIdToken),
      /** As a status said. With it a leader may say how the task ended, if that is long over. */
      launch: Type.Optional(LaunchToken),
    }),
    RECONCILE_TASKS_MAX,
  ),
})

/**
 * Ends the framework: its tasks are killed, its id is burnt until all its agents have confirmed.
 * Then whoever subscribes with it is a new framework.
 */
export type Teardown = Static<typeof Teardown>
export const Teardown = message('Ends the framework.', header)

/** I am here. Any call counts as one. */
export type PongCall = Static<typeof PongCall>
export const PongCall = message('I am here.', header)

/**
 * I leave, for now: offers are free at once, tasks live on for `failoverMs`, and another instance
 * may subscribe.
 */
export type HandOver = Static<typeof HandOver>
export const HandOver = message('I leave, for now.', header)

/** Why do I wait? Answered by `OwnExplanation`, as soon as the allocator has said what it knows. */
export type ExplainCall = Static<typeof ExplainCall>
export const ExplainCall = message('Why do I wait?', header)

/** Asks for output of a task; it comes on `<c>.log.<a>.<p>.<f>`. */
export type ReadOutput = Static<typeof ReadOutput>
export const ReadOutput = message('Asks for output of a task.', {
  ...header,
  taskId: TaskIdToken,
  agentId: AgentIdToken,
  stream: word('stdout', 'stderr'),
  offset: integer(0, Number.MAX_SAFE_INTEGER),
  bytesMax: integer(1, OUTPUT_BYTES_MAX),
  waitMs: integer(0, 60_000),
  request: SessionToken,
})

/** A framework refuses a leader's message: it knows a higher one. */
export type ComplainCall = Static<typeof ComplainCall>
export const ComplainCall = message('You are not the highest leader that I know.', {
  highest: Fence,
  refused: Fence,
})
