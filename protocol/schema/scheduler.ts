/** What a framework's scheduler receives: events of the leader, statuses of agents, output. */
import Type, { type Static } from 'typebox'
import { OUTPUT_BYTES_MAX } from '../limits.ts'
import {
  AgentIdToken,
  Attribute,
  Epoch,
  HeardNumber,
  InstanceToken,
  LaunchToken,
  MasterIdToken,
  MessageNumber,
  ResourceList,
  Role,
  RunToken,
  SessionToken,
  Subscription,
  TaskIdToken,
  TaskStatus,
} from './common.ts'
import {
  bytes,
  durationMs,
  integer,
  item,
  list,
  message,
  oneOf,
  openWord,
  text,
  token,
  word,
} from './shapes.ts'

/** Resources of one agent for one role of one framework, until answered, rescinded or timed out. */
export type Offer = Static<typeof Offer>
export const Offer = message('Resources of one agent for one role.', {
  offerId: token<string>(),
  agentId: AgentIdToken,
  hostname: text(255, 1),
  role: Role,
  resources: ResourceList,
  attributes: list(Attribute, 256),
})

export type FrameworkEvent = Static<typeof FrameworkEvent>
export const FrameworkEvent = oneOf(
  item('subscribed', 'The subscription counts from now on; every offer made before is void.', {
    subscription: Subscription,
    master: MasterIdToken,
    version: integer(1, 1_000),
    pingMs: durationMs,
    pingsMissedMax: integer(1, 1_000),
    failoverMs: durationMs,
    /** The last launch before: what is accepted in this session is launched later. */
    lastLaunch: Type.Optional(LaunchToken),
  }),
  item('offers', 'These are offered.', { offers: list(Offer, 1024, 1) }),
  item('rescind', 'These offers are taken back.', {
    offers: list(token<string>(), 1024, 1),
    reason: openWord('timed-out', 'agent-lost', 'agent-changed', 'left-role', 'quota', 'weights'),
  }),
  item('status', 'A status that the leader made. Not acknowledged, not repeated.', {
    status: TaskStatus,
  }),
  item('failure', 'An agent was lost.', { agentId: AgentIdToken }),
  item('ping', 'Are you there?', {}),
  item('handed-over', 'The instance that held the framework has left: another may subscribe.', {}),
  item('error', 'This session is over.', {
    name: openWord('failed-over', 'torn-down', 'stale-session', 'not-subscribed'),
    message: text(1024),
    /** Failed over: the instance that holds the framework now, if it has said which it is. */
    instance: Type.Optional(InstanceToken),
  }),
)

/** leader → framework. At most once each. */
export type FrameworkEvents = Static<typeof FrameworkEvents>
export const FrameworkEvents = message('leader → framework: a list of events, in order.', {
  epoch: Epoch,
  run: RunToken,
  session: Type.Optional(SessionToken),
  n: Type.Optional(MessageNumber),
  heard: Type.Optional(HeardNumber),
  events: list(FrameworkEvent, 8192),
})

/** agent → framework, leader, whoever may listen. At least once, in order per task. */
export type StatusUpdates = Static<typeof StatusUpdates>
export const StatusUpdates = message('agent → all: statuses, in order per task.', {
  session: Type.Optional(SessionToken),
  n: Type.Optional(MessageNumber),
  /** The highest of the framework that the agent knows. Absent: none, or an older agent. */
  subscription: Type.Optional(Subscription),
  statuses: list(TaskStatus, 4096, 1),
})

/**
 * agent → the world, on demand. Lost pieces are asked for again by their offset. `data` begins at
 * `offset` or is empty: with `goneBytes` and `begunAnew`, which say where to read on, it always is.
 */
export type Output = Static<typeof Output>
export const Output = message(
  'A piece of output; with `goneBytes` or `begunAnew` it has no data.',
  {
    request: SessionToken,
    taskId: TaskIdToken,
    stream: word('stdout', 'stderr'),
    offset: integer(0, Number.MAX_SAFE_INTEGER),
    data: bytes(OUTPUT_BYTES_MAX),
    /** So many bytes from `offset` on were taken away, as there were too many. */
    goneBytes: Type.Optional(integer(0, Number.MAX_SAFE_INTEGER)),
    /** The stream is shorter than `offset`: it was begun anew, and so is reading. */
    begunAnew: Type.Optional(Type.Boolean()),
    /** Nothing follows: the task has ended and this is the end of what it wrote. */
    end: Type.Boolean(),
    /** There is no such output here. */
    missing: Type.Optional(Type.Boolean()),
  },
)

const count = Type.Optional(integer(0, Number.MAX_SAFE_INTEGER))

/**
 * agent → the world, on demand. What nobody counts on that machine is left out.
 */
export type TaskUsage = Static<typeof TaskUsage>
export const TaskUsage = message('What a task uses now.', {
  request: SessionToken,
  taskId: TaskIdToken,
  launch: Type.Optional(LaunchToken),
  /** The cpu time that it has had, of all cores together. */
  cpuMs: count,
  /** How long it was kept from running by its quota. */
  throttledMs: count,
  memBytes: count,
  memPeakBytes: count,
  /** Processes and threads. */
  pids: count,
  /** What its sandbox takes, with files that it holds open there without a name. */
  diskBytes: count,
  /** No such task runs here. */
  missing: Type.Optional(Type.Boolean()),
})
