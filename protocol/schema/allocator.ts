/** What the allocator receives: absolute, versioned figures of the leader. */
import Type, { type Static } from 'typebox'
import {
  AgentIdToken,
  Attribute,
  Epoch,
  FrameworkIdToken,
  HeardNumber,
  MessageNumber,
  MinAllocatable,
  memberTerms,
  PrincipalToken,
  ResourceList,
  Role,
  RunToken,
  SessionToken,
  Sums,
  Weight,
} from './common.ts'
import { durationMs, integer, item, list, message, oneOf, text, word } from './shapes.ts'

const framework = { principal: PrincipalToken, frameworkId: FrameworkIdToken }

/** What an agent is. Said before its first `agent`, and when it has changed. */
export const AgentInfoFigure = item('agent-info', 'What an agent is.', {
  agentId: AgentIdToken,
  hostname: text(255, 1),
  attributes: list(Attribute, 256),
  total: ResourceList,
})

/**
 * What an agent has now. `free`: neither held by a task nor offered. Replaces what was said before.
 */
export const AgentFigure = item('agent', 'What an agent has now.', {
  agentId: AgentIdToken,
  version: integer(0, Number.MAX_SAFE_INTEGER),
  free: ResourceList,
})

/** What a member wants of offers; what is absent is the default. Said before its first `member`. */
export const MemberTermsFigure = item('member-terms', 'What a member wants of offers.', {
  ...framework,
  role: Role,
  ...memberTerms,
})

/**
 * A member is a framework in one of its roles. `allocated`: held by its tasks there or offered to
 * it, on all agents; all that messages up to `heard` allocated, if it was not refused.
 */
export const MemberFigure = item('member', 'A framework in one of its roles, as it is now.', {
  ...framework,
  role: Role,
  suppressed: Type.Boolean(),
  allocated: ResourceList,
  /** Its last answer was a decline or none in time: it is asked after all others. */
  declinedLast: Type.Boolean(),
  /** That it has and has not answered. */
  offers: integer(0, Number.MAX_SAFE_INTEGER),
})

/** What a member has declined of an agent; all of it, each time. */
export const FilterFigure = item('filter', 'What a member has declined of an agent.', {
  ...framework,
  role: Role,
  agentId: AgentIdToken,
  declined: list(
    message('Nothing contained in these is offered for so long.', {
      resources: ResourceList,
      forMs: durationMs,
    }),
    64,
  ),
})

/**
 * A role's weight and quota, also when they are the defaults again: weight 1, nothing guaranteed,
 * no limit. A limit holds for the names that stand in it.
 */
export const RoleFigure = item('role', "A role's weight and quota.", {
  role: Role,
  weight: Weight,
  guarantee: Sums,
  limit: Sums,
})

const question = integer(1, Number.MAX_SAFE_INTEGER)

/** Clusterwide. */
const rules = {
  /** Less is offered to those only who say so. */
  minAllocatable: MinAllocatable,
  /** Agents of another are offered to those only who are aware of regions. */
  region: Type.Optional(text(1024, 1)),
}

export type AllocatorFigure = Static<typeof AllocatorFigure>
export const AllocatorFigure = oneOf(
  item('opened', 'The session is confirmed; everything follows, ended by `complete`.', {
    version: integer(1, 1_000),
    pingMs: durationMs,
    pingsMissedMax: integer(1, 1_000),
    ...rules,
  }),
  item('complete', 'All that there is was said: allocate.', {}),
  RoleFigure,
  AgentInfoFigure,
  AgentFigure,
  item('agent-gone', 'No more offers of this agent; what it is, is forgotten.', {
    agentId: AgentIdToken,
  }),
  MemberTermsFigure,
  MemberFigure,
  item('member-gone', 'No more offers for it; what it wants is forgotten.', {
    ...framework,
    role: Role,
  }),
  FilterFigure,
  item('answered', 'What became of allocations; the figures that follow from it stand before.', {
    answers: list(
      message('One allocation.', {
        allocation: integer(1, Number.MAX_SAFE_INTEGER),
        outcome: word('made', 'refused'),
      }),
      4096,
      1,
    ),
  }),
  item('ask-member', 'Why does it get nothing? Answered by `explained`.', {
    question,
    ...framework,
    role: Role,
  }),
  item('ask-agent', 'Why does nobody get what it has? Answered by `explained`.', {
    question,
    agentId: AgentIdToken,
  }),
  item('ask-role', 'How does it stand? Answered by `explained`.', { question, role: Role }),
  item('retelling', 'A shadow has come: everything follows anew, ended by `complete`.', rules),
  item('ping', 'Are you there?', {}),
  item('closed', 'This session is over, and is not opened again.', {}),
)

/** leader → allocator. At most once each; a gap opens a new session. */
export type AllocatorFigures = Static<typeof AllocatorFigures>
export const AllocatorFigures = message('leader → allocator: a list of figures, in order.', {
  epoch: Epoch,
  run: RunToken,
  session: SessionToken,
  n: MessageNumber,
  heard: HeardNumber,
  figures: list(AllocatorFigure, 8192),
})
