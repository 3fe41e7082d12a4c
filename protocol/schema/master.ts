/** What the master receives from agents, the allocator, other masters and the lease. */
import Type, { type Static } from 'typebox'
import { LATER_ORDERS } from '../later-orders.ts'
import { PAGES_MAX, ROLES_CHANGED_MAX, ROLES_MAX } from '../limits.ts'
import { Complaint, TaskRef } from './agent.ts'
import {
  AgentIdToken,
  Attribute,
  DirectoryToken,
  Epoch,
  Exit,
  Fence,
  FrameworkIdToken,
  frameworkTerms,
  HeardNumber,
  InstanceLease,
  InstanceToken,
  LaunchToken,
  MasterIdToken,
  MessageNumber,
  PrincipalToken,
  REASONS,
  ResourceList,
  Role,
  RoleQuota,
  RoleWeight,
  RunToken,
  SessionToken,
  State,
  StatusNumber,
  Subscription,
  TaskIdToken,
  VersionRange,
} from './common.ts'
import { Explained } from './explain.ts'
import {
  durationMs,
  integer,
  item,
  list,
  message,
  oneOf,
  openWord,
  text,
  timeAtMs,
  word,
} from './shapes.ts'
import { CheckResult } from './task-checks.ts'

/** What an agent is. Resources are its total; free is total minus what its tasks hold. */
export type AgentInfo = Static<typeof AgentInfo>
export const AgentInfo = message('What an agent is.', {
  hostname: text(255, 1),
  resources: ResourceList,
  resourcesVersion: integer(0, Number.MAX_SAFE_INTEGER),
  attributes: list(Attribute, 256),
})

/**
 * Opens a session: the first message of it. `pages` snapshot pages follow (0: nothing runs). From
 * here on the agent obeys nothing of an earlier session. `incarnation` rises at each start of the
 * agent, `opens` at each open since: a late copy of an open is known by them. An agent of another
 * `directory` is not taken in while the one that has the id is heard. `highest` is the highest
 * leader that it obeyed: one of a higher epoch does not take the open, as in that session
 * the agent may yet obey what an earlier one has sent.
 */
export const Register = item('register', 'Opens a session.', {
  version: VersionRange,
  incarnation: integer(1, Number.MAX_SAFE_INTEGER),
  opens: integer(1, Number.MAX_SAFE_INTEGER),
  /** Its work directory, since the first start there. Absent: an older agent does not say. */
  directory: Type.Optional(DirectoryToken),
  info: AgentInfo,
  highest: Type.Optional(Fence),
  /** Kinds of orders that it understands, beside those that every agent does. Absent: none. */
  understands: Type.Optional(list(openWord(...LATER_ORDERS), 64)),
  pages: integer(0, PAGES_MAX),
})

/** A task as the agent holds it: with the newest state and the number of that state's status. */
export type HeldTask = Static<typeof HeldTask>
export const HeldTask = message('A task as the agent holds it.', {
  principal: PrincipalToken,
  frameworkId: FrameworkIdToken,
  taskId: TaskIdToken,
  launch: LaunchToken,
  name: Type.Optional(text(256)),
  role: Role,
  resources: ResourceList,
  latest: State,
  number: StatusNumber,
  /** When that status was made. Absent: there is none yet, or an older agent does not say. */
  atMs: Type.Optional(timeAtMs),
  /** How it ended, as the status of its end says. Absent: it goes on, or an older agent. */
  reason: Type.Optional(openWord(...REASONS)),
  message: Type.Optional(text(4096)),
  exit: Type.Optional(Exit),
  /** As its newest status says. */
  healthy: Type.Optional(Type.Boolean()),
  checkResult: Type.Optional(CheckResult),
  /** Its terminal status was acknowledged: only the leader's word is missing to forget it. */
  settled: Type.Optional(Type.Boolean()),
})

/** One page of what the agent held when it opened the session. */
export type SnapshotPage = Static<typeof SnapshotPage>
export const SnapshotPage = item('snapshot-page', 'What the agent held when it opened.', {
  page: integer(1, PAGES_MAX),
  last: Type.Boolean(),
  tasks: list(HeldTask, 4096),
  frameworks: list(
    message('The highest subscription that the agent knows.', {
      principal: PrincipalToken,
      frameworkId: FrameworkIdToken,
      subscription: Subscription,
    }),
    2048,
  ),
})

/** I am here. */
export const Pong = item('pong', 'I am here.', {})

/** The terminal statuses of these were acknowledged: the leader may forget them. */
export const Settled = item('settled', 'Their terminal statuses were acknowledged.', {
  tasks: list(TaskRef, 1024, 1),
})

