/** What the agent receives: orders of the leader, acknowledgements of frameworks. */
import Type, { type Static } from 'typebox'
import { OUTPUT_BYTES_MAX } from '../limits.ts'
import { UUID_PATTERN } from '../patterns.ts'
import {
  Epoch,
  Fence,
  FrameworkIdToken,
  HeardNumber,
  LaunchToken,
  MessageNumber,
  PrincipalToken,
  Role,
  RunToken,
  SessionToken,
  Subscription,
  TaskIdToken,
  TaskInfo,
} from './common.ts'
import { SendSandbox } from './sandbox.ts'
import { durationMs, integer, item, list, message, oneOf, openWord, text, word } from './shapes.ts'

const framework = { principal: PrincipalToken, frameworkId: FrameworkIdToken }
const taskRef = { ...framework, taskId: TaskIdToken, launch: LaunchToken }

/** One task of one framework at an agent: what both sides call it by. */
export type TaskRef = Static<typeof TaskRef>
export const TaskRef = message('One launch of one task.', taskRef)

/**
 * A leader that has taken over asks an agent that it knows to open a session. Outside of sessions.
 */
export const Invite = item('invite', 'Open a session with me.', {})

/**
 * Confirms the session of the envelope, after the last page of the agent's snapshot. The agent
 * answers for each of `missing` with a status of its own: DROPPED if it never reported one, else
 * GONE. Longer lists go on in `missing` orders.
 */
export const Registered = item('registered', 'The session is confirmed.', {
  version: integer(1, 1_000),
  pingMs: durationMs,
  pingsMissedMax: integer(1, 1_000),
  frameworks: list(
    message('Its current subscription.', { ...framework, subscription: Subscription }),
    2048,
  ),
})

/**
 * Tasks that the leader had sent and the snapshot lacks. `reported`: the agent has told of it,
 * which after a power cut it may not know.
 */
export type Missing = Static<typeof Missing>
export const Missing = item('missing', 'Tasks that the snapshot lacks.', {
  tasks: list(
    message('A launch that is missing.', { ...taskRef, reported: Type.Optional(Type.Boolean()) }),
    1024,
  ),
})

/**
 * The leader does not take the agent; it may try again when `retryMs` stands. `gone`: an operator
 * said that it will not come back, and its frameworks were told that its tasks are over: it ends
 * them. `taken`: the other agent of that id is heard, or was a moment ago.
 */
export const NotRegistered = item('not-registered', 'The registration is refused.', {
  reason: openWord('no-common-version', 'malformed-snapshot', 'gone', 'taken'),
  message: text(1024),
  retryMs: Type.Optional(durationMs),
})

/**
 * Start these tasks, all of one accept. At most once: a launch that the agent has seen is ignored.
 * The outcome is the first status. Of a group each names the launch of its first: they are started
 * together or not at all, and when one has ended badly the others are killed. Refused as a whole
 * (each task DROPPED, RESOURCES_STALE) when `resourcesVersion` is not the agent's.
 */
export type Run = Static<typeof Run>
export const Run = item('run', 'Start these tasks.', {
  ...framework,
  subscription: Subscription,
  role: Role,
  resourcesVersion: integer(0, Number.MAX_SAFE_INTEGER),
  tasks: list(
    message('One launch.', {
      launch: LaunchToken,
      task: TaskInfo,
      group: Type.Optional(LaunchToken),
    }),
    4096,
    1,
  ),
})

/**
 * Stop this task: SIGTERM now, SIGKILL after the grace. May be repeated; a repeat only shortens.
 * With a `launch` only that one: another of the same task id goes on.
 */
export type Kill = Static<typeof Kill>
export const Kill = item('kill', 'Stop this task.', {
  ...framework,
  taskId: TaskIdToken,
  launch: Type.Optional(LaunchToken),
  graceMs: Type.Optional(integer(0, 3_600_000)),
})

/** A framework has subscribed: send it the heads of its streams again, at once. */
export const FrameworkSubscribed = item('framework-subscribed', 'Send your heads again.', {
  ...framework,
  subscription: Subscription,
})

/**
 * The framework is over: kill its tasks, forget its streams, answer `torn-down`. May be repeated.
 */
export const TearDown = item('tear-down', 'The framework is over.', framework)

/**
 * Are you there? Answered by a `pong`. The next one comes about `nextMs` later, or the `pingMs` of
 * the session if that is left out. One that is not answered is repeated after `pingMs`.
 */
export const Ping = item('ping', 'Are you there? The next one comes after `nextMs`, or `pingMs`.', {
  nextMs: Type.Optional(durationMs),
})

/**
 * Send output of a task on `<c>.log.<a>.<p>.<f>`, from `offset`, at most `bytesMax`; when there is
 * none yet, wait up to `waitMs` for some. `request` comes back with the answer.
 */
export type SendOutput = Static<typeof SendOutput>
export const SendOutput = item('send-output', 'Publish output of a task.', {
  ...framework,
  taskId: TaskIdToken,
  /** Absent: the newest launch of the task. */
  launch: Type.Optional(LaunchToken),
  stream: word('stdout', 'stderr'),
  offset: integer(0, Number.MAX_SAFE_INTEGER),
  bytesMax: integer(1, OUTPUT_BYTES_MAX),
  waitMs: integer(0, 60_000),
  request: SessionToken,
})

/**
 * Send what a task uses now on `<c>.usage.<a>.<p>.<f>`, once. `request` comes back with the answer.
 */
export type SendUsage = Static<typeof SendUsage>
export const SendUsage = item('send-usage', 'Publish what a task uses.', {
  ...framework,
  taskId: TaskIdToken,
  request: SessionToken,
})

export type AgentOrder = Static<typeof AgentOrder>
export const AgentOrder = oneOf(
  Invite,
  Registered,
  Missing,
  NotRegistered,
  Run,
  Kill,
  FrameworkSubscribed,
  TearDown,
  Ping,
  SendOutput,
  SendSandbox,
  SendUsage,
)

/** leader → agent. At most once each; `session` and `n` stand in all but `invite`. */
export type AgentOrders = Static<typeof AgentOrders>
export const AgentOrders = message('leader → agent: a list of orders, obeyed in order.', {
  epoch: Epoch,
  run: RunToken,
  session: Type.Optional(SessionToken),
  n: Type.Optional(MessageNumber),
  heard: Type.Optional(HeardNumber),
  orders: list(AgentOrder, 8192),
})

/** framework → agent. At most once: an unacknowledged status comes again. */
export type Acknowledgements = Static<typeof Acknowledgements>
export const Acknowledgements = message('framework → agent: these statuses were received.', {
  subscription: Type.Optional(Subscription),
  acks: list(
    message('One status.', {
      taskId: TaskIdToken,
      uuid: Type.String({ pattern: UUID_PATTERN }),
      launch: Type.Optional(LaunchToken),
    }),
    4096,
    1,
  ),
})

/**
 * A receiver of a leader's message knows a higher leader, and says which, and of what it refused.
 */
export type Complaint = Static<typeof Complaint>
export const Complaint = item('complaint', 'You are not the highest leader that I know.', {
  highest: Fence,
  refused: Fence,
})
