/** What operators ask of the leader, and what it answers. Unknown fields are refused. */
import Type, { type Static } from 'typebox'
import {
  CLAIMANTS_SHOWN_MAX,
  LISTING_ITEMS_MAX,
  OUTPUT_BYTES_MAX,
  ROLES_CHANGED_MAX,
  STANDBYS_MAX,
} from '../limits.ts'
import {
  AgentIdToken,
  Attribute,
  Exit,
  FrameworkIdToken,
  InstanceToken,
  LaunchToken,
  MasterIdToken,
  PrincipalToken,
  ResourceList,
  Role,
  RoleQuota,
  RoleWeight,
  SessionToken,
  State,
  Sums,
  TaskIdToken,
  Weight,
} from './common.ts'
import { integer, list, message, openWord, record, text, timeAtMs, token, word } from './shapes.ts'
import { CheckResult } from './task-checks.ts'

/** Four ids and the dots between them: what tasks are listed by. */
const KEY_LENGTH_MAX = 4 * 64 + 3

/** Asks for one page of a listing, from the item after `after`; `prefix` of any id in it. */
export type Listing = Static<typeof Listing>
export const Listing = message('Asks for one page of a listing.', {
  after: Type.Optional(text(KEY_LENGTH_MAX)),
  prefix: Type.Optional(text(64)),
})

export type AgentItem = Static<typeof AgentItem>
export const AgentItem = message('An agent, as the leader sees it.', {
  agentId: AgentIdToken,
  hostname: Type.Optional(text(255)),
  state: openWord(
    'registered',
    'silent',
    'stopped',
    'leaving',
    'recovering',
    'unreachable',
    'gone',
  ),
  total: ResourceList,
  used: ResourceList,
  offered: ResourceList,
  tasks: integer(0, Number.MAX_SAFE_INTEGER),
  attributes: list(Attribute, 256),
  registeredAtMs: Type.Optional(timeAtMs),
  /** Since when it is in that state. Absent: an older leader does not say. */
  sinceMs: Type.Optional(timeAtMs),
})

export type FrameworkItem = Static<typeof FrameworkItem>
export const FrameworkItem = message('A framework, as the leader sees it.', {
  principal: PrincipalToken,
  frameworkId: FrameworkIdToken,
  name: text(256),
  state: openWord('subscribed', 'away', 'recovered', 'ended'),
  roles: list(Role, 64),
  suppressed: list(Role, 64),
  tasks: integer(0, Number.MAX_SAFE_INTEGER),
  offers: integer(0, Number.MAX_SAFE_INTEGER),
  used: ResourceList,
  subscribedAtMs: Type.Optional(timeAtMs),
  /** Since when it is in that state. Absent: an older leader does not say. */
  sinceMs: Type.Optional(timeAtMs),
  /** Which of its instances leads, or did last. Absent: it has none. */
  instance: Type.Optional(InstanceToken),
})

export type TaskItem = Static<typeof TaskItem>
export const TaskItem = message('A task, as the leader sees it.', {
  principal: PrincipalToken,
  frameworkId: FrameworkIdToken,
  taskId: TaskIdToken,
  name: Type.Optional(text(256)),
  agentId: AgentIdToken,
  launch: LaunchToken,
  role: Role,
  state: State,
  resources: ResourceList,
  message: Type.Optional(text(4096)),
  exit: Type.Optional(Exit),
  /** As its newest status says. */
  healthy: Type.Optional(Type.Boolean()),
  checkResult: Type.Optional(CheckResult),
  changedAtMs: timeAtMs,
})

export type OfferItem = Static<typeof OfferItem>
export const OfferItem = message('An offer that nobody has answered yet.', {
  offerId: token<string>(),
  principal: PrincipalToken,
  frameworkId: FrameworkIdToken,
  role: Role,
  agentId: AgentIdToken,
  resources: ResourceList,
  ageMs: integer(0, Number.MAX_SAFE_INTEGER),
})

/** A role with what its subtree has. */
export type RoleItem = Static<typeof RoleItem>
export const RoleItem = message('A role, as the leader sees it.', {
  role: Role,
  weight: Weight,
  guarantee: Sums,
  limit: Sums,
  /** Frameworks that are members of it or of one below it. */
  frameworks: integer(0, Number.MAX_SAFE_INTEGER),
  /** Of it and its children: held by tasks, and offered. */
  used: Sums,
  offered: Sums,
})

/** Where to go on; absent: this was the last page. */
const next = Type.Optional(text(KEY_LENGTH_MAX))