/** Nothing of this framework is left here. */
export const TornDown = item('torn-down', 'Nothing of this framework is left here.', {
  principal: PrincipalToken,
  frameworkId: FrameworkIdToken,
})

/**
 * The last word of the session: the agent stops, and its tasks run on. Nothing of it is offered
 * until it opens another. When this gets lost, unanswered pings say the same later.
 */
export const Stopping = item('stopping', 'I stop; my tasks run on.', {})

/**
 * As `stopping`, but nothing of the agent is left: the leader forgets it, and what it still knows
 * of its tasks becomes TASK_GONE. The same id may register again, as a new agent.
 */
export const Leaving = item('leaving', 'I stop for good; nothing of me is left.', {})

/**
 * Said outside of sessions, to whatever a leader orders or asks: the agent lives and cannot open a
 * session yet. Its silence does not count; what it had said in an earlier session is over.
 */
export const Waiting = item('waiting', 'I am here, and cannot open a session yet.', {
  why: text(1024),
})

export type AgentReport = Static<typeof AgentReport>
export const AgentReport = oneOf(
  Register,
  SnapshotPage,
  Pong,
  Settled,
  TornDown,
  Stopping,
  Leaving,
  Waiting,
  Complaint,
)

/** agent → leader. At most once each; a gap opens a new session. A complaint needs no session. */
export type AgentReports = Static<typeof AgentReports>
export const AgentReports = message('agent → leader: a list of reports, in order.', {
  session: Type.Optional(SessionToken),
  n: Type.Optional(MessageNumber),
  heard: Type.Optional(HeardNumber),
  reports: list(AgentReport, 8192),
})

const framework = { principal: PrincipalToken, frameworkId: FrameworkIdToken, role: Role }

/** `resources` of one agent for one framework. `agentVersion` is what it was computed from. */
export type Allocation = Static<typeof Allocation>
export const Allocation = message('Resources of one agent for one framework and role.', {
  allocation: integer(1, Number.MAX_SAFE_INTEGER),
  agentId: AgentIdToken,
  agentVersion: integer(0, Number.MAX_SAFE_INTEGER),
  ...framework,
  resources: ResourceList,
})

/** Opens a session of the allocator: the leader tells it everything anew. */
export const OpenAllocator = item('open', 'Opens a session.', {
  version: VersionRange,
  /** By which it decides: shown to operators. */
  policy: Type.Optional(text(256, 1)),
})

export type AllocatorReport = Static<typeof AllocatorReport>
export const AllocatorReport = oneOf(
  OpenAllocator,
  item('allocate', 'Offer these; each is answered made or refused.', {
    allocations: list(Allocation, 4096, 1),
  }),
  Explained,
  item('shadow', 'I listen only: say everything anew. Needs no session.', {}),
  item('policy-failed', 'My policy is no good: I go on with the default one.', {
    /** As it was named. */
    policy: text(256, 1),
    problem: text(512, 1),
  }),
  Pong,
  Complaint,
)

/** allocator → leader. At most once each; a gap opens a new session. */
export type AllocatorReports = Static<typeof AllocatorReports>
export const AllocatorReports = message('allocator → leader: a list of reports, in order.', {
  session: Type.Optional(SessionToken),
  n: Type.Optional(MessageNumber),
  heard: Type.Optional(HeardNumber),
  reports: list(AllocatorReport, 8192),
})

/** The record of the leader lease, changed by compare-and-set. An empty holder is free. */
export type LeaseRecord = Static<typeof LeaseRecord>
export const LeaseRecord = message('The record of the leader lease.', {
  holder: Type.Optional(RunToken),
  master: Type.Optional(MasterIdToken),
  epoch: Epoch,
  counter: integer(0, Number.MAX_SAFE_INTEGER),
  leaseMs: durationMs,
})

/** A place in the registry: of the batch `n` of the leader of `epoch`. */
export type RegistryPosition = Static<typeof RegistryPosition>
export const RegistryPosition = message('A place in the registry.', {
  epoch: Epoch,
  n: integer(0, Number.MAX_SAFE_INTEGER),
})

