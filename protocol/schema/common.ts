/** What several receivers' messages are made of. */
import Type, { type Static } from 'typebox'
import type {
  AgentId,
  DirectoryId,
  FrameworkId,
  InstanceId,
  Launch,
  MasterId,
  Principal,
  RunId,
  SessionId,
  TaskId,
} from '../ids.ts'
import {
  CAPABILITIES_MAX,
  CONSTRAINTS_MAX,
  EPOCH_JUMP_MAX,
  EXPRESSION_LENGTH_MAX,
  INSTANCE_LEASE_MS_MAX,
  INSTANCE_LEASE_MS_MIN,
  MIN_ALLOCATABLE_MAX,
  QUANTITIES_MAX,
  RESOURCE_ENTRIES_MAX,
  RESOURCE_PARTS_MAX,
  ROLES_MAX,
  SCALAR_MAX,
  SUM_MAX,
  WEIGHT_MAX,
  WEIGHT_MIN,
} from '../limits.ts'
import {
  LABEL_PATTERN,
  NO_NUL_PATTERN,
  RESOURCE_NAME_PATTERN,
  ROLE_PATTERN,
  USER_PATTERN,
  UUID_PATTERN,
  VARIABLE_PATTERN,
} from '../patterns.ts'
import { TASK_STATES } from '../task-state.ts'
import {
  bits64,
  DURATION_MS_MAX,
  integer,
  list,
  message,
  openWord,
  record,
  text,
  timeAtMs,
  token,
  word,
} from './shapes.ts'
import { Check, CheckResult, HealthCheck, words } from './task-checks.ts'
import { TaskContainer } from './task-container.ts'
import { TaskLinux, TaskRlimits } from './task-linux.ts'

export const AgentIdToken = token<AgentId>()
export const FrameworkIdToken = token<FrameworkId>()
export const PrincipalToken = token<Principal>()
export const TaskIdToken = token<TaskId>()
export const LaunchToken = token<Launch>()
export const MasterIdToken = token<MasterId>()
export const RunToken = bits64<RunId>()
export const SessionToken = bits64<SessionId>()
export const DirectoryToken = bits64<DirectoryId>()
export const InstanceToken = token<InstanceId>()
/** How long an instance holds its framework after it was last heard. */
export const InstanceLease = integer(INSTANCE_LEASE_MS_MIN, INSTANCE_LEASE_MS_MAX)
/** `*`, or a path like `a/b`; no component is empty, `.`, `..` or `*`; no white space. */
export const Role = Type.String({
  pattern: ROLE_PATTERN,
  maxLength: 256,
})

/** 2⁵³−1 less one jump: a claimed epoch can always be topped. */
export const Epoch = integer(0, Number.MAX_SAFE_INTEGER - EPOCH_JUMP_MAX)

/** The number of a message within its session; the open is 1. */
export const MessageNumber = integer(1, Number.MAX_SAFE_INTEGER)

/** The number of the last message heard in this session; 0: none. */
export const HeardNumber = integer(0, Number.MAX_SAFE_INTEGER)

/** Which leader speaks. Receivers remember the highest and refuse lower ones. */
export type Fence = Static<typeof Fence>
export const Fence = message('Which leader: ordered by epoch; one epoch has one run.', {
  epoch: Epoch,
  run: RunToken,
})

/** The protocol versions that somebody speaks, both ends included. */
export type VersionRange = Static<typeof VersionRange>
export const VersionRange = message('The versions spoken, both ends included.', {
  min: integer(1, 1_000),
  max: integer(1, 1_000),
})

/**
 * The ordered pair that a leader gives to each subscription of a framework: by epoch, then count.
 * Acknowledgements of the highest that an agent knows, or a higher one, are obeyed.
 */
export type Subscription = Static<typeof Subscription>
export const Subscription = message('Given by the leader; ordered by epoch, then count.', {
  epoch: Epoch,
  count: integer(1, Number.MAX_SAFE_INTEGER),
})

/** Where a status stands among all of its agent: by incarnation, then count. */
export type StatusNumber = Static<typeof StatusNumber>
export const StatusNumber = message('Ordered by incarnation, then count.', {
  incarnation: integer(0, Number.MAX_SAFE_INTEGER),
  count: integer(0, Number.MAX_SAFE_INTEGER),
})

const Labels = record(LABEL_PATTERN, text(1024), 128)

const Reservation = message('One level of a stack of reservations; the last is the current.', {
  role: Role,
  principal: Type.Optional(PrincipalToken),
  labels: Type.Optional(Labels),
})

const Disk = message('What makes a disk more than so many MiB.', {
  source: Type.Optional(
    message('Where it lies. Absent: below the work directory.', {
      type: word('path', 'mount'),
      root: text(4096, 1),
    }),
  ),
  volume: Type.Optional(
    message('A volume that outlives its task.', { id: token<string>(), principal: PrincipalToken }),
  ),
})