export type AgentPage = Static<typeof AgentPage>
export const AgentPage = message('A page of agents.', {
  items: list(AgentItem, LISTING_ITEMS_MAX),
  next,
})
export type FrameworkPage = Static<typeof FrameworkPage>
export const FrameworkPage = message('A page of frameworks.', {
  items: list(FrameworkItem, LISTING_ITEMS_MAX),
  next,
})
export type TaskPage = Static<typeof TaskPage>
export const TaskPage = message('A page of tasks.', {
  items: list(TaskItem, LISTING_ITEMS_MAX),
  next,
})
export type OfferPage = Static<typeof OfferPage>
export const OfferPage = message('A page of offers.', {
  items: list(OfferItem, LISTING_ITEMS_MAX),
  next,
})
export type RolePage = Static<typeof RolePage>
export const RolePage = message('A page of roles.', {
  items: list(RoleItem, LISTING_ITEMS_MAX),
  next,
})

/**
 * Replaces quotas, all of them or none. What is absent: nothing guaranteed, no limit. Refused
 * unless `force`: guarantees of all roles that are more than the cluster has, and a limit that is
 * less than the role's tasks have already. What asks for less is always taken.
 */
export type SetQuotas = Static<typeof SetQuotas>
export const SetQuotas = message('Replaces quotas, all of them or none.', {
  quotas: list(RoleQuota, ROLES_CHANGED_MAX, 1),
  force: Type.Optional(Type.Boolean()),
})

/** Replaces weights, all of them or none. The default is 1. */
export type SetWeights = Static<typeof SetWeights>
export const SetWeights = message('Replaces weights, all of them or none.', {
  weights: list(RoleWeight, ROLES_CHANGED_MAX, 1),
})

/** What the leader says about itself. */
export type MasterReport = Static<typeof MasterReport>
export const MasterReport = message('What the leader says about itself.', {
  master: token<string>(),
  epoch: integer(0, Number.MAX_SAFE_INTEGER),
  leadsSinceMs: timeAtMs,
  agents: integer(0, Number.MAX_SAFE_INTEGER),
  frameworks: integer(0, Number.MAX_SAFE_INTEGER),
  tasks: integer(0, Number.MAX_SAFE_INTEGER),
  offers: integer(0, Number.MAX_SAFE_INTEGER),
  /** Other masters that were heard lately. Absent: an older leader does not say. */
  standbys: Type.Optional(list(MasterIdToken, STANDBYS_MAX)),
  /** By which its allocator decides. Absent: there is none, or it does not say. */
  policy: Type.Optional(text(256, 1)),
  /** Whose claims of epochs are not heard for now, as `agent NAME`: they made an absurd one. */
  quarantined: Type.Optional(list(text(80, 1), CLAIMANTS_SHOWN_MAX)),
  counters: record('^[a-z0-9.-]{1,64}$', integer(0, Number.MAX_SAFE_INTEGER), 1024),
})

/** Nothing to say. */
export type AskMaster = Static<typeof AskMaster>
export const AskMaster = message('Asks the leader about itself.', {})

const task = { principal: PrincipalToken, frameworkId: FrameworkIdToken, taskId: TaskIdToken }

/** Stops a task of any framework. */
export type OperatorKill = Static<typeof OperatorKill>
export const OperatorKill = message('Stops a task.', {
  ...task,
  graceMs: Type.Optional(integer(0, 3_600_000)),
})

/** Ends a framework. */
export type OperatorTeardown = Static<typeof OperatorTeardown>
export const OperatorTeardown = message('Ends a framework.', {
  principal: PrincipalToken,
  frameworkId: FrameworkIdToken,
})

/**
 * Says that an agent will not come back: its tasks are over. One that does come back is refused,
 * and ends them. May be repeated; there is no way back.
 */
export type MarkGone = Static<typeof MarkGone>
export const MarkGone = message('Says that an agent will not come back.', {
  agentId: AgentIdToken,
})

/** Asks for output of a task of any framework; it comes on `<c>.log.<a>.<p>.<f>`. */
export type OperatorReadOutput = Static<typeof OperatorReadOutput>
export const OperatorReadOutput = message('Asks for output of a task.', {
  ...task,
  agentId: AgentIdToken,
  /** Absent: the newest launch of the task that this agent has. */
  launch: Type.Optional(LaunchToken),
  stream: word('stdout', 'stderr'),
  offset: integer(0, Number.MAX_SAFE_INTEGER),
  bytesMax: integer(1, OUTPUT_BYTES_MAX),
  waitMs: integer(0, 60_000),
  request: SessionToken,
})

/** Asks what a task of any framework uses now; it comes on `<c>.usage.<a>.<p>.<f>`. */
export type OperatorReadUsage = Static<typeof OperatorReadUsage>
export const OperatorReadUsage = message('Asks what a task uses now.', {
  ...task,
  agentId: AgentIdToken,
  request: SessionToken,
})

/** A call was done. */
export type Done = Static<typeof Done>
export const Done = message('Done.', {})
