/** Why somebody was offered nothing: asked by an operator, computed by the allocator. */
import Type, { type Static } from 'typebox'
import {
  EXPLAINED_MEMBERS_MAX,
  EXPLAINED_OFFERS_MAX,
  WAIT_EXAMPLES_MAX,
  WAIT_REASONS_MAX,
} from '../limits.ts'
import {
  AgentIdToken,
  FrameworkIdToken,
  PrincipalToken,
  Role,
  Sums,
  TaskIdToken,
  TaskStatus,
  Weight,
} from './common.ts'
import { integer, item, list, message, openWord, record, text } from './shapes.ts'

const ms = integer(0, Number.MAX_SAFE_INTEGER)
const count = integer(0, Number.MAX_SAFE_INTEGER)

/**
 * What stands between one agent and one member, the first of these that does. `next`: nothing, it
 * is about to be offered.
 */
export const WAIT_REASONS = [
  /** The member wants no offers. */
  'suppressed',
  /** It has all the offers that it may have unanswered. */
  'full',
  /** All that the agent has is used or offered. */
  'none-free',
  /** Less is free than the member takes. */
  'too-small',
  /** Allocated to another, and not answered yet. */
  'others-first',
  /** The agent has GPUs, and the framework does not ask for any. */
  'gpus',
  /** The agent is of another region, and the framework is not aware of regions. */
  'region',
  /** Its constraints do not hold of the agent. */
  'constraints',
  /** The limit of its role's quota is reached. */
  'limit',
  /** What is free is kept for guarantees of other roles. */
  'headroom',
  /** It has declined as much or more there. */
  'filtered',
  /** The agent has had its share of members whose last answer was a decline. */
  'paused',
  'next',
] as const
export type WaitReason = (typeof WAIT_REASONS)[number]

export type WaitExample = Static<typeof WaitExample>
export const WaitExample = message(
  'One agent and one member; the one that was asked about is left out.',
  {
    agentId: Type.Optional(AgentIdToken),
    principal: Type.Optional(PrincipalToken),
    frameworkId: Type.Optional(FrameworkIdToken),
    role: Type.Optional(Role),
    reason: openWord(...WAIT_REASONS),
    /** For people: how much, of what. */
    detail: Type.Optional(text(256)),
    /** Of what it declined: what left that little. `headroom` stands also where both did. */
    cutBy: Type.Optional(openWord('limit', 'headroom')),
    /** It holds for so long, if nothing else changes. */
    forMs: Type.Optional(ms),
  },
)

/** How a role stands in the tree, at the time of the answer. */
export type RoleStanding = Static<typeof RoleStanding>
export const RoleStanding = message('How a role stands among its siblings.', {
  role: Role,
  /** The largest part that it holds of any resource of the cluster, not divided by its weight. */
  share: Type.Number({ minimum: 0 }),
  weight: Weight,
  /** 1: it is asked first. */
  place: integer(1, Number.MAX_SAFE_INTEGER),
  siblings: integer(1, Number.MAX_SAFE_INTEGER),
  guarantee: Sums,
  limit: Sums,
  /** Of the names that stand in its quota: allocated and offered, its children included. */
  consumed: Sums,
})

/** What the allocator says of what it was asked. */
export type Explained = Static<typeof Explained>
export const Explained = item('explained', 'Why it is so.', {
  question: integer(1, Number.MAX_SAFE_INTEGER),
  /** `unknown`: it has not been told of that. `too-many`: questions at once, and this is one. */
  unanswered: Type.Optional(openWord('unknown', 'too-many')),
  /** Of a member or a role: its roles from the top of the tree to its own. */
  standings: Type.Optional(list(RoleStanding, 64)),
  /** How many agents, or members, are passed over for each reason. */
  counts: Type.Optional(record('^[a-z0-9-]{1,32}$', count, WAIT_REASONS_MAX)),
  /** Some of each reason. */
  examples: Type.Optional(list(WaitExample, WAIT_REASONS_MAX * WAIT_EXAMPLES_MAX)),
})

const framework = { principal: PrincipalToken, frameworkId: FrameworkIdToken }

/** Why has it got nothing, or why does it wait? Exactly one of the four is asked about. */
export type Explain = Static<typeof Explain>
export const Explain = message('Why is it so? Exactly one field stands.', {
  framework: Type.Optional(message('A framework.', framework)),
  role: Type.Optional(Role),
  agentId: Type.Optional(AgentIdToken),
  task: Type.Optional(message('A task.', { ...framework, taskId: TaskIdToken })),
})

/** A member as the leader's books have it, beside what the allocator says of it. */
export type MemberExplanation = Static<typeof MemberExplanation>
export const MemberExplanation = message('A framework in one of its roles.', {
  ...framework,
  role: Role,
  name: text(256),
  state: openWord('subscribed', 'away', 'recovered', 'ended'),
  suppressed: Type.Boolean(),
  /** It holds tasks in that role, and does not ask for more any longer. */
  left: Type.Boolean(),
  /** In that role; of a framework with many tasks and roles, among the first of them. */
  tasks: count,
  /** Offers that it has and has not answered, and the age of the oldest. */
  offers: count,
  oldestOfferMs: Type.Optional(ms),
  /** Its last answer was a decline or none in time. */
  declinedLast: Type.Boolean(),
  /** When it declined last: how long ago, and what it said. */
  declinedMs: Type.Optional(ms),
  declineReason: Type.Optional(text(256)),
  /** True: it wants offers, and the allocator was not asked about it: one asks about a few. */
  unasked: Type.Optional(Type.Boolean()),
  /** Absent: it wants nothing, or is `unasked`; else no allocator has answered. */
  explained: Type.Optional(Explained),
})

const OfferExplanation = message('An offer that nobody has answered yet.', {
  ...framework,
  role: Role,
  agentId: AgentIdToken,
  ageMs: ms,
})

/** Answers `Explain`. Which fields stand follows from what was asked. */
export type Explanation = Static<typeof Explanation>
export const Explanation = message('Why it is so.', {
  /** Of a framework, an agent or a task: its state. Absent: no such task is known. */
  state: Type.Optional(text(64)),
  /** Of a task: what its newest status says. */
  status: Type.Optional(TaskStatus),
  /** Of a task: how its agent is. */
  agentState: Type.Optional(text(64)),
  /** Of a framework, of a role and those below it, or of the framework of an unknown task. */
  members: Type.Optional(list(MemberExplanation, EXPLAINED_MEMBERS_MAX)),
  /** Members that are not told of. */
  more: Type.Optional(count),
  /** Unanswered ones: of an agent its own, else all of the cluster; the oldest first. */
  offers: Type.Optional(list(OfferExplanation, EXPLAINED_OFFERS_MAX)),
  offerCount: Type.Optional(count),
  /** Agents that are known and not there. */
  absent: Type.Optional(count),
  /** So many agents more are to be back before a new leader offers anything to the limited role. */
  awaited: Type.Optional(count),
  /** Of an agent or a role. */
  explained: Type.Optional(Explained),
  /** False: no allocator has a session, or it did not answer in time. */
  allocator: Type.Boolean(),
})

/** Answers a framework that asks why it waits. Of others it says neither names nor roles. */
export type OwnExplanation = Static<typeof OwnExplanation>
export const OwnExplanation = message('Why the framework waits.', {
  members: list(MemberExplanation, EXPLAINED_MEMBERS_MAX),
  /** Agents that are known and not there. */
  absent: count,
  /** False: no allocator has a session, or it did not answer in time. */
  allocator: Type.Boolean(),
})