/** Decimal, rounded to three places. */
const Scalar = Type.Number({ minimum: 0, maximum: SCALAR_MAX })
const RangeEnd = integer(0, Number.MAX_SAFE_INTEGER)

/**
 * One resource. Exactly one of `scalar`, `ranges` and `set` stands; `cpus`, `mem` (MiB), `disk`.
 */
export type ResourceEntry = Static<typeof ResourceEntry>
export const ResourceEntry = message('Exactly one of scalar, ranges and set stands.', {
  name: Type.String({ pattern: RESOURCE_NAME_PATTERN }),
  scalar: Type.Optional(Scalar),
  ranges: Type.Optional(list(Type.Tuple([RangeEnd, RangeEnd]), RESOURCE_PARTS_MAX)),
  set: Type.Optional(list(text(128, 1), RESOURCE_PARTS_MAX)),
  role: Type.Optional(Role),
  reservations: Type.Optional(list(Reservation, 16, 1)),
  disk: Type.Optional(Disk),
  shared: Type.Optional(Type.Boolean()),
  revocable: Type.Optional(Type.Boolean()),
})

export type ResourceList = Static<typeof ResourceList>
export const ResourceList = list(ResourceEntry, RESOURCE_ENTRIES_MAX)

/** What a task wants: entries, or short `{cpus: 0.5, mem: 32}`. */
export type WantedResources = Static<typeof WantedResources>
export const WantedResources = Type.Union([ResourceList, record(RESOURCE_NAME_PATTERN, Scalar, 64)])

/** What an agent says about itself; not consumed. */
export type Attribute = Static<typeof Attribute>
export const Attribute = message('One of text and scalar stands.', {
  name: Type.String({ pattern: RESOURCE_NAME_PATTERN }),
  text: Type.Optional(text(1024)),
  scalar: Type.Optional(Type.Number()),
})

/** Amounts by name: scalars in decimal; of ranges and sets, how many. */
export type Quantities = Static<typeof Quantities>
export const Quantities = record(RESOURCE_NAME_PATTERN, Scalar, QUANTITIES_MAX)

/** Amounts by name, of any number of agents together. Scalars only. */
export type Sums = Static<typeof Sums>
export const Sums = record(
  RESOURCE_NAME_PATTERN,
  Type.Number({ minimum: 0, maximum: SUM_MAX }),
  QUANTITIES_MAX,
)

/** What a framework can deal with; agents that need it are offered to no other. */
export const CAPABILITIES = ['GPU_RESOURCES', 'REGION_AWARE'] as const
export type Capability = (typeof CAPABILITIES)[number]

/**
 * What must hold of one attribute of an agent; `hostname` counts as one. `equals` and `matches`
 * hold if any attribute of that name does so, `notEquals` and `notMatches` if none does. Scalars
 * are compared as decimal text. A regular expression (RE2's syntax) must match the whole text.
 */
export type Constraint = Static<typeof Constraint>
export const Constraint = message('Exactly one stands beside `attribute`.', {
  attribute: Type.String({ pattern: RESOURCE_NAME_PATTERN }),
  exists: Type.Optional(Type.Boolean()),
  equals: Type.Optional(text(1024)),
  notEquals: Type.Optional(text(1024)),
  matches: Type.Optional(text(EXPRESSION_LENGTH_MAX)),
  notMatches: Type.Optional(text(EXPRESSION_LENGTH_MAX)),
})

/** Groups, of which one must hold; of a group all must hold. No group: every agent will do. */
export type Constraints = Static<typeof Constraints>
export const Constraints = list(list(Constraint, CONSTRAINTS_MAX, 1), CONSTRAINTS_MAX)

/** Less is not offered: what is left of an agent must contain one of these. None: anything will. */
export type MinAllocatable = Static<typeof MinAllocatable>
export const MinAllocatable = list(Quantities, MIN_ALLOCATABLE_MAX)

/** As frameworks ask for them: one that nobody here knows would be asked for in vain. */
export const KnownCapabilities = list(word(...CAPABILITIES), CAPABILITIES.length)

/** What a framework wants of the offers for a role. */
export const memberTerms = {
  /** Others count for nothing. */
  capabilities: Type.Optional(list(openWord(...CAPABILITIES), CAPABILITIES_MAX)),
  constraints: Type.Optional(Constraints),
  minAllocatable: Type.Optional(MinAllocatable),
}

/** The same for each of a framework's roles; of a role that is not named the defaults hold. */
export const frameworkTerms = {
  capabilities: memberTerms.capabilities,
  constraints: Type.Optional(record(ROLE_PATTERN, Constraints, ROLES_MAX)),
  minAllocatable: Type.Optional(record(ROLE_PATTERN, MinAllocatable, ROLES_MAX)),
}

/** Larger is asked sooner: shares are divided by it. */
export const Weight = Type.Number({ minimum: WEIGHT_MIN, maximum: WEIGHT_MAX })