/** One fact that must survive a leader. */
export type RegistryRecord = Static<typeof RegistryRecord>
export const RegistryRecord = oneOf(
  item('epoch', "A leader's first record.", {
    /** What it goes on from: up to where the registry was known to it. */
    after: Type.Optional(RegistryPosition),
  }),
  item('agent-admitted', 'It may hold tasks from now on.', {
    agentId: AgentIdToken,
    /** As it registered: after a takeover none of another directory is before it. */
    directory: Type.Optional(DirectoryToken),
  }),
  item('agent-unreachable', 'It was lost.', {
    agentId: AgentIdToken,
    atMs: integer(0, Number.MAX_SAFE_INTEGER),
  }),
  item('agent-gone', 'An operator says that it never comes back.', {
    agentId: AgentIdToken,
    atMs: integer(0, Number.MAX_SAFE_INTEGER),
  }),
  item('agent-forgotten', 'It was unreachable or gone for long enough.', { agentId: AgentIdToken }),
  item('agent-left', 'It has left for good: nothing of it is left.', { agentId: AgentIdToken }),
  item('framework', 'It subscribed, first or with other terms.', {
    principal: PrincipalToken,
    frameworkId: FrameworkIdToken,
    secretHash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    name: text(256),
    roles: list(Role, ROLES_MAX, 1),
    failoverMs: durationMs,
    /** Who holds it: a later leader prefers it for as long as its lease. */
    instance: Type.Optional(InstanceToken),
    leaseMs: Type.Optional(InstanceLease),
    ...frameworkTerms,
  }),
  item('framework-ended', 'Its id is burnt until all its agents confirmed.', {
    principal: PrincipalToken,
    frameworkId: FrameworkIdToken,
  }),
  // One call is one record: all of it is written, or nothing.
  item('weights', 'Roles have these weights from now on.', {
    weights: list(RoleWeight, ROLES_CHANGED_MAX, 1),
  }),
  item('quotas', 'Roles have these quotas from now on; nothing in one: none.', {
    quotas: list(RoleQuota, ROLES_CHANGED_MAX, 1),
  }),
  item('framework-forgotten', 'All agents confirmed its end.', {
    principal: PrincipalToken,
    frameworkId: FrameworkIdToken,
  }),
)

/** One entry of the registry's log: what one leader wrote at once. Ordered by (epoch, n). */
export type RegistryBatch = Static<typeof RegistryBatch>
export const RegistryBatch = message('What one leader wrote to the registry at once.', {
  epoch: Epoch,
  run: RunToken,
  n: integer(1, Number.MAX_SAFE_INTEGER),
  records: list(RegistryRecord, 8192, 1),
  /**
   * One of several that hold all that there is, in a row: complete, they stand for all before them;
   * without the last one they say nothing.
   */
  snapshot: Type.Optional(
    message('It is a page of a snapshot.', { page: integer(1, PAGES_MAX), last: Type.Boolean() }),
  ),
})

/** master → masters: every PEER_BEAT_MS, and in answer to a probe. */
export type PeerBeat = Static<typeof PeerBeat>
export const PeerBeat = message('master → masters: I am here.', {
  run: RunToken,
  /** `leader`: it has taken the lease, whether it leads already or not. */
  role: word('leader', 'follower'),
  /** The highest epoch that this master knows, and whose. */
  highest: Type.Optional(Fence),
  /** Set by one who has not heard the leader: whoever leads answers at once. */
  probe: Type.Optional(Type.Boolean()),
  /** Set by a leader that gives its lease back: whoever stands by takes it at once. */
  resigned: Type.Optional(Type.Boolean()),
  /** How far the sender's copy of the registry goes; left out: it holds nothing. */
  registry: Type.Optional(RegistryPosition),
  /** Its disk has all of that. */
  saved: Type.Optional(Type.Boolean()),
  /** Asks one master, by name, for all that its copy of the registry holds. */
  asks: Type.Optional(
    message('Asks one master for its copy of the registry.', {
      master: MasterIdToken,
      /** Chosen by who asks; each asking has another. */
      snapshot: integer(1, Number.MAX_SAFE_INTEGER),
    }),
  ),
  /** One page of it, for who has asked. */
  copy: Type.Optional(
    message('One page of a copy of the registry.', {
      to: RunToken,
      snapshot: integer(1, Number.MAX_SAFE_INTEGER),
      page: integer(1, PAGES_MAX),
      last: Type.Boolean(),
      /** Up to where it goes, and who wrote that. */
      epoch: Epoch,
      run: RunToken,
      n: integer(0, Number.MAX_SAFE_INTEGER),
      records: list(RegistryRecord, 8192),
    }),
  ),
})

/** leader → all, at takeover and every LEADER_BEAT_MS. */
export type LeaderBeat = Static<typeof LeaderBeat>
export const LeaderBeat = message('leader → all: I lead.', {
  epoch: Epoch,
  run: RunToken,
  master: MasterIdToken,
  version: VersionRange,
  /** The allocator's session, when one is open: others stand by. */
  allocator: Type.Optional(SessionToken),
  /** It has just taken over and invites the agents that it knows: they wait for it. */
  inviting: Type.Optional(Type.Boolean()),
})