/** Where a role stands among its siblings. */
export type RoleWeight = Static<typeof RoleWeight>
export const RoleWeight = message('The weight of one role among its siblings.', {
  role: Role,
  weight: Weight,
})

/** A limit holds for the names that stand in it; of the others there is no limit. */
export type RoleQuota = Static<typeof RoleQuota>
export const RoleQuota = message('The quota of one role, at the top of the tree.', {
  role: Role,
  guarantee: Type.Optional(Sums),
  limit: Type.Optional(Sums),
})

/**
 * What is started. Exactly one of `argv` (no shell) and `shell` (`/bin/sh -c`) stands; for an image
 * none may, and it runs its own.
 */
export type Command = Static<typeof Command>
export const Command = message('Exactly one of argv and shell stands. No NUL anywhere.', {
  ...words,
  env: Type.Optional(
    record(VARIABLE_PATTERN, Type.String({ pattern: NO_NUL_PATTERN, maxLength: 32_768 }), 512),
  ),
  user: Type.Optional(Type.String({ pattern: USER_PATTERN })),
})

/** What a task never gets more of, at least what it asks for. Of mem that is the default. */
export type TaskLimits = Static<typeof TaskLimits>
export const TaskLimits = message('None below the same among the resources; mem in MiB.', {
  cpus: Type.Optional(Scalar),
  mem: Type.Optional(Scalar),
})

/** One task as its framework describes it. At most TASK_BYTES_MAX. */
export type TaskInfo = Static<typeof TaskInfo>
export const TaskInfo = message('One task as its framework describes it.', {
  taskId: TaskIdToken,
  name: Type.Optional(text(256)),
  resources: WantedResources,
  limits: Type.Optional(TaskLimits),
  /** Absent: as the agent has them. */
  rlimits: Type.Optional(TaskRlimits),
  linux: Type.Optional(TaskLinux),
  command: Command,
  container: Type.Optional(TaskContainer),
  killGraceMs: Type.Optional(integer(0, 3_600_000)),
  healthCheck: Type.Optional(HealthCheck),
  check: Type.Optional(Check),
  /** It is ended, without grace, when it has run for so long: FAILED. Absent: it never is. */
  maxCompletionMs: Type.Optional(integer(1, DURATION_MS_MAX)),
  labels: Type.Optional(Labels),
})

export const State = word(...TASK_STATES)

/** How the task's process ended; at most one stands, none when nobody knows. */
export type Exit = Static<typeof Exit>
export const Exit = message('How the process ended.', {
  code: Type.Optional(integer(0, 255)),
  signal: Type.Optional(integer(1, 127)),
})

export const REASONS = [
  'TASK_INVALID',
  'INVALID_OFFERS',
  'LAUNCH_FAILED',
  'COMMAND_FAILED',
  'CONTAINER_LIMITATION',
  'CONTAINER_LIMITATION_DISK',
  'CONTAINER_LIMITATION_MEMORY',
  'CONTAINER_LIMITATION_PORTS',
  'EXIT_UNKNOWN',
  'KILLED_DURING_LAUNCH',
  'GROUP_ENDED',
  'UNHEALTHY',
  'MAX_COMPLETION_TIME_REACHED',
  'HEALTH_CHECK_STATUS_UPDATED',
  'CHECK_STATUS_UPDATED',
  'AGENT_RESTARTED',
  'AGENT_REBOOTED',
  'AGENT_AWAY',
  'CHECKPOINT_FAILED',
  'AGENT_UNREACHABLE',
  'AGENT_RETURNED',
  'AGENT_REMOVED',
  'AGENT_REMOVED_BY_OPERATOR',
  'RESOURCES_STALE',
  'RECONCILIATION',
  'FRAMEWORK_REMOVED',
] as const
export type Reason = (typeof REASONS)[number]

/**
 * One status of one task. With a `uuid` it is the agent's and must be acknowledged; without, it was
 * made by the leader and rests on `number`.
 */
export type TaskStatus = Static<typeof TaskStatus>
export const TaskStatus = message('One status of one task.', {
  taskId: TaskIdToken,
  state: State,
  /** The newest state that the agent knows; `state` may lag behind. */
  latest: Type.Optional(State),
  launch: Type.Optional(LaunchToken),
  /** Where the task is, if anybody knows. On an update subject the subject says it. */
  agentId: Type.Optional(AgentIdToken),
  number: Type.Optional(StatusNumber),
  uuid: Type.Optional(Type.String({ pattern: UUID_PATTERN })),
  source: word('agent', 'master'),
  reason: Type.Optional(openWord(...REASONS)),
  message: Type.Optional(text(4096)),
  exit: Type.Optional(Exit),
  /** What its health checks have come to. Absent: it has none, or none has counted yet. */
  healthy: Type.Optional(Type.Boolean()),
  /** What its check said last. Absent: it has none, or none has ended yet. */
  checkResult: Type.Optional(CheckResult),
  atMs: timeAtMs,
  unreachableAtMs: Type.Optional(timeAtMs),
})
